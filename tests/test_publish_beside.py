"""Can a program rely on the published JSON, and is the feed what RFC 4287 asks for, each thing told once, for good?"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator, ValidationError

from livingreview.living.releases import read_releases
from livingreview.living.results import results_of
from livingreview.publish.beside import api_files, atom
from livingreview.publish.metadata import DOWNLOADS
from published import HOSTILE, SITE, with_site, with_study

NAMES = ("index", "estimates", "studies", "flow")
A = "{http://www.w3.org/2005/Atom}"
# RFC 3339, as section 3.3 of RFC 4287 asks for.
STAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")


@pytest.fixture(scope="module")
def results(review):
    return results_of(review)


@pytest.fixture(scope="module")
def files(review, results):
    return api_files(review, results)


def content(files, name):
    return json.loads(files[f"api/v1/{name}.json"])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_file_fits_the_schema_that_it_names(files, name):
    data = content(files, name)
    schema = json.loads(files[posixpath.join("api/v1", data["$schema"])])
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(data)
    with pytest.raises(ValidationError):
        Draft202012Validator(schema).validate({**data, "version": 1})


def test_the_schemas_notice_what_is_wrong_inside(files):
    validator = Draft202012Validator(json.loads(files["api/v1/schema/estimates.schema.json"]))
    data = content(files, "estimates")
    data["syntheses"][0]["measures"] = {"sensitivity": {"estimate": "0.9"}}
    with pytest.raises(ValidationError):
        validator.validate(data)


def test_the_numbers_are_the_reviews_own(files, review, results):
    estimates = content(files, "estimates")
    estimates.pop("$schema")
    assert estimates == json.loads(json.dumps(results.to_dict()))
    studies = content(files, "studies")["studies"]
    assert [item["id"] for item in studies] == [study.id for study in review.studies]
    assert sum(item["status"] == "included" for item in studies) == len(review.included)
    boxes = {box["key"]: box["count"] for box in content(files, "flow")["flow"]["boxes"]}
    assert boxes["identified"] == int(review.runs.loc[review.runs["kind"] == "base", "hits"].sum())


def test_links_are_relative_until_the_site_has_an_address(review, results, files):
    index = content(files, "index")
    assert {posixpath.normpath(f"api/v1/{link}") for link in index["links"].values()} == {d.path for d in DOWNLOADS}
    assert {posixpath.normpath(f"api/v1/{link}") for link in index["schemas"].values()} <= set(files)
    there = api_files(with_site(review), results)
    assert content(there, "index")["links"]["data_package"] == f"{SITE}/data.zip"
    assert content(there, "flow")["$schema"] == f"{SITE}/api/v1/schema/flow.schema.json"


def test_the_same_review_gives_the_same_bytes_and_a_past_day_no_later_study(review, results, files):
    assert api_files(review, results) == files
    then = review.as_of(date(2025, 7, 31))
    past = content(api_files(then, results.model_copy(update={"day": then.day})), "studies")
    assert past["day"] == "2025-07-31"
    assert {item["since"] for item in past["studies"]} == {"2025-07-31"}


def test_hostile_texts_stay_data(review, results):
    first, *others = review.studies
    spoiled = first.model_copy(update={"report": first.report.model_copy(update={"title": HOSTILE})})
    listed = content(api_files(replace(review, studies=(spoiled, *others)), results), "studies")["studies"][0]
    assert listed["file"]["report"]["title"] == HOSTILE


def test_each_ratio_follows_from_the_sensitivity_and_specificity_beside_it(results):
    measures = results["diagnosis"].measures
    sensitivity, specificity = (measures[name].estimate for name in ("sensitivity", "specificity"))
    positive, negative = sensitivity / (1 - specificity), (1 - sensitivity) / specificity
    assert measures["likelihood_ratio_positive"].estimate == pytest.approx(positive, rel=1e-6)
    assert measures["likelihood_ratio_negative"].estimate == pytest.approx(negative, rel=1e-6)
    assert measures["diagnostic_odds_ratio"].estimate == pytest.approx(positive / negative, rel=1e-6)


def entries(feed: ET.Element) -> list[ET.Element]:
    return feed.findall(f"{A}entry")


def texts(elements: list[ET.Element], name: str) -> list[str]:
    return [element.findtext(f"{A}{name}", "") for element in elements]


@pytest.fixture(scope="module")
def feed(review) -> ET.Element:
    return ET.fromstring(atom(review))


def test_it_has_what_rfc_4287_requires(feed):
    assert feed.tag == f"{A}feed"
    assert len(entries(feed)) > 0
    for element in (feed, *entries(feed)):
        # Sections 4.1.1 and 4.1.2: exactly one each of id, title and updated.
        for name in ("id", "title", "updated"):
            assert len(element.findall(f"{A}{name}")) == 1
            assert element.findtext(f"{A}{name}")
        assert STAMP.fullmatch(element.findtext(f"{A}updated"))
        # 4.1.2: an entry without content has an alternate link; 4.1.1: not two of one type and language.
        assert len([link for link in element.findall(f"{A}link") if link.get("rel") == "alternate"]) == 1
    # 4.1.1: an author for every entry that has none; 4.1.1: a link to itself.
    assert feed.findtext(f"{A}author/{A}name")
    assert [link.get("href") for link in feed.findall(f"{A}link") if link.get("rel") == "self"] == ["feed.xml"]
    # 4.2.6: an id is an IRI, and no two entries share one.
    ids = [feed.findtext(f"{A}id"), *texts(entries(feed), "id")]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", name) for name in ids)


def test_every_version_has_one_entry_and_the_studies_of_the_first_none(review, feed):
    versions = [entry for entry in entries(feed) if entry.find(f"{A}category").get("term") == "version"]
    assert len(versions) == len(read_releases(review.root))
    assert "Studies included: 34" in versions[-1].findtext(f"{A}summary")
    assert len(entries(feed)) - len(versions) == sum(
        s.standing_on(review.day).on > date(2025, 7, 31) for s in review.included
    )


def test_a_newly_included_study_is_told_first_with_its_report_and_the_want_of_a_signature(review):
    found = entries(ET.fromstring(atom(with_study(review, title="A made-up title", doi="10.1000/made-up"))))
    newest = found[0]
    assert "A made-up title" in newest.findtext(f"{A}summary")
    assert "No person has signed" in newest.findtext(f"{A}summary")
    assert {link.get("href") for link in newest.findall(f"{A}link")} >= {"https://doi.org/10.1000/made-up"}
    stamps = texts(found, "updated")
    assert stamps == sorted(stamps, reverse=True)
    assert stamps[0] > stamps[1]


def test_ids_stay_when_the_site_moves_and_links_follow_it(review, feed):
    moved = ET.fromstring(atom(with_site(review)))
    assert texts([moved, *entries(moved)], "id") == texts([feed, *entries(feed)], "id")
    assert all(link.get("href").startswith("https://") for link in moved.iter(f"{A}link"))
    assert f"{SITE}/feed.xml" in {link.get("href") for link in moved.iter(f"{A}link")}


@pytest.mark.parametrize("text", [HOSTILE, "control \x0b\x00 sign \ufffe", "]]>&lt;"])
def test_hostile_texts_of_the_feed_stay_text(review, text):
    told = atom(with_study(review, title=text, first_author=None))
    summary = entries(ET.fromstring(told))[0].findtext(f"{A}summary")
    assert summary.startswith(re.sub("[\x00\x0b\ufffe]", "\ufffd", text))
    assert b"<script" not in told


def test_the_same_review_gives_the_same_feed_and_a_past_day_nothing_later(review):
    assert atom(review) == atom(review)
    early = replace(review, day=date(2020, 1, 1), studies=())
    assert entries(ET.fromstring(atom(early))) == []
