"""Does the result of a fit show what it holds, as numbers, text and JSON, and keep it?"""

from __future__ import annotations

import json

import numpy as np
import pytest

from golden_cases import edge
from livingreview.synthesis.bivariate import fit
from livingreview.synthesis.counts import Counts

FIVE = Counts.from_arrays([40, 55, 20, 33, 71], [5, 9, 2, 14, 6], [10, 8, 7, 5, 30], [80, 60, 45, 70, 90])


def test_to_dict_is_plain_json_with_every_key_the_command_line_promises() -> None:
    for name in ("edge_sim500", "edge_tau0", "edge_k2"):
        found = fit(edge(name), structure="unstructured")
        plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert {
            "model", "method", "structure", "k", "mu", "mu_cov", "between_study_cov", "rho", "log_likelihood", "aic",
            "bic", "sensitivity", "specificity", "likelihood_ratio_positive", "likelihood_ratio_negative",
            "diagnostic_odds_ratio", "hsroc", "i2", "boundary", "converged", "notes",
        } <= plain.keys()  # fmt: skip
        assert plain["mu"] == found.mu.tolist()
        assert plain["sensitivity"]["ci"] == [found.sensitivity.lower, found.sensitivity.upper]


def test_result_cannot_be_changed() -> None:
    found = fit(FIVE)
    with pytest.raises(ValueError, match="read-only"):
        found.mu[0] = 0.0
    with pytest.raises(AttributeError):
        found.mu = np.zeros(2)  # type: ignore[misc]


def test_repr_shows_the_numbers_that_matter() -> None:
    shown = repr(fit(edge("edge_k3"), structure="unstructured"))
    assert "binomial, ml, unstructured, k=3" in shown
    assert "boundary: rho = -1" in shown


def test_an_average_over_covariates_has_no_curve_and_no_i2() -> None:
    by = fit(FIVE, by="aabbb", structure="independent")
    assert by.hsroc is None
    plain = by.to_dict()
    assert plain["hsroc"] is None
    assert plain["i2"] == {"sensitivity": None, "specificity": None, "bivariate": None}
    assert fit(FIVE, structure="independent").hsroc is not None


@pytest.mark.parametrize("structure", ["unstructured", "fixed"])
def test_the_text_of_a_result_shows_its_spreads_and_their_correlation(structure: str) -> None:
    found = fit(FIVE, structure=structure)  # type: ignore[arg-type]  # both are structures
    tau, rho = np.sqrt(np.diag(found.between_study_cov)), f"{found.rho:.3f}" if structure != "fixed" else "undefined"
    assert f"tau {tau[0]:.3f}, {tau[1]:.3f}; rho {rho};" in repr(found)


def test_a_correction_is_told_where_one_was_made() -> None:
    assert fit(FIVE).to_dict()["correction"] == "none"
    assert fit(FIVE, model="normal").to_dict()["correction"] == "all_if_any"


def test_no_array_of_a_result_can_be_changed() -> None:
    found = fit(FIVE)
    arrays = (found.mu_cov, found.between_study_cov, found.parameter_cov, found.coefficients, found.coefficient_cov)
    for array in (*arrays, found.empirical_bayes):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
