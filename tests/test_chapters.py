"""Do the chapters show results, and never type them?"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "index.md", *sorted((ROOT / "chapters").glob("*.md"))]
NAMES = [page.stem for page in PAGES]

# Texts of a page that are no result although they look like one, each with its reason. A result is never listed here.
ALLOWED: dict[str, dict[str, str]] = {}

FENCE = re.compile(r"^(`{3,}|~{3,}|:{3,})(\{?[\w-]*\}?).*?\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
# A decimal number, or a percentage: what a result looks like.
RESULT = re.compile(r"(?<![\w.])[-−]?\d+(?:[.,]\d+)+(?!\w)|(?<![\w.])\d+(?:[.,]\d+)?\s?(?:%|per cent|percent)")


def prose(text: str) -> str:
    """Return what an author typed as sentences: no front matter, code, formulas, roles or addresses."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    for pattern in (
        FENCE,
        re.compile(r"\$\$.*?\$\$", re.DOTALL),
        re.compile(r"\$[^$\n]+\$"),
        re.compile(r"\{[\w:]+\}`[^`]*`"),
        re.compile(r"`[^`]*`"),
        re.compile(r"\]\([^)]*\)"),
        re.compile(r"https?://\S+"),
    ):
        text = pattern.sub(" ", text)
    return text


def typed_results(text: str) -> list[str]:
    """Return what looks like a result in the sentences of a page."""
    return RESULT.findall(prose(text))


def code_cells(text: str) -> list[str]:
    """Return the code of a page's cells, without their tags."""
    return [
        re.sub(r"^:\w+:.*\n", "", body, flags=re.MULTILINE)
        for _, kind, body in FENCE.findall(text)
        if kind == "{code-cell}"
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sensitivity was 0.94.", ["0.94"]),
        ("Sensitivity was 94 % or 94%.", ["94 %", "94%"]),
        ("About 12.5 percent, −3.2 mm and 1,510 records.", ["12.5", "−3.2", "1,510"]),
        ("It was {glue:text}`x` after $0.5$ and `0.94` {cite:p}`a2020`.", []),
        ("```{code-cell} ipython3\nx = 0.94\n```\nSee [there](a.md#v1.2) and https://doi.org/10.1/2.3 in 2020.", []),
        ("CLAIM has 42 items, QUADAS-2 four domains; F1 and T2* are names.", []),
    ],
)
def test_is_a_typed_result_told_from_names_code_and_formulas(text: str, found: list[str]) -> None:
    assert typed_results(text) == found


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_does_no_sentence_type_a_result(page: Path) -> None:
    found = set(typed_results(page.read_text(encoding="utf-8")))
    allowed = ALLOWED.get(page.stem, {})
    assert found <= set(allowed), f"glue these from a result: {sorted(found - set(allowed))}"
    assert set(allowed) <= found, f"no longer there, take them off the list: {sorted(set(allowed) - found)}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_does_a_page_begin_with_a_sentence(page: Path) -> None:
    after_title = re.split(r"^# .*\n", page.read_text(encoding="utf-8"), maxsplit=1, flags=re.M)[1]
    # The parameters are not shown.
    shown = re.sub(
        r"```\{code-cell\} ipython3\n:tags: \[parameters\]\n.*?^```\n", "", after_title, flags=re.DOTALL | re.M
    )
    if not page.stem.startswith("engine-"):  # a reference
        assert re.match(r"\s*[A-Z{`]\w+", shown), f"begins with {shown.strip()[:30]!r}"


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_does_no_chapter_define_what_belongs_into_the_package(page: Path) -> None:
    defining = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
    for code in code_cells(page.read_text(encoding="utf-8")):
        defined = [ast.unparse(node) for node in ast.walk(ast.parse(code)) if isinstance(node, defining)]
        assert defined == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_does_every_page_load_the_review_as_the_build_asks(page: Path) -> None:
    cells = code_cells(page.read_text(encoding="utf-8"))
    asked = {"data_root", "as_of", "verified_only", "release"}
    for call in (node for code in cells for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)):
        if ast.unparse(call.func) == "Review.load":
            assert ast.unparse(call) == "Review.load(data_root, as_of=as_of, verified_only=verified_only)"
            assert {ast.unparse(target) for node in ast.parse(cells[0]).body for target in node.targets} == asked


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_does_every_link_to_another_chapter_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_is_every_methods_paper_cited_in_the_bibliography(page: Path) -> None:
    known = set(re.findall(r"^@\w+\{([^,]+),", (ROOT / "chapters" / "methods.bib").read_text(encoding="utf-8"), re.M))
    known |= {path.stem for path in (ROOT / "data" / "studies").glob("*.yaml")}
    cited = re.findall(r"\{cite:\w+\}`([^`]+)`", page.read_text(encoding="utf-8"))
    assert {key.strip() for keys in cited for key in keys.split(",")} <= known
