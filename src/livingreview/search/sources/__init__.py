"""Bibliographic databases that can be searched over the network, each behind the same small protocol."""
