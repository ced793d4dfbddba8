"""Are headline figures escaped, and do they link within the site only?"""

import pytest

from livingreview.publish.elements import Card, cards_html
from livingreview.synthesis.intervals import Interval


def test_a_card_shows_its_interval_and_where_it_comes_from() -> None:
    html = cards_html([Card("Sensitivity", Interval(0.9, 0.8, 0.95), "of five studies", "chapters/diagnosis.html")])
    for text in ("Sensitivity", "90.0 %", "80.0 % to 95.0 %", "of five studies", 'href="chapters/diagnosis.html"'):
        assert text in html


def test_text_cannot_become_markup() -> None:
    html = cards_html([Card("<script>", "<b>", '"><img>', "a.html")])
    assert "<script>" not in html
    assert "<b>" not in html
    assert "<img>" not in html


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://example.org", "//example.org"])
def test_a_card_never_leads_off_the_site(link: str) -> None:
    with pytest.raises(ValueError, match="within the site"):
        cards_html([Card("a", "b", "c", link)])
