"""The explorer's page: its controls, its charts as Vega specifications, and the data they draw.

The charts are declared in Vega-Lite. Its scripts come with the site and are loaded on this page only, when the charts
come into view; without scripts the page shows its static figure and table.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pandas as pd
from IPython.display import HTML

from livingreview.publish.metadata import script_json
from livingreview.review import STUDY_ID
from livingreview.wording import mark_explained

__all__ = ["show_explorer", "show_topics", "studies_table", "vega_script"]

_CONFIG: Final = {
    "font": "system-ui, sans-serif",
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--lr-ink)", "titleColor": "var(--lr-ink)", "gridColor": "var(--lr-rule)", "domain": False,
        "ticks": False, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 150,
    },
}  # fmt: skip
_POOLED: Final = {"value": "var(--lr-pooled)"}
_FIT: Final = {"type": "fit", "contains": "padding"}
_SHARE: Final = {"type": "quantitative", "scale": {"domain": [0, 1]}}
_TICKS: Final = [0, 0.25, 0.5, 0.75, 1]


def _forest(measure: str) -> dict[str, Any]:
    def pooled_or(value: object, pooled: Mapping[str, object]) -> dict[str, object]:
        return {"condition": {"test": "datum.kind == 'pooled'", **pooled}, "value": value}

    x = {**_SHARE, "field": "estimate", "axis": {"title": None, "format": "%", "values": _TICKS}}
    y = {"field": "label", "type": "nominal", "sort": None, "axis": {"title": None, "grid": False}}
    shape, size = pooled_or("square", {"value": "diamond"}), pooled_or(70, {"value": 180})
    limits = {"x": {**x, "field": "lower"}, "x2": {"field": "upper"}}
    return {
        "data": {"name": "rows"},
        "autosize": _FIT,
        "encoding": {"y": y, "color": pooled_or(f"var(--lr-{measure.lower()})", _POOLED)},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": limits},
            {
                "mark": {"type": "point", "filled": True, "opacity": 1},
                "encoding": {"x": x, "shape": shape, "size": size},
            },
        ],
    }


def _plane() -> dict[str, Any]:
    def axis(field: str, title: str) -> dict[str, Any]:
        return {**_SHARE, "field": field, "axis": {"title": title, "format": "%", "values": _TICKS}}

    def layer(name: str, mark: dict[str, Any], **encoding: Any) -> dict[str, Any]:
        return {"data": {"name": name}, "mark": mark, "encoding": {**place, **encoding}}

    def outline(name: str, dash: list[int]) -> dict[str, Any]:
        mark = {"type": "line", "strokeDash": dash, "strokeWidth": 1.5}
        return layer(name, mark, order={"field": "order"}, color=_POOLED)

    place = {"x": axis("x", "1 − specificity"), "y": axis("y", "Sensitivity")}
    size = {"field": "n", "type": "quantitative", "scale": {"range": [30, 500]}, "legend": None}
    circle = {"type": "point", "strokeWidth": 1.5}
    diamond = {"type": "point", "filled": True, "size": 160, "shape": "diamond", "opacity": 1}
    return {
        "height": 340,
        "autosize": _FIT,
        "layer": [
            outline("prediction", [2, 3]),
            outline("confidence", [6, 4]),
            outline("curve", [1, 0]),
            layer("studies", circle, size=size, color={"value": "var(--lr-ink)"}, description={"field": "label"}),
            layer("point", diamond, color=_POOLED),
        ],
    }


_OVERLAP: Final = {
    "data": {"name": "values"},
    "autosize": _FIT,
    "mark": {"type": "point", "strokeWidth": 1.5, "size": 60},
    "encoding": {
        "x": {
            "field": "value",
            "type": "quantitative",
            "scale": {"zero": False, "padding": 12},
            "axis": {"title": None, "format": ".2f", "tickCount": 4},
        },
        "y": {"field": "place", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 200}},
        "color": {"value": "var(--lr-sensitivity)"},
        "description": {"field": "label"},
    },
}
#: Name of a view → heading, what it shows for those who cannot see it, and its specification in Vega-Lite.
VIEWS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "sensitivity": ("Sensitivity", "Forest plot of the sensitivity of each study and pooled.", _forest("Sensitivity")),
    "specificity": ("Specificity", "Forest plot of the specificity of each study and pooled.", _forest("Specificity")),
    "plane": (
        "Summary ROC plane",
        "Studies as circles, larger the more people; the summary point as a diamond, its confidence region dashed, its "
        "prediction region dotted, the curve over the observed range.",
        _plane(),
    ),
    "overlap": ("Segmentation", "Values of each study, by structure.", _OVERLAP),
}


def show_explorer(found: Mapping[str, Any]) -> HTML:
    """Show the controls and charts, as a chapter does; every text in them is escaped."""
    specs = {name: {**spec, "config": _CONFIG} for name, (_, _, spec) in VIEWS.items()}
    data = script_json({**found, "specs": specs}, sort_keys=True)
    # As .mjs, because Jupyter Book loads every .js below _static on every page. It loads vega.mjs when that is needed.
    script = '<script type="module" src="../_static/livingreview-explore.mjs"></script>'
    marks = mark_explained(" ".join(study["label"] for study in found["studies"]))
    figures = "".join(_figure(name, heading, says) for name, (heading, says, _) in VIEWS.items())
    return HTML(
        '<section id="lr-explore" aria-label="Explorer"><p><output aria-live="polite">'
        '<span class="lr-explore-said"></span> <span class="lr-explore-unknown" hidden>'
        '<a href="plain-summary.html">What is known of all diseases taken together, in plain words</a></span>'
        '</output></p><p class="lr-explore-refused" role="alert" hidden></p>'
        '<ul class="lr-explore-answers" aria-label="What each study found" hidden></ul>'
        f'<p class="lr-explore-marks">{escape(marks)}</p>'
        '<form><div class="lr-explore-filters"></div>'
        '<div class="lr-explore-actions"><button type="reset">Clear all filters</button>'
        '<button type="button" data-save="csv">Download these studies (CSV)</button></div></form>'
        f'<div class="lr-explore-views">{figures}</div></section>'
        f'<script type="application/json" id="lr-explore-data">{data}</script>{script}'
    )


def _figure(name: str, heading: str, says: str) -> str:
    extra = (
        '<div class="lr-explore-metric"></div><p class="lr-explore-none" hidden>None of these studies reports it.</p>'
        if name == "overlap"
        else ""
    )
    buttons = "".join(
        f'<button type="button" data-save="{kind}" data-of="{name}" aria-label="{heading} as {kind.upper()}">'
        f"{kind.upper()}</button>"
        for kind in ("svg", "png")
    )
    return (
        f"<figure><figcaption>{heading}</figcaption>{extra}"
        f'<div data-view="{name}" role="img" aria-label="{escape(says)}"></div>'
        f'<div class="lr-explore-actions" hidden>{buttons}</div></figure>'
    )


def vega_script(cache: Path) -> Path:
    """Return a file with Vega and Vega-Lite, as their maintainers bundle them; a folder keeps it."""
    import vl_convert

    kept = cache / f"vega-{vl_convert.get_vega_version()}.mjs"
    if not kept.is_file():
        cache.mkdir(parents=True, exist_ok=True)
        bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        # In a function of its own, so that its names do not meet those of other scripts.
        kept.write_text(f"(() => {{{bundle}}})();\n", encoding="utf-8")
    return kept


def show_topics(topics: Mapping[str, int]) -> HTML:
    """Show each condition or subject, with its number of studies, as a way into the explorer from the front page."""
    links = (
        f'<li><a href="chapters/explore.html?{escape(urlencode({"topic": topic}))}">{escape(topic)}</a> ({count})</li>'
        for topic, count in topics.items()
    )
    return HTML(f'<ul class="lr-topics">{"".join(links)}</ul>')


def studies_table(found: Mapping[str, Any]) -> pd.DataFrame:
    """Return the studies of the explorer, one row each; the script of the page hides those that a filter leaves out."""
    titles = {facet["name"]: facet["title"] for facet in found["facets"]}

    def coded(study: Mapping[str, Any], *names: str) -> dict[str, str]:
        return {titles[name]: ", ".join(study[name]) for name in names if name in titles}

    rows = [
        {STUDY_ID: study["id"], "Study": study["label"], **coded(study, "topic"), "Sensitivity": study["sensitivity"],
         "Specificity": study["specificity"], "Tested": study["tested"], "2×2 table": study["grade"],
         **coded(study, "family", "validation")}
        for study in found["studies"]
    ]  # fmt: skip
    return pd.DataFrame(rows)
