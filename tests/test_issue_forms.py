"""Are the issue forms what GitHub accepts, and does a suggested study become a draft, whatever its body holds?"""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from livingreview.adding.draft import LABELS, read_form
from livingreview.cli import main
from livingreview.errors import DataError
from livingreview.review.model.base import Task

GITHUB = Path(__file__).parents[1] / ".github"
FORMS = sorted(set((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) - {GITHUB / "ISSUE_TEMPLATE" / "config.yml"})

# What GitHub documents of a form: https://docs.github.com/en/communities/using-templates-to-encourage-useful-issues-
# and-pull-requests/syntax-for-githubs-form-schema, and of an issue form around it.
TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}


def element(kinds: list[str], required: list[str], **attributes: Any) -> dict[str, Any]:
    about = {"label": TEXT, "description": TEXT, **attributes}
    return {
        "type": "object",
        "required": ["type", "attributes"],
        "additionalProperties": False,
        "properties": {
            "type": {"enum": kinds},
            "id": {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"},
            "attributes": {
                "type": "object", "required": required, "properties": about, "additionalProperties": False,
            },
            "validations": {
                "type": "object", "properties": {"required": {"type": "boolean"}}, "additionalProperties": False,
            },
        },
    }  # fmt: skip


MARKDOWN = element(["markdown"], ["value"], value=TEXT)
SCHEMA = {
    "type": "object",
    "required": ["name", "description", "body"],
    "additionalProperties": False,
    "properties": {
        "name": {**TEXT, "minLength": 3},
        "description": TEXT,
        "title": TEXT,
        "labels": TEXTS,
        "assignees": TEXTS,
        "projects": TEXTS,
        "type": TEXT,
        "body": {
            "type": "array",
            "minItems": 1,
            "contains": {"not": MARKDOWN},
            "items": {
                "oneOf": [
                    MARKDOWN,
                    element(["input"], ["label"], placeholder=TEXT, value=TEXT),
                    element(["textarea"], ["label"], placeholder=TEXT, value=TEXT, render=TEXT),
                    element(["dropdown"], ["label", "options"], options=TEXTS, multiple={"type": "boolean"},
                            default={"type": "integer", "minimum": 0}),
                ]
            },
        },
    },
}  # fmt: skip


def form(name: str) -> dict[str, Any]:
    content = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def fields(name: str) -> dict[str, dict[str, Any]]:
    return {item["id"]: item["attributes"] for item in form(name)["body"] if item["type"] != "markdown"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_what_github_documents(path: Path) -> None:
    content = form(path.stem)
    jsonschema.validate(content, SCHEMA)
    asked = [item for item in content["body"] if item["type"] != "markdown"]
    ids = [item.get("id") for item in asked]
    labels = [item["attributes"]["label"] for item in asked]
    assert None not in ids
    assert len(set(ids)) == len(ids)
    assert len(set(labels)) == len(labels)
    known = {label["name"] for label in yaml.safe_load((GITHUB / "labels.yml").read_text(encoding="utf-8"))}
    assert set(content["labels"]) <= known
    options = [option for item in asked for option in item["attributes"].get("options", [])]
    assert "None" not in options
    assert all(isinstance(option, str) for option in options)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.pop("description"),
        lambda content: content.update(body=[]),
        lambda content: content.update(colour="red"),
        lambda content: content["body"][1].update(type="text"),
        lambda content: content["body"][1]["attributes"].pop("label"),
        lambda content: content["body"][1].update(id="with blanks"),
        lambda content: content["body"][2]["attributes"].update(options=[True, "x"]),
        lambda content: content["body"][1].update(validations={"required": "yes"}),
    ],
)
def test_the_validator_sees_a_spoiled_form(spoil: Any) -> None:
    content = form("suggest-a-study")
    spoil(content)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, SCHEMA)


def test_the_three_forms_ask_for_what_is_needed() -> None:
    assert [path.stem for path in FORMS] == ["correct-a-value", "propose-a-method-change", "suggest-a-study"]
    assert list(fields("correct-a-value")) == ["study", "field", "now", "paper", "page"]
    suggested = fields("suggest-a-study")
    assert {name: attributes["label"] for name, attributes in suggested.items()} == LABELS
    assert suggested["task"]["options"] == list(get_args(Task))


def test_labels_are_what_github_takes() -> None:
    schema = {
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["name", "color", "description"],
            "properties": {
                "name": {"type": "string", "maxLength": 50},
                "color": {"type": "string", "pattern": "^[0-9A-F]{6}$"},
                "description": {"type": "string", "maxLength": 100},
            },
        },
    }
    labels = yaml.safe_load((GITHUB / "labels.yml").read_text(encoding="utf-8"))
    jsonschema.validate(labels, schema)
    assert len({label["name"].lower() for label in labels}) == len(labels), "GitHub takes a name once"


def test_nobody_is_named_as_an_owner_who_was_not_asked() -> None:
    lines = (GITHUB / "CODEOWNERS").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def body(identifier: str = "10.5555/test.1", task: str = "diagnosis", why: str = "It is new.") -> str:
    answers = {"identifier": identifier, "task": task, "why": why}
    return "\n\n".join(f"### {LABELS[name]}\n\n{answer or '_No response_'}" for name, answer in answers.items())


def saved(folder: Path, text: str) -> Path:
    path = folder / "issue.md"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_form_says_what_was_chosen(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "issue.md"
    path.write_bytes(body(task="").replace("\n", ends).encode())
    wish = read_form(path)
    assert (wish.study, wish.task, wish.note) == (("doi", "10.5555/test.1"), "", "It is new.")
    assert read_form(saved(tmp_path, body("https://pubmed.ncbi.nlm.nih.gov/123/", why=""))).study == ("pmid", "123")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Dear all, please add 10.5555/test.1",
        body(""),
        body("../../etc/passwd"),
        body("data/studies/lai2025.yaml"),
        body("https://example.org/paper"),
        body("$(touch x)"),
        body("10.5555/" + "x" * 400),
        body("10.5555/te\u0455t.1"),
        body(task="rm -rf"),
        body(task="diagnosis\n\nsegmentation"),
        body(why="x" * 1_001),
        body(why="hidden \u202e text"),
        body(why="bell \x07"),
        body(why="x" * 70_000),
    ],
)
def test_a_body_that_is_not_the_forms_is_one_line_and_writes_nothing(
    data_copy: Path, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(data_copy.parent, text)
    before = {file: file.read_bytes() for file in data_copy.rglob("*") if file.is_file()}
    # Nobody listens there: a body that was taken would show.
    monkeypatch.setenv("LIVINGREVIEW_CROSSREF_URL", "http://127.0.0.1:9")
    assert main(["add", "--from-issue", str(path), "--by", "Jane Doe", "--data", str(data_copy)]) == 2
    told = capsys.readouterr().err
    assert "[ADD-00" in told
    assert told.count("\n") == 1
    assert {file: file.read_bytes() for file in data_copy.rglob("*") if file.is_file()} == before


def test_a_heading_inside_of_an_answer_changes_no_other_answer(tmp_path: Path) -> None:
    wish = read_form(
        saved(tmp_path, body(why=f"x\n\n### {LABELS['task']}\n\nsegmentation\n\n### DOI or PubMed number\n\n1"))
    )
    assert (wish.study, wish.task) == (("doi", "10.5555/test.1"), "diagnosis")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "issue.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"not a text file .*\[ADD-006\]"):
        read_form(tmp_path / "issue.md")
    with pytest.raises(DataError, match="not a text file"):
        read_form(tmp_path / "nothing.md")
