"""The whole review as a PDF, printed by Chromium from the built site."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from livingreview.errors import BuildError
from livingreview.publish.printing import printable
from livingreview.publish.site import add_to_site

__all__ = ["NAME", "print_pdf"]

NAME: Final = "review.pdf"
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS: Final = 300
_FLAGS: Final = (
    "--headless=new", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
_DOWNLOADS: Final = "chapters/data.html"
_ROW: Final = (
    f'<tr><th scope="row"><a href="../{NAME}">{NAME}</a></th><td class="lr-text">all chapters as one document, '
    'for paper</td><td class="lr-text">application/pdf</td></tr>'
)


def print_pdf(site: Path, output: Path | None = None) -> Path:
    """Print the review as one PDF and return where it is.

    Parameters
    ----------
    site
        Folder of the built site.
    output
        The PDF. By default ``review.pdf`` beside the pages: then the page of downloads leads to it, until the next
        build takes both away.

    Raises
    ------
    BuildError
        If there is no site or no Chromium, or Chromium fails.
    """
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    if chromium is None:
        raise BuildError(
            "a PDF is printed by Chromium or Chrome, 131 or newer, and none is on the PATH; install one (Debian: "
            "apt install chromium)"
        )
    content = _printed(chromium, printable(site))
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(content)
        return output
    page = (site / _DOWNLOADS).read_text(encoding="utf-8")
    if _ROW not in page:
        before, table, after = page.partition('id="downloads"')
        page = before + table + after.replace("</tbody>", f"{_ROW}</tbody>", 1)
    add_to_site(site, {NAME: content, _DOWNLOADS: page.encode()})
    return site / NAME


def _printed(chromium: str, page: str) -> bytes:
    with tempfile.TemporaryDirectory(prefix="livingreview-pdf-", ignore_cleanup_errors=True) as folder:
        source, made = Path(folder) / "review.html", Path(folder) / NAME
        source.write_text(page, encoding="utf-8")
        # Chromium's sandbox refuses to run as root; the page runs no script and loads nothing.
        root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        profile = f"--user-data-dir={folder}/profile"
        command = [chromium, *_FLAGS, *root, profile, f"--print-to-pdf={made}", source.as_uri()]
        try:
            done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BuildError(f"Chromium could not print the review: {error}") from error
        content = made.read_bytes() if made.is_file() else b""
    if not content.startswith(b"%PDF-"):
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise BuildError(f"{chromium} printed no PDF (exit code {done.returncode}): {said[-1]}")
    return content
