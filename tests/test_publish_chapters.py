"""Does a chapter run exactly when something it depends on changed, and does a failing one say where?"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from livingreview.errors import BuildError
from livingreview.publish import inputs
from livingreview.publish.chapters import execute_chapters
from livingreview.publish.inputs import read_chapter, read_notebook
from livingreview.publish.kernel import kernel_folders
from tiny_book import chapter, tiny_book

PARAMETERS = {"data_root": "data", "as_of": None}


@pytest.fixture(autouse=True)
def _package_holds_still(monkeypatch, tmp_path):
    """Take the package to be a small folder, so that nobody who edits it meanwhile changes what is tested."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(inputs.livingreview, "__file__", str(package / "__init__.py"))


@pytest.fixture
def book(tmp_path) -> Path:
    return tiny_book(tmp_path / "book")


def outputs(path: Path) -> str:
    cells = read_notebook(path).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


@pytest.mark.slow
def test_a_second_run_executes_nothing_and_each_change_executes_what_it_touches(book):
    first = execute_chapters(book, PARAMETERS)
    assert set(first.ran) == {"index.md", "chapters/one.md"}
    assert outputs(first.notebooks["chapters/one.md"]) == "there are 3 facts as of None\n"

    second = execute_chapters(book, PARAMETERS)
    assert second.ran == ()
    assert set(second.cached) == {"index.md", "chapters/one.md"}
    assert second.notebooks == first.notebooks

    text = chapter(code='print("nothing")')
    (book / "chapters" / "one.md").write_text(text, encoding="utf-8")
    assert execute_chapters(book, PARAMETERS).ran == ("chapters/one.md",)

    (book / "data" / "facts.txt").write_text("alpha beta\n", encoding="utf-8")
    assert set(execute_chapters(book, PARAMETERS).ran) == {"index.md", "chapters/one.md"}

    past = execute_chapters(book, {**PARAMETERS, "as_of": "2025-07-31"})
    assert set(past.ran) == {"index.md", "chapters/one.md"}
    assert outputs(past.notebooks["index.md"]) == "there are 2 facts as of 2025-07-31\n"


def test_data_package_lock_and_parameters_each_change_the_digest(book):
    before = inputs.input_digest(book, PARAMETERS)
    seen = {before, inputs.input_digest(book, {**PARAMETERS, "as_of": "2025-07-31"})}
    for path in (book / "data" / "facts.txt", book / "requirements.lock", Path(inputs.livingreview.__file__)):
        path.write_text(path.read_text(encoding="utf-8") + "\n# more", encoding="utf-8")
        seen.add(inputs.input_digest(book, PARAMETERS))
    assert len(seen) == 5
    (book / "index.md").write_text("# Other", encoding="utf-8")
    assert inputs.input_digest(book, PARAMETERS) in seen


def test_renaming_a_file_changes_the_digest_and_compiled_files_do_not(book):
    before = inputs.digest_of_tree(book)
    (book / "__pycache__").mkdir()
    (book / "__pycache__" / "x.pyc").write_bytes(b"x")
    assert inputs.digest_of_tree(book) == before
    (book / "data" / "facts.txt").rename(book / "data" / "truths.txt")
    assert inputs.digest_of_tree(book) != before


@pytest.mark.slow
def test_every_failing_chapter_is_named_with_cell_line_and_error(book):
    (book / "chapters" / "one.md").write_text(chapter(code="x = 1\n\ny = x / 0"), encoding="utf-8")
    (book / "index.md").write_text(chapter(code='import warnings\nwarnings.warn("watch out")'), encoding="utf-8")
    with pytest.raises(BuildError) as caught:
        execute_chapters(book, PARAMETERS)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    source = (book / "chapters" / "one.md").read_text(encoding="utf-8").splitlines()
    place = re.match(r"chapters/one\.md:(\d+) code cell 2 — ZeroDivisionError: division by zero;", lines[0])
    assert place, lines[0]
    assert source[int(place[1]) - 1] == "y = x / 0"
    assert lines[0].endswith("[CHAPTER-003]")
    assert re.match(r"index\.md:\d+ code cell 2 — wrote to standard error: .*watch out.*\[CHAPTER-004\]$", lines[1])


def test_unreadable_chapters_are_reported_together_and_nothing_runs(book):
    (book / "chapters" / "one.md").write_bytes(b"# \xff\n")
    (book / "index.md").write_text(chapter().replace(":tags: [parameters]\n", ""), encoding="utf-8")
    with pytest.raises(BuildError) as caught:
        execute_chapters(book, PARAMETERS)
    first, second = sorted(str(caught.value).splitlines())
    assert first.startswith("chapters/one.md")
    assert "UTF-8" in first
    assert second.startswith("index.md")
    assert "found 0" in second
    assert second.endswith("[CHAPTER-002]")
    assert not (book / ".cache").exists()


def test_broken_cell_options_name_the_chapter(book):
    (book / "index.md").write_text(chapter().replace("[parameters]", "[parameters"), encoding="utf-8")
    read, faults = read_chapter(book, "index.md")
    assert read is None
    assert faults[0].path == "index.md"
    assert faults[0].code == "CHAPTER-001"


def test_lines_of_cells_are_those_of_the_chapter(book):
    read, faults = read_chapter(book, "chapters/one.md")
    assert faults == []
    for cell, line in zip(read.notebook.cells, read.lines, strict=True):
        assert read.text.splitlines()[line - 1] == cell.source.splitlines()[0]


def test_the_users_jupyter_folders_are_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", "mine")
    monkeypatch.delenv("IPYTHONDIR", raising=False)
    with kernel_folders(tmp_path / "kernels") as kernel:
        assert os.environ["JUPYTER_DATA_DIR"] == str(tmp_path / "kernels" / "data")
        assert (tmp_path / "kernels" / "data" / "kernels" / kernel / "kernel.json").is_file()
    assert os.environ["JUPYTER_DATA_DIR"] == "mine"
    assert "IPYTHONDIR" not in os.environ


@pytest.mark.slow
def test_what_goes_into_the_book_hides_parameters_and_holds_no_time_or_path(book):
    executed = execute_chapters(book, PARAMETERS)
    text = executed.notebooks["index.md"].read_text(encoding="utf-8")
    assert "papermill" not in text
    assert str(book) not in text
    cells = read_notebook(executed.notebooks["index.md"]).cells
    tagged = [cell.metadata.get("tags", []) for cell in cells]
    assert not any("injected-parameters" in tags for tags in tagged)
    assert ["parameters", "remove-cell"] in tagged
