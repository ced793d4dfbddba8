"""Tools that are not Python: found, or the test is skipped, or (where everything has to run) the test fails."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def missing(what: str) -> None:
    """Skip the test for want of something; where LIVINGREVIEW_REQUIRE_TOOLS or CI is set, fail it."""
    required = os.environ.get("LIVINGREVIEW_REQUIRE_TOOLS") == "1" or os.environ.get("CI") == "true"
    (pytest.fail if required else pytest.skip)(f"needs {what}")


def program(*names: str) -> str:
    """Return the path of the first program that there is; those of this environment come first."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    for name in names:
        found = shutil.which(name, path=places)
        if found:
            return found
    missing(" or ".join(names))
    raise AssertionError("unreachable")


def node_module(path: str) -> Path:
    """Return a file of the pinned Node packages."""
    found = ROOT / "node_modules" / path
    if not found.is_file():
        missing(f"node_modules/{path} (make tools)")
    return found


def built_site() -> Path:
    """Return the folder of the site that was built before."""
    site = Path(os.environ.get("LIVINGREVIEW_SITE", ROOT / "_site"))
    if not (site / "index.html").is_file():
        missing(f"a built site in {site.name} (make site)")
    return site
