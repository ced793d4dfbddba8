"""Is a spoiled study file caught on the right line, or does it provably say the same?

Every operator spoils real files at a few of the places that its pattern finds. A mutant is caught when a fault with a
way out stands on the line that was changed, or, for values that contradict each other, on one that the operator names.
It is harmless when the review loads and says the same: equal models, numbers compared by value.

A wrong value that agrees with all others in its file shows in no check; two people's extractions compared show it. So
operators that change a value go only where another value speaks of it (``files``).
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from livingreview.review import Review, check
from livingreview.review.model import number

DATA = Path(__file__).parent.parent / "data"
STUDIES = (
    "baraboo2025", "bartoli", "cmra2025", "gabbert2024", "germain2023", "hu2023", "kolk", "lvar2026", "martini2020",
    "paciorek2024", "righetti2024", "shaaf2023", "sharifrazi2022", "rlmdpa2022", "kasmaee2024", "stanescu2026",
    "tran2020", "you2021",
)  # fmt: skip
MOST_PER_OPERATOR = 3
RIGHT = ("changed", "other", "harmless")
Replacement = str | Callable[[re.Match[str]], str]


@dataclass(frozen=True)
class Operator:
    """One way to spoil a file: what a pattern finds, replaced.

    Parameters
    ----------
    name
        What went wrong.
    pattern, replacement
        As for :func:`re.sub`, in multi-line mode.
    others
        Pattern of further lines on which the fault is right: those that contradict the changed one.
    files
        Pattern of the studies to spoil.
    """

    name: str
    pattern: str
    replacement: Replacement
    others: str = "^$"
    files: str = ""


def scaled(factor: float) -> Replacement:
    return lambda match: f"{match[1]}{float(match[2]) * factor:.4g}{match[3]}"


def doubled(match: re.Match[str]) -> str:
    return match[0] + match[0]


SD = r'value: "([0-9.]+)"\n    statistic: mean\n    sd: "([0-9.]+)"'
CONFIDENCE = r'ci: \["([^"]+)", "([^"]+)"\]'
BOTH = r"sensitivity: (\S+)\n    specificity: (\S+)"
PROPORTION = r'"(0\.\d+)"'
METRIC = r"^ {4}(sensitivity|specificity|accuracy|ppv|npv|f1|auc|n|n_\w+): "
EXTRACTED = r"(by: contributors of this review, .*on: 2026-11-22)\}"
ENTRY = "^    (value|metric|sens|spec|acc|ppv)"
SOURCED = r"source|^  \w+: "
OPERATORS = (
    # Keys
    Operator("key misspelt", r"^( *(?:- )?)(\w)(\w)(\w{2,}:)", r"\1\3\2\4", SOURCED),
    Operator("key in capitals", r"^( *(?:- )?)([a-z_]+):", lambda m: f"{m[1]}{m[2].title()}:", SOURCED),
    Operator("key of another block", r"^(sample:)", r"\1\n  sensitivity: '90%'"),
    Operator("key twice", r"^  (year|n|family): .*\n", doubled),
    Operator("key without its colon", r"^(  \w+):", r"\1"),
    Operator("no blank after the colon", r"^(  (?:year|n|family)): ", r"\1:", "^  \\w+:"),
    Operator("required key lost", r"^(extraction|standing|sources):", "# \\1:", r"^id:|^  - |^  \w+:"),
    # Types
    Operator("text for a count", r"\b(n\w*): (\d+)$", r"\1: about \2"),
    Operator("quoted count", r"\b(n\w*): (\d+)$", r'\1: "\2"'),
    Operator("fraction for a count", r"\b(n\w*): (\d+)$", r"\1: \2.5"),
    Operator("float for a count", r"\b(n\w*): (\d+)$", r"\1: \2.0"),
    Operator("thousands set off", r"\b(n\w*): (\d)(\d*)$", r"\1: \2,\g<3>000"),
    Operator("exponent for a count", r"\b(n\w*): (\d+)$", r"\1: \2e0"),
    Operator("hexadecimal count", r"\b(n\w*): (\d+)$", r"\1: 0x\2"),
    Operator("count below zero", r"\b(n\w*): (\d+)$", r"\1: -\2"),
    Operator("leading zero", r"\b(n\w*): (\d+)$", r"\1: 0\2"),
    Operator("not a number", r"\b(n\w*): (\d+)$", r"\1: .nan"),
    Operator("infinity", r'"[0-9.]+%?"', ".inf"),
    Operator("unquoted number", r'"([0-9.]+)"', r"\1"),
    Operator("unquoted percentage", r'"([0-9.]+%)"', r"\1"),
    Operator("list for text", r"^  (first_author|journal|family|access): (\w+).*", r"  \1: [\2]"),
    Operator("text for a list", r"sequences: \[(.*)\]", r"sequences: \1"),
    Operator("mapping for text", r"^  (family|access): (\w+)", r"  \1: {name: \2}"),
    Operator("day for text", r"^( +)(reason|note|label|target_condition): \w.*", r"\1\2: 2025-07-31"),
    Operator("number for text", r"^  first_author: .*", "  first_author: 7"),
    Operator("truth for text", r"^  first_author: .*", "  first_author: no one: true"),
    Operator("word for a truth", r"primary: true", "primary: perhaps"),
    Operator("yes for true", r"primary: true", "primary: yes"),
    Operator("no for true", r"primary: true", "primary: no", "^accuracy:", "paciorek|germain|righetti"),
    Operator("nothing after a key", r"^(  |    )(n|unit|family|value|year): .*", r"\1\2:"),
    Operator("null", r"\b(n\w*|unit|family|doi): .*", r"\1: null"),
    # Proportions, percentages and units
    Operator("percent sign lost", r'"(\d\d+(?:\.\d+)?)%"', r'"\1"'),
    Operator("percent sign added", PROPORTION, r'"\1%"', METRIC),
    Operator("percentage without sign", PROPORTION, lambda m: f'"{float(m[1]) * 100:g}"'),
    Operator("percentage of the same value", r'"(0\.\d\d)"', lambda m: f'"{float(m[1]) * 100:g}%"', "value"),
    Operator("decimal comma", r'"(\d+)\.(\d+)', r'"\1,\2'),
    Operator("decimal point twice", r'"(\d+)\.(\d+)', r'"\1..\2'),
    Operator("range for a number", r'"(0\.\d)(\d*)"', r'"\1\2–\g<1>9"'),
    Operator("about a number", r'"([0-9.]+%?)"', r'"~\1"'),
    Operator("not reported", r'"[0-9.]+%?"', '"NR"'),
    Operator("beyond 100%", r'"(\d+(?:\.\d+)?)%"', r'"1\1%"', METRIC, "kolk|lvar|paciorek|you|stanescu"),
    Operator("more than one", r'"0\.(\d+)"', r'"1.\1"', METRIC),
    Operator("point lost", r'"0\.(\d\d+)"', r'"\1"'),
    Operator("distance in cm", r'(hausdorff\w*\n    value: ")([0-9.]+)(")', scaled(0.1)),
    Operator("distance in µm", r'(hausdorff\w*\n    value: ")([0-9.]+)(")', scaled(1000)),
    Operator("distance ten times", r'(hausdorff\w*\n    value: ")([0-9.]+)(")', scaled(10), "iqr:"),
    Operator("distance as percentage", r'(hausdorff\w*\n    value: "[0-9.]+)', r"\1%"),
    Operator("Dice as distance", r"metric: dice", "metric: hausdorff", "value:"),
    Operator("distance as Dice", r"metric: hausdorff\w*", "metric: dice", "value:"),
    Operator("Jaccard for Dice", r"metric: dice(?=\n    value: \S+\n    source: dice_t)", "metric: iou"),
    Operator("SD and mean swapped", SD, r'value: "\2"\n    statistic: mean\n    sd: "\1"'),
    Operator("SD as percentage without sign", r'sd: "0\.0(\d)"', r'sd: "\1"'),
    Operator("SD beside a median", r"statistic: mean", "statistic: median", "sd:"),
    Operator("quartiles swapped", r'iqr: \["(\S+)", "(\S+)"\]', r'iqr: ["\2", "\1"]'),
    Operator("one quartile", r'iqr: \["(\S+)", "(\S+)"\]', r'iqr: ["\2"]'),
    Operator("limits swapped", CONFIDENCE, r'ci: ["\2", "\1"]'),
    Operator("one limit", CONFIDENCE, r'ci: ["\2"]'),
    Operator("upper limit twice", r'ci: \["([^"]+)", "([^"]+)"\](?!.*1\.00)', r'ci: ["\2", "\2"]'),
    Operator("interval as text", CONFIDENCE, r'ci: "\1 to \2"'),
    # Sizes, counts and metrics
    Operator("cohort smaller than its parts", r"^(  n: \d\d+)\d$", r"\1", METRIC, "arai|bartoli|paciorek|tran|martini"),
    Operator("digit doubled in a part", r"^(  n_\w+: \d*)(\d)$", r"\1\2\2", "^  n: ", "bartoli|paciorek|tran|righ"),
    Operator("one case more", r"^(  n_diseased: \d+)(\d)$", lambda m: f"{m[1]}{(int(m[2]) + 1) % 10}", "^  n: |    n",
             "paciorek|righetti"),
    Operator("diseased above n", r"^(    n: \d)\d+$", r"\1", METRIC, "germain|cmra"),
    Operator("parts do not add up", r"^(    n_(?:non)?diseased: \d)(\d)$", r"\g<1>9", METRIC, "germain"),
    Operator("digits swapped in n", r"^    n: (\d)(\d)(?=\n    sens)", r"    n: \2\1", METRIC, "lvar|martini"),
    Operator("test set as cohort", r"^(  n_test: )\d+", r"\g<1>20", METRIC, "martini"),
    Operator("smallest after largest", r"n_between: \[(\d+), (\d+)\]", r"n_between: [\2, \1]"),
    Operator("sensitivity for specificity", BOTH, r"sensitivity: \2\n    specificity: \1", METRIC, "lvar|kolk"),
    Operator("accuracy mistyped", r'(    accuracy: ")[89]', r"\g<1>6", METRIC, "lvar|martini|kolk"),
    Operator("F1 mistyped", r'(    f1: "0?\.?)\d', r"\g<1>5", METRIC, "lvar|martini|righetti|shaaf"),
    Operator("counts swapped", r"^    n: 42$", "    n: 42\n    tp: 1\n    fp: 4\n    fn: 20\n    tn: 17", METRIC),
    Operator("one count wrong", r"^    n: 42$", "    n: 42\n    tp: 20\n    fp: 4\n    fn: 2\n    tn: 17", METRIC),
    Operator("false positives and negatives swapped", r"^    n: 42$",
             "    n: 42\n    tp: 20\n    fp: 1\n    fn: 4\n    tn: 17", METRIC),
    Operator("contradiction about nothing", r"leaves_out: \[accuracy\]", "leaves_out: [npv]"),
    Operator("contradiction taken back", r"^    contradiction:\n      leaves_out: .*\n", "", METRIC + "|says:"),
    # Identifiers, years and days
    Operator("DOI without prefix", r"doi: 10\.(\d+)/", r"doi: \1/"),
    Operator("DOI as address", r"doi: 10\.", "doi: https://doi.org/10."),
    Operator("DOI with its label", r"doi: 10\.", "doi: doi:10."),
    Operator("DOI with a full stop", r"^(  doi: \S+)$", r"\1."),
    Operator("DOI mistyped", r"^(  doi: \S+?)(\d)(\d)$", r"\1\3\g<2>9", "^$", "righ|gabb|mart|paci|hu20|tran"),
    Operator("DOI of another study", r"^  doi: \S+$", "  doi: 10.1117/12.2549052", "^$", "hu20|mart|righ|paci"),
    Operator("PMID for DOI", r'^  doi: .*', '  doi: "38350900"'),
    Operator("DOI for PMID", r'^  pmid: .*', "  pmid: 10.1117/12.2549052"),
    Operator("letters in a PMID", r'^  pmid: "(\d)', r'  pmid: "PMID \1'),
    Operator("number for a PMID", r'^  pmid: "(\d+)"', r"  pmid: \1"),
    Operator("PMID mistyped", r'^  pmid: "(\d+)(\d)(\d)"', r'  pmid: "\1\3\g<2>9"', "^$", "paci|hu20|tran"),
    Operator("PMCID without letters", r"pmcid: PMC", "pmcid: "),
    Operator("year mistyped", r"year: 2(\d)(\d\d)", r"year: 2\g<2>\1", "^$", "20"),
    Operator("year of another century", r"year: 20", "year: 19", "^$", "20"),
    Operator("year two digits", r"year: 20", "year: "),
    Operator("year off by four", r"year: (\d{3})\d", r"year: \g<1>6", "^$", "20(20|21|22|23|24|25)"),
    Operator("published in another year", r"published: 20\d", "published: 201", "year:"),
    Operator("published after it was read", r"published: .*", "published: 2026-11-30", "year:"),
    Operator("day and month swapped", r"on: 2026-11-22", "on: 2026-22-11"),
    Operator("day in another order", r"on: 20(\d\d)-(\d\d)-(\d\d)", r"on: \3.\2.20\1"),
    Operator("month as a word", r"on: 2026-11-22", "on: 22 Nov 2026"),
    Operator("year for a day", r"on: (\d{4})-\d\d-\d\d", r"on: \1"),
    Operator("day in the future", r"on: 20(\d\d)-", r"on: 22\1-"),
    Operator("day long ago", r"on: 20(\d\d)-", r"on: 19\1-"),
    Operator("same standing twice", r"^  - on: .*\n    status: .*\n    route: .*\n    reason: \w.*\n", doubled),
    Operator("first author not the first", r"^  first_author: .*", "  first_author: Doe J", "^$", "hu20|mart|righ"),
    # Signatures
    Operator("signed without a day", EXTRACTED, r"\1, verified_by: Doe J}"),
    Operator("signed by nobody", EXTRACTED, r"\1, verified_on: 2026-11-22}"),
    Operator("signed too early", EXTRACTED, r"\1, verified_by: Doe J, verified_on: 2026-11-21}"),
    Operator("signed too late", EXTRACTED, r"\1, verified_by: Doe J, verified_on: 2206-11-22}"),
    Operator("signed by who read it", EXTRACTED, r"\1, verified_by: Contributors of this review, "
             r"verified_on: 2026-11-22}"),
    # Words of a list, names and links
    Operator("plural of a word", r"^( *)(unit|split|task|status|family|problem|access): ([\w ]+)$", r"\1\2: \3s"),
    Operator("capital for a word", r"^( +)(unit|split|status|access|problem): (\w)", lambda m: m[0].upper()),
    Operator("word of another list", r"^( *)(unit|split|task|status|family): .*", r"\1\2: binary"),
    Operator("item of a list misspelt", r"sequences: \[(\w)", r"sequences: [x\1"),
    Operator("task of other values", r"^task: (diag|pred).*", "task: segmentation", "^$", "kolk|lvar|gabb|germ|paci"),
    Operator("task without values", r"^task: segm.*", "task: diagnosis", "^$", "bartoli|hu20|tran|baraboo"),
    Operator("label of the same task", r"^base_label: .*", "base_label: diagnosis", "^$", "righetti"),
    Operator("id of another file", r"^id: (\w+)", r"id: \1a"),
    Operator("id in capitals", r"^id: (\w)", lambda m: m[0].upper().replace("ID", "id")),
    Operator("id with a path", r"^id: ", "id: ../"),
    Operator("id of another entry", r"^  - id: t1$", "  - id: psir"),
    Operator("two primaries", r"^  - id: (t1|lge|slice|combined|mri_branch)$", r"\g<0>\n    primary: true", "primary"),
    Operator("no primary", r"^    primary: true\n", "", "^accuracy:", "paci|lvar|righ|germ|kolk"),
    Operator("unknown data set", r"datasets: \[(\w+)", r"datasets: [\1_2"),
    Operator("patients of nobody", r"^shares_patients_with: \[(\w+)", r"shares_patients_with: [\1x"),
    Operator("patients of itself", r"^id: (\w+)$", r"\g<0>\nshares_patients_with: [\1]", "^$", "hu20|kolk|mart"),
    Operator("patients shared on one side", r"^shares_patients_with: .*\n", "", "shares_patients_with"),
    # Sources
    Operator("source undefined", r"^( +)source: (\w+)$", r"\1source: \2x"),
    Operator("source unused", r"^(sources:)$", r"\1\n  spare: {kind: page, where: nowhere}"),
    Operator("source of another kind", r"kind: baseline,", "kind: publication,"),
    Operator("no place in a source", r"\{kind: publication, .*\}", "{kind: publication}"),
    Operator("rule without a rule", r"kind: (coding|derived), how: ", r"kind: \1, where: "),
    Operator("row of another study", r"row: (\d+)", lambda m: f"row: {int(m[1]) + 1}", ENTRY),
    Operator("row that is not there", r"row: (\d+)", r"row: 9\1"),
    Operator("row as text", r"row: (\d+)", r'row: "\1"'),
    Operator("table that is not there", r"table: (\w+), row", r"table: \1s, row"),
    Operator("value without a source", r"^( +source: \{)\w+: \w+, ", r"\1", r"^ +\w+:"),
    Operator("value not as tabulated", r'value: "(0\.\d*)"(?=\n    source: dice_t)', r'value: "\g<1>1"'),
    # The file itself
    Operator("tab for blanks", r"^  (year|n|family)", r"\t\1"),
    Operator("one blank too many", r"^  (year|n|family)", r"   \1", r"^  \w"),
    Operator("quote left open", r'"([0-9.]+%?)"$', r'"\1'),
    Operator("bracket left open", r"\[(.*)\]$", r"[\1"),
    Operator("anchor", r"^(task: )", r"\1&task "),
    Operator("alias", r"^(topic: ).*", r"\1*task"),
    Operator("tag", r"^(id: )", r"\1!!python/name:os.system "),
    Operator("merge key", r"^(sample:)$", r"\1\n  <<: {n: 7}"),
    Operator("second document", r"^task:", "---\ntask:", "^$|^task:"),
    Operator("merge conflict", r"^(task: .*)$", r"<<<<<<< HEAD\n\1\n=======\n\1\n>>>>>>> main"),
    Operator("nothing left", r"(?s)\A.*\Z", ""),
    Operator("only a comment", r"(?s)\A.*\Z", "# to be done\n"),
    # Characters
    Operator("lookalike in a name", r"first_author: (\w*?)[ao]", "first_author: \\1\u0430"),
    Operator("lookalike in an id", r"^id: (\w*?)[ae]", "id: \\1\u0435"),
    Operator("lookalike in a word of a list", r"task: (\w*?)o", "task: \\1\u03bf"),
    Operator("mark of no width", r"first_author: (\w)", "first_author: \\1\u200b"),
    Operator("mark of direction", r"first_author: ", "first_author: \u202e"),
    Operator("control character", r"first_author: ", "first_author: \x07"),
    Operator("digits of another script", r'"0\.(\d)', '"\u0660.\\1'),
    Operator("full-width digits", r"\bn: (\d)", "n: \uff11\\1"),
    Operator("blank that does not break", r'(\d)%"', '\\1\u00a0%"'),
    # What changes nothing
    Operator("blanks at the end", r"^(  (?:year|n|family): .*)$", r"\1   "),
    Operator("comment", r"^(  (?:year|n|family): .*)$", r"\1  # as printed"),
    Operator("single quotes", r'"([0-9.]+%?)"', r"'\1'"),
    Operator("blank before the percent sign", r'(\d)%"', r'\1 %"'),
    Operator("mark of the byte order", r"\A", "\ufeff"),
    Operator("line ends of Windows", r"(?s)\A.*\Z", lambda m: m[0].replace("\n", "\r\n")),
    Operator("no line end at the end", r"\n\Z", ""),
    Operator("order of the keys", r"^id: (\w+)\n((?s:.*))\Z", r"\2id: \1\n"),
)  # fmt: skip


def mutants(root: Path, operator: Operator) -> Iterator[tuple[Path, str, str]]:
    """Yield a file, its text, and the text with one match replaced, for a few matches spread over the files."""
    places = []
    for path in sorted((root / "studies").glob("*.yaml")):
        text = path.read_bytes().decode()
        if re.search(operator.files, path.stem):
            places += [(path, text, match) for match in re.finditer(operator.pattern, text, re.MULTILINE)]
    for path, text, match in places[:: -(-len(places) // MOST_PER_OPERATOR) or 1]:
        new = operator.replacement
        new = match.expand(new) if isinstance(new, str) else new(match)
        yield path, text, text[: match.start()] + new + text[match.end() :]


def changed(before: str, after: str) -> set[int]:
    """Return the changed lines; where lines were taken out, the two around the gap; 0 for an empty file."""
    old, new = before.split("\n"), after.split("\n")
    shortest = min(len(old), len(new))
    head = next((i for i in range(shortest) if old[i] != new[i]), shortest)
    tail = next((i for i in range(shortest - head) if old[-1 - i] != new[-1 - i]), shortest - head)
    lines = set(range(head + 1, len(new) - tail + 1)) or {head, head + 1}
    return lines | ({0} if not any(line.split("#")[0].strip() for line in new) else set())


def said(value: Any) -> Any:
    """Return what a model says, printed numbers by value."""
    if isinstance(value, dict):
        return {key: said(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [said(item) for item in value]
    return number(value) if isinstance(value, str) and re.fullmatch(r"[0-9.]+ ?%?", value) else value


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return a copy of the data with the studies to spoil alone."""
    root = Path(shutil.copytree(DATA, tmp_path / "data"))
    for path in (root / "studies").iterdir():
        if path.stem not in STUDIES:
            path.unlink()
    return root


def judge(root: Path, path: Path, before: str, after: str, operator: Operator, says: Any) -> str:
    """Return ``changed`` or ``other`` for the line of the fault, ``harmless``, or what ``check`` said instead."""
    faults = check(root)
    if not faults:
        same = said([study.model_dump() for study in Review.load(root).studies]) == says
        return "harmless" if same else "no fault"
    right = changed(before, after)
    faults = [fault for fault in faults if fault.remedy]
    if any(fault.path.endswith(path.name) and fault.line in right for fault in faults):
        return "changed"
    for fault in faults:
        lines = (root.parent / fault.path).read_text().split("\n")
        if re.search(operator.others, lines[max(fault.line, 1) - 1]):
            return "other"
    return "; ".join(str(fault) for fault in faults)


@pytest.mark.slow
def test_every_mutant_is_caught_on_its_line_or_says_the_same(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(small) == []
    says = said([study.model_dump() for study in Review.load(small).studies])
    verdicts: Counter[str] = Counter()
    missed, idle = [], []
    for operator in OPERATORS:
        made = 0
        for path, before, after in mutants(small, operator):
            path.write_bytes(after.encode())
            try:
                verdict = judge(small, path, before, after, operator, says)
            except Exception as error:
                verdict = f"{type(error).__name__}: {error}"
            path.write_bytes(before.encode())
            made += 1
            verdicts[verdict if verdict in RIGHT else "missed"] += 1
            if verdict not in RIGHT:
                missed.append(f"{operator.name}, {path.name}:{sorted(changed(before, after))[:3]}: {verdict}")
        idle += [] if made else [operator.name]
    with capsys.disabled():
        caught = verdicts["changed"] + verdicts["other"]
        print(
            f"\n{verdicts.total()} mutants by {len(OPERATORS)} operators: {caught} caught on the right line "
            f"({verdicts['other']} of them on one that the changed line contradicts), "
            f"{verdicts['harmless']} harmless, {len(missed)} missed"
        )
    assert idle == []
    assert not missed, "\n".join(missed)
    assert caught >= 200
