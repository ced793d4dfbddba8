"""Does the scheduled search leave one branch and one pull request, never touch main, and fail loudly?"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

LIVINGREVIEW = """#!/bin/sh
case "$1" in
  search) {search} ;;
  dedupe) echo "1 records, 1 publications"; echo clusters >"$4" ;;
  check) [ ! -e data/search/records.csv ] || [ -e data/search/clusters.csv ] ;;
  screen) echo "| Rank | Title |" ;;
esac
"""
FOUND = (
    'echo "* PubMed: 1 records" >"$3"; echo "r,$(date +%N)" >>data/search/records.csv; echo new >>data/search/runs.csv'
)
# Lists what is open, and writes down what it is asked to do.
GH = """#!/bin/sh
[ "$1 $2" = "pr list" ] && { cat "$OPEN"; exit 0; }
echo "$@" >>"$CALLS"
[ "$1 $2" = "pr create" ] && echo 7 >"$OPEN"
exit 0
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for name in ("bash", "git", "iconv"):
        if shutil.which(name) is None:
            pytest.skip(f"needs {name}")
    work = tmp_path / "work"
    for folder in (".ci", ".venv/bin", "data/search"):
        (work / folder).mkdir(parents=True)
    for name in ("search", "propose"):
        shutil.copy(ROOT / ".ci" / name, work / ".ci")
    (work / "data/search/runs.csv").write_text("run_id\n")
    (work / ".gitignore").write_text(".venv/\n")
    (tmp_path / "bin").mkdir()
    script(tmp_path / "bin" / "gh", GH)
    (tmp_path / "open").touch()
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin")
    git(work, "init", "--quiet", "--initial-branch=main")
    git(work, "remote", "add", "origin", str(tmp_path / "origin"))
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "Begin")
    git(work, "push", "--quiet", "origin", "main")
    return work


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def scheduled(work: Path, search: str) -> subprocess.CompletedProcess[str]:
    script(work / ".venv/bin/livingreview", LIVINGREVIEW.format(search=search))
    git(work, "switch", "--quiet", "main")
    around = work.parent
    environment = os.environ | {
        "PATH": f"{around / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "OPEN": str(around / "open"),
        "CALLS": str(around / "calls"),
        "GITHUB_STEP_SUMMARY": str(around / "summary"),
    }
    return subprocess.run([".ci/search"], cwd=work, env=environment, capture_output=True, text=True, timeout=60)


def test_one_pull_request_is_opened_and_then_updated_and_main_is_left_alone(repository):
    main = git(repository, "rev-parse", "origin/main")
    for _ in range(2):
        done = scheduled(repository, FOUND)
        assert done.returncode == 0, done.stderr
    assert git(repository, "ls-remote", "origin", "refs/heads/main").split()[0] == main
    branches = git(repository, "ls-remote", "--heads", "origin").split("\n")
    assert [line.rpartition("/")[2] for line in branches] == ["main", "search"]
    calls = [line for line in (repository.parent / "calls").read_text().splitlines() if line.startswith("pr ")]
    assert [line.split()[1] for line in calls] == ["create", "edit"]
    assert "| Rank | Title |" in (repository.parent / "summary").read_text()
    assert "clusters.csv" in git(repository, "ls-tree", "-r", "--name-only", "update/search")
    # The second run began from main, so its branch holds one commit.
    assert git(repository, "rev-list", "--count", "main..update/search") == "1"


def test_a_source_that_failed_keeps_what_the_others_found_and_fails_the_run(repository):
    done = scheduled(repository, f"{FOUND}; exit 1")
    assert done.returncode == 1
    assert (repository.parent / "calls").read_text().count("pr create") == 1


def test_a_search_without_any_run_fails_and_opens_nothing(repository):
    done = scheduled(repository, 'echo "* PubMed: FAILED" >"$3"; exit 1')
    assert done.returncode == 1
    assert "no run was recorded" in done.stderr
    assert "PubMed: FAILED" in (repository.parent / "summary").read_text()
    assert not (repository.parent / "calls").exists()
