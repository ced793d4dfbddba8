"""Is every item of every checklist answered once, by a page that exists, or said to be missing?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from livingreview.analysis.reporting import CHECKLISTS, FILE, checklist_table, read_answers, tally_statuses
from livingreview.errors import DataError
from livingreview.publish.elements import PageLink, page_link, table_html
from livingreview.review import Review

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def answers(review: Review) -> pd.DataFrame:
    return read_answers(review.root, review.instruments)


def test_is_every_item_answered_in_the_checklists_order(review: Review, answers: pd.DataFrame) -> None:
    for name in CHECKLISTS:
        table = checklist_table(review, answers, name)
        assert table["Item"].tolist() == [str(item.id) for item in review.instruments[name].items]


def test_has_prisma_dta_its_27_items(review: Review) -> None:
    ids = [item.id for item in review.instruments["prisma-dta"].items]
    assert len(ids) == 27
    # The statement leaves out 15 and 22 of its parent and adds D1 and D2.
    assert set(ids) == ({str(number) for number in range(1, 28)} - {"15", "22"}) | {"D1", "D2"}


def test_does_every_answer_lead_to_a_page_of_the_book(answers: pd.DataFrame) -> None:
    listed = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    for page in set(answers["page"]) - {"", "index"}:
        assert (ROOT / "chapters" / f"{page}.md").is_file()
        assert f"chapters/{page}\n" in listed


def test_do_the_counts_add_up_to_the_items(review: Review, answers: pd.DataFrame) -> None:
    for name in CHECKLISTS:
        assert sum(tally_statuses(answers, name).values()) == len(review.instruments[name].items)


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda text: text.replace("prisma-dta,4,", "prisma-dta,4x,"), "REPORT-001"),
        (lambda text: text + "prisma-dta,4,protocol,reported,\n", "REPORT-002"),
        (lambda text: text.replace("prisma-dta,4,protocol", "prisma-dta,4,../protocol"), "REPORT-003"),
        (lambda text: text.replace("prisma-dta,4,protocol", "prisma-dta,4,"), "REPORT-003"),
        (lambda text: text.replace("prisma-dta,4,protocol,reported", "prisma-dta,4,protocol,fine"), "REPORT-004"),
        (lambda text: text.replace("prisma-dta,4,protocol,reported", "prisma-dta,4,protocol,missing"), "REPORT-005"),
        (lambda text: text.replace("prisma-dta,4,protocol,reported,\n", ""), "REPORT-006"),
    ],
)
def test_is_a_wrong_answer_named(review: Review, data_copy: Path, spoil: Callable[[str], str], code: str) -> None:
    path = data_copy / FILE
    path.write_text(spoil(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_answers(data_copy, review.instruments)
    assert code in {fault.code for fault in caught.value.faults}


def test_does_a_page_link_read_as_its_text_and_lead_to_its_page() -> None:
    html = table_html(pd.DataFrame({"Item": ["1"], "Page": [page_link("clinical-use")]}), caption="Items")
    assert '<td><a href="clinical-use.html">clinical use</a></td>' in html
    with pytest.raises(ValueError, match="relative address"):
        PageLink("javascript:alert(1)", "x")
