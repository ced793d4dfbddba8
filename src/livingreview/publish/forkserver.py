"""A process that has imported what the chapters import, and forks a kernel for each of them (Linux only).

Imports cost a chapter more than its own work does. They are done once here, and every kernel is a fresh copy: nothing
that one chapter sets can reach another. The process has one thread and no socket of ZeroMQ when it forks.
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
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from socketserver import ForkingMixIn, StreamRequestHandler, UnixStreamServer
from typing import Final

__all__ = ["KERNEL_OPTIONS", "can_fork", "fork_server", "forked_kernel"]

KERNEL_OPTIONS: Final = (
    "--HistoryManager.enabled=False",
    # What a cell does wrong comes back as its output; the kernel's own chatter says nothing about it.
    "--IPKernelApp.log_level=50",
)
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


def can_fork(address: Path) -> bool:
    """Return whether kernels can be forked here: forking a process with native libraries is safe on Linux only."""
    return sys.platform == "linux" and len(os.fsencode(address)) <= _LONGEST_ADDRESS


def forked_kernel(address: Path) -> list[str]:
    """Return the command by which Jupyter gets a kernel from the server at an address."""
    return [sys.executable, "-I", "-S", "-c", _CLIENT, str(address), "{connection_file}"]


@contextmanager
def fork_server(address: Path, imports: Iterable[str], environment: dict[str, str]) -> Iterator[None]:
    """Run a server; when the context ends, however it ends, so do the server and its kernels.

    Parameters
    ----------
    address
        Path of the socket, in a folder that nobody else can enter.
    imports
        Modules to import before the first fork. One that cannot be imported is left to the chapter to complain of.
    environment
        All environment variables of the kernels.
    """
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(address))
        # Kernels may be asked for from here on; they wait until the imports are done.
        listening.listen(64)
        number = listening.fileno()
        # -P: as in any kernel, a file beside the book must not be taken for a library.
        command = [sys.executable, "-P", "-X", "frozen_modules=off", "-m", __name__, str(number), *sorted(imports)]
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

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.builder:  # it was killed, and could not say good-bye
            os.killpg(0, signal.SIGKILL)


class _Kernel(StreamRequestHandler):
    """Runs in the forked process."""

    def handle(self) -> None:
        from ipykernel.kernelapp import IPKernelApp

        folder, connection_file = json.loads(self.rfile.readline())
        os.chdir(folder)
        threading.Thread(target=self._end_with_client, daemon=True).start()
        IPKernelApp.launch_instance([*KERNEL_OPTIONS, "-f", connection_file])

    def _end_with_client(self) -> None:
        self.rfile.read(1)
        os._exit(0)


def serve(number: int, imports: Iterable[str]) -> None:
    """Import modules, then fork a kernel for everybody who connects to the socket of a number."""
    with warnings.catch_warnings(record=True) as caught:
        for module in ("ipykernel.kernelapp", "ipykernel.debugger", *imports):
            with suppress(Exception):
                import_module(module)
    if caught:  # the chapters could not report it any more
        sys.exit(f"a module that the chapters import gives a warning: {caught[0].message}")
    gc.freeze()
    server = _Server("", _Kernel, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=number)
    server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2:])
