"""Faults as people and machines read them: lines of text, annotations on a pull request, JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from livingreview.errors import Fault

__all__ = ["FORMATS", "as_github", "as_json", "as_text"]


def as_text(faults: Sequence[Fault]) -> str:
    """Return one line per fault."""
    return "\n".join(map(str, faults))


def as_github(faults: Sequence[Fault]) -> str:
    """Return workflow commands that annotate the faulty lines of a pull request.

    Everything from a file is escaped, so that a contributed value cannot start a command of its own.

    References
    ----------
    GitHub documentation, "Workflow commands for GitHub Actions", section "Setting an error message".
    """
    return "\n".join(_annotation(fault) for fault in faults)


def as_json(faults: Sequence[Fault]) -> str:
    """Return a JSON list of objects with the fields of :class:`~livingreview.errors.Fault`."""
    return json.dumps([asdict(fault) for fault in faults], ensure_ascii=False, indent=1)


FORMATS = {"text": as_text, "github": as_github, "json": as_json}


def _annotation(fault: Fault) -> str:
    place = f"file={_property(fault.path)},line={max(fault.line, 1)}," if fault.path else ""
    body = ": ".join(part for part in (fault.field, fault.problem) if part)
    message = f"{body}; {fault.remedy}" if fault.remedy else body
    return f"::error {place}title={_property(fault.code)}::{_message(message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
