"""Is the citation file one that archives can read, and does it name nobody who is not an author?"""

from __future__ import annotations

import re

import pytest
from ruamel.yaml import YAML

from tools import ROOT

# The Citation File Format 1.2.0, https://doi.org/10.5281/zenodo.5171937: what it requires, and the keys used here.
REQUIRED = {"cff-version", "message", "title", "authors"}
KNOWN = REQUIRED | {
    "abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords", "license", "license-url",
    "preferred-citation", "references", "repository", "repository-artifact", "repository-code", "type", "url",
    "version",
}  # fmt: skip


@pytest.fixture(scope="module")
def citation():
    return YAML(typ="safe").load(ROOT / "CITATION.cff")


def test_it_has_what_the_format_requires_and_nothing_unknown(citation):
    assert set(citation) >= REQUIRED
    assert set(citation) <= KNOWN
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    assert isinstance(citation["keywords"], list)


def test_the_title_is_that_of_the_review(citation, review):
    assert citation["title"] == review.file.title


def test_the_author_is_the_contributors_as_an_entity(citation):
    assert citation["authors"] == [{"name": "The contributors of the living review of deep learning in cardiac MRI"}]


def test_the_base_review_is_a_reference_with_its_authors(citation):
    (base,) = citation["references"]
    assert base["doi"] == "10.1093/ehjimp/qyag045"
    assert [author["family-names"] for author in base["authors"]] == ["Aladwani", "Perelli", "Mordi", "Khan"]


def test_its_version_is_the_packages(citation):
    declared = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert citation["version"] == declared[1]
