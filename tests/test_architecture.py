"""Does the page on the architecture say what the folders and the import contract say?"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def layers():
    """Return the layers of the import contract, the highest first, each a list of its folders and modules."""
    contract = (ROOT / ".importlinter").read_text(encoding="utf-8")
    lines = re.search(r"^layers =\n((?:    .*\n)+)", contract, re.MULTILINE)[1].splitlines()
    return [line.strip().split(" : ") for line in lines if not line.strip().startswith("#")]


def test_the_page_lists_every_folder_and_module_in_the_order_of_the_layers():
    listed = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert listed == [name for layer in layers() for name in layer]
    package = ROOT / "src" / "livingreview"
    there = {path.stem for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert set(listed) == there - {"__init__"}


def test_the_figure_stacks_the_folders_as_the_layers_do():
    figure = PAGE.split("```")[1]
    names = {name for layer in layers() for name in layer}
    assert [word for word in re.findall(r"[\w/]+", figure) if word in names] == [
        name for layer in layers() for name in layer
    ]


def test_what_the_page_says_to_enter_by_is_there():
    for folder, entries in re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", PAGE, re.MULTILINE):
        for entry in re.findall(r"`([\w.]+)`", entries):
            path = ROOT / "src" / "livingreview" / folder
            texts = [
                file.read_text(encoding="utf-8")
                for file in (path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")])
            ]
            names = entry.split(".")
            modules = {file.stem for file in path.rglob("*.py")} if path.is_dir() else set()
            last = names[-1]
            assert last in modules or any(
                re.search(rf"^\s*(def|class) {last}\b|^{last}\b", text, re.MULTILINE) for text in texts
            ), entry
            if len(names) == 2 and names[0].islower():
                assert names[0] in modules, entry


def test_every_folder_and_module_says_in_its_first_line_what_it_is_for():
    for path in sorted((ROOT / "src" / "livingreview").rglob("*.py")):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        assert re.match(r'r?"""\S.{10,}[.?:]("""$|$)', first) or re.match(r'r?"""\S.{10,}$', first), path
