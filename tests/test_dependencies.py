"""Has every dependency its reason and its place, and does each folder import only what its extra brings?"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "livingreview"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGE = (ROOT / "docs" / "decisions" / "dependencies.md").read_text(encoding="utf-8")
ENGINE = "the engine's"

distributions = cache(packages_distributions)


def name_of(requirement: str) -> str:
    """Return the normalised name of the distribution."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~!; ]", requirement)[0]).lower()


def required(extra: str) -> list[str]:
    return PROJECT["dependencies"] if extra == ENGINE else PROJECT["optional-dependencies"][extra]


def own(extra: str) -> set[str]:
    return {name_of(item) for item in required(extra)} - {"livingreview"}


def whole(extra: str) -> set[str]:
    """Return what is installed with an extra, by name."""
    inner = (re.findall(r"\w+", item.partition("[")[2]) for item in required(extra) if item.startswith("livingreview["))
    return own(ENGINE) | own(extra) | {name for extras in inner for one in extras for name in whole(one)}


def table(heading: str) -> list[tuple[str, ...]]:
    section = re.split(rf"^## {re.escape(heading)}$", PAGE, flags=re.MULTILINE | re.IGNORECASE)[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+) \|$", section, flags=re.MULTILINE)
    return [tuple(row.split(" | ")) for row in rows[1:]]


def imports(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the file and the top-level name of every import from outside, those for types alone left out."""
    for path in folder.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in {name.partition(".")[0] for name in names} - {"livingreview", *sys.stdlib_module_names}:
                yield path.name, name


@pytest.mark.parametrize("extra", [ENGINE, *PROJECT["optional-dependencies"]])
def test_every_dependency_has_a_reason_and_a_place_that_names_it(extra: str) -> None:
    rows = table(extra)
    assert sorted(name_of(row[0]) for row in rows) == sorted(own(extra))
    modules = {name_of(item): module for module, items in distributions().items() for item in items}
    for package, reason, where in rows:
        assert reason
        names = {package, package.replace("-", "_"), modules.get(name_of(package), package), package.rsplit(".")[-1]}
        for place in re.findall(r"`([^`]+)`", where):
            path = next(base / place for base in (SOURCE, ROOT) if (base / place).exists())
            files = path.rglob("*.py") if path.is_dir() else [path]
            text = "\n".join(file.read_text(encoding="utf-8") for file in files).lower()
            assert any(name.lower() in text for name in names), f"{package} is not named in {place}"


@pytest.mark.slow
def test_every_folder_imports_only_what_its_extra_brings() -> None:
    rows = table("What each folder may import")
    listed = {folder: text for folders, text in rows for folder in re.findall(r"`(\w+)`", folders)}
    assert set(listed) == {path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    for folder, text in listed.items():
        extra = ENGINE if text == ENGINE else "dev" if text.startswith("any") else text.split("`")[1]
        allowed = whole(extra)
        foreign = {(file, name) for file, name in imports(SOURCE / folder)
                   if not {name_of(item) for item in distributions()[name]} & allowed}  # fmt: skip
        assert foreign == set(), f"{folder} imports what {extra} does not bring"
