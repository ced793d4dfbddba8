"""Is every fault code explained, used for one problem, and noted when a test triggers it?"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import livingreview
from livingreview.errors import DataError, Fault
from livingreview.publish import fault_codes
from livingreview.publish.fault_codes import CODE, UNKNOWN, CodeUse, code_uses, fault_code_table
from livingreview.review.documents import parse_yaml
from triggered import never, noted

#: Codes that two modules name because it is one problem. Whoever uses a code again says here that it is.
SHARED = {
    "ADD-001", "CSV-001", "CSV-002", "FILE-001", "FILE-002", "IMPORT-005", "RATIO-001", "RECONSTRUCTION-001",
}  # fmt: skip

uses = cache(code_uses)


@pytest.mark.slow
def test_the_walk_finds_every_code_that_the_package_spells_out() -> None:
    spelt = {
        node.value
        for path in Path(livingreview.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }
    assert spelt <= {use.code for use in uses()}
    assert len(spelt) > 100


@pytest.mark.slow
def test_every_code_says_what_is_found_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fault_codes, "code_uses", uses)
    table = fault_code_table()
    assert not table.isna().any(axis=None)
    assert (table["Found"] != UNKNOWN).all()
    # Blank where only the fault itself can say it, once for each code and way out.
    blank = table[table["Found"] == ""]
    assert len(blank) < 10
    assert (blank["Way out"] != "").all()
    assert not blank.merge(table[table["Found"] != ""], on=["Code", "Way out"]).size
    ways_out = table.groupby("Code")["Way out"].agg(set)
    assert [code for code, texts in ways_out.items() if not texts - {"", UNKNOWN}] == ["STRATEGY-005"]


@pytest.mark.slow
def test_no_two_modules_use_one_code_for_two_problems() -> None:
    modules: dict[str, set[str]] = defaultdict(set)
    for use in uses():
        modules[use.code].add(use.module)
    assert {code for code, names in modules.items() if len(names) > 1} == SHARED


def test_a_code_counts_as_triggered_when_the_package_gives_it() -> None:
    with noted() as codes:
        Fault("", 0, "", "made by a test", "", "YAML-002")
        with pytest.raises(DataError):
            parse_yaml("", "empty.yaml")
    assert codes == {"YAML-001"}


@pytest.mark.slow
def test_a_code_that_no_test_triggers_is_named(tmp_path: Path) -> None:
    every = sorted({use.code for use in uses()})
    seen = tmp_path / "seen"
    seen.write_text("\n".join(every), encoding="utf-8")
    assert never(seen) == []
    seen.write_text("\n".join(code for code in every if code != "YAML-003"), encoding="utf-8")
    assert never(seen) == ["YAML-003"]


def test_texts_are_found_through_names_helpers_and_branches(tmp_path: Path) -> None:
    (tmp_path / "made_up.py").write_text(
        '''"""Read what is made up. More of it."""

WAY_OUT = "mend it"


def read(text, at):
    """Refuse it."""
    problem = f"line {at}: {text!r}" if at else "nothing"
    raise Fault("", at, "", problem, WAY_OUT, "MADE-001")


def fail(problem, remedy="leave it", code="MADE-002"):
    return Fault("", 0, "", problem, remedy, code)


def use(error):
    """Say what another said."""
    fail("too long" + "!", say(error))
    fail("too short")
    yield "field", str(error), "ask", "MADE-003"


def say(error):
    return "wait" if error else "go on"
''',
        encoding="utf-8",
    )
    assert code_uses(tmp_path) == [
        CodeUse("MADE-001", ("line …: …", "nothing"), ("mend it",), "made_up.py"),
        CodeUse("MADE-002", ("too long!",), ("wait", "go on"), "made_up.py"),
        CodeUse("MADE-002", ("too short",), ("leave it",), "made_up.py"),
        CodeUse("MADE-003", (), ("ask",), "made_up.py"),
    ]
