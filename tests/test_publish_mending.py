"""Are pages mended where the tools that make them mislead a listener, a phone or a search?"""

from __future__ import annotations

from importlib.resources import files

import pytest

from livingreview.publish.mending import excerpting, lean, mended, used_style


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
        '<summary><span class="toctree-toggle" role="presentation"></span></summary>'
    )
    assert mended(page) == (
        '<button class="btn search-button-field x" data-a="1"></button>'
        '<i class="theme-switch fa-sun" data-mode="light"></i><div class="citation-list">'
        '<summary aria-label="Pages of this part"><span class="toctree-toggle" role="presentation"></span></summary>'
    )


def test_says_each_page_once_how_wide_it_is():
    one, other = ('<meta name="viewport" content="a" />', '<meta name="viewport" content="b"/>')
    assert lean(f"<head>\n  {one}\n</head>") == f"<head>\n  {one}\n</head>"
    assert lean(f'<head>\n<meta charset="utf-8" />{one}\n  {other}\n</head>') == (
        f'<head>\n<meta charset="utf-8" />{one}\n</head>'
    )


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".gone{top:0}", ""),
        (".gone .here,.here,#gone{top:0}", ".here{top:0}"),
        ("a[href='.gone,{}']:not(.gone, .here){top:0}", "a[href='.gone,{}']:not(.gone, .here){top:0}"),
        ("@charset 'utf-8';/* { */ p{top:0}", "@charset 'utf-8';p{top:0}"),
        ("@media (min-width:1.5em){.gone{top:0}.here{top:0}}", "@media (min-width:1.5em){.here{top:0}}"),
        ("@supports (top:0){.gone{top:0}}", ""),
        ("@keyframes gone{0%{top:0}12.5%{top:1px}}", "@keyframes gone{0%{top:0}12.5%{top:1px}}"),
        (".here{background:url(data:image/svg+xml;{;})}p{content:'}'}", None),
        (r".here\/2{top:0}.gone\/2{top:0}", r".here\/2{top:0}"),
        ("", ""),
    ],
)
def test_does_a_style_sheet_keep_every_rule_that_a_page_can_use(css, kept):
    assert used_style(css, {"here", "here/2"}) == (css if kept is None else kept)
