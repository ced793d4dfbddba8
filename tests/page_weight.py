"""What a page of the built site asks for, and how many bytes that is when compressed, as the host of the site does."""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from test_links import Page

LIMIT = 500_000
LIMITS = {"chapters/explore.html": 1_500_000}  # with the library that draws its charts


def pages(site: Path) -> list[str]:
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html") if "_static" not in path.parts)


def loaded(site: Path, page: str) -> list[str]:
    """Return the files that a page fetches, with style sheets and scripts that others import, at once or later."""
    found: dict[str, None] = {}
    waiting = [urljoin(page, address) for address in Page((site / page).read_text(encoding="utf-8")).loads]
    while waiting:
        name = unquote(urlsplit(waiting.pop(0)).path)
        if name in found or not (site / name).is_file():
            continue
        found[name] = None
        if name.endswith(".css"):
            imports = re.findall(r'@import\s+(?:url\()?["\']?([^"\')]+)', (site / name).read_text(encoding="utf-8"))
            waiting += [urljoin(name, address) for address in imports]
        if name.endswith(".mjs"):
            imports = re.findall(r'\bimport\("([^"]+)"\)', (site / name).read_text(encoding="utf-8"))
            waiting += [urljoin(name, address) for address in imports]
    return list(found)


@cache
def _compressed(path: Path) -> int:
    return len(gzip.compress(path.read_bytes(), 6))


def weight(site: Path, page: str) -> int:
    """Return the bytes of a page and of all that it loads."""
    return sum(_compressed(site / name) for name in (page, *loaded(site, page)))
