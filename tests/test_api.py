"""Can a program rely on the published JSON: on its schemas, its links, and on the same bytes for the same review?"""

from __future__ import annotations

import json
import posixpath
from dataclasses import replace
from datetime import date

import pytest
from jsonschema import Draft202012Validator, ValidationError

from livingreview.living.results import results_of
from livingreview.publish.api import api_files
from livingreview.publish.metadata import DOWNLOADS
from published import HOSTILE, SITE, with_site

NAMES = ("index", "estimates", "studies", "flow")


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
