"""Read the body of a "suggest a study" issue: text that anybody may have written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from livingreview.adding.draft import Wish
from livingreview.adding.facts import refuse_hidden
from livingreview.adding.lookup import identify
from livingreview.errors import DataError, Fault
from livingreview.model.base import Task

__all__ = ["LABELS", "read_form"]

# The labels of the form's fields, which GitHub makes the headings of the issue.
LABELS = {"identifier": "DOI or PubMed number", "task": "Task", "why": "Why it belongs into the review"}
EMPTY = "_No response_"
# GitHub's own limit of an issue.
LONGEST = 65_536
LONGEST_REASON = 1_000


def read_form(path: Path) -> Wish:
    """Return what a saved issue body suggests.

    Raises
    ------
    DataError
        The body is none of the form's, or an answer is not what the form asks for.
    """

    def refuse(field: str, problem: str, remedy: str = "ask in the issue, and correct it there") -> DataError:
        return DataError([Fault(path.name, 0, field, problem, remedy, "ADD-006")])

    try:
        with path.open(encoding="utf-8") as stream:
            body = stream.read(LONGEST + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise refuse("", f"not a text file ({type(error).__name__})", "save the body of the issue as UTF-8") from None
    if len(body) > LONGEST:
        raise refuse("", f"longer than {LONGEST:,} characters", "give the body of one issue")
    answers: dict[str, str] = {}
    _, *sections = re.split(r"^### +(.*?) *$", body, flags=re.MULTILINE)
    for label, answer in zip(sections[::2], sections[1::2], strict=True):
        # The first of each counts: a later heading of the same name stands inside of an answer.
        answers.setdefault(label, "" if answer.strip() == EMPTY else " ".join(answer.split()))
    identifier, task, why = (answers.get(label, "") for label in LABELS.values())
    found = identify(identifier) if len(identifier) <= 300 else None
    if found is None:
        raise refuse(LABELS["identifier"], f"neither a DOI nor a PubMed number: {identifier[:80]!a}")
    if task not in ("", *get_args(Task)):
        raise refuse(LABELS["task"], f"expected one of {', '.join(get_args(Task))}; found {task[:80]!a}")
    if len(why) > LONGEST_REASON:
        raise refuse(LABELS["why"], f"longer than {LONGEST_REASON:,} characters", "say it shorter")
    refuse_hidden({LABELS["why"]: why})
    return Wish(found, "suggested in an issue; not yet judged", task=task, note=why)
