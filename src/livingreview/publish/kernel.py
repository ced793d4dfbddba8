"""A Jupyter kernel of this interpreter that neither reads nor writes the user's Jupyter folders."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Final

from livingreview.publish.forkserver import KERNEL_OPTIONS, can_fork, fork_server, forked_kernel

__all__ = ["KERNEL", "SOURCE_DATE", "kernel_folders", "reproducible_environment"]

KERNEL: Final = "livingreview"

# Any fixed moment will do: it stands wherever a tool would otherwise write the time of the build.
SOURCE_DATE: Final = "1767225600"

_ORDINARY: Final = [
    *(sys.executable, "-X", "frozen_modules=off", "-m", "ipykernel_launcher"),
    *(*KERNEL_OPTIONS, "-f", "{connection_file}"),
]


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
        # pandas loads pyarrow where it is installed; its allocator's thread would not survive a fork.
        "JE_ARROW_MALLOC_CONF": "background_thread:false",
        # ipykernel starts debugpy's checks otherwise, which warn on standard error.
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


@contextmanager
def kernel_folders(folder: Path, imports: Iterable[str] = ()) -> Iterator[str]:
    """Provide a kernel named :data:`KERNEL` from a folder of our own.

    Parameters
    ----------
    folder
        Where kernel description, connection files and IPython's profile go.
    imports
        Modules that the kernels have imported when they start, where they can be forked.

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
    address = places["JUPYTER_RUNTIME_DIR"] / "fork"
    argv = forked_kernel(address) if can_fork(address) else _ORDINARY
    _describe_kernel(places["JUPYTER_DATA_DIR"] / "kernels" / KERNEL, argv)
    environment = {name: str(path) for name, path in places.items()} | {"JUPYTER_NO_CONFIG": "1"}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    kernels = {**os.environ, **reproducible_environment()}
    try:
        with fork_server(address, imports, kernels) if can_fork(address) else nullcontext():
            yield KERNEL
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _describe_kernel(folder: Path, argv: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    description = {"argv": argv, "display_name": "Python 3", "language": "python", "env": reproducible_environment()}
    (folder / "kernel.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
