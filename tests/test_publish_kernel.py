"""Is a forked kernel as good as one started afresh: alone, told of its parameters, named when it dies, never left?"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from ipykernel.kernelapp import IPKernelApp

from livingreview.errors import BuildError
from livingreview.publish import chapters, kernel
from livingreview.publish.chapters import execute_chapters
from livingreview.publish.inputs import read_chapter, read_notebook
from livingreview.publish.kernel import can_fork
from tiny_book import chapter, tiny_book

PARAMETERS = {"data_root": "data", "as_of": "2025-07-31"}
TELL = "import os, sys\nprint(os.getppid(), os.getpid(), getattr(sys, 'left', 'nothing'), as_of)\nsys.left = 'a trace'"

pytestmark = pytest.mark.skipif(not can_fork(Path("/tmp/x")), reason="kernels are forked on Linux only")


@pytest.fixture
def book(tmp_path) -> Path:
    book = tiny_book(tmp_path / "book")
    for name in ("index.md", "chapters/one.md"):
        (book / name).write_text(chapter(code=TELL).replace("{cite:p}`somebody2020`", ""), encoding="utf-8")
    return book


def told(book) -> list[list[str]]:
    notebooks = execute_chapters(book, PARAMETERS, jobs=1).notebooks.values()
    return [read_notebook(path).cells[-1].outputs[0].text.split(maxsplit=3) for path in notebooks]


def alive(number: str) -> bool:
    """Whether a process runs; one that ended and waits to be collected does not."""
    try:
        return Path("/proc", number, "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_each_chapter_has_a_process_of_its_own_with_the_parameters_and_none_is_left(book):
    (server, one, *others), (same, two, *rest) = told(book)
    assert server == same
    assert one != two
    assert others == rest == ["nothing", "2025-07-31\n"]
    assert not any(alive(number) for number in (server, one, two))


@pytest.mark.slow
def test_an_ordinary_kernel_shows_the_same(book, monkeypatch):
    forked = [line[2:] for line in told(book)]
    for path in (book / ".cache" / "chapters").iterdir():
        path.unlink()
    monkeypatch.setattr(kernel, "can_fork", lambda address: False)
    ordinary = told(book)
    assert [line[2:] for line in ordinary] == forked
    assert {line[0] for line in ordinary} == {str(os.getpid())}


@pytest.mark.slow
def test_a_kernel_that_dies_is_named_with_its_cell_and_the_server_ends(book):
    deadly = "from pathlib import Path\nimport os\nPath('server').write_text(str(os.getppid()))\nos._exit(3)"
    (book / "chapters" / "one.md").write_text(chapter(code=deadly), encoding="utf-8")
    with pytest.raises(BuildError) as caught:
        execute_chapters(book, PARAMETERS)
    found = re.fullmatch(r"chapters/one\.md:(\d+) code cell 2 — .*died.*\[CHAPTER-005\]", str(caught.value))
    assert found
    source = (book / "chapters" / "one.md").read_text(encoding="utf-8").splitlines()
    assert source[int(found[1]) - 1].startswith("from pathlib")
    assert not alive((book / "server").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("failures", [1, 2])
def test_a_kernel_that_does_not_start_is_started_once_more(book, monkeypatch, failures):
    run, left = chapters._papermill, [RuntimeError("Kernel didn't respond in 120 seconds")] * failures

    def fail_first(*arguments):
        if left:
            raise left.pop()
        run(*arguments)

    monkeypatch.setattr(chapters, "_papermill", fail_first)
    (book / "chapters" / "one.md").unlink()
    (book / "_toc.yml").write_text("format: jb-book\nroot: index\n", encoding="utf-8")
    if failures == 1:
        assert len(told(book)) == 1
    else:
        with pytest.raises(BuildError, match=r"^index\.md — Kernel didn't respond in 120 seconds; .*\[CHAPTER-005\]"):
            told(book)
    assert not left


@pytest.mark.slow
def test_a_killed_builder_leaves_neither_server_nor_kernel(book):
    sleeping = "import os, time\nprint(os.getppid(), os.getpid(), file=open('who.part', 'w'), flush=True)\n"
    sleeping += "os.rename('who.part', 'who')\ntime.sleep(60)"
    (book / "chapters" / "one.md").write_text(chapter(code=sleeping), encoding="utf-8")
    code = f"import sys; from pathlib import Path; from {execute_chapters.__module__} import execute_chapters\n"
    code += f"execute_chapters(Path(sys.argv[1]), {PARAMETERS})"
    builder = subprocess.Popen([sys.executable, "-c", code, str(book)])
    who = book / "who"
    assert comes_true(who.is_file)
    server, kernel_process = who.read_text().split()
    assert alive(server)
    assert alive(kernel_process)
    builder.kill()
    builder.wait()
    assert comes_true(lambda: not alive(server) and not alive(kernel_process))


def comes_true(condition) -> bool:
    """Whether a condition holds within two minutes."""
    end = time.monotonic() + 120
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


@pytest.mark.slow
def test_a_warning_on_import_is_a_fault_of_the_cell_that_imports_and_of_no_other_chapter(book, tmp_path, monkeypatch):
    (tmp_path / "loud.py").write_text("import warnings\nwarnings.warn('too loud')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (book / "chapters" / "one.md").write_text(chapter(code="import loud"), encoding="utf-8")
    with pytest.raises(BuildError) as caught:
        execute_chapters(book, PARAMETERS)
    assert re.fullmatch(r"chapters/one\.md:\d+ code cell 2 — .*too loud.*\[CHAPTER-004\]", str(caught.value))
    assert len(list((book / ".cache" / "chapters").iterdir())) == 1


@pytest.mark.slow
def test_what_the_chapters_import_starts_no_thread():
    root = Path(__file__).parents[1]
    names = ["index.md", *(f"chapters/{path.name}" for path in sorted((root / "chapters").glob("*.md")))]
    modules = set().union(*(found.imports for name in names if (found := read_chapter(root, name)[0])))
    assert "livingreview.review" in modules
    code = "import os, sys\nfrom contextlib import suppress\nfrom importlib import import_module\n"
    code += "for name in sys.argv[1:]:\n    with suppress(ImportError):\n        import_module(name)\n"
    code += "print(len(os.listdir('/proc/self/task')))"
    command = [sys.executable, "-c", code, "ipykernel.kernelapp", "ipykernel.debugger", *sorted(modules)]
    environment = {**os.environ, **kernel.reproducible_environment()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


class Connection:
    """A client's end of the socket of a forked kernel, and what the kernel's process would have done."""

    def __init__(self, monkeypatch, server) -> None:
        self.done: list[object] = []
        self.ended = threading.Event()
        self.client, self.theirs = socket.socketpair()
        self.server = server
        monkeypatch.setattr(kernel.os, "chdir", lambda folder: self.done.append(("in", folder)))
        monkeypatch.setattr(kernel.os, "_exit", self._end)
        monkeypatch.setattr(kernel.os, "execv", self._afresh)
        monkeypatch.setattr(IPKernelApp, "launch_instance", lambda arguments: self.done.append(("forked", *arguments)))

    def _afresh(self, program: str, arguments: list[str]) -> None:
        self.done.append(("afresh", *arguments))
        self.ended.set()
        raise SystemExit  # the process goes on as another program

    def _end(self, code: int) -> None:
        self.done.append(("ended", code))
        self.ended.set()

    def answer(self) -> list[object]:
        """Ask for a kernel, leave, and return what was done."""
        self.client.sendall(b'["/book", "connection.json"]\n')
        self.client.close()
        with suppress(SystemExit):
            kernel._Kernel(self.theirs, "", self.server)
        assert self.ended.wait(10)
        self.theirs.close()
        return self.done


def test_a_forked_process_becomes_the_kernel_and_ends_when_its_client_leaves(monkeypatch):
    done = Connection(monkeypatch, SimpleNamespace(warned=False)).answer()
    assert done[0] == ("in", "/book")
    assert set(done[1:]) == {("forked", *kernel._OPTIONS, "-f", "connection.json"), ("ended", 0)}


def test_where_an_import_warned_the_kernel_is_started_afresh_with_the_same_options(monkeypatch):
    connection = Connection(monkeypatch, SimpleNamespace(warned=True))
    assert connection.answer() == [("in", "/book"), ("afresh", *kernel._ORDINARY[:-1], "connection.json")]


@pytest.mark.parametrize(("code", "warned"), [("", False), ("import warnings\nwarnings.warn('loud')", True)])
def test_the_server_imports_first_and_remembers_a_warning_but_no_failure(tmp_path, monkeypatch, code, warned):
    name = f"imported_{warned}".lower()
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(kernel.gc, "freeze", lambda: None)
    served = []
    monkeypatch.setattr(kernel._Server, "serve_forever", lambda server: served.append(server))
    with socket.socket(socket.AF_UNIX) as listening, warnings.catch_warnings():
        listening.bind(str(tmp_path / "fork"))
        warnings.simplefilter("default")  # as in a process of its own
        kernel.serve(os.dup(listening.fileno()), [name, "nosuchmodule"])
    (server,) = served
    assert server.socket.getsockname() == str(tmp_path / "fork")
    server.socket.close()
    assert name in sys.modules
    assert server.warned is warned


def test_the_server_ends_with_all_its_kernels_when_its_builder_is_gone(monkeypatch):
    killed = []
    monkeypatch.setattr(kernel.os, "killpg", lambda group, sign: killed.append((group, sign)))
    server = kernel._Server("", kernel._Kernel, bind_and_activate=False)
    server.socket.close()
    server.service_actions()
    assert killed == []
    server.builder = 0
    server.service_actions()
    assert killed == [(0, signal.SIGKILL)]
