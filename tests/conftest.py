"""Fixtures that several test files share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from golden_cases import EDGE, GOLDEN, Case
from livingreview.reconstruction import reconstruct
from livingreview.review import Review, documents, number_checks, reading
from triggered import keep, noted

DATA = Path(__file__).parent.parent / "data"

# No deadline: on a busy runner the first example pays for imports. In CI the examples are the same every
# time, so that a red build is about the change and not about the draw.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


def pytest_collection_finish() -> None:
    """Leave what the imports made out of every later collection of garbage: it is never any."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Let libraries find at the exit what they would count as leaked otherwise."""
    gc.unfreeze()


@cache
def contents(folder: Path) -> tuple[tuple[str, ...], tuple[tuple[str, bytes], ...]]:
    """Return a folder that no test changes, with its folders and files, as what follows its path."""
    paths = [(str(path).removeprefix(str(folder)), path) for path in [folder, *sorted(folder.rglob("*"))]]
    files = tuple((name, path.read_bytes()) for name, path in paths if path.is_file())
    return tuple(name for name, path in paths if path.is_dir()), files


def copied(folder: Path, target: Path) -> Path:
    """Return a copy of a folder that no test changes; a session makes some two hundred."""
    folders, files = contents(folder)
    for path in folders:
        os.mkdir(f"{target}{path}")  # noqa: PTH102 — paths of text take a third of the time, as often as this runs
    for path, data in files:
        file = os.open(f"{target}{path}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(file, data)
        os.close(file)
    return target


@pytest.fixture(scope="session")
def reference_dir() -> Path:
    """Return the folder of the reference data, or skip; in CI a folder that is named but gone fails."""
    named = os.environ.get("LIVINGREVIEW_REFERENCE")
    if not named:
        pytest.skip("set LIVINGREVIEW_REFERENCE to the reference data to run this test")
    folder = Path(named)
    if not (folder / "datasets").is_dir():
        message = f"LIVINGREVIEW_REFERENCE names {named}, which holds no datasets folder"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def load_case(request: pytest.FixtureRequest) -> Callable[[str], Case]:
    """Return a function from a name in ``golden_cases.EVERY`` to its case; it skips without the data."""

    def load(name: str) -> Case:
        folder = GOLDEN if name in EDGE else request.getfixturevalue("reference_dir")
        return Case(name, folder)

    return load


@pytest.fixture(scope="session", autouse=True)
def codes_kept() -> Iterator[None]:
    """Note which fault codes the tests trigger."""
    with noted() as codes:
        yield
    keep(codes)


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """Let what a test did not change be parsed and checked once a session: each copy of the data holds a hundred."""
    unseen = cache(lambda text: tuple(documents.unseen(text)))
    reconstructed = cache(lambda printed, n: reconstruct(dict(printed), n=n))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "parse_yaml", cache(reading.parse_yaml))
        patch.setattr(reading, "unseen", unseen)
        patch.setattr(number_checks, "reconstruct", lambda printed, n: reconstructed(tuple(printed.items()), n))
        yield


@pytest.fixture(scope="session", autouse=True)
def never_synced() -> Iterator[None]:
    """Leave it to the system when it writes to the disk: no test asks what a loss of power leaves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def review() -> Review:
    """Return the review as its files stand."""
    return Review.load(DATA)


@pytest.fixture
def data_copy(tmp_path: Path) -> Path:
    """Return a copy of the data folder that a test may spoil."""
    return copied(DATA, tmp_path / "data")


@pytest.fixture(scope="session")
def base_only(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder, not to be changed, of which the base version alone is released."""
    root = copied(DATA, tmp_path_factory.mktemp("base") / "data")
    for path in (root / "releases").iterdir():
        if path.name != "2025.1.json":
            path.unlink()
    return root


@pytest.fixture
def base_copy(base_only: Path, tmp_path: Path) -> Path:
    """Return a copy of `base_only` that a test may spoil."""
    return copied(base_only, tmp_path / "data")
