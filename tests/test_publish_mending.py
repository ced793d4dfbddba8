"""Are pages mended where the tools that make them mislead a listener, a phone or a search?"""

from __future__ import annotations

from importlib.resources import files

from livingreview.publish.mending import excerpting, lean, mended


def test_is_an_excerpt_of_the_search_from_the_text_of_a_page():
    theirs = files("sphinx").joinpath("themes/basic/static/searchtools.js").read_text(encoding="utf-8")
    ours = excerpting(theirs)
    assert ours.count("'article'") == theirs.count("""'[role="main"]'""") == 1
    assert '"details", "h1", ".headerlink"' in ours
    assert "parseFromString(htmlString.replace(" in ours


def test_pages_are_mended_where_a_listener_would_be_misled():
    page = (
        '<button class="btn search-button-field x" title="Search" aria-label="Search" data-a="1"></button>'
        '<i class="theme-switch fa-sun" data-mode="light" title="Light"></i><div role="list" class="citation-list">'
    )
    assert mended(page) == (
        '<button class="btn search-button-field x" data-a="1"></button>'
        '<i class="theme-switch fa-sun" data-mode="light"></i><div class="citation-list">'
    )


def test_says_each_page_once_how_wide_it_is():
    one, other = ('<meta name="viewport" content="a" />', '<meta name="viewport" content="b"/>')
    assert lean(f"<head>\n  {one}\n</head>") == f"<head>\n  {one}\n</head>"
    assert lean(f'<head>\n<meta charset="utf-8" />{one}\n  {other}\n</head>') == (
        f'<head>\n<meta charset="utf-8" />{one}\n</head>'
    )
