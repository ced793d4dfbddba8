"""Only what a page uses: what the theme loads on every page, taken from the pages where it does nothing."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Final

__all__ = ["lean"]

# File → what a page holds that needs it. None: no page needs it. Icons are drawn by livingreview.css.
_NEEDED_BY: Final[dict[str, str | None]] = {
    "fontawesome.js": None,
    "clipboard.min.js": 'class="highlight',
    "copybutton.js": 'class="highlight',
    "copybutton.css": 'class="highlight',
    "pygments.css": 'class="highlight',
    "mystnb.css": 'class="cell ',
    "livingreview-tables.js": 'class="lr-table',
    "livingreview-terms.js": "lr-term",
    "searchtools.js": 'id="search-results"',
    "language_data.js": 'id="search-results"',
    "searchindex.js": 'id="search-results"',
}
_LOADED: Final = re.compile(r'\s*<(?:script|link)\b[^>]*?\s(?:src|href)="([^"]*)"[^>]*>(?:</script>)?')


def lean(html: str) -> str:
    """Return a page that loads what it uses, and no script before it shows.

    Parameters
    ----------
    html
        A whole page, as the theme makes it.

    Notes
    -----
    * Scripts and style sheets of which the page has no use go; the search index is for the search page.
    * Scripts of the head wait for the page, in their order; then a hint to load others early is of no use.
    * Settings of features that are off (versions, search as one types), and what is said twice, go.

    Examples
    --------
    >>> lean('<head><script src="copybutton.js"></script><script src="doctools.js"></script></head><p>no code</p>')
    '<head><script defer src="doctools.js"></script></head><p>no code</p>'
    """
    head, end, body = html.partition("</head>")

    def kept(tag: re.Match[str]) -> str:
        # Versioned names: "copybutton.js?v=76b2166b" and "mystnb.11b39860….css".
        name = re.sub(r"\.[0-9a-f]{32,}(?=\.)", "", PurePosixPath(tag[1].partition("?")[0]).name)
        sign = _NEEDED_BY.get(name, "")
        if sign is None or sign not in body or 'rel="preload"' in tag[0]:
            return ""
        return re.sub(r"<script (?!defer|type)", "<script defer ", tag[0])

    # All it holds is an order to fetch the other, which would wait for it.
    head = _LOADED.sub(kept, head.replace("_static/styles/theme.css", "_static/basic.css"))
    head = re.sub(r"\s*<script>DOCUMENTATION_OPTIONS\.\w+ = [^<]*</script>", "", head)
    head = re.sub(r'(?<=\n)\s*<meta name="(?:viewport|docsearch:\w+)"[^>]*>', "", head)
    return head + end + body
