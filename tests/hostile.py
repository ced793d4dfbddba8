"""A contributed study and dataset in which every free text is an attack, and a book that holds them.

The files pass `check`: their faults are not faults of form. What they say must stay text wherever it is shown.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from livingreview.review import OTHER_METHODS_COLUMNS
from tools import ROOT

STUDY, DATASET = "hostile2026", "hostiledata"
# What a browser shows of each text in which it found no markup.
SEEN = '"><script>__pwned=1</script>'
ATTACK = (
    f"{SEEN}<img src=x onerror=__pwned=1>"
    "</title></text></svg></style></textarea></script><svg/onload=__pwned=1>"
    "<iframe srcdoc='<script>parent.__pwned=1</script>'></iframe>-->]]><!--&lt;b&gt;&#60;"
    "[x](javascript:__pwned=1) [x]: javascript:__pwned=1 ![x](https://evil.example/x.png)"
    " <https://evil.example/> `x`{.x onclick=__pwned=1} [](chapters/x.md) @everyone #1"
    " {{ 7*7 }} {% raw %} ${7*7} $\\href{javascript:__pwned=1}{x}\\input{/etc/passwd}$ \\write18{id} %n%s"
    " {abbr}`x` {download}`/etc/passwd` {glue:text}`named` {raw}`html`"
    "\n\n```{include} /etc/passwd\n```\n\n```{eval-rst}\n.. raw:: html\n\n   <script>__pwned=1</script>\n```\n"
    ":::{literalinclude} /etc/passwd\n:::\n\n---\n.. include:: /etc/passwd\n"
)
# Short enough to stand whole in the figures, which show the beginning of a long name.
NAME = f"<svg onload=__pwned=1> {ATTACK}"


def attack(field: str) -> str:
    """Return a text that says where it stands, then attacks; for a spreadsheet it is a formula."""
    return f"=HYPERLINK(0) {field} {ATTACK}"


def study() -> dict[str, Any]:
    """Return a study file whose every free text attacks; it is pooled, so that the figures show it too."""
    text, on, source = attack, "2026-11-20", "paper"
    translation = (
        "interpretability", "calibration", "decision_curve", "workflow", "runtime", "hardware",
        "external_validation", "code", "data_availability",
    )  # fmt: skip
    return {
        "id": STUDY,
        "report": {
            "title": text("title"),
            "first_author": NAME,
            "authors": [NAME, text("authors"), "A} and {B @misc{x,", "Body S"],
            "journal": text("journal"),
            "year": 2026,
            "published": "2026-11-01",
            "kind": "journal article",
            "doi": "10.1234/x&y=$(1)#%_~^*[](javascript:__pwned=1)",
            "url": "https://evil.example/&x=[](javascript:__pwned=1)#$%~^",
            "source": source,
        },
        "identification": {"status": "probable", "reason": text("identification")},
        "candidates": [
            {name: text(f"candidate_{name}") for name in ("title", "first_author", "journal", "reason")}
            | {"url": "https://evil.example/?javascript:alert(1)"}
        ],
        "standing": [
            {"on": on, "status": "awaiting classification", "route": "other methods", "reason": text("standing")}
        ],
        "task": "diagnosis",
        "base_label": text("base_label"),
        "target_condition": text("target_condition"),
        "topic": "other",
        "source": source,
        "index_test": {
            "architecture": text("architecture"), "family": "CNN", "sequences": ["LGE"], "source": [source, "coding"],
        },
        "setting": {
            "datasets": [DATASET],
            "description": text("description"),
            "vendors": [text("vendors")],
            "source": source,
        },
        "sample": {"unit": "patient", "n": 120, "note": text("sample"), "source": source},
        "accuracy": [
            {
                "id": "main", "primary": True, "label": text("label"), "problem": "binary", "unit": "patient",
                "split": "external test", "n": 120, "n_diseased": 60, "n_nondiseased": 60,
                "tp": 50, "fp": 6, "fn": 10, "tn": 54, "auc": "0.91", "threshold": text("threshold"),
                "contradiction": {"leaves_out": ["auc"], "says": text("contradiction")}, "note": text("note"),
                "source": source,
            },
            {
                "id": "other", "label": text("other_label"), "problem": "multi-class average",
                "accuracy": "0.9", "note": text("other_note"), "source": source,
            },
        ],
        "overlap": [
            {
                "metric": metric, "value": value, "statistic": "mean", "sd": sd, "structure": "LV", "phase": "ED",
                "dataset": DATASET, "n": 120, "unit": "patient", "label": text(f"{metric}_label"),
                "note": text(f"{metric}_note"), "source": source,
            }
            for metric, value, sd in (("dice", "0.91", "0.03"), ("hausdorff", "4.8", "1.2"))
        ],
        "translation": {name: text(name) for name in translation} | {"source": source},
        "appraisal": {
            "judgements": [
                {
                    "tool": "QUADAS-2", "domain": "patient_selection", "kind": "risk of bias", "judgement": "high",
                    "reason": text("judgement"), "by": text("judge"), "on": on,
                }
            ]
        },
        "notes": [text("notes")],
        "extraction": [
            {"by": text("by"), "kind": "person", "on": on, "verified_by": text("verified_by"), "verified_on": on}
        ],
        "sources": {
            source: {
                "kind": "publication", "where": text("where"),
                "url": "https://evil.example/#javascript:__pwned=1",
            },
            "coding": {"kind": "coding", "how": text("how")},
        },
    }  # fmt: skip


def dataset() -> dict[str, Any]:
    """Return a dataset file whose every free text attacks."""
    names = (
        "name", "n", "centres", "vendor_note", "sequences_note", "structures_labelled", "disease_groups", "splits",
        "access", "citation", "discrepancy",
    )  # fmt: skip
    return {
        "id": DATASET,
        "identification": {"status": "unknown", "reason": attack("dataset_reason")},
        **{name: attack(f"dataset_{name}") for name in names},
        **{name: [attack(f"dataset_{name}")] for name in ("countries", "vendors", "field_strength")},
        "url": "https://evil.example/?x=[](javascript:__pwned=1)",
        "source": ["page", "coding"],
        "sources": {
            "page": {"kind": "page", "where": attack("dataset_where")},
            "coding": {"kind": "coding", "how": attack("dataset_how")},
        },
    }


def add_hostile(data: Path) -> None:
    """Add study, dataset and a report found by other methods to a data folder; JSON is YAML."""
    for folder, content in (("studies", study()), ("datasets", dataset())):
        (data / folder / f"{content['id']}.yaml").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    row = dict.fromkeys(OTHER_METHODS_COLUMNS, "") | {
        "candidate": STUDY, "found": "2026-11-20", "published": "2026-11-01", "study": STUDY, "suggestion": "eligible",
        **{name: " ".join(attack(f"found_{name}").split()) for name in ("first_author", "title", "journal", "reason")},
    }  # fmt: skip
    with (data / "search" / "other_methods.csv").open("a", encoding="utf-8", newline="") as stream:
        csv.DictWriter(stream, OTHER_METHODS_COLUMNS, lineterminator="\n").writerow(row)


def hostile_book(root: Path) -> Path:
    """Make a copy of the book that holds the hostile files and return its folder."""
    for name in ("chapters", "data", "_static"):
        shutil.copytree(ROOT / name, root / name)
    for name in ("_config.yml", "_toc.yml", "index.md", "requirements.lock"):
        shutil.copy(ROOT / name, root)
    add_hostile(root / "data")
    return root
