"""Dice and Hausdorff: averages, extremes and quoted values of the text beside those of the tables."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from livingreview.analysis.audit.statements import BaseReview, Statement, Verdict, compare, is_cut, judged, rounds_to
from livingreview.review import Review, label
from livingreview.wording import decimal, listing, plural

__all__ = ["LeaveOneOut", "hausdorff_sds", "segmentation_metrics"]

UNITS: Final = {"dice": ("Dice coefficient", ""), "hausdorff": ("Hausdorff distance", " mm")}
VALUES: Final = {"dice": "dice", "hausdorff": "hausdorff_mm"}


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
    for table in VALUES:
        yield from _averages(base, table)
    yield _highest_dice(base)
    yield from _u_net(base)
    yield _quotes(base)


def _averages(base: BaseReview, table: str) -> Iterator[Statement]:
    values = base.numbers(table, VALUES[table])
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
    values = base.numbers(table, VALUES[table])
    return LeaveOneOut(
        base.pooled("segmentation", table)["sd"],
        statistics.stdev(values),
        tuple(base.tables[table]["author"]),
        tuple(statistics.stdev(values[:i] + values[i + 1 :]) for i in range(len(values))),
    )


def _highest_dice(base: BaseReview) -> Statement:
    quote = base.quotes["highest_dice"]
    dice = base.cells("dice", "author", "dice")
    author, best = max(dice.items(), key=lambda item: float(item[1]))
    return Statement(
        "dice-highest",
        "The highest Dice coefficient and its study",
        f"{quote.printed}, {quote.about}",
        f"{best}, {author}",
        compare(quote.printed, float(best)) if author == quote.about else "contradicts",
        "Highest of the table; what was segmented is a statement of its own.",
        base.sources(quote.where, "dice"),
    )


def _u_net(base: BaseReview) -> Iterator[Statement]:
    table = base.tables["dice"]
    u_net = table[[bool(re.search(r"u-?net", text, re.IGNORECASE)) for text in table["network_architecture"]]]
    quote = base.quotes["u_net_majority"]
    yield Statement(
        "u-net-majority",
        "Most studies with a Dice coefficient use a U-Net",
        quote.printed,
        f"{len(u_net)} of {len(table)}",
        "agrees" if 2 * len(u_net) > len(table) else "contradicts",
        "Rows whose architecture has U-Net in its name.",
        base.sources(quote.where, "dice"),
    )
    for which, choose in (("lowest", min), ("highest", max)):
        quote = base.quotes[f"u_net_{which}_dice"]
        author, value = choose(zip(u_net["author"], u_net["dice"], strict=True), key=lambda item: float(item[1]))
        yield Statement(
            f"u-net-{which}",
            f"The {which} Dice coefficient of a U-Net and its study",
            f"{quote.printed}, {quote.about}",
            f"{value}, {author}",
            compare(quote.printed, float(value)) if author == quote.about else "contradicts",
            "Over the same rows.",
            base.sources(quote.where, "dice"),
        )


def _quotes(base: BaseReview) -> Statement:
    quotes = [quote for name, quote in base.quotes.items() if name.startswith("quoted_")]
    differing = []
    for quote in quotes:
        table = quote.id.split("_")[1]
        value = base.cells(table, "author", VALUES[table]).get(quote.about)
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
