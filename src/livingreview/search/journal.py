"""What a run has fetched so far, kept outside of the data until the run is whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from livingreview.search.ledger import replace_whole
from livingreview.search.records import Record
from livingreview.search.sources.base import Page, Resume

__all__ = ["Journal", "Plan"]


@dataclass(frozen=True)
class Plan:
    """What a run set out to do.

    Parameters
    ----------
    run_id, database
        Of the run.
    fingerprint
        Hash of all that decides what the run finds, the window aside.
    since, until
        Its window.
    """

    run_id: str
    database: str
    fingerprint: str
    since: date | None
    until: date

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types."""
        since = self.since.isoformat() if self.since else None
        return {**vars(self), "since": since, "until": self.until.isoformat()}

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Plan:
        """Return the plan that :meth:`to_dict` wrote."""
        since = date.fromisoformat(content["since"]) if content["since"] else None
        return cls(**{**content, "since": since, "until": date.fromisoformat(content["until"])})


@dataclass(frozen=True)
class Journal:
    """The folder of one unfinished run.

    Parameters
    ----------
    folder
        One per database; it holds ``plan.json`` and ``pages.jsonl``, one line per page.
    """

    folder: Path

    def plan(self) -> Plan | None:
        """Return the plan of the unfinished run, or None."""
        try:
            return Plan.from_dict(json.loads((self.folder / "plan.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def begin(self, plan: Plan) -> None:
        """Forget what is there, and begin a run."""
        self.discard()
        self.folder.mkdir(parents=True)
        replace_whole(self.folder / "plan.json", json.dumps(plan.to_dict()).encode())

    def add(self, page: Page) -> None:
        """Keep a page, on the disk to the last byte."""
        content = {"hits": page.hits, "cursor": page.cursor, "passed": page.passed}
        records = [record.to_dict() for record in page.records]
        with self._pages_path.open("ab") as stream:
            stream.write(json.dumps({**content, "records": records}).encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())

    def pages(self) -> Iterator[Page]:
        """Yield the pages that are there; a last one that was cut short is cut off."""
        if not self._pages_path.exists():
            return
        whole = 0
        with self._pages_path.open("rb") as stream:
            for line in stream:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                content = json.loads(line)
                records = tuple(_record(record) for record in content.pop("records"))
                yield Page(records, **content)
        if whole < self._pages_path.stat().st_size:
            os.truncate(self._pages_path, whole)

    def resume(self) -> Resume:
        """Return where the run broke off."""
        resume = Resume()
        for page in self.pages():
            found = resume.accessions.union(record.accession for record in page.records)
            resume = replace(resume, cursor=page.cursor, accessions=found)
        return resume

    def discard(self) -> None:
        """Forget the run."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _pages_path(self) -> Path:
        return self.folder / "pages.jsonl"


def _record(content: dict[str, Any]) -> Record:
    return Record(**{**content, "authors": tuple(content["authors"])})
