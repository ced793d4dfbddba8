"""The sub-commands ``livingreview build``, ``livingreview pdf`` and ``livingreview serve``."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from livingreview.commands import Command, at_least_one, day
from livingreview.errors import BuildError

__all__ = ["BUILD", "PDF", "SERVE"]


def _configure_build(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the review (default: this one)")
    parser.add_argument("--output", type=Path, help="folder of the site (default: _site in the review)")
    parser.add_argument("--as-of", type=day, metavar="DATE", help="show the review as it stood on DATE (2025-07-31)")
    parser.add_argument(
        "--verified-only", action="store_true", help="pool only studies whose extraction a person has signed"
    )
    parser.add_argument("--release", help="version that the chapters name (default: the one in data/review.yaml)")
    parser.add_argument(
        "--jobs", type=at_least_one, metavar="N", help="chapters executed at once (default: one a core)"
    )


def _run_build(options: argparse.Namespace) -> int:
    """Build the site and say where it is."""
    from livingreview.publish.site import build_site

    built = build_site(
        options.root,
        options.output,
        as_of=options.as_of,
        verified_only=options.verified_only,
        release=options.release,
        jobs=options.jobs,
    )
    ran, kept = len(built.executed), len(built.cached)
    print(f"{ran} chapter(s) executed, {kept} unchanged, {built.seconds:.1f} s")
    print(f"The site: {built.site / 'index.html'}")
    return 0


def _configure_pdf(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", type=Path, default=Path("_site"), help="folder of the built site (default: _site)")
    parser.add_argument("--output", type=Path, metavar="FILE", help="the PDF (default: review.pdf in the site)")


def _run_pdf(options: argparse.Namespace) -> int:
    """Print the site as one PDF and say where it is."""
    from livingreview.publish.pdf import print_pdf

    print(f"The review as a PDF: {print_pdf(options.site, options.output)}")
    return 0


def _configure_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the review (default: this one)")
    parser.add_argument("--output", type=Path, help="folder of the site (default: _site in the review)")
    parser.add_argument("--port", type=int, default=8000, help="port on this computer (default: 8000; 0: any free one)")


def _run_serve(options: argparse.Namespace) -> int:
    """Serve the site on this computer only, until interrupted."""
    site = (options.output or options.root / "_site").resolve()
    if not (site / "index.html").is_file():
        raise BuildError(f"{site} holds no site; run 'livingreview build' first")
    try:
        server = ThreadingHTTPServer(
            ("127.0.0.1", options.port), partial(SimpleHTTPRequestHandler, directory=str(site))
        )
    except (OSError, OverflowError) as error:
        raise BuildError(f"port {options.port} cannot be used ({error}); give another with --port") from error
    with server:
        print(f"http://127.0.0.1:{server.server_port}/ (stop with Ctrl-C)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(file=sys.stderr)
    return 0


BUILD = Command("build", "execute the chapters that changed and build the site", _configure_build, _run_build, "book")
PDF = Command("pdf", "print the built site as one PDF (needs Chromium)", _configure_pdf, _run_pdf, "book")
SERVE = Command("serve", "show the built site on this computer", _configure_serve, _run_serve)
