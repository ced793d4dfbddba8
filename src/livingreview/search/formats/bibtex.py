"""Read BibTeX as databases write it: fields twice, keys with blanks, braces that never close."""

from __future__ import annotations

import re
from collections.abc import Iterator

import latexcodec  # noqa: F401 — registers the codec "latex"

from livingreview.errors import Fault
from livingreview.search.records import Aliases, Block

__all__ = ["BIBTEX", "read_bibtex"]

BIBTEX: Aliases = {
    "title": ("title",), "authors": ("author",), "year": ("year", "date", "earlyaccessdate"),
    "journal": ("journal", "journaltitle", "booktitle", "series"), "volume": ("volume",), "issue": ("number", "issue"),
    "first_page": ("pages",), "article_number": ("article-number", "art_number", "eid"),
    "doi": ("doi", "url", "note"), "pmid": ("pmid", "pubmed_id"), "pmcid": ("pmcid",), "arxiv": ("url", "journal"),
    "accession": ("unique-id", "accession"), "issn": ("issn", "isbn"), "abstract": ("abstract",),
    "keywords": ("keywords", "author_keywords"), "language": ("language", "langid"),
    "kind": ("document_type", "type", "entry type"), "url": ("url",),
}  # fmt: skip

_ENTRY = re.compile(r"^[ \t]*@[ \t]*(\w+)[ \t]*([{(])", re.MULTILINE)
_KEY = re.compile(r"\s*([^,={}\"\n]*?)\s*,")
_NAME = re.compile(r"[\s,]*([^\s=,{}\"#]+(?:\s\d+)?)\s*=\s*")
_BARE = re.compile(r"[^\s,{}()#\"]+")
_JOIN = re.compile(r"\s*#\s*")
_LINE = re.compile(r"^[ \t]*([A-Za-z][\w -]*?)[ \t]*=[ \t]*[{\"]?(.*?)[}\"]?,?[ \t]*$", re.MULTILINE)
# The same in an entry that stands on one line.
_INLINE = re.compile(r"(?:^|,)\s*([A-Za-z][\w-]*)\s*=\s*[{\"]?(.*?)[}\"]*(?=\s*,\s*[A-Za-z][\w-]*\s*=|[\s,}]*$)")
_NOT_RECORDS = frozenset({"comment", "preamble", "string"})


def read_bibtex(text: str, path: str) -> tuple[list[Block], list[Fault]]:
    r"""Return every entry of a BibTeX file with ``\n`` line ends; `path` is its name for faults.

    An entry that is not well formed is kept with the fields that can be read line by line, and reported.
    """
    blocks: list[Block] = []
    faults: list[Fault] = []
    strings: dict[str, str] = {}
    starts = list(_ENTRY.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    for match, end in zip(starts, ends, strict=True):
        kind, body = match[1].lower(), text[match.end() : end]
        line = text.count("\n", 0, match.start(1)) + 1
        if kind == "string":
            strings |= {name.lower(): value for name, value in _fields(body, strings)}
        if kind in _NOT_RECORDS:
            continue
        key = _KEY.match(body)
        try:
            fields = list(_fields(body[key.end() :] if key else body, strings))
        except _Malformed as error:
            problem = f"the entry is not well formed ({error}); its fields were read line by line"
            faults.append(Fault(path, line, "", problem, "compare the record with its database", "IMPORT-006"))
            lines = _LINE.finditer(body) if "\n" in body.strip() else _INLINE.finditer(body.strip())
            fields = [(found[1].lower(), found[2]) for found in lines]
        plain = [(name, _unlatex(value, name)) for name, value in fields]
        if key:
            plain.append(("key", key[1]))
        blocks.append(Block(line, (*plain, ("entry type", kind)), text[match.start() : end].strip()))
    return blocks, faults


class _Malformed(ValueError):
    """An entry breaks off, or has something else where a field should be."""


def _fields(body: str, strings: dict[str, str]) -> Iterator[tuple[str, str]]:
    position = 0
    while True:
        rest = body[position:].lstrip(" \t\n,")
        if rest.startswith(("}", ")")):
            return
        match = _NAME.match(body, position)
        if match is None:
            raise _Malformed("no field name" if rest else "it has no end")
        value, position = _value(body, match.end(), strings)
        yield match[1].lower(), value


def _value(body: str, position: int, strings: dict[str, str]) -> tuple[str, int]:
    parts: list[str] = []
    while True:
        if body[position : position + 1] in ("{", '"'):
            end = _closing(body, position)
            parts.append(body[position + 1 : end])
            position = end + 1
        elif bare := _BARE.match(body, position):
            parts.append(strings.get(bare[0].lower(), bare[0]))
            position = bare.end()
        joined = _JOIN.match(body, position)
        if joined is None:
            return "".join(parts), position
        position = joined.end()


def _closing(body: str, position: int) -> int:
    quoted, depth, here = body[position] == '"', 0, position + 1
    while here < len(body):
        character = body[here]
        if character == "\\":
            here += 1
        elif character == "{":
            depth += 1
        elif character == "}" and depth:
            depth -= 1
        elif (character == "}" and not quoted) or (character == '"' and quoted and not depth):
            return here
        here += 1
    raise _Malformed("a brace or quote is never closed")


def _unlatex(value: str, name: str) -> str:
    # In an address a percent sign or underscore is itself; elsewhere an unescaped percent sign would begin a comment.
    if name in ("url", "doi"):
        return value.replace("\\", "")
    if "\\" in value:
        value = re.sub(r"(?<!\\)%", r"\\%", value).encode().decode("latex+utf-8")
    return value.replace("--", "–").replace("{", "").replace("}", "") if "{" in value or "--" in value else value
