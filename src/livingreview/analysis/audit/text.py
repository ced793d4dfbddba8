"""What the text says of its own tables: whether counts and shares add up, and averages, extremes and quoted values."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from livingreview.analysis.audit.statements import (
    BaseReview,
    Link,
    Statement,
    Verdict,
    compare,
    is_cut,
    judged,
    rounds_to,
)
from livingreview.analysis.segmentation import BASELINE_VALUE
from livingreview.analysis.tabulate import SECTION_MAXIMA, claim_scores
from livingreview.review import Review, label
from livingreview.wording import decimal, listing, plural

__all__ = ["LeaveOneOut", "characteristics", "hausdorff_sds", "quality", "segmentation_metrics", "selection"]

DATABASES = ("pubmed", "embase", "web_of_science", "scopus")
UNITS: Final = {"dice": ("Dice coefficient", ""), "hausdorff": ("Hausdorff distance", " mm")}


def selection(base: BaseReview) -> Iterator[Statement]:
    """Yield the arithmetic of the PRISMA flow."""
    count = {item: int(text) for item, text in base.cells("prisma", "item", "count").items()}
    here = base.sources("prisma")
    parts = [count[f"identified_{name}"] for name in DATABASES]
    yield _sum("prisma-identified", "The records of the four databases make the total",
               count["identified_total"], parts, here)  # fmt: skip
    screened = count["identified_total"] - count["duplicates_removed"]
    yield _exact("prisma-screened", "Records screened are records found less duplicates",
                 count["screened"], screened, f"{count['identified_total']:,} − {count['duplicates_removed']:,} =",
                 here)  # fmt: skip
    read = count["screened"] - count["excluded_title_abstract"]
    unstated = read - count["included_review"]
    more = (
        f"{read:,} reports remain after screening, {unstated:,} more than were included; the text gives neither their "
        "number nor the reasons for leaving them out."
    )
    otherwise: Verdict = "cannot be derived" if unstated > 0 else "contradicts"
    yield Statement(
        "prisma-included",
        "The included studies are what screening and full-text reading left",
        f"{count['included_review']:,}",
        f"{read:,} left by screening",
        *judged(not unstated, "Nothing is left over.", more, otherwise),
        here,
    )
    parts = [count["included_meta_analysis_diagnosis_prediction"], count["included_meta_analysis_segmentation"]]
    yield _sum("prisma-pooled", "The studies of the two meta-analyses make the total",
               count["included_meta_analysis"], parts, base.sources("Meta-analysis"))  # fmt: skip


def characteristics(base: BaseReview) -> Iterator[Statement]:
    """Yield the counts of tasks and the shares of methods."""
    studies = {name: int(text) for name, text in base.cells("characteristics", "characteristic", "studies").items()}
    percents = base.cells("characteristics", "characteristic", "percent")
    included = base.included
    here = base.sources("characteristics")
    for name, column, link in (
        ("tasks-results", "prediction", here),
        ("tasks-abstract", "prediction_in_abstract", base.sources("abstract", "characteristics")),
    ):
        parts = [studies["segmentation"], studies["diagnosis"], studies[column]]
        whose = "abstract" if column != "prediction" else "results"
        yield _sum(name, f"The tasks counted in the {whose} make the included studies",
                   included, parts, link)  # fmt: skip
    yield _share("share-u-net", "Share of studies that use a U-Net", studies["u_net"], included, percents["u_net"],
                 "The count divided by the included studies.", here)  # fmt: skip
    whole = [n for n in range(included + 1) if rounds_to(percents["supervised"], 100 * n / included)]
    yield Statement(
        "share-supervised",
        "Share of studies that are supervised",
        f"{percents['supervised']} %",
        listing([f"{n} of {included} = {decimal(100 * n / included)} %" for n in whole]) or "no whole number",
        "agrees" if len(whole) == 1 else "cannot be derived" if whole else "contradicts",
        "The count is not printed; one whole number of studies gives the share."
        if len(whole) == 1
        else f"{plural(len(whole), 'whole number')} of studies give the share.",
        here,
    )


def quality(base: BaseReview) -> Iterator[Statement]:
    """Yield the arithmetic of the CLAIM table and of the QUADAS-2 counts."""
    yield from _claim_rows(base)
    yield from _claim_summary(base)
    counts = {name: int(n) for name, n in base.cells("quadas2", "overall_risk_of_bias", "studies").items()}
    here = base.sources("quadas2")
    yield _sum("quadas-total", "The studies judged at each risk of bias make the included studies",
               base.included, list(counts.values()), here)  # fmt: skip
    for name, printed in base.cells("quadas2", "overall_risk_of_bias", "percent").items():
        yield _share(f"quadas-{name.replace(' ', '-')}", f"Share of studies judged: {name}", counts[name],
                     sum(counts.values()), printed, "The count divided by all studies judged.", here)  # fmt: skip


def _claim_rows(base: BaseReview) -> Iterator[Statement]:
    table = base.tables["claim"]
    sections = table[list(SECTION_MAXIMA)].astype(int)
    totals, items = table["total"].astype(int), int(base.quotes["claim_items"].printed)
    adding_up = int((sections.sum(axis=1) == totals).sum())
    matching = sum(
        rounds_to(printed, 100 * total / items) for printed, total in zip(table["percent"], totals, strict=True)
    )
    here = base.sources("claim")
    included = base.included
    yield _exact("claim-studies", "Every included study has a CLAIM score", included, len(table),
                 "rows of the table", here)  # fmt: skip
    yield _exact("claim-items", "The sections of the checklist make all its items", items,
                 sum(SECTION_MAXIMA.values()), "points at most, over all sections",
                 base.sources("Risk of bias assessment", "claim"))  # fmt: skip
    yield _exact("claim-totals", "Section points make the total in every row", len(table), adding_up,
                 "rows that add up", here)  # fmt: skip
    yield _exact("claim-percents", "Percentages are totals divided by all items in every row", len(table),
                 matching, "rows that agree to the last digit", here)  # fmt: skip


def _claim_summary(base: BaseReview) -> Iterator[Statement]:
    claim = claim_scores(base.review)
    mean = float(claim["percent"].mean())
    printed = base.cells("characteristics", "characteristic", "percent")
    here = base.sources("quadas2", "claim")
    yield Statement(
        "claim-mean",
        "Mean CLAIM score",
        f"{printed['claim_mean_percent']} %",
        f"{decimal(mean)} %",
        compare(printed["claim_mean_percent"], mean),
        f"Mean of {plural(len(claim), 'study', 'studies')}, from the section points.",
        here,
    )
    for which, key, percent in (
        ("highest", "claim_max_percent", claim["percent"].max()),
        ("lowest", "claim_min_percent", claim["percent"].min()),
    ):
        rows = list(claim.loc[claim["percent"] == percent, "row"])
        author = base.quotes[f"claim_{which}"].about
        yield Statement(
            f"claim-{which}",
            f"The {which} CLAIM score",
            f"{printed[key]} %",
            f"{decimal(percent)} %",
            compare(printed[key], percent),
            f"The {which} of all rows.",
            here,
        )
        shared = f"{plural(len(rows), 'study', 'studies').capitalize()} share it; the text names only {author}"
        yield Statement(
            f"claim-{which}-study",
            f"One study has the {which} CLAIM score",
            author,
            f"{plural(len(rows), 'row')}: {listing([str(row) for row in rows])}",
            *judged(len(rows) == 1, "One row alone has that score.", shared, otherwise="cannot be derived"),
            here,
        )


def _share(
    name: str, statement: str, count: int, whole: int, printed: str, why: str, sources: tuple[Link, ...]
) -> Statement:
    share = 100 * count / whole
    recomputed = f"{count} of {whole} = {decimal(share)} %"
    return Statement(name, statement, f"{count} = {printed} %", recomputed, compare(printed, share), why, sources)


def _sum(name: str, statement: str, printed: int, parts: list[int], sources: tuple[Link, ...]) -> Statement:
    return _exact(name, statement, printed, sum(parts), f"{' + '.join(f'{part:,}' for part in parts)} =", sources)


def _exact(name: str, statement: str, printed: int, value: int, how: str, sources: tuple[Link, ...]) -> Statement:
    """Compare two whole numbers; `how` tells what is counted, or ends in = where it is a calculation."""
    verdict, why = judged(printed == value, why_not=f"They differ by {abs(value - printed):,}.")
    recomputed = f"{how} {value:,}" if how.endswith("=") else f"{value:,} {how}"
    return Statement(name, statement, f"{printed:,}", recomputed, verdict, why, sources)


@dataclass(frozen=True)
class LeaveOneOut:
    """Standard deviations (n − 1) with one study left out at a time, beside a printed one.

    Parameters
    ----------
    printed
        The standard deviation as printed.
    every
        Of all studies.
    authors
        The study left out.
    sds
        Of the others.
    """

    printed: str
    every: float
    authors: tuple[str, ...]
    sds: tuple[float, ...]

    @property
    def fits(self) -> tuple[str, ...]:
        """Studies without which the standard deviation, rounded or cut, is the printed one."""
        pairs = zip(self.authors, self.sds, strict=True)
        return tuple(author for author, sd in pairs if rounds_to(self.printed, sd) or is_cut(self.printed, sd))


def hausdorff_sds(review: Review) -> LeaveOneOut:
    """Return the standard deviation of the Hausdorff distances without each study in turn."""
    return _leave_one_out(BaseReview.of(review), "hausdorff")


def segmentation_metrics(base: BaseReview) -> Iterator[Statement]:
    """Yield averages, extremes and quoted values of the Dice and the Hausdorff tables."""
    for table in BASELINE_VALUE:
        yield from _averages(base, table)
    dice = base.tables["dice"]
    u_net = dice[[bool(re.search(r"u-?net", text, re.IGNORECASE)) for text in dice["network_architecture"]]]
    yield _extreme(base, "highest_dice", "dice-highest", "highest Dice coefficient", dice,
                   "Highest of the table; what was segmented is a statement of its own.")  # fmt: skip
    quote = base.quotes["u_net_majority"]
    yield Statement(
        "u-net-majority",
        "Most studies with a Dice coefficient use a U-Net",
        quote.printed,
        f"{len(u_net)} of {len(dice)}",
        "agrees" if 2 * len(u_net) > len(dice) else "contradicts",
        "Rows whose architecture has U-Net in its name.",
        base.sources(quote.where, "dice"),
    )
    for which in ("lowest", "highest"):
        yield _extreme(base, f"u_net_{which}_dice", f"u-net-{which}", f"{which} Dice coefficient of a U-Net", u_net,
                       "Over the same rows.")  # fmt: skip
    yield _quotes(base)


def _averages(base: BaseReview, table: str) -> Iterator[Statement]:
    values = base.numbers(table, BASELINE_VALUE[table])
    pooled = base.pooled("segmentation", table)
    name, unit = UNITS[table]
    here = base.sources("Segmentation metrics", table)
    stated = int(pooled["studies"])
    yield Statement(
        f"{table}-studies", f"Number of studies that report a {name}", f"{stated}",
        f"{len(values)} rows", "agrees" if stated == len(values) else "contradicts",
        "Rows of the table; whether the table is complete is a statement of its own.", here,
    )  # fmt: skip
    mean = statistics.mean(values)
    yield Statement(
        f"{table}-mean", f"Pooled mean {name}", f"{pooled['estimate']}{unit}",
        f"{decimal(mean, 4)}{unit}", compare(pooled["estimate"], mean),
        f"Plain mean of the table{_mixture(base, table)}", here,
    )  # fmt: skip
    sample, population = statistics.stdev(values), statistics.pstdev(values)
    either: list[Verdict] = [compare(pooled["sd"], sd) for sd in (sample, population)]
    verdict: Verdict = "agrees" if "agrees" in either else either[0]
    yield Statement(
        f"{table}-sd", f"Standard deviation of the {name}", f"{pooled['sd']}{unit}",
        f"{decimal(sample, 4)}{unit} (n − 1) or {decimal(population, 4)}{unit} (n)", verdict,
        _why_sd(_leave_one_out(base, table), either), here,
    )  # fmt: skip


def _mixture(base: BaseReview, table: str) -> str:
    studies = [base.study_at(table, row) for row in range(1, len(base.tables[table]) + 1)]
    atrial = [label(study) for study in studies if study is not None and study.topic == "atria"]
    return f"; about the atria only: {listing(atrial)}." if atrial else "."


def _why_sd(without: LeaveOneOut, either: Sequence[Verdict]) -> str:
    if set(either) == {"agrees"}:
        return "Both kinds of standard deviation print alike, so that they cannot be told apart."
    if "agrees" in either:
        return f"The one with {'n − 1' if either[0] == 'agrees' else 'n'} prints so."
    if not without.fits:
        return "No subset without one study has the printed value either."
    sds = dict(zip(without.authors, without.sds, strict=True))
    found = [
        f"without {author} the others have {decimal(sds[author], 3)} (n − 1), which prints as {without.printed} when "
        f"{'rounded' if rounds_to(without.printed, sds[author]) else 'cut'}"
        for author in without.fits
    ]
    return f"{listing(found)[0].upper()}{listing(found)[1:]}; the mean includes every study."


def _leave_one_out(base: BaseReview, table: str) -> LeaveOneOut:
    values = base.numbers(table, BASELINE_VALUE[table])
    return LeaveOneOut(
        base.pooled("segmentation", table)["sd"],
        statistics.stdev(values),
        tuple(base.tables[table]["author"]),
        tuple(statistics.stdev(values[:i] + values[i + 1 :]) for i in range(len(values))),
    )


def _extreme(base: BaseReview, quoted: str, name: str, what: str, rows: pd.DataFrame, why: str) -> Statement:
    """Compare the highest or lowest Dice coefficient of some rows, and its study, with those quoted."""
    quote = base.quotes[quoted]
    choose = min if what.startswith("lowest") else max
    author, value = choose(zip(rows["author"], rows["dice"], strict=True), key=lambda item: float(item[1]))
    return Statement(
        name,
        f"The {what} and its study",
        f"{quote.printed}, {quote.about}",
        f"{value}, {author}",
        compare(quote.printed, float(value)) if author == quote.about else "contradicts",
        why,
        base.sources(quote.where, "dice"),
    )


def _quotes(base: BaseReview) -> Statement:
    quotes = [quote for name, quote in base.quotes.items() if name.startswith("quoted_")]
    differing = []
    for quote in quotes:
        table = quote.id.split("_")[1]
        value = base.cells(table, "author", BASELINE_VALUE[table]).get(quote.about)
        if value is None or not rounds_to(quote.printed, float(value)):
            differing.append(f"{quote.about} {quote.printed}")
    return Statement(
        "quoted-values",
        "The Dice coefficients and Hausdorff distances that the text quotes are those of the tables",
        plural(len(quotes), "quoted value"),
        f"{len(quotes) - len(differing)} found in the tables",
        *judged(
            not differing, "Each with the author that the text names.", f"Not in the tables: {listing(differing)}."
        ),
        base.sources(*dict.fromkeys(quote.where for quote in quotes), "dice", "hausdorff"),
    )
