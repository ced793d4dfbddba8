"""A Jupyter kernel of this interpreter that neither reads nor writes the user's Jupyter folders."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

__all__ = ["KERNEL", "SOURCE_DATE", "kernel_folders", "reproducible_environment"]

KERNEL: Final = "livingreview"

# Any fixed moment will do: it stands wherever a tool would otherwise write the time of the build.
SOURCE_DATE: Final = "1767225600"


def reproducible_environment() -> dict[str, str]:
    """Return the environment variables under which two runs of the same code give the same bytes."""
    return {
        "PYTHONHASHSEED": "0",
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH", SOURCE_DATE),
        "MPLBACKEND": "agg",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        # Chapters already run side by side; more threads in each would only contend for the same cores.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # ipykernel starts debugpy's checks otherwise, which warn on standard error.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


@contextmanager
def kernel_folders(folder: Path) -> Iterator[str]:
    """Provide a kernel named :data:`KERNEL` from a folder of our own.

    Parameters
    ----------
    folder
        Where kernel description, connection files and IPython's profile go.

    Yields
    ------
    str
        Name of the kernel.

    Notes
    -----
    Jupyter finds its folders by environment variables of *this* process; they are restored afterwards.
    """
    places = {
        "JUPYTER_CONFIG_DIR": folder / "config",
        "JUPYTER_DATA_DIR": folder / "data",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "IPYTHONDIR": folder / "ipython",
    }
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    # Connection files hold the keys of running kernels.
    places["JUPYTER_RUNTIME_DIR"].chmod(0o700)
    _describe_kernel(places["JUPYTER_DATA_DIR"] / "kernels" / KERNEL)
    environment = {name: str(path) for name, path in places.items()} | {"JUPYTER_NO_CONFIG": "1"}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield KERNEL
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _describe_kernel(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    description = {
        "argv": [
            sys.executable,
            "-X",
            "frozen_modules=off",
            "-m",
            "ipykernel_launcher",
            "--HistoryManager.enabled=False",
            # What a cell does wrong comes back as its output; the kernel's own chatter says nothing about it.
            "--IPKernelApp.log_level=50",
            "-f",
            "{connection_file}",
        ],
        "display_name": "Python 3",
        "language": "python",
        "env": reproducible_environment(),
    }
    (folder / "kernel.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
