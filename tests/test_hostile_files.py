"""Is every file that a stranger could contribute refused with code and line, or read as nothing but text?

What passes is shown on the site; that it stays text there is for ``test_hostile_site.py``.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pybtex.database import parse_string

from hostile import ATTACK, DATASET, STUDY, add_hostile, dataset, study
from livingreview.errors import DataError, Fault
from livingreview.publish.metadata import banner_html
from livingreview.publish.references import bibtex_entry
from livingreview.review import Review, check
from livingreview.review.model import Dataset, Study
from livingreview.review.reading import read_csv, read_record, read_yaml

GOOD = "id: somebody2026\nreport:\n  title: A title\n  source: paper\n"


def refused(text: str | bytes, folder: Path) -> list[Fault]:
    path = folder / "somebody2026.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    start = time.perf_counter()
    with pytest.raises(DataError) as caught:
        read_yaml(path, folder)
    assert time.perf_counter() - start < 30, "refusing took as long as reading"
    for fault in caught.value.faults:
        assert str(fault).isprintable()
    return list(caught.value.faults)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (GOOD.replace("A title", "!!python/object/apply:os.system [id]"), "YAML-004", 3),
        (GOOD.replace("A title", "!<tag:yaml.org,2002:python/name:os.system> x"), "YAML-004", 3),
        ("%TAG ! tag:x,2000:\n---\n" + GOOD.replace("A title", "!x y"), "YAML-004", 5),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n", "YAML-004", 1),
        (GOOD + "<<: {id: other}\n", "YAML-004", 5),
        (GOOD + "id: other\n", "YAML-003", 5),
        (GOOD + "---\n" + GOOD, "YAML-001", 5),
        (GOOD + "notes: " + "[" * 400_000, "YAML-005", 5),
        (GOOD + "notes:\n  " + "- " * 400_000 + "x\n", "YAML-005", 6),
        (GOOD + "notes: " + '{"a":' * 100_000, "YAML-005", 5),
        (GOOD + "notes: [" + "x," * 1_001 + "]\n", "YAML-007", 5),
        (GOOD + f"notes: ['{'x' * 10_000_000}']\n", "FILE-004", 0),
        (GOOD.replace("A title", "A\x00title"), "FILE-006", 3),
        (GOOD.replace("A title", "A \u202eeltit"), "FILE-006", 3),
        (GOOD.replace("A title", "A \u2066title"), "FILE-006", 3),
        (GOOD.replace("A title", "A ti\u200btle"), "FILE-006", 3),
        (GOOD.replace("A title", "A title\u2028kind: preprint"), "FILE-006", 3),
        (GOOD.replace("A title", "A title\x85kind: preprint"), "FILE-006", 3),
        (GOOD.replace("A title", "A \x1b]0;title"), "FILE-006", 3),
        (GOOD.replace("A title", "A \udc80title"), "FILE-005", 3),
        (GOOD.replace("A title", "A \uffff title"), "FILE-006", 3),
        *((GOOD.replace("A title", f'"A {spelt} title"'), "FILE-006", 3)
          for spelt in (r"\0", r"\e[2J", r"\u202e", r"\x9b", r"\u200b", r"\uFEFF", r"\U000e0041", r"\L")),
        (GOOD.replace("A title", r'"A \ud800 title"'), "YAML-001", 3),
        (GOOD.replace("A title", "\u0410gibetov"), "FILE-009", 3),
        (GOOD.replace("A title", r'"\u0410gibetov"'), "FILE-009", 3),
        (GOOD.encode("utf-16"), "FILE-005", 1),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 9 else None,
)  # fmt: skip
def test_what_is_not_plain_text_is_refused_at_once_with_its_line(tmp_path, text, code, line):
    faults = refused(text, tmp_path)
    assert (code, line) in {(fault.code, fault.line) for fault in faults}


def faults_of(content: dict[str, Any], folder: Path) -> list[Fault]:
    path = folder / f"{STUDY}.yaml"
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_record(path, folder, Study)
    return list(caught.value.faults)


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "..", "a/b", "a\\b", "con.yaml", "A2026", "а2026", "a2026\n", "a" * 61]
)
def test_an_id_is_never_a_path_nor_a_lookalike(tmp_path, name):
    faults = faults_of(study() | {"id": name}, tmp_path)
    assert {(fault.line, fault.code) for fault in faults} & {(2, "DATA-003"), (2, "FILE-009")}, faults


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "javascript:alert(1)"),
        ("url", "JaVaScRiPt://x%0aalert(1)"),
        ("url", "data:text/html,<script>alert(1)</script>"),
        ("url", "//evil.example/"),
        ("url", "https://evil.example/'onmouseover='alert(1)"),
        ("url", 'https://evil.example/"><script>'),
        ("url", "https://еvil.example/"),
        ("doi", "10.1234/x y"),
        ("doi", '10.1234/"><script>'),
        ("doi", "10.1234/х"),
        ("doi", "10.1234/x\n"),
        ("doi", "١٠.1234/x"),
        ("pmid", "1٢3"),
        ("pmid", "../1"),
        ("pmcid", "PMC1/../../x"),
        ("title", "x" * 2001),
    ],
)
def test_an_identifier_leads_only_where_it_says(tmp_path, field, value):
    content = study()
    content["report"][field] = value
    faults = faults_of(content, tmp_path)
    lines = (tmp_path / f"{STUDY}.yaml").read_text(encoding="utf-8").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.startswith(f'  "{field}"'))
    assert line in {fault.line for fault in faults}, faults


LINKED = ("studies/link2026.yaml", "datasets/link.yaml", "search/records.csv", "baseline/x.csv", "screening/x", "link")


@pytest.mark.parametrize("place", LINKED)
def test_a_link_out_of_the_review_is_never_followed(data_copy, tmp_path, place):
    secret = tmp_path / "secret"
    secret.write_text("a secret,of this computer\n")
    link = data_copy / place
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    faults = check(data_copy)
    assert [(fault.path, fault.code) for fault in faults] == [(f"data/{place}", "FILE-002")]
    assert "secret" not in "".join(map(str, faults)).replace(place, "")


def test_a_cell_longer_than_a_reader_takes_is_a_fault(tmp_path):
    (tmp_path / "x.csv").write_text("a\n" + "x" * 200_000 + "\n")
    with pytest.raises(DataError, match=r"x\.csv:\d .*CSV-004"):
        read_csv(tmp_path / "x.csv", tmp_path, ["a"])


def free_texts(schema: dict[str, Any], part: dict[str, Any], where: str = "") -> Iterator[str]:
    """Yield the path of every text that the schema leaves free."""
    part = schema["$defs"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part
    for choice in part.get("anyOf", []):
        yield from free_texts(schema, choice, where)
    if part.get("type") == "string" and not {"pattern", "enum", "format", "const"} & set(part):
        yield where
    for name, field in part.get("properties", {}).items():
        yield from free_texts(schema, field, f"{where}.{name}")
    for inner in [part.get("items"), *part.get("patternProperties", {}).values()]:
        if inner is not None:
            yield from free_texts(schema, inner, where)


def filled(value: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if where == "" and name == "sources":  # the keys below it are a study's own
                inner = list(inner.values())
            yield from filled(inner, f"{where}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from filled(inner, where)
    elif isinstance(value, str):
        yield where, value


@pytest.mark.parametrize(("model", "content"), [(Study, study()), (Dataset, dataset())], ids=["study", "dataset"])
def test_the_hostile_files_attack_in_every_free_text_of_the_schema(model, content):
    schema = model.model_json_schema()
    attacked = {where for where, text in filled(content) if ATTACK in text}
    named_elsewhere = {".appraisal.judgements.domain", ".sources.table"}  # in an instrument, in the base review
    assert set(free_texts(schema, schema)) - named_elsewhere == attacked


@pytest.mark.slow
def test_the_hostile_files_pass_and_stay_what_they_say(data_copy):
    add_hostile(data_copy)
    assert {fault.code for fault in check(data_copy)} == {"REF-004"}
    review = Review.load(data_copy)
    hostile = review.study(STUDY)
    assert ATTACK.strip() in (hostile.report.title or "")
    assert "<script" not in banner_html(review, review.day)
    assert review.datasets[DATASET].name.startswith("=HYPERLINK")
    entry = bibtex_entry(hostile)
    assert entry.count("\n@") == 0
    assert entry.startswith("@misc{hostile2026,\n")
    # The program that makes the references reads it, and no command is left that TeX would run.
    (key,) = parse_string(entry, "bibtex").entries
    assert key == STUDY
    assert all(command.startswith("\\text") for command in re.findall(r"\\[a-zA-Z]+", entry)), entry
