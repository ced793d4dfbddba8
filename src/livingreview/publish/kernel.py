"""Jupyter kernels of this interpreter that neither read nor write the user's Jupyter folders.

On Linux one process imports what the chapters import, and forks a kernel for each of them: imports cost a chapter more
than its own work does. Every kernel is a fresh copy, so that nothing that one chapter sets can reach another. The
process has one thread and no socket of ZeroMQ when it forks.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from typing import Final

__all__ = ["can_fork", "kernel_folders", "reproducible_environment"]

KERNEL: Final = "livingreview"

# Any fixed moment will do: it stands wherever a tool would otherwise write the time of the build.
SOURCE_DATE: Final = "1767225600"

_OPTIONS: Final = (
    "--HistoryManager.enabled=False",
    # What a cell does wrong comes back as its output; the kernel's own chatter says nothing about it.
    "--IPKernelApp.log_level=50",
)
_ORDINARY: Final = [
    *(sys.executable, "-X", "frozen_modules=off", "-m", "ipykernel_launcher"),
    *(*_OPTIONS, "-f", "{connection_file}"),
]
# Jupyter starts and watches this small process in place of the kernel: it asks for one, and lives as long as that.
_CLIENT: Final = """
import json, os, signal, socket, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # Jupyter interrupts before it shuts down; no traceback for that
kernel = socket.socket(socket.AF_UNIX)
kernel.connect(sys.argv[1])
kernel.sendall(json.dumps([os.getcwd(), sys.argv[2]]).encode() + b"\\n")
kernel.recv(1)
"""
_LONGEST_ADDRESS: Final = 107


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
    """Provide a kernel from a folder of our own, for kernel description, connection files and IPython's profile.

    Its name is yielded. Jupyter finds its folders by environment variables of *this* process; they are restored
    afterwards. The kernels have imported modules when they start, where they can be forked.
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
    forked = [sys.executable, "-I", "-S", "-c", _CLIENT, str(address), "{connection_file}"]
    description = {
        "argv": forked if can_fork(address) else _ORDINARY, "display_name": "Python 3", "language": "python",
        "env": reproducible_environment(),
    }  # fmt: skip
    (places["JUPYTER_DATA_DIR"] / "kernels" / KERNEL).mkdir(parents=True)
    (places["JUPYTER_DATA_DIR"] / "kernels" / KERNEL / "kernel.json").write_text(json.dumps(description))
    environment = {name: str(path) for name, path in places.items()} | {"JUPYTER_NO_CONFIG": "1"}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        with fork_server(address, imports) if can_fork(address) else nullcontext():
            yield KERNEL
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def can_fork(address: Path) -> bool:
    """Return whether kernels can be forked here: forking a process with native libraries is safe on Linux only."""
    return sys.platform == "linux" and len(os.fsencode(address)) <= _LONGEST_ADDRESS


@contextmanager
def fork_server(address: Path, imports: Iterable[str]) -> Iterator[None]:
    """Run a server at a socket; when the context ends, however it ends, so do the server and its kernels.

    The socket is in a folder that nobody else can enter. A module to import before the first fork that cannot be
    imported, or warns, is left to the chapters to complain of.
    """
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address))
        # Kernels may be asked for from here on; they wait until the imports are done.
        listening.listen(64)
        number = listening.fileno()
        # -P: as in any kernel, a file beside the book must not be taken for a library.
        command = [sys.executable, "-P", "-X", "frozen_modules=off", "-m", __name__, str(number), *sorted(imports)]
        environment = {**os.environ, **reproducible_environment()}
        server = subprocess.Popen(
            command, env=environment, pass_fds=[number], stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


class _Server(ForkingMixIn, UnixStreamServer):
    builder = os.getppid()
    warned = False

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.builder:  # it was killed, and could not say good-bye
            os.killpg(0, signal.SIGKILL)


class _Kernel(StreamRequestHandler):
    """Runs in the forked process."""

    server: _Server

    def handle(self) -> None:
        from ipykernel.kernelapp import IPKernelApp

        folder, connection_file = json.loads(self.rfile.readline())
        os.chdir(folder)
        if self.server.warned:
            # Started afresh, so that the chapter that imports what warns gives the warning itself.
            self.connection.set_inheritable(True)  # its end tells the client that the kernel ended
            os.execv(sys.executable, [*_ORDINARY[:-1], connection_file])
        threading.Thread(target=self._end_with_client, daemon=True).start()
        IPKernelApp.launch_instance([*_OPTIONS, "-f", connection_file])

    def _end_with_client(self) -> None:
        self.rfile.read(1)
        os._exit(0)


def serve(number: int, imports: Iterable[str]) -> None:
    """Import modules, then fork a kernel for everybody who connects to the socket of a number."""
    with warnings.catch_warnings(record=True) as caught:
        for module in ("ipykernel.kernelapp", "ipykernel.debugger", *imports):
            with suppress(Exception):
                import_module(module)
    gc.freeze()
    server = _Server("", _Kernel, bind_and_activate=False)
    server.warned = bool(caught)
    server.socket.close()
    server.socket = socket.socket(fileno=number)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2:])
