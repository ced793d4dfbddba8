"""From chapters and data to a published site."""
