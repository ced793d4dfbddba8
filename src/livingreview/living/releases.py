"""Released versions: frozen results that are read, checked against their seal, and compared with today."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from livingreview.analysis.flow import living_flow
from livingreview.errors import DataError, Fault
from livingreview.living.results import fired, measure_name, measure_text, results_of
from livingreview.review import Review
from livingreview.review.model import Release, ReleaseNotes
from livingreview.review.model.files import FrozenResults
from livingreview.review.reading import Document, read_record, shown_path
from livingreview.wording import day as written_day
from livingreview.wording import plural

__all__ = [
    "FOLDER", "evidence_changelog", "make_release", "previous_day", "previous_release",
    "read_releases", "release_entries", "release_faults", "release_text", "sealed", "version_key",
]  # fmt: skip

FOLDER: Final = "releases"
Printed: TypeAlias = Mapping[str, Mapping[str, str]]
_MARKUP: Final = re.compile(r"([\\`*_{}\[\]<>#|~@&$])")


def version_key(version: str) -> tuple[int, ...]:
    """Return what versions are ordered by.

    >>> version_key("2026.10") > version_key("2026.9")
    True
    """
    return tuple(int(part) for part in version.split("."))


def read_releases(root: Path) -> tuple[Release, ...]:
    """Return the released versions in a data folder, the oldest first.

    Raises
    ------
    DataError
        With every fault of every file: its shape, an edit after it was frozen, days out of order.
    """
    releases, faults = _read(root)
    if faults:
        raise DataError(faults)
    return releases


def release_faults(root: Path) -> list[Fault]:
    """Return the faults of the released versions, for ``livingreview check``."""
    return _read(root)[1]


def _read(root: Path) -> tuple[tuple[Release, ...], list[Fault]]:
    found: list[tuple[Release, Document]] = []
    faults: list[Fault] = []
    folder = root / FOLDER
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix != ".json":
            remedy = "this folder is for livingreview release; move it elsewhere"
            faults.append(Fault(shown_path(path, root), 0, "", "not a .json file", remedy, "REL-001"))
            continue
        try:
            found.append(read_record(path, root, Release))  # JSON is YAML, and this reader is strict
        except DataError as error:
            faults.extend(error.faults)
    found.sort(key=lambda item: version_key(item[0].version))
    faults += [fault for release, document in found for fault in _faults(release, document)]
    for (before, _), (after, document) in pairwise(found):
        if after.day < before.day:
            problem = f"{after.version} speaks of {after.day}, the version before of {before.day}"
            faults.append(document.fault(("day",), problem, "restore the file from git", "REL-004"))
    return tuple(release for release, _ in found), faults


def _faults(release: Release, document: Document) -> Iterator[Fault]:
    if not document.path.endswith(f"/{release.version}.json") or release.results.version != release.version:
        remedy = "restore the file from git"
        yield document.fault(("version",), f"the file and its results are not of {release.version}", remedy, "REL-002")
    if _seal(document.data) != release.seal:
        problem = "the file was edited after it was frozen"
        yield document.fault(("seal",), problem, "restore it from git; a correction is a new release", "REL-003")


def previous_day(root: Path, day: date) -> date | None:
    """Return the day of the newest version before a day; None where there is none."""
    return max((release.day for release in read_releases(root) if release.day < day), default=None)


def previous_release(releases: Sequence[Release], today: FrozenResults) -> Release | None:
    """Return the newest release by that day whose studies or numbers are not today's; None where there is none."""
    for release in reversed(releases):
        if release.day <= today.day and _numbers(release.results) != _numbers(today):
            return release
    return None


def _numbers(results: FrozenResults) -> tuple[Any, ...]:
    """Return what makes two states differ: not how something is called, or the day."""
    syntheses = {item.id: (item.studies, item.measures, item.certainty) for item in results.syntheses}
    return {status: ids for status, ids in results.studies.items() if ids}, syntheses


def make_release(
    review: Review, version: str, notes: ReleaseNotes, *, frozen: date, digests: Mapping[str, str]
) -> Release:
    """Compute what a version freezes.

    Parameters
    ----------
    review
        The review on the day that the version speaks of.
    version
        Its name, newer than every release that exists.
    notes
        What people say of it, with a sentence for every conclusion rule that fires.
    frozen
        Day on which it is made.
    digests
        SHA-256 of ``data``, ``code`` and ``lock``.

    Raises
    ------
    DataError
        The version is not newer, its day is before the last one's, a rule that fires has no sentence, or a sentence
        belongs to no rule that fires.
    """
    earlier = read_releases(review.root)
    last = earlier[-1] if earlier else None
    faults: list[Fault] = []
    if last is not None and version_key(version) <= version_key(last.version):
        faults.append(_refusal(f"{version} is not newer than {last.version}", "give a newer version", "REL-005"))
    if last is not None and review.day < last.day:
        faults.append(_refusal(f"{review.day} is before the last version's {last.day}", "mend --as-of", "REL-004"))
    results = results_of(review).model_copy(update={"version": version})
    hits = fired(review.file.conclusion_rules, last.results, results) if last else ()
    said, ids = notes.conclusions, {hit.rule.id for hit in hits}
    faults += [
        _refusal(f"the rule {hit.rule.id} fires: {hit.text}", f'add --conclusion {hit.rule.id}="…"', "REL-006")
        for hit in hits
        if hit.rule.id not in said
    ]
    faults += [_refusal(f"no rule {name!r} fires", "leave its conclusion out", "REL-007") for name in said.keys() - ids]
    if faults:
        raise DataError(sorted(faults))
    flow = living_flow(review, previous=previous_day(review.root, review.day))
    data = {
        **notes.model_dump(mode="json", exclude={"conclusions"}, exclude_unset=True),
        "version": version,
        "day": review.day.isoformat(),
        "frozen": frozen.isoformat(),
        "conclusions": [{"rule": hit.rule.id, "says": hit.text, "text": said[hit.rule.id]} for hit in hits],
        "flow": {box.key: box.count for box in flow.boxes},
        "results": results.to_dict(),
        "digests": dict(digests),
    }
    return sealed(Release.model_validate({**data, "seal": "0" * 64}))


def sealed(release: Release) -> Release:
    """Return a release with the seal that its content asks for."""
    return release.model_copy(update={"seal": _seal(release.to_dict())})


def release_text(release: Release) -> str:
    """Return a release as its file holds it: sorted keys, one newline at the end."""
    return _json(release.to_dict()) + "\n"


def _refusal(problem: str, remedy: str, code: str) -> Fault:
    return Fault("", 0, "", problem, remedy, code)


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False)


def _seal(data: Mapping[str, Any]) -> str:
    return hashlib.sha256(_json({key: value for key, value in data.items() if key != "seal"}).encode()).hexdigest()


def evidence_changelog(releases: Sequence[Release], *, printed: Printed = MappingProxyType({})) -> str:
    """Return the changelog of evidence as Markdown, the newest version first; what files say is escaped.

    `printed` is as :func:`~livingreview.living.results.printed_by_base` returns it.
    """
    lines = [
        "# Changelog of the evidence",
        "",
        "What each released version of the review added, changed and concluded. Written by `livingreview release`;",
        "the frozen numbers are in `data/releases/`.",
    ]
    for before, release in reversed([*zip([None, *releases[:-1]], releases, strict=True)]):
        lines += ["", f"## {release.version} ({written_day(release.day)})", ""]
        entries = (_plain(text) for text in release_entries(before, release, printed=printed))
        lines += [fill(text, 118, initial_indent="* ", subsequent_indent="  ") for text in entries]
    return "\n".join(lines) + "\n"


def release_entries(
    before: Release | None, release: Release, *, printed: Printed = MappingProxyType({})
) -> Iterator[str]:
    """Yield what happened from one version to the next, a sentence each; `printed` stands beside what is recomputed."""
    results = release.results
    old = before.results if before else None
    yield from filter(None, (release.title and f"{release.title}.", release.about))
    if release.trigger:
        yield f"Trigger: {release.trigger}"
    for status, ids in results.studies.items():
        new = sorted(set(ids) - set(old.studies.get(status, ()) if old else ()))
        names = f"; new: {', '.join(new)}" if old and new else ""
        yield f"Studies {status}: {len(ids)}{names}."
    for synthesis in results.syntheses:
        earlier = {item.id: item for item in old.syntheses}.get(synthesis.id) if old else None
        if synthesis.measures != (earlier.measures if earlier else {}):
            beside = printed.get(synthesis.id, {})
            now = "; ".join(
                f"{measure_name(name)} {measure_text(name, value)}"
                + (f" (printed: {beside[name]})" if name in beside else "")
                for name, value in synthesis.measures.items()
            )
            studies = plural(len(synthesis.studies), "study", "studies")
            yield f"{synthesis.title} ({studies}): {now or synthesis.reason}."
    for conclusion in release.conclusions:
        yield f"{conclusion.says} {conclusion.text}"
    yield from (f"Method changed: {text}" for text in release.methods_changed)


def _plain(text: str) -> str:
    """Escape what could become markup: whoever wrote it, it is text."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
