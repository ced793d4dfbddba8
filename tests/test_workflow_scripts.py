"""Do the workflows' own steps do what they are for: annotate, refuse a wrong tag, name the failing cell, propose?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tools import ROOT

SCRIPTS = ("propose", "propose-lock", "rebuild", "release")
# What stands in for GitHub's command line: one artifact, no open pull request, and a note of what was asked.
GH = """#!/bin/sh
echo "$@" >>"$CALLS"
[ "$1 $2" = "run download" ] && cp "$ARTIFACT" "$7/requirements.lock"
exit 0
"""
# What stands in for make: the log of the step that fails.
MAKE = """#!/bin/sh
[ "$1" = upgrade ] && exit 0
echo "chapters/quality.md is fine"
echo "{said}" >&2
exit 2
"""
CELL = "chapters/diagnosis.md:41 code cell 3 — TypeError: no keyword `a` [CHAPTER-003]"
REVIEW = 'title: A review\nversion: "2026.2"\n'
EVIDENCE = "# Evidence\n\n## 2026.2 (1 July 2026)\n\n* Two studies more.\n\n## 2026.1 (1 May 2026)\n\n* One.\n"
FROZEN = '{"results": {"version": "2026.2"}}'


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository whose main branch is at a release."""
    for name in ("bash", "git", "iconv", "tar"):
        if shutil.which(name) is None:
            pytest.skip(f"needs {name}")
    work = tmp_path / "work"
    for folder in (".ci", "data/releases"):
        (work / folder).mkdir(parents=True)
    for name in SCRIPTS:
        shutil.copy(ROOT / ".ci" / name, work / ".ci")
    (work / "data/review.yaml").write_text(REVIEW)
    (work / "data/releases/2026.2.json").write_text(FROZEN)
    (work / "requirements.lock").write_text("numpy==1.0 \\\n    --hash=sha256:00\n")
    (tmp_path / "bin").mkdir()
    program(tmp_path / "bin" / "gh", GH)
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin")
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "remote", "add", "origin", str(tmp_path / "origin"))
    commit(work)
    git(work, "push", "--quiet", "--set-upstream", "origin", "main")
    return work


def program(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(work: Path) -> None:
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "Change")


def run(work: Path, *command: str) -> subprocess.CompletedProcess[str]:
    around = work.parent
    environment = os.environ | {
        "PATH": f"{around / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(around / "calls"),
        "ARTIFACT": str(around / "artifact"),
        "GITHUB_RUN_ID": "1",
        "GITHUB_STEP_SUMMARY": str(around / "summary"),
    }
    return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, timeout=120)


def summary(work: Path) -> str:
    return (work.parent / "summary").read_text(encoding="utf-8")


@pytest.mark.parametrize("tag", ["2026.2", "v2026.2"])
def test_the_tag_of_the_review_s_version_passes(repository, tag):
    done = run(repository, ".ci/release", "check", tag)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("tag", "review", "frozen", "says"),
    [
        ("2026.3", REVIEW, FROZEN, "review.yaml is of another version"),
        ("2026.20", REVIEW, FROZEN, "review.yaml is of another version"),
        ("v2026.2", REVIEW.replace("2026.2", "2026.22"), FROZEN, "review.yaml is of another version"),
        ("v2026.2", "# version: 2026.2\n", FROZEN, "review.yaml is of another version"),
        ("v2026.2", REVIEW, None, "there is no data/releases/2026.2.json"),
        ("v2026.2", REVIEW, FROZEN.replace("2026.2", "2026.1"), "the results of another version"),
        ("v2026.2.1", REVIEW, FROZEN, "YEAR.NUMBER"),
        ("v.*", REVIEW, FROZEN, "YEAR.NUMBER"),
        ("20../../etc.x", REVIEW, FROZEN, "YEAR.NUMBER"),
        ('v2026.2"; touch pwned; "', REVIEW, FROZEN, "YEAR.NUMBER"),
        ("2026.2\n2026.2", REVIEW, FROZEN, "YEAR.NUMBER"),
    ],
)
def test_a_tag_that_does_not_match_is_refused(repository, tag, review, frozen, says):
    (repository / "data/review.yaml").write_text(review)
    path = repository / "data/releases/2026.2.json"
    path.unlink() if frozen is None else path.write_text(frozen)
    done = run(repository, ".ci/release", "check", tag)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (repository / "pwned").exists()


def test_a_tag_on_a_commit_that_main_does_not_hold_is_refused(repository):
    (repository / "aside").write_text("not reviewed")
    commit(repository)
    done = run(repository, ".ci/release", "check", "2026.2")
    assert done.returncode == 2
    assert "main does not hold this commit" in done.stderr


def test_a_release_packs_data_site_and_what_the_changelog_of_the_evidence_says_of_it(repository):
    (repository / "EVIDENCE.md").write_text(EVIDENCE)
    (repository / "_site").mkdir()
    (repository / "_site/index.html").write_text("<p>")
    (repository / "_site/data.zip").write_text("PK")
    done = run(repository, ".ci/release", "pack", "v2026.2")
    assert done.returncode == 0, done.stderr
    dist = repository / "dist"
    assert (dist / "notes.md").read_text() == "\n* Two studies more.\n\n"
    packed = run(repository, "tar", "-tzf", "dist/site.tar.gz").stdout.splitlines()
    assert "site/index.html" in packed
    first = (dist / "site.tar.gz").read_bytes()
    run(repository, ".ci/release", "pack", "v2026.2")
    assert (dist / "site.tar.gz").read_bytes() == first

    (repository / "EVIDENCE.md").write_text(EVIDENCE.replace("2026.2 ", "2026.22 "))
    assert "EVIDENCE.md says nothing of 2026.2" in run(repository, ".ci/release", "pack", "v2026.2").stderr


@pytest.mark.parametrize(("said", "told"), [(CELL, CELL), ("a test failed", "No cell failed")])
def test_a_rebuild_that_fails_says_which_cell_or_shows_the_end_of_its_log(repository, said, told):
    program(repository.parent / "bin" / "make", MAKE.format(said=said.replace("`", r"\`")))
    assert run(repository, ".ci/rebuild").returncode == 1
    told_lines = [line.strip() for line in summary(repository).splitlines()]
    assert any(line.startswith(told) for line in told_lines)
    assert any(line.startswith(said) for line in told_lines)
    assert "    chapters/quality.md" not in summary(repository) or said != CELL


def test_a_rebuild_on_which_everything_runs_passes(repository):
    program(repository.parent / "bin" / "make", "#!/bin/sh\n")
    program(repository / ".ci" / "run", "#!/bin/sh\n")
    assert run(repository, ".ci/rebuild").returncode == 0


def test_a_newer_lock_is_proposed_on_a_branch_and_the_same_lock_is_not(repository):
    lock = repository / "requirements.lock"
    artifact = repository.parent / "artifact"
    shutil.copy(lock, artifact)
    assert run(repository, ".ci/propose-lock").returncode == 0
    assert "nothing is newer" in summary(repository)
    assert "pr create" not in (repository.parent / "calls").read_text()

    artifact.write_text(lock.read_text().replace("1.0", "2.0"))
    done = run(repository, ".ci/propose-lock")
    assert done.returncode == 0, done.stderr
    assert "    +numpy==2.0" in summary(repository)
    calls = (repository.parent / "calls").read_text()
    assert "pr create --base main --head update/lock" in calls
    assert git(repository, "diff", "--name-only", "origin/main", "origin/update/lock") == "requirements.lock"


@pytest.mark.slow
def test_the_annotating_step_names_the_faulty_line_of_a_contributed_file(data_copy):
    """The recipe of `make check` is what the step runs; only the environment's folder is put in."""
    recipe = re.search(r"^check:.*\n\t(.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    steps = YAML(typ="safe").load(ROOT / ".github/workflows/ci.yml")["jobs"]["test"]["steps"]
    assert "make check FORMAT=github" in [step.get("run") for step in steps]
    study = data_copy / "studies" / "kim.yaml"
    study.write_text(study.read_text() + 'x: "%0A::error::y"\n"a,title=b::c\\n::error::d": 1\n')
    lines = len(study.read_text().splitlines())
    assert recipe is not None
    command = recipe[1].replace("$(BIN)", str(ROOT / ".venv/bin")).replace("$(FORMAT)", "github")
    done = subprocess.run(command.split(), cwd=data_copy.parent, capture_output=True, text=True, timeout=120)
    said = done.stdout.splitlines()
    assert done.returncode == 1
    assert len(said) == 2
    for line, text in zip((lines - 1, lines), said, strict=True):
        assert text.startswith(f"::error file=data/studies/kim.yaml,line={line},title=DATA-001::")
