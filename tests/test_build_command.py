"""Do the commands that build, print and serve the site pass on what was asked, and say what came of it?"""

from __future__ import annotations

import threading
import urllib.request
from datetime import date
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from livingreview.cli import main
from livingreview.publish import pdf, site
from livingreview.publish.site import Built


@pytest.fixture
def asked(monkeypatch) -> list[object]:
    """Take a build to be done at once, and remember what was asked of it."""
    calls: list[object] = []

    def build_site(*places: Path | None, **options: object) -> Built:
        calls.append((places, options))
        return Built(Path("public"), ("index.md",), ("chapters/one.md", "chapters/two.md"), 1.25)

    monkeypatch.setattr(site, "build_site", build_site)
    return calls


def test_a_build_is_told_every_option_and_tells_what_it_did(asked, capsys):
    typed = "build --root here --output public --as-of 2025-07-31 --verified-only --release 2025.2 --jobs 3"
    assert main(typed.split()) == 0
    options = {"as_of": date(2025, 7, 31), "verified_only": True, "release": "2025.2", "jobs": 3}
    assert asked == [((Path("here"), Path("public")), options)]
    assert capsys.readouterr().out == (
        f"1 chapter(s) executed, 2 unchanged, 1.2 s\nThe site: {Path('public', 'index.html')}\n"
    )


def test_without_options_the_review_is_built_as_it_stands_today(asked):
    assert main(["build"]) == 0
    assert asked == [((Path(), None), {"as_of": None, "verified_only": False, "release": None, "jobs": None})]


@pytest.mark.parametrize("option", [["--jobs", "0"], ["--jobs", "two"], ["--as-of", "yesterday"]])
def test_an_option_that_means_nothing_is_refused_before_anything_is_built(asked, capsys, option):
    with pytest.raises(SystemExit) as stopped:
        main(["build", *option])
    assert stopped.value.code == 2
    assert repr(option[1]) in capsys.readouterr().err
    assert asked == []


def test_the_pdf_is_printed_from_the_site_that_was_named(monkeypatch, capsys):
    monkeypatch.setattr(pdf, "print_pdf", lambda folder, output: output or folder / "review.pdf")
    assert main(["pdf", "--site", "public"]) == main(["pdf", "--output", "mine.pdf"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [f"The review as a PDF: {Path('public', 'review.pdf')}", "The review as a PDF: mine.pdf"]


@pytest.fixture
def built(tmp_path) -> Path:
    (tmp_path / "_site").mkdir()
    (tmp_path / "_site" / "index.html").write_text("the front page", encoding="utf-8")
    return tmp_path


def test_the_site_is_served_to_this_computer_until_somebody_interrupts(built, monkeypatch, capsys):
    pages: list[bytes] = []

    def one_request_then_interrupted(server: ThreadingHTTPServer) -> None:
        address = f"http://127.0.0.1:{server.server_port}/"
        reader = threading.Thread(target=lambda: pages.append(urllib.request.urlopen(address, timeout=10).read()))
        reader.start()
        server.handle_request()
        reader.join()
        assert server.server_address[0] == "127.0.0.1"
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", one_request_then_interrupted)
    assert main(["serve", "--root", str(built), "--port", "0"]) == 0
    assert pages == [b"the front page"]
    assert capsys.readouterr().out.startswith("http://127.0.0.1:")


def test_what_cannot_be_served_is_said_with_the_way_out(built, tmp_path, capsys):
    assert main(["serve", "--root", str(tmp_path / "nowhere")]) == 2
    assert "run 'livingreview build' first" in capsys.readouterr().err
    with ThreadingHTTPServer(("127.0.0.1", 0), None) as other:
        for port in (other.server_port, 70_000):
            assert main(["serve", "--root", str(built), "--port", str(port)]) == 2
            assert "give another with --port" in capsys.readouterr().err
