"""The sub-command ``livingreview release``: freeze the review's results as a version.

Everything is made in a copy of the committed files: checked, computed, built. Only when all of it succeeded are the
few files that change moved into the work tree, so that a failure leaves it as it was.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from livingreview.commands import Command, day
from livingreview.errors import DataError, Fault

if TYPE_CHECKING:
    from livingreview.review.model import ReleaseNotes

__all__ = ["RELEASE"]

CHANGELOG: Final = "EVIDENCE.md"


def _configure_release(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="YEAR.NUMBER", type=_version, help="name of the version, e.g. 2026.2")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the review (default: this one)")
    parser.add_argument("--as-of", type=day, metavar="DATE", help="freeze the review as it stood on DATE (2025-07-31)")
    parser.add_argument("--notes", type=Path, metavar="FILE", help="YAML: title, about, trigger, methods_changed, …")
    parser.add_argument(
        "--conclusion", action="append", default=[], type=_conclusion, metavar='RULE="text"',
        help="what it means that a conclusion rule fired; one for each that did",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="say what would be frozen, build and write nothing")


def _run_release(options: argparse.Namespace) -> int:
    """Freeze a version and print the git commands that publish it; raise before anything is written otherwise."""
    from livingreview.living.releases import FOLDER, evidence_changelog, make_release, read_releases, release_text
    from livingreview.living.results import printed_by_base
    from livingreview.publish.site import build_site
    from livingreview.review import Review

    root, version = options.root.resolve(), options.version
    _refuse_unclean(root)
    with tempfile.TemporaryDirectory(prefix="release-") as folder:
        stage = Path(folder)
        _git(root, "checkout-index", "--all", f"--prefix={stage}/")
        notes = _notes(options.notes, dict(options.conclusion))
        changed = _versioned(stage, version, current=options.as_of is None)
        _write(stage, changed)
        _refuse_faulty(stage / "data")
        review = Review.load(stage / "data", as_of=options.as_of)
        release = make_release(review, version, notes, frozen=_today(), digests=_digests(stage))
        changed[f"data/{FOLDER}/{version}.json"] = release_text(release)
        _write(stage, changed)
        # From the files as they will be read, so that writing it again gives the same.
        changed[CHANGELOG] = evidence_changelog(read_releases(stage / "data"), printed=printed_by_base(review))
        _write(stage, changed)
        pooled = sum(bool(synthesis.measures) for synthesis in release.results.syntheses)
        print(f"{version}: results of {release.day}, {pooled} of {len(release.results.syntheses)} syntheses pooled")
        for conclusion in release.conclusions:
            print(f"Conclusion rule {conclusion.rule}: {conclusion.says}")
        if options.dry_run:
            print("Would write " + ", ".join(sorted(changed)))
            return 0
        output = stage / "_site" if options.as_of else root / "_site"
        build_site(stage, output, as_of=options.as_of, release=version)
        _refuse_unclean(root)
        _write(root, changed)
    files = " ".join(sorted(changed))
    print(f"Wrote {files}. To publish it:\n  git add {files}")
    print(f'  git commit -m "Release {version}"\n  git tag -a v{version} -m "Release {version}"')
    print(f"  git push origin main v{version}")
    return 0


def _versioned(stage: Path, version: str, *, current: bool) -> dict[str, str]:
    """Return the files that name the version, each with one line changed; none for a version of the past."""
    package = f"{version}.0"
    lines = {
        "data/review.yaml": (r"^version: .*$", f'version: "{version}"'),
        "CITATION.cff": (r"^version: .*$", f"version: {package}\ndate-released: {_today()}"),
        "pyproject.toml": (r"^version = .*$", f'version = "{package}"'),
    }
    changed = {}
    for name, (pattern, line) in (lines if current else {}).items():
        text = (stage / name).read_text(encoding="utf-8")
        if name == "CITATION.cff":
            text = re.sub(r"^date-released: .*\n", "", text, flags=re.MULTILINE)
        changed[name], count = re.subn(pattern, line, text, flags=re.MULTILINE)
        if count != 1:
            raise _refusal(name, f"expected one line that names the version, found {count}", "mend it", "REL-008")
    return changed


def _notes(path: Path | None, conclusions: Mapping[str, str]) -> ReleaseNotes:
    from livingreview.review.model import ReleaseNotes
    from livingreview.review.reading import read_record

    if path is None:
        return ReleaseNotes.model_validate({"conclusions": conclusions})
    notes, _ = read_record(path, path.parent, ReleaseNotes)
    return notes.model_copy(update={"conclusions": {**notes.conclusions, **conclusions}})


def _digests(stage: Path) -> dict[str, str]:
    import livingreview
    from livingreview.living.releases import FOLDER
    from livingreview.publish.inputs import digest_of_tree

    return {
        "data": digest_of_tree(stage / "data", without=FOLDER),
        "code": digest_of_tree(Path(livingreview.__file__).parent),
        "lock": hashlib.sha256((stage / "requirements.lock").read_bytes()).hexdigest(),
    }


def _write(root: Path, files: Mapping[str, str]) -> None:
    """Write files beside the old ones, and put them in their places when all are whole."""
    written = []
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_text(text, encoding="utf-8")
        written.append((beside, path))
    for beside, path in written:
        beside.replace(path)


def _refuse_unclean(root: Path) -> None:
    status = _git(root, "status", "--porcelain")
    if status:
        names = ", ".join(line[3:] for line in status.splitlines()[:5])
        raise _refusal("", f"the work tree holds what is not committed: {names}", "commit or remove it", "REL-009")


def _refuse_faulty(data: Path) -> None:
    from livingreview.commands.check import every_fault

    if faults := [fault for fault in every_fault(data) if not fault.is_warning]:
        raise DataError(faults)


def _git(root: Path, *arguments: str) -> str:
    try:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True
        ).stdout.rstrip("\n")
    except (OSError, subprocess.CalledProcessError) as error:
        problem = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[0]
        raise _refusal("", f"git {arguments[0]} failed: {problem}", "run this in a clone", "REL-010") from None


def _today() -> date:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), UTC).date() if epoch else date.today()


def _refusal(path: str, problem: str, remedy: str, code: str) -> DataError:
    return DataError([Fault(path, 0, "", problem, remedy, code)])


def _version(text: str) -> str:
    if not re.fullmatch(r"20\d{2}\.(0|[1-9]\d{0,2})", text):
        raise argparse.ArgumentTypeError(f"expected YEAR.NUMBER, like 2026.2, found {text!r}")
    return text


def _conclusion(text: str) -> tuple[str, str]:
    rule, equals, sentence = text.partition("=")
    if not equals or not sentence.strip():
        raise argparse.ArgumentTypeError(f'expected RULE="text", found {text!r}')
    return rule.strip(), sentence.strip()


RELEASE = Command(
    "release", "freeze today's results as a version, with its data and code hashes",
    _configure_release, _run_release, "book",
)  # fmt: skip
