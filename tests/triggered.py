"""Which fault codes do the tests trigger?

`make codes` runs all tests with LIVINGREVIEW_TRIGGERED naming a file; every process of theirs adds what it saw. Then it
runs this module, which names each code that the package can give and no test made it give.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import livingreview
from livingreview.errors import Fault
from livingreview.publish.fault_codes import code_uses

PACKAGE = str(Path(livingreview.__file__).parent)


@contextmanager
def noted() -> Iterator[set[str]]:
    """Give a set that the codes of all faults go to that the package itself makes; a test's own do not count."""
    codes: set[str] = set()
    make = Fault.__init__

    def note(fault: Fault, *args: Any, **kwargs: Any) -> None:
        make(fault, *args, **kwargs)
        if sys._getframe(1).f_code.co_filename.startswith(PACKAGE):
            codes.add(fault.code)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Fault, "__init__", note)
        yield codes


def keep(codes: set[str]) -> None:
    """Add codes to the file that the environment names, if it names one."""
    if named := os.environ.get("LIVINGREVIEW_TRIGGERED"):
        Path(named).parent.mkdir(exist_ok=True)
        with Path(named).open("a", encoding="utf-8") as file:
            file.write("".join(f"{code}\n" for code in sorted(codes)))


def never(seen: Path) -> list[str]:
    """Return the codes of the package that a file of codes lacks."""
    return sorted({use.code for use in code_uses()} - set(seen.read_text(encoding="utf-8").split()))


if __name__ == "__main__" and (missing := never(Path(os.environ["LIVINGREVIEW_TRIGGERED"]))):
    sys.exit(f"no test triggers {', '.join(missing)}")
