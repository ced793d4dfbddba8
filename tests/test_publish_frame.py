"""Does the banner say how current the review is, and hide and blame nothing?"""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

from livingreview.publish.frame import banner_html, banner_until


def review(status: str = "living", included: int = 12) -> SimpleNamespace:
    return SimpleNamespace(
        included=("study",) * included,
        last_search=date(2025, 7, 31),
        next_search_due=date(2025, 8, 7),
        verified_only=False,
        file=SimpleNamespace(version="2026.1", living=SimpleNamespace(status=status)),
    )


def test_the_banner_tells_an_overdue_search_without_hiding_or_blaming():
    before = banner_html(review(), date(2025, 8, 7))
    after = banner_html(review(), date(2025, 8, 8))
    assert 'next search due <time datetime="2025-08-07">7 August 2025</time>' in before
    assert "next search was due" in after
    assert "later reports may be missing" in after
    assert "12 studies included by name" in before
    assert "1 study included by name" in banner_html(review(included=1), date(2025, 8, 7))


def test_the_banner_says_how_old_the_last_search_is_and_how_long_that_holds():
    assert "31 July 2025</time> (less than a month ago)" in banner_html(review(), date(2025, 8, 30))
    assert "(one month ago)" in banner_html(review(), date(2025, 8, 31))
    assert "(13 months ago)" in banner_html(review(), date(2026, 8, 31))
    assert banner_until(review(), date(2025, 8, 1)) == date(2025, 8, 7), "then the next search is overdue"
    assert banner_until(review(), date(2025, 8, 8)) == date(2025, 8, 30), "then it is a month old"


def test_a_paused_review_promises_no_search_and_a_past_one_says_which_day():
    assert "next search" not in banner_html(review("paused"), date(2026, 1, 1))
    past = banner_html(review(), date(2025, 7, 31), as_of=date(2025, 7, 31))
    assert 'as it stood on <time datetime="2025-07-31">' in past


def test_a_view_of_verified_extractions_says_so_on_every_page():
    shown = review()
    assert "verified" not in banner_html(shown, date(2026, 1, 1))
    shown.verified_only = True
    assert "syntheses of verified extractions only" in banner_html(shown, date(2026, 1, 1))
