"""Study selection, characteristics and quality: whether the printed counts and shares add up."""

from __future__ import annotations

from collections.abc import Iterator

from livingreview.analysis.audit.statements import BaseReview, Link, Statement, Verdict, compare, judged, rounds_to
from livingreview.analysis.tabulate import SECTION_MAXIMA, claim_scores
from livingreview.wording import decimal, listing, plural

__all__ = ["characteristics", "quality", "selection"]

DATABASES = ("pubmed", "embase", "web_of_science", "scopus")


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
    share = 100 * studies["u_net"] / included
    yield Statement(
        "share-u-net",
        "Share of studies that use a U-Net",
        f"{studies['u_net']} = {percents['u_net']} %",
        f"{studies['u_net']} of {included} = {decimal(share)} %",
        compare(percents["u_net"], share),
        "The count divided by the included studies.",
        here,
    )
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
    rows = base.tables["quadas2"]
    counts = {name: int(n) for name, n in zip(rows["overall_risk_of_bias"], rows["studies"], strict=True)}
    included = base.included
    here = base.sources("quadas2")
    yield _sum("quadas-total", "The studies judged at each risk of bias make the included studies",
               included, list(counts.values()), here)  # fmt: skip
    for name, printed in base.cells("quadas2", "overall_risk_of_bias", "percent").items():
        share = 100 * counts[name] / sum(counts.values())
        yield Statement(
            f"quadas-{name.replace(' ', '-')}",
            f"Share of studies judged: {name}",
            f"{counts[name]} = {printed} %",
            f"{counts[name]} of {sum(counts.values())} = {decimal(share)} %",
            compare(printed, share),
            "The count divided by all studies judged.",
            here,
        )


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


def _sum(name: str, statement: str, printed: int, parts: list[int], sources: tuple[Link, ...]) -> Statement:
    return _exact(name, statement, printed, sum(parts), f"{' + '.join(f'{part:,}' for part in parts)} =", sources)


def _exact(name: str, statement: str, printed: int, value: int, how: str, sources: tuple[Link, ...]) -> Statement:
    """Compare two whole numbers; `how` tells what is counted, or ends in = where it is a calculation."""
    verdict, why = judged(printed == value, why_not=f"They differ by {abs(value - printed):,}.")
    recomputed = f"{how} {value:,}" if how.endswith("=") else f"{value:,} {how}"
    return Statement(name, statement, f"{printed:,}", recomputed, verdict, why, sources)
