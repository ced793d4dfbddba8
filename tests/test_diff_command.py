"""Does ``livingreview diff`` compare the right states, in every format, and say what to do when it cannot?"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import madeup
from conftest import DATA
from livingreview.cli import main
from livingreview.commands import diff as diff_command
from livingreview.commands.diff import difference_since
from livingreview.living.difference import Difference

NAMES = ("-c", "user.name=Nobody", "-c", "user.email=nobody@example.org")


def git(root: Path, *arguments: str) -> str:
    command = ["git", *NAMES, *arguments]
    return subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def repository(root: Path) -> Path:
    shutil.copytree(DATA, root / "data")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "data")
    git(root, "commit", "-q", "-m", "Begin")
    return root


@pytest.fixture(scope="module")
def with_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose working tree has one study more than its only commit."""
    root = repository(tmp_path_factory.mktemp("review"))
    madeup.add_to(root / "data")
    return root


@pytest.fixture(scope="module")
def added(with_study: Path) -> Difference:
    return difference_since("HEAD", with_study)


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return repository(tmp_path / "review")


@pytest.fixture
def uncompared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the syntheses, where a test asks only which files were compared."""
    monkeypatch.setattr("livingreview.living.difference.compare", lambda *_, **__: Difference())


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["diff", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.slow
def test_a_study_not_yet_committed_is_found(added: Difference) -> None:
    assert added.files == (("data/studies/madeup2026.yaml", "added"),)
    assert added.other_files == ()
    assert added.results is not None
    assert [item.joined for item in added.results.changed] == [("madeup2026",)]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["markdown", "html", "json"])
def test_every_format_shows_the_hostile_title_as_text(
    form: str, added: Difference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diff_command, "difference_since", lambda *_: added)
    output = tmp_path / "report"
    assert main(["diff", "--format", form, "--output", str(output)]) == 0
    text = output.read_text(encoding="utf-8")
    assert "madeup2026" in text
    if form == "markdown":
        text = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    assert "<script" not in text
    assert "<img" not in text
    assert not re.search(r"<a (?!class=\"lr-numbers\")", text)
    if form == "json":
        assert json.loads(text)["records"][0]["name"].endswith(madeup.HOSTILE)
    else:
        assert "@\u2060someone" in text
        assert ("<svg" in text) == (form == "html")


@pytest.mark.slow
def test_nothing_changed_is_said(fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "--root", str(fresh)]) == 0
    assert "Nothing differs" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("uncompared")
def test_by_default_a_branch_is_compared_with_where_it_left_main(fresh: Path) -> None:
    base = git(fresh, "rev-parse", "HEAD")
    git(fresh, "switch", "-q", "-c", "mine")
    madeup.add_to(fresh / "data")
    git(fresh, "add", "data")
    git(fresh, "commit", "-q", "-m", "Add a study")
    git(fresh, "switch", "-q", "main")
    (fresh / "data" / "later.txt").write_text("main went on")
    git(fresh, "add", "data")
    git(fresh, "commit", "-q", "-m", "Go on")
    git(fresh, "switch", "-q", "mine")
    difference = difference_since(None, fresh)
    assert difference.reference.startswith(base[:12])
    assert difference.files == (("data/studies/madeup2026.yaml", "added"),)


@pytest.mark.slow
@pytest.mark.usefixtures("uncompared")
def test_a_review_below_the_top_of_its_repository_is_found(tmp_path: Path) -> None:
    root = tmp_path / "top" / "review"
    shutil.copytree(DATA, root / "data")
    git(root.parent, "init", "-q", "-b", "main")
    git(root.parent, "add", ".")
    git(root.parent, "commit", "-q", "-m", "Begin")
    (root / "data" / "reporting.csv").unlink()
    assert difference_since("HEAD", root).files == (("data/reporting.csv", "removed"),)


@pytest.mark.slow
def test_an_older_state_that_cannot_be_read_is_said_and_its_files_are_listed(fresh: Path) -> None:
    study = fresh / "data" / "studies" / "agibetov2021.yaml"
    sound = study.read_text(encoding="utf-8")
    study.write_text(sound.replace("task: diagnosis", "job: diagnosis"), encoding="utf-8")
    git(fresh, "commit", "-q", "-a", "-m", "Write it as in older days")
    study.write_text(sound, encoding="utf-8")
    difference = difference_since("HEAD", fresh)
    assert any(fault.field == "job" for fault in difference.unread)
    assert difference.results is None
    markdown = diff_command._writer("markdown")(difference)
    assert "cannot be read by today's schema" in markdown
    assert "agibetov2021" in markdown.partition("## Other files")[2]


def test_faults_of_the_files_as_they_are_now_are_reported(fresh: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (fresh / "data" / "studies" / "broken.yaml").write_text("id: broken\n")
    assert "data/studies/broken.yaml:" in refused(capsys, "HEAD", "--root", str(fresh))


@pytest.mark.parametrize("reference", ["nowhere", "--upload-pack=touch", "HEAD:data", "a b", ""])
def test_what_is_no_commit_is_refused(reference: str, with_study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error = refused(capsys, "--root", str(with_study), "--", reference)
    assert f"no commit is called {reference!r}" in error
    assert "git branch --all" in error


def test_a_shallow_clone_is_told_how_to_get_the_rest(
    fresh: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = git(fresh, "rev-parse", "HEAD")
    git(fresh, "commit", "-q", "--allow-empty", "-m", "Go on")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--depth", "1", fresh.as_uri(), str(clone))
    assert "git fetch --unshallow" in refused(capsys, first, "--root", str(clone))


def test_a_reference_without_data_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "Begin")
    shutil.copytree(DATA, tmp_path / "data")
    assert "there is no folder data in HEAD" in refused(capsys, "HEAD", "--root", str(tmp_path))


def test_outside_a_repository_the_way_out_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is not in a git repository" in refused(capsys, "--root", str(tmp_path))
    assert "does not exist" in refused(capsys, "--root", str(tmp_path / "gone"))


def test_without_git_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git was not found" in refused(capsys, "--root", str(tmp_path))


def test_an_output_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(diff_command, "difference_since", lambda *_: Difference())
    assert "check the path" in refused(capsys, "--output", str(tmp_path))


@pytest.mark.slow
def test_a_terminal_shows_no_backslashes_before_punctuation(
    with_study: Path, uncompared: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", "HEAD", "--root", str(with_study)]) == 0
    assert "data\\/studies" in (piped := capsys.readouterr().out)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["diff", "HEAD", "--root", str(with_study)]) == 0
    shown = capsys.readouterr().out
    assert "\\/" not in shown
    assert len(shown.splitlines()) == len(piped.splitlines())
