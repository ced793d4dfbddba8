"""Is every figure accessible, safe, themed and the same each time?"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.axes import Axes

from gallery import GALLERY, HOSTILE
from livingreview.plots import svg as module
from livingreview.plots.evidence import bar_counts
from livingreview.plots.style import (
    COLOURS,
    MARKERS,
    RATINGS,
    SERIES,
    SMALL,
    clean,
    colour,
    context,
    css_variables,
    figure,
    text_width,
    theme_css,
    wrap,
)
from livingreview.plots.svg import save, show, to_svg

SVG = "{http://www.w3.org/2000/svg}"
every_figure = pytest.mark.parametrize("draw", GALLERY.values(), ids=GALLERY.keys())


def drawn_anew(draw: Callable[[], Axes]) -> str:
    return to_svg(draw().get_figure(root=True), "A title", "What is shown")


emitted = cache(drawn_anew)


@every_figure
def test_figure_is_named_for_a_screen_reader(draw: Callable[[], Axes]) -> None:
    root = ET.fromstring(emitted(draw))
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    assert (title.text, description.text) == ("A title", "What is shown")


@every_figure
def test_figure_scales_with_its_container(draw: Callable[[], Axes]) -> None:
    root = ET.fromstring(emitted(draw))
    assert root.get("width") == "100%"
    assert root.get("height") is None
    assert [float(x) for x in root.get("viewBox").split()][:2] == [0, 0]


@every_figure
def test_ids_are_unique_and_every_reference_resolves(draw: Callable[[], Axes]) -> None:
    svg = emitted(draw)
    ids = re.findall(r'\bid="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', svg)) <= set(ids)


@pytest.mark.slow
@every_figure
def test_same_figure_gives_the_same_bytes_and_leaves_the_users_settings_alone(draw: Callable[[], Axes]) -> None:
    first, before = emitted(draw), dict(mpl.rcParams)
    assert drawn_anew(draw) == first
    assert dict(mpl.rcParams) == before


@every_figure
def test_every_colour_follows_the_page(draw: Callable[[], Axes]) -> None:
    svg = emitted(draw)
    fixed = re.sub(r"var\(--lr-[a-z0-9-]+, #[0-9a-f]{6}\)", "", svg)
    assert not re.search(r"(?:fill|stroke): #[0-9a-f]{6}", fixed)
    assert "var(--lr-ink, currentColor)" in svg


@every_figure
def test_text_is_text_and_no_smaller_than_the_smallest_size(draw: Callable[[], Axes]) -> None:
    svg = emitted(draw)
    sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", svg)]
    assert len(sizes) == svg.count("<text")
    assert sizes
    # The sign in a disc is as large as its disc lets it be, and is repeated by the colour and the tooltip.
    signs = re.findall(r"<text[^>]*font-size: ([\d.]+)px[^>]*>[+?−]</text>", svg)
    assert min(sizes) >= min([SMALL, *map(float, signs)])


@every_figure
def test_no_style_sheet_leaks_into_the_page(draw: Callable[[], Axes]) -> None:
    svg = emitted(draw)
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert "http" not in svg.replace('xmlns="http://www.w3.org/2000/svg"', "")


@every_figure
def test_hostile_label_stays_text(draw: Callable[[], Axes]) -> None:
    svg = emitted(draw)
    assert "<script" not in svg
    assert not [element.tag for element in ET.fromstring(svg).iter() if "script" in element.tag]


def test_user_settings_neither_change_a_figure_nor_are_changed_by_it() -> None:
    plain = emitted(GALLERY["sroc"])
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        assert drawn_anew(GALLERY["sroc"]) == plain
        assert dict(mpl.rcParams) == before


def test_label_reaches_the_reader_unchanged() -> None:
    root = ET.fromstring(to_svg(bar_counts({HOSTILE[:20]: 1}).get_figure(root=True), "T", "D"))
    assert HOSTILE[:20] in [element.text for element in root.iter(f"{SVG}text")]


def test_figure_without_alternative_text_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a title and a description"):
        to_svg(figure(), "T", " ")


def test_control_and_unknown_characters_do_not_break_the_file() -> None:
    name = "心 2021 \x08\u202e\ud800"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = to_svg(bar_counts({name: 1}).get_figure(root=True), "T\x00", "D")
    assert "心 2021" in svg
    assert ET.fromstring(svg).find(f"{SVG}title").text == "T"
    assert "\u202e" not in svg


def test_figures_of_one_page_do_not_collide() -> None:
    page = "".join(emitted(draw) for draw in GALLERY.values())
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_saved_svg_stands_alone_in_light_colours(tmp_path: Path) -> None:
    path = save(GALLERY["sroc"]().get_figure(root=True), tmp_path / "s.svg", "T", "D")
    text = path.read_text(encoding="utf-8")
    assert "var(" not in text
    assert colour("pooled") in text
    assert ET.parse(path).getroot().find(f"{SVG}desc").text == "D"


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_saved_picture_is_what_its_name_says(tmp_path: Path, suffix: str, magic: bytes) -> None:
    first = save(GALLERY["sroc"]().get_figure(root=True), tmp_path / f"a.{suffix}", "T", "D").read_bytes()
    second = save(GALLERY["sroc"]().get_figure(root=True), tmp_path / f"b.{suffix}", "T", "D").read_bytes()
    assert first.startswith(magic)
    assert first == second


def luminance(value: str) -> float:
    channels = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


TEXT_ROLES = ["ink", "muted", "sensitivity", "specificity", "pooled", *(f"series-{i}" for i in range(1, 7))]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("role", TEXT_ROLES)
def test_text_colours_reach_wcag_aa(theme: str, role: str) -> None:
    variables = css_variables(theme)
    assert contrast(variables[f"--lr-{role}"], variables["--lr-paper"]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("role", ["low", "concerns", "high"])
def test_sign_on_a_rating_reaches_wcag_aa(theme: str, role: str) -> None:
    variables = css_variables(theme)
    assert contrast(variables["--lr-on-rating"], variables[f"--lr-{role}"]) >= 4.5


def test_colours_can_be_told_apart_in_the_file() -> None:
    light = [light for light, _ in COLOURS.values()]
    assert len(set(light)) == len(light)
    assert all(re.fullmatch("#[0-9a-f]{6}", value) for pair in COLOURS.values() for value in pair)


def test_colour_is_never_the_only_sign() -> None:
    assert len({rating.symbol for rating in RATINGS.values()}) == len(RATINGS)
    assert len(set(MARKERS)) == len(SERIES)


def test_style_sheet_defines_every_variable_in_both_themes() -> None:
    sheet = theme_css()
    assert all(sheet.count(f"--lr-{role}: ") == 2 for role in COLOURS)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(KeyError, match="purple"):
        colour("purple")
    with pytest.raises(ValueError, match="not in tuple"):
        css_variables("sepia")


def test_displayed_figure_escapes_its_caption() -> None:
    shown = show(GALLERY["sroc"](), title="T", alt="A", caption="<b>k</b> = 4", name="f1")
    assert "&lt;b&gt;k&lt;/b&gt; = 4" in shown.html
    assert shown.html.startswith('<figure class="lr-figure" id="f1">')
    assert shown._repr_mimebundle_() == {"text/html": shown.html, "text/plain": "A"}


def test_the_numbers_of_a_figure_are_a_file_of_text_that_no_spreadsheet_runs() -> None:
    data = pd.DataFrame({"study": ['=1+1"<b>', "ü, n"], "n": [3, None]})
    shown = show(GALLERY["sroc"](), title="T", alt="A", name="f1", data=data)
    (address,) = re.findall(r'download="f1\.csv" href="data:text/csv;charset=utf-8,([^"<]+)">', shown.html)
    assert unquote(address) == 'study,n\r\n"\'=1+1""<b>",3\r\n"ü, n",\r\n'


def test_compact_twin_has_its_own_ids_and_one_of_both_is_hidden() -> None:
    shown = show(GALLERY["forest"](), compact=GALLERY["forest_compact"](), title="T", alt="A", name="forest")
    ids = re.findall(r'\bid="([^"]+)"', shown.html)
    assert len(ids) == len(set(ids))
    assert shown.html.count("<svg") == 2
    assert ".lr-wide{display:none}" in shown.html


def test_text_measures_grow_with_size_and_with_the_widest_line() -> None:
    with context():
        assert text_width("abc", 20) == pytest.approx(2 * text_width("abc", 10), rel=0.05)
        assert text_width("a\nabcdef") == text_width("abcdef")


def test_cleaning_keeps_a_no_break_space_and_wrapping_keeps_line_breaks() -> None:
    assert clean("n\u00a0=\u00a05  \n x") == "n\u00a0=\u00a05 x"
    assert wrap("one two\nthree", 20) == "one two\nthree"


def test_does_the_font_of_an_older_matplotlib_give_way_to_the_pages() -> None:
    text = ET.fromstring("<text style=\"font: 700 9.5px 'DejaVu Sans'; fill: #1c2127\"/>")
    module._restyle(text)
    assert text.get("style") == "fill: var(--lr-ink, currentColor); font-size: 9.5px; font-weight: 700"
