"""Let a chapter's sentences name results: ``tell`` stores a text, the role ``{glue:text}`` writes it.

Only plain text is stored, so that nothing from a data file can become markup.
"""

from __future__ import annotations

from myst_nb import glue

__all__ = ["tell"]


def tell(**facts: str | int) -> None:
    """Store facts for the chapter's sentences.

    Parameters
    ----------
    **facts
        Name → text (or a whole number), written as it stands by the role ``{glue:text}`` with the same name.
    """
    for name, value in facts.items():
        glue(name, f"{value:,}" if isinstance(value, int) else str(value), display=False)
