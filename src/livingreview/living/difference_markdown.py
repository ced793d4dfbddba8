"""A difference as Markdown, for the summary of a pull request's checks and for the terminal.

What comes from the review's files is escaped: it cannot become a heading, a table cell, a link, HTML or a mention.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from livingreview.living.difference import PROPORTIONS, Difference, ResultsChange, SynthesisChange, width_ratio
from livingreview.living.records import RecordChange
from livingreview.review.model.files import FrozenMeasure, FrozenSynthesis
from livingreview.synthesis.intervals import Interval
from livingreview.synthesis.measures import sensitivity, specificity
from livingreview.wording import decimal, in_markdown, listing, mark_explained, percent, plural

__all__ = ["as_markdown", "escaped", "forest_text"]

MOST_FIELDS: Final = 50
LONGEST: Final = 240
BAR: Final = 25
NAME: Final = 22
WEIGHT_NOTE: Final = (
    "Weight: share of the information on the pooled mean (Burke et al. 2018, doi 10.1002/jrsm.1283). Weights and the "
    "estimates without a study rest on one central table per study; the pooled estimates above are taken over all "
    "tables that fit."
)


def as_markdown(difference: Difference, *, forest: str | None = None) -> str:
    """Return a difference as GitHub-flavoured Markdown.

    Parameters
    ----------
    difference
        What differs.
    forest
        What stands in the place of the forest plot; by default one drawn in text.
    """
    parts = ["# What changes in the review", _compared(difference)]
    if difference.nothing:
        parts.append("Nothing differs: no file under the data folder, and no estimate.")
    if difference.unread:
        count = plural(len(difference.unread), "fault")
        parts.append(f"**The older files cannot be read by today's schema, so no estimate is compared** ({count}):")
        parts.append("\n".join(f"* {escaped(str(fault))}" for fault in difference.unread[:10]))
    if difference.results is not None:
        parts += _results(difference.results)
    if difference.effects:
        parts += ["## New and changed studies in the diagnostic synthesis", *_effects(difference)]
        parts.append(f"```text\n{forest_text(difference)}\n```" if forest is None else forest)
    if difference.left_out:
        rows = [tuple(map(escaped, row)) for row in difference.left_out]
        parts += ["## Left out of the diagnostic synthesis", _table(("Study", "Evaluation", "Why"), rows)]
    if difference.records:
        parts += ["## Files of the review", *(_record(record) for record in difference.records)]
    if difference.other_files:
        rows = [(escaped(file), kind) for file, kind in difference.other_files]
        parts += ["## Other files", _table(("File", "Change"), rows)]
    return "\n\n".join(part for part in (*parts, mark_explained("\n".join(parts))) if part) + "\n"


def escaped(text: object) -> str:
    r"""Return text from outside as one line that Markdown shows as it is; long text is cut.

    >>> escaped("<b>|@you")
    '\\<b\\>\\|\\@\u2060you'
    """
    return in_markdown(_plain(text))


def _plain(text: object, longest: int = LONGEST) -> str:
    """Return one line of printable characters; what is not, such as marks that reorder text, becomes a space."""
    line = " ".join("".join(char if char.isprintable() else " " for char in str(text)).split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def _compared(difference: Difference) -> str:
    reference = escaped(difference.reference or "the older state")
    counts = Counter((record.file.split("/")[1], record.kind) for record in difference.records)
    told = [
        f"{plural(counts[folder, kind], *nouns)} {kind}"
        for folder, nouns in (("studies", ("study", "studies")), ("datasets", ("dataset", "datasets")))
        for kind in ("added", "removed", "changed")
        if counts[folder, kind]
    ]
    said = f" {listing(told).capitalize()}." if told else ""
    return f"Compared: {reference} with the files as they are now.{said}"


def _results(results: ResultsChange) -> Iterator[str]:
    yield "## Pooled estimates"
    if results.changed:
        rows = [row for item in results.changed for row in _rows(item)]
        yield _table(("Synthesis", "Measure", "Before", "After", "Width of interval"), rows)
        for item in results.changed:
            if moves := _moves(item):
                yield f"{escaped(item.title)}: {moves}"
    if same := len(results.syntheses) - len(results.changed):
        yield f"Unchanged: {plural(same, 'synthesis', 'syntheses')}."
    told = [item.text for item in results.fired] + [item.text for item in results.appearances]
    if told:
        yield "## Conclusion rules"
    yield "\n".join(f"* {escaped(text)}" for text in told) or "No conclusion rule fires."


def _rows(item: SynthesisChange) -> Iterator[tuple[str, ...]]:
    title = escaped(item.title)
    reasons = [escaped(side.reason) if side and side.reason else "" for side in (item.before, item.after)]
    numbers = [len(side.studies) if side else 0 for side in (item.before, item.after)]
    yield title, "studies", str(numbers[0]), str(numbers[1]), ""
    for name, sides in item.measures.items():
        wider = width_ratio(*sides)
        ratio = "" if wider is None else f"× {decimal(wider)}"
        before, after = (_written(name, side) for side in sides)
        yield "", name.replace("_", " ").replace("i2", "I²"), before or reasons[0], after or reasons[1], ratio
    judged = [side.certainty if side else "" for side in (item.before, item.after)]
    if judged[0] != judged[1]:
        yield "", "certainty", judged[0] or "not judged", judged[1] or "not judged", ""
    if not item.measures:
        yield "", "pooled", reasons[0] or "–", reasons[1] or "–", ""


def _moves(item: SynthesisChange) -> str:
    moves = [
        f"{said} {listing([escaped(study) for study in ids])}"
        for said, ids in (("came in:", item.joined), ("left:", item.left))
        if ids
    ]
    return f"{'; '.join(moves)}." if moves else ""


def _written(name: str, measure: FrozenMeasure | None) -> str:
    if measure is None:
        return ""
    estimate, ci = _number(name, measure.estimate), measure.ci
    text = f"{estimate} [{_number(name, ci[0])}, {_number(name, ci[1])}]" if ci else estimate
    return text.replace(" %", "\u00a0%")


def _number(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name in PROPORTIONS:
        return percent(value)
    if name.startswith("i2_"):
        return f"{decimal(value, 0)} %"
    return decimal(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3 if abs(value) < 1 else 2)


def _effects(difference: Difference) -> Iterator[str]:
    rows = []
    for effect in difference.effects:
        without = [_written(name, effect.without[name]) if effect.without else "no estimate" for name in PROPORTIONS]
        counts = "/".join(map(str, effect.table)) + ("" if effect.tables == 1 else f" (of {effect.tables:,})")
        weights = [f"{decimal(weight, 1)} %" for weight in effect.weight]
        rows.append((escaped(effect.label), effect.kind, counts, *weights, *without))
    heads = ("Study", "Change", "TP/FP/FN/TN", "Weight, sensitivity", "Weight, specificity")
    yield _table((*heads, "Sensitivity without it", "Specificity without it"), rows)
    yield WEIGHT_NOTE


def forest_text(difference: Difference) -> str:
    """Return the diagnostic synthesis as a forest plot of characters, new (+) and changed (~) studies marked.

    Returns
    -------
    str
        One line per study (central tables, Wilson intervals), and the pooled estimates before and now.
    """
    pooled, results = difference.pooled, difference.results
    if pooled is None or results is None:
        return ""
    signs = {effect.study: "+" if effect.kind == "added" else "~" for effect in difference.effects}
    single = [method(pooled.counts, method="wilson") for method in (sensitivity, specificity)]
    rows = [
        (signs.get(item.study.id, " "), item.label, [side[row] for side in single], "■")
        for row, item in enumerate(pooled.selection.used)
    ]
    main = next(item for item in results.syntheses if item.id == "diagnosis")
    for name, side, sign in (("Pooled before", main.before, "◇"), ("Pooled now", main.after, "◆")):
        if side and side.measures:
            rows.append((" ", name, [_interval(side, measure) for measure in PROPORTIONS], sign))
    lines = [
        (sign, name, *(part for side in both for part in (_bar(side, mark), _estimate(side))))
        for sign, name, both, mark in rows
    ]
    axis = "0" + "0.5".center(BAR - 2) + "1"
    lines = [(" ", "", "Sensitivity", "", "Specificity", ""), *lines, (" ", "", axis, "", axis, "")]
    return "\n".join(
        f"{sign} {_plain(name, NAME).replace('`', ' '):<{NAME}}  {a:<{BAR}}  {b:<17}  {c:<{BAR}}  {d}".rstrip()
        for sign, name, a, b, c, d in lines
    )


def _bar(interval: Interval, mark: str) -> str:
    """Draw an interval between 0 and 1; nothing where the study has no such patients."""
    if math.isnan(interval.estimate):
        return ""
    lower, at, upper = (round(x * (BAR - 1)) for x in (interval.lower, interval.estimate, interval.upper))
    return "".join(mark if x == at else "─" if lower <= x <= upper else " " for x in range(BAR))


def _estimate(interval: Interval) -> str:
    if math.isnan(interval.estimate):
        return "–"
    return f"{interval.estimate:.2f} [{interval.lower:.2f}, {interval.upper:.2f}]"


def _interval(side: FrozenSynthesis, name: str) -> Interval:
    estimate, lower, upper = (side.value(f"{name}{limit}") for limit in ("", "_lower", "_upper"))
    return Interval(*(math.nan if value is None else value for value in (estimate, lower, upper)))


def _record(record: RecordChange) -> str:
    was, now = record.standing
    standing = f"Standing: {was or 'not met'} → {now or 'gone'}." if was != now else ""
    head = f"**{record.kind}** {escaped(record.name)} ({escaped(record.file)}). {standing}".rstrip()
    rows = []
    for change in record.fields[:MOST_FIELDS]:
        values = ("–" if value is None else escaped(_value(value)) for value in (change.before, change.after))
        rows.append((escaped(change.field), *values))
    more = len(record.fields) - len(rows)
    table = _table(("Field", "Before", "After"), rows) if rows else ""
    return "\n\n".join(part for part in (head, table, f"… and {more} more fields." if more else "") if part)


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
