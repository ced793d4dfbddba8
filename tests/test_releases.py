"""Are released versions frozen whole, kept unaltered, and refused for every reason that there is?"""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from livingreview.analysis.flow import living_flow
from livingreview.cli import main
from livingreview.commands import release as release_command
from livingreview.errors import BuildError, DataError
from livingreview.living.releases import (
    evidence_changelog,
    make_release,
    previous_day,
    previous_release,
    read_releases,
    release_entries,
    release_faults,
    release_text,
    sealed,
    version_key,
)
from livingreview.living.results import printed_by_base, results_of
from livingreview.publish import site
from livingreview.publish.inputs import digest_of_tree
from livingreview.review import Review
from livingreview.review.model import Release, ReleaseNotes
from tools import ROOT

DATA = ROOT / "data"
DIGESTS = dict.fromkeys(("data", "code", "lock"), "0" * 64)
# Versions that today's files no longer give, each with the correction that is the reason. The frozen file stays.
CORRECTED: dict[str, str] = {}


def made(root: Path, version: str, *, as_of: str | None = None, **told: Any) -> Release:
    """Freeze a version of the review in a folder."""
    notes = ReleaseNotes.model_validate(told)
    return make_release(Review.load(root, as_of=as_of), version, notes, frozen=date(2026, 11, 30), digests=DIGESTS)


def store(root: Path, release: Release) -> Path:
    """Write a release where `livingreview release` does."""
    path = root / "releases" / f"{release.version}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(release_text(release), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def today(base_only: Path) -> Release:
    """Return the version that would be frozen today after the base version."""
    return made(
        base_only, "2026.1", title="  Made up  ", trigger="<script>[x](javascript:1)</script> “quoted”: yes @you"
    )


def altered(release: Release, change: dict[str, Any]) -> Release:
    """Return a made-up earlier state: the release with other values in its diagnostic synthesis, sealed again."""
    data = release.model_dump(mode="json", exclude_unset=True)
    for item in data["results"]["syntheses"]:
        if item["id"] == "diagnosis":
            item.update(change)
    return sealed(Release.model_validate(data))


# --- what is frozen ------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_do_todays_files_give_back_every_version_bit_for_bit() -> None:
    releases = [release for release in read_releases(DATA) if release.version not in CORRECTED]
    data = digest_of_tree(DATA, without="releases")
    base, *later = releases
    assert base.version == "2025.1"
    for release in [base, *(release for release in later if release.digests.data == data)]:
        review = Review.load(DATA, as_of=release.day)
        results = results_of(review).model_copy(update={"version": release.version})
        frozen = release.results.to_dict()
        assert json.dumps(results.to_dict(), sort_keys=True) == json.dumps(frozen, sort_keys=True)
        flow = living_flow(review, previous=previous_day(DATA, release.day))
        assert {box.key: box.count for box in flow.boxes} == release.flow


def test_is_the_base_version_the_day_of_its_last_search_and_older_than_the_first_own_one(review: Review) -> None:
    base = read_releases(DATA)[0]
    assert base.day == date.fromisoformat(str(review.file.base_review["search_date"]))
    assert version_key(base.version) < version_key(review.file.version)
    assert [person.name for person in base.authors] == review.file.base_review["authors"]


@pytest.mark.slow
def test_does_a_release_survive_its_file(base_copy: Path, today: Release, review: Review) -> None:
    path = store(base_copy, today)
    assert path.read_text(encoding="utf-8").endswith("}\n")
    assert read_releases(base_copy)[-1] == today
    assert today.results == results_of(review).model_copy(update={"version": "2026.1"})
    assert release_faults(base_copy) == []


@pytest.mark.slow
def test_which_version_is_the_one_before(base_copy: Path, today: Release) -> None:
    store(base_copy, today)
    releases, results = read_releases(base_copy), today.results
    assert previous_release(releases, results) == releases[0], "the version that today is does not precede it"
    assert previous_release(releases, results.model_copy(update={"studies": {}})) == releases[1]
    assert previous_release(releases, releases[0].results) is None
    assert previous_day(base_copy, today.day) == date(2025, 7, 31)
    assert previous_day(base_copy, date(2025, 7, 31)) is None


# --- what is refused -----------------------------------------------------------------------------------------------


def codes(error: pytest.ExceptionInfo[DataError]) -> list[str]:
    """Return the codes of the faults."""
    return [fault.code for fault in error.value.faults]


@pytest.mark.slow
@pytest.mark.parametrize("version", ["2025.1", "2024.9"])
def test_is_a_version_that_is_not_newer_refused(base_only: Path, version: str) -> None:
    with pytest.raises(DataError) as error:
        made(base_only, version)
    assert codes(error) == ["REL-005"]


@pytest.mark.slow
def test_is_a_day_before_the_last_versions_refused(base_copy: Path, today: Release) -> None:
    store(base_copy, today)
    with pytest.raises(DataError) as error:
        made(base_copy, "2026.2", as_of="2026-01-01")
    assert codes(error) == ["REL-004"]


@pytest.mark.slow
def test_does_a_fired_rule_ask_for_a_sentence_and_does_the_release_keep_it(base_copy: Path) -> None:
    low = {"estimate": 0.95, "ci": [0.85, 0.99], "level": 0.95}
    store(base_copy, altered(read_releases(base_copy)[0], {"measures": {"sensitivity": low}, "reason": ""}))
    with pytest.raises(DataError) as error:
        made(base_copy, "2026.1", conclusions={"no_such_rule": "Made up."})
    asked = {fault.remedy.split()[-1].partition("=")[0] for fault in error.value.faults if fault.code == "REL-006"}
    assert asked == {"sensitivity_080"}
    assert "REL-007" in codes(error)
    release = made(base_copy, "2026.1", conclusions={"sensitivity_080": "Made-up meaning."})
    assert [(item.rule, item.text) for item in release.conclusions] == [("sensitivity_080", "Made-up meaning.")]
    assert "0.850" in release.conclusions[0].says


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "code"), [
    ('"included": 62', '"included": 63', "REL-003"),
    ('"day": "2025-07-31",\n "digests"', '"day": "2027-01-01",\n "digests"', "REL-003"),
    ('"version": "2025.1"\n', '"version": "2025.2"\n', "REL-002"),
    ('"seal": "', '"sael": "', "DATA-001"),
])  # fmt: skip
def test_does_check_notice_an_edited_release(base_copy: Path, old: str, new: str, code: str) -> None:
    path = base_copy / "releases" / "2025.1.json"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    faults = release_faults(base_copy)
    assert code in [fault.code for fault in faults]
    assert {fault.path for fault in faults} == {"data/releases/2025.1.json"}
    assert main(["check", "--data", str(base_copy)]) == 1


@pytest.mark.slow
def test_does_check_notice_days_out_of_order_and_foreign_files(base_copy: Path, today: Release) -> None:
    store(base_copy, today)
    late = {**today.model_dump(mode="json", exclude_unset=True), "version": "2026.2", "day": "2026-01-01"}
    late["results"] = {**late["results"], "version": "2026.2"}
    store(base_copy, sealed(Release.model_validate(late)))
    (base_copy / "releases" / "notes.txt").write_text("made up")
    assert sorted(fault.code for fault in release_faults(base_copy)) == ["REL-001", "REL-004"]


# --- the changelog of evidence ---------------------------------------------------------------------------------------


def test_is_the_changelog_of_evidence_that_of_the_releases(review: Review) -> None:
    text = evidence_changelog(read_releases(DATA), printed=printed_by_base(review))
    assert (ROOT / "EVIDENCE.md").read_text(encoding="utf-8") == text


def test_stands_what_the_base_review_prints_beside_what_its_tables_give(review: Review) -> None:
    entries = [*release_entries(None, read_releases(DATA)[0], printed=printed_by_base(review))]
    told = next(entry for entry in entries if "Hausdorff" in entry)
    assert told.endswith("mean 8.99 (printed: 8.99); sd 6.18 (printed: 6.45).")


@pytest.mark.slow
def test_does_the_changelog_tell_what_came_in_and_escape_what_people_wrote(base_only: Path, today: Release) -> None:
    (base,) = read_releases(base_only)
    text = evidence_changelog([base, today])
    assert text.index("## 2026.1") < text.index("## 2025.1")
    assert r"\<script\>\[x\](javascript:1)\</script\>" in text
    assert r"\@you" in text
    new = next(entry for entry in release_entries(base, today) if entry.startswith("Studies awaiting"))
    assert "martini2020" in new
    assert "righetti2024" not in new


# --- the command ---------------------------------------------------------------------------------------------------


def git(root: Path, *arguments: str) -> str:
    """Run git in a folder, as nobody in particular."""
    identity = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    return subprocess.run(
        ["git", "-C", str(root), *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture
def repository(base_only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a small clean repository with this review's data; building is left out, and told of."""
    root = tmp_path / "review"
    root.mkdir()
    shutil.copytree(base_only, root / "data")
    for name in ("CITATION.cff", "pyproject.toml", "requirements.lock", "EVIDENCE.md"):
        shutil.copy(ROOT / name, root / name)
    git(root, "init", "--quiet")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "-m", "Made up")

    def build(stage: Path, output: Path, **options: object) -> None:
        assert (stage / "data" / "releases" / f"{options['release']}.json").is_file(), "the site knows the release"
        output.mkdir(exist_ok=True)

    monkeypatch.setattr(site, "build_site", build)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796083200")
    (root / ".git" / "info" / "exclude").write_text("_site\n")
    return root


@pytest.mark.slow
def test_does_a_release_write_its_file_and_every_line_that_names_the_version(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["release", "2027.3", "--root", str(repository)]) == 0
    assert git(repository, "status", "--porcelain").split() == [
        "M", "CITATION.cff", "M", "EVIDENCE.md", "M", "data/review.yaml", "M", "pyproject.toml",
        "??", "data/releases/2027.3.json",
    ]  # fmt: skip
    changed = git(repository, "diff", "--unified=0", "--", "data/review.yaml", "CITATION.cff", "pyproject.toml")
    lines = [line[1:] for line in changed.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert lines == ["version: 2027.3.0", "date-released: 2026-12-01", 'version: "2027.3"', 'version = "2027.3.0"']
    release = read_releases(repository / "data")[-1]
    assert release.digests.data == digest_of_tree(repository / "data", without="releases")
    assert release.frozen == date(2026, 12, 1)
    released = Review.load(repository / "data")
    changelog = evidence_changelog(read_releases(repository / "data"), printed=printed_by_base(released))
    assert (repository / "EVIDENCE.md").read_text(encoding="utf-8") == changelog
    told = capsys.readouterr().out
    assert "git tag -a v2027.3" in told
    assert git(repository, "log", "--oneline").count("\n") == 1, "publishing is left to a person"


@pytest.mark.slow
def test_does_a_dry_run_write_nothing(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["release", "2027.3", "--root", str(repository), "--dry-run"]) == 0
    assert "data/releases/2027.3.json" in capsys.readouterr().out
    assert git(repository, "status", "--porcelain") == ""


@pytest.mark.slow
def test_does_a_past_version_leave_the_present_one_named(repository: Path) -> None:
    assert main(["release", "2026.7", "--root", str(repository), "--as-of", "2026-01-01"]) == 0
    assert git(repository, "status", "--porcelain").split() == ["M", "EVIDENCE.md", "??", "data/releases/2026.7.json"]
    assert read_releases(repository / "data")[-1].day == date(2026, 1, 1)


@pytest.mark.slow
def test_do_notes_reach_the_release(repository: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.yaml"
    notes.write_text(
        "trigger: made up\nauthors:\n  - {name: Nobody, roles: [reader]}\nmethods_changed: [none really]\n"
    )
    assert main(["release", "2027.3", "--root", str(repository), "--notes", str(notes)]) == 0
    release = read_releases(repository / "data")[-1]
    assert (release.trigger, release.authors[0].roles, release.methods_changed) == (
        "made up",
        ["reader"],
        ["none really"],
    )


@pytest.mark.slow
@pytest.mark.parametrize("spoil", ["untracked", "modified", "fault", "older", "no repository", "no version", "build"])
def test_does_a_refused_release_leave_everything_as_it_was(
    repository: Path, spoil: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    version = "2027.3"
    if spoil == "untracked":
        (repository / "new.txt").write_text("made up")
    elif spoil == "modified":
        (repository / "CITATION.cff").write_text("made up")
    elif spoil == "fault":
        path = repository / "data" / "studies" / "kim.yaml"
        path.write_text(path.read_text() + "typo: 1\n")
        git(repository, "commit", "--quiet", "-am", "Made up")
    elif spoil == "no version":
        path = repository / "CITATION.cff"
        path.write_text(path.read_text().replace("\nversion:", "\nedition:"))
        git(repository, "commit", "--quiet", "-am", "Made up")
    elif spoil == "older":
        version = "2025.1"
    elif spoil == "no repository":
        shutil.rmtree(repository / ".git")
    else:

        def fail(*_: object, **__: object) -> None:
            raise BuildError("made up")

        monkeypatch.setattr(site, "build_site", fail)
    before = digest_of_tree(repository, without=".git")
    assert main(["release", version, "--root", str(repository)]) == 2
    assert digest_of_tree(repository, without=".git") == before
    named = {
        "fault": "DATA-001", "older": "REL-005", "no version": "REL-008", "no repository": "REL-010",
        "build": "made up",
    }.get(spoil, "REL-009")  # fmt: skip
    assert named in capsys.readouterr().err


@pytest.mark.parametrize("version", ["2026", "26.1", "2026.01", "2026.1.0", "../2026.1", "2026.1\n"])
def test_is_a_version_of_another_form_refused(version: str) -> None:
    with pytest.raises(SystemExit):
        main(["release", version])
    assert release_command.RELEASE.help
