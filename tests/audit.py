"""Run Lighthouse over the built site as its host sends it, and print one table; ends with 1 where a page falls short.

Run by `make audit`, after axe has been over every page.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from page_weight import LIMIT, LIMITS, pages, weight
from test_browser import FLAGS
from tools import built_site, node_module, program

LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 95}
SHOWN = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
TRIES = 3  # what else the computer does only slows a page, so that its best run says most of the page


class _Compressing(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *message: Any) -> None:
        pass

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        found = path.is_file()
        body = gzip.compress(path.read_bytes(), 6) if found else b""
        self.send_response(200 if found else 404)
        if found:
            self.send_header("Content-Type", self.guess_type(path))
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _lighthouse(address: str) -> dict[str, Any]:
    flags = f"--chrome-flags=--headless=new {' '.join(FLAGS)}"
    command = ["node", str(node_module("lighthouse/cli/index.js")), address, "--quiet", "--output=json", flags]
    environment = {**os.environ, "CHROME_PATH": program("chromium", "google-chrome")}
    return dict(json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout))


def _scores(report: dict[str, Any]) -> dict[str, int]:
    return {name: round(100 * (report["categories"][name]["score"] or 0)) for name in LEAST}


def _short(scores: dict[str, int]) -> list[str]:
    return [f"{name} {scores[name]} < {least}" for name, least in LEAST.items() if scores[name] < least]


def _best(address: str) -> dict[str, Any]:
    tried: list[dict[str, Any]] = []
    while len(tried) < TRIES and (not tried or _short(_scores(tried[-1]))):
        tried.append(_lighthouse(address))
    return max(tried, key=lambda report: _scores(report)["performance"])


def main() -> int:
    """Print a row for each page that is looked at."""
    site = built_site()
    weights = {page: weight(site, page) for page in pages(site)}
    faults = [f"{page}: {size:,} bytes" for page, size in weights.items() if size > LIMITS.get(page, LIMIT)]
    chapters = [page for page in weights if page.startswith("chapters/") and page not in LIMITS]
    held = ["index.html", *sorted(chapters, key=lambda page: -weights[page])[:3]]
    print(f"{'page':30}{'kB':>6}" + "".join(f"{name:>16}" for name in LEAST) + "   FCP, LCP, TBT, CLS")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Compressing, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for page in (*held, *LIMITS):
            report = _best(f"http://127.0.0.1:{server.server_port}/{page}")
            scores = _scores(report)
            faults += [f"{page}: {fault}" for fault in _short(scores) if page in held]
            times = ", ".join(report["audits"][name]["displayValue"].replace("\u00a0", " ") for name in SHOWN)
            numbers = "".join(f"{scores[name]:16}" for name in LEAST)
            print(f"{page:30}{weights[page] / 1000:6.0f}{numbers}   {times}", flush=True)
        server.shutdown()
    heaviest = max((page for page in weights if page not in LIMITS), key=lambda page: weights[page])
    print(f"{len(weights)} pages; the heaviest but for the explorer: {heaviest}, {weights[heaviest] / 1000:.0f} kB")
    print("\n".join(faults) or "every page holds")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
