"""Make the theme's pages leaner and whole: what no page needs goes, what the theme gets wrong is mended."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from html import escape
from pathlib import Path, PurePosixPath
from typing import Final

__all__ = ["mend_site"]

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
# Strings and addresses are passed over whole: what is in them ends no rule.
_CSS: Final = re.compile(r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|url\([^)"']*\)|/\*.*?\*/|[{};]""", re.DOTALL)
_SELECTOR: Final = re.compile(r"(?:\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]|[^,])+")


def _rules(css: str) -> Iterator[tuple[str, str | None]]:
    """Yield what stands before each block of a style sheet, with the block; or a statement without one."""
    depth = start = opened = 0
    for sign in _CSS.finditer(css):
        if sign[0] == "{":
            opened = opened if depth else sign.start()
            depth += 1
        elif sign[0] == "}":
            depth -= 1
            if depth == 0:
                yield css[start:opened], css[opened + 1 : sign.start()]
                start = sign.end()
        elif sign[0] == ";" and depth == 0:
            yield css[start : sign.end()], None
            start = sign.end()


def used_style(css: str, names: Set[str]) -> str:
    """Return a style sheet without the selectors that ask for a class or an id which is not among the names.

    What is left has the same effect: the theme's own sheet is that of a whole framework, and five sixths of it go.

    >>> used_style("a.x,a.y{top:0}@media print{.y{top:1px}}.z:not(.y)>b{top:2px}", {"x", "z"})
    'a.x{top:0}.z:not(.y)>b{top:2px}'
    """
    kept = []
    for before, block in _rules(css):
        prelude = re.sub(r"/\*.*?\*/", "", before, flags=re.DOTALL).strip()
        if block is None:
            kept.append(prelude)
        elif prelude.startswith(("@media", "@supports")):
            inside = used_style(block, names)
            kept.append(f"{prelude}{{{inside}}}" if inside else "")
        elif prelude.startswith("@"):
            kept.append(f"{prelude}{{{block}}}")
        elif selectors := [part for part in _SELECTOR.findall(prelude) if _asked(part) <= names]:
            kept.append(f"{','.join(selectors)}{{{block}}}")
    return "".join(kept)


def _asked(selector: str) -> set[str]:
    """Return the classes and ids that a selector asks for, but those within brackets, where one of several may do."""
    outside = re.sub(r"\((?:[^()]|\([^()]*\))*\)|\[[^\]]*\]", "", selector)
    return {name.replace("\\", "") for name in re.findall(r"[.#]((?:[\w-]|\\.)+)", outside)}


def lean(html: str) -> str:
    """Return a whole page, as the theme makes it, that loads what it uses, and no script before it shows.

    * Scripts and style sheets of which the page has no use go; the search index is for the search page.
    * Scripts of the head wait for the page, in their order; then a hint to load others early is of no use.
    * Settings of features that are off (versions, search as one types), and what is said twice, go.

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
    head = re.sub(r'(?<=\n)\s*<meta name="docsearch:\w+"[^>]*>', "", head)
    # Sphinx says it on the pages that have a source, the theme says it on all.
    before, viewport, after = head.partition('<meta name="viewport"')
    return before + viewport + re.sub(r'\s*<meta name="viewport"[^>]*>', "", after) + end + body


def searchable(index: str) -> str:
    """Return Sphinx's search index with its headings escaped, because its script writes them as markup.

    >>> searchable('Search.setIndex({"alltitles":{"<b>":[[0,null]]}})')
    'Search.setIndex({"alltitles":{"&lt;b&gt;":[[0,null]]}})'
    """
    prefix, suffix = "Search.setIndex(", ")"
    content = json.loads(index.removeprefix(prefix).removesuffix(suffix))
    content["alltitles"] = {escape(title): places for title, places in content["alltitles"].items()}
    return prefix + json.dumps(content, separators=(",", ":"), sort_keys=True) + suffix


def excerpting(script: str) -> str:
    """Return Sphinx's search script so that its excerpts are from the text of a page: without menus, heading and code.

    What stands in cells side by side is kept apart.
    """
    apart = r'htmlString.replace(/<\/(?=t[dh]|h\d|p>|li|fig|title|desc)/g, " $&"),'
    script = script.replace("parseFromString(htmlString,", f"parseFromString({apart}")
    script = script.replace("""'[role="main"]'""", "'article'")
    return script.replace('[".headerlink",', '["details", "h1", ".headerlink",')


def mended(html: str) -> str:
    """Return a whole page without what the theme and docutils get wrong for readers who listen to it.

    * A list role without list items inside (docutils' citations, which carry a role of their own).
    * An ``aria-label`` that differs from the text on the button, so that saying that text does not press it; the
      keyboard shortcut shown on it is no part of its name.
    * The same on the line that folds code in and out.
    * An arrow that folds a part of the contents in and out, and has no name.
    * Titles of icons inside a button that already has a name.
    * The words of a figure's description, which Sphinx would frame where it marks what was searched for, and fails.
    """
    head, end, body = html.rpartition("</head>")  # the page has a title of its own
    html = head + end + re.sub(r"<(title|desc)(?=[ >])", r'<\1 class="nohighlight"', body)
    html = html.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    html = html.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    arrow = '<span class="toctree-toggle"'
    html = html.replace(f"<summary>{arrow}", f'<summary aria-label="Pages of this part">{arrow}')
    html = re.sub(r'(<button class="btn search-button-field[^>]*?) title="[^"]*" aria-label="[^"]*"', r"\1", html)
    html = html.replace(
        '<span class="search-button__kbd-shortcut">', '<span aria-hidden="true" class="search-button__kbd-shortcut">'
    )
    return re.sub(r'(<i class="theme-switch [^>]*?)\s+title="[^"]*"', r"\1", html)


def mend_site(folder: Path) -> None:
    """Mend every page of a built site, its style sheets, its search index and its search script."""
    names: set[str] = set()
    for path in folder.rglob("*.html"):
        html = lean(mended(path.read_text(encoding="utf-8")))
        path.write_text(html, encoding="utf-8")
        names.update(*(found.split() for found in re.findall(r'\b(?:class|id)="([^"]*)"', html)))
    for path in folder.glob("_static/**/*.*js"):
        if path.name != "vega.mjs":
            names.update(re.findall(r"[\w-]+", path.read_text(encoding="utf-8")))
    for pattern, mend in (
        ("_static/**/*.css", lambda css: used_style(css, names)),
        ("searchindex.js", searchable),
        ("_static/searchtools.js", excerpting),
    ):
        for path in folder.glob(pattern):
            path.write_text(mend(path.read_text(encoding="utf-8")), encoding="utf-8")
