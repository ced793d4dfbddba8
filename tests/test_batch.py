"""Are many fits at once the same as one by one, here, in processes and on a cluster?"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from golden_cases import GOLDEN, Case
from livingreview.errors import ConvergenceError, DataError
from livingreview.synthesis import batch
from livingreview.synthesis.bivariate import BatchFit, fit, fit_many
from livingreview.synthesis.counts import Counts
from livingreview.synthesis.solve import EXACT

# Both are maxima to 1e-12 in squared standard errors; nodes shared with other data sets differ by their error.
SAME = 1e-6


def sets(b: int = 60) -> list[Counts]:
    """Return overlapping blocks of twelve simulated studies."""
    counts = Case("edge_sim500", GOLDEN).counts
    return [counts.subset(np.arange(8 * i, 8 * i + 12)) for i in range(b)]


def assert_same(one: BatchFit, other: BatchFit, tolerance: float) -> None:
    assert one.boundary == other.boundary
    assert one.structure == other.structure
    assert one.failure == other.failure
    for name in ("mu", "mu_cov", "between_study_cov", "log_likelihood", "converged"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=tolerance, atol=tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("structure", ["unstructured", "independent", "auto"])
@pytest.mark.parametrize("model", ["binomial", "normal"])
def test_batch_is_the_fits_one_by_one(model: str, structure: str) -> None:
    tables = [*sets(15), *(Case(name, GOLDEN).counts for name in ("edge_k3", "edge_tau0", "edge_zero_cells"))]
    batch = fit_many(tables, model=model, structure=structure)  # type: ignore[arg-type]
    for i, counts in enumerate(tables):
        alone = fit(counts, model=model, structure=structure)  # type: ignore[arg-type]
        assert batch.mu[i] == pytest.approx(alone.mu, rel=SAME)
        assert batch.mu_cov[i] == pytest.approx(alone.mu_cov, rel=1e-5, abs=SAME)
        assert batch.between_study_cov[i] == pytest.approx(alone.between_study_cov, rel=1e-4, abs=SAME)
        assert batch.log_likelihood[i] == pytest.approx(alone.log_likelihood, abs=SAME)
        assert (batch.structure[i], batch.boundary[i]) == (alone.structure, alone.boundary)


def test_array_and_tables_give_the_same_fits() -> None:
    tables = sets(4)
    array = np.stack([np.stack([t.tp, t.fp, t.fn, t.tn], axis=1) for t in tables])
    assert_same(fit_many(array), fit_many(tables), 1e-12)


def test_smaller_sets_are_padded_without_effect() -> None:
    tables = [sets(1)[0].subset(np.arange(size)) for size in (4, 8, 12)]
    batch = fit_many(tables, structure="independent")
    for i, counts in enumerate(tables):
        assert batch.log_likelihood[i] == pytest.approx(fit(counts, structure="independent").log_likelihood, abs=SAME)


def test_a_set_without_estimate_does_not_stop_the_others() -> None:
    perfect, one = Case("edge_perfect_spec", GOLDEN).counts, Counts.from_arrays([40], [5], [10], [80])
    batch = fit_many([*sets(2), perfect, one])
    assert batch.converged.tolist() == [True, True, False, False]
    assert np.isnan(batch.mu[2:]).all()
    assert "does not exist" in batch.failure[2]
    assert "at least two studies" in batch.failure[3]
    plain = batch.to_dict()["fits"]
    assert (plain[2]["mu"], plain[2]["failure"]) == (None, batch.failure[2])
    assert (plain[0]["mu"], plain[0]["failure"]) == (batch.mu[0].tolist(), None)
    assert repr(batch) == "BatchFit(b=4, converged=2)"
    with pytest.raises(ConvergenceError, match="2 of 4 data sets have no fit; the first is number 3"):
        batch.raise_failures()
    assert fit_many(sets(2)).raise_failures().converged.all()


def test_bad_arrays_are_refused() -> None:
    with pytest.raises(DataError, match="COUNTS-001"):
        fit_many(np.array([[[40.5, 5, 10, 80], [30, 9, 3, 44]]]))
    with pytest.raises(DataError, match="COUNTS-001"):
        fit_many(np.array([[[np.nan, 5, 10, 80], [30, 9, 3, 44]]]))
    with pytest.raises(DataError, match="fp — row 1"):
        fit_many(np.array([[[0, -5, 10, 80], [30, 9, 3, 44], [0, 0, 0, 0]]]))
    for shapeless in (np.ones((3, 4)), []):
        with pytest.raises(ValueError, match=r"expected a \(b, k, 4\) array"):
            fit_many(shapeless)


def test_threads_give_the_same_numbers() -> None:
    with ThreadPoolExecutor(2) as executor:
        assert_same(fit_many(sets(), executor=executor), fit_many(sets()), SAME)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Executor]:
    distributed = pytest.importorskip("dask.distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options) as workers, distributed.Client(workers) as client:
        yield client.get_executor()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # what the cluster's own machinery warns of is not ours to mend
def test_a_cluster_of_two_processes_gives_the_same_numbers(cluster: Executor) -> None:
    assert_same(fit_many(sets(), executor=cluster), fit_many(sets()), SAME)
    found = fit(sets()[0], structure="independent")
    there, here = (found.bootstrap(60, seed=7, executor=executor) for executor in (cluster, None))
    assert_same(there.fits, here.fits, SAME)


@pytest.mark.slow
def test_bootstrap_repeats_with_its_seed_and_spreads_like_the_standard_error() -> None:
    found = fit(Case("edge_sim500", GOLDEN).counts.subset(np.arange(60)))
    one, other = found.bootstrap(200, seed=3), found.bootstrap(200, seed=3)
    assert np.array_equal(one.fits.mu, other.fits.mu)
    assert not np.array_equal(one.fits.mu, found.bootstrap(200, seed=4).fits.mu)
    assert one.n_failed == 0
    spread = one.fits.mu.std(axis=0)
    # 200 draws estimate a standard deviation to 5 %; the rest is what separates a bootstrap from a Wald interval.
    assert spread == pytest.approx(np.sqrt(np.diag(found.mu_cov)), rel=0.25)
    assert one.sensitivity.lower < one.sensitivity.estimate < one.sensitivity.upper
    assert one.sensitivity.estimate == pytest.approx(found.sensitivity.estimate)


def test_bootstrap_is_the_same_to_the_last_digit_with_any_executor() -> None:
    found = fit(sets()[0], structure="unstructured")
    here = found.bootstrap(60, seed=2)  # more than go into one task
    with ThreadPoolExecutor(2) as executor:
        there = found.bootstrap(60, seed=2, executor=executor)
    assert np.array_equal(there.fits.mu, here.fits.mu, equal_nan=True)
    assert np.array_equal(there.fits.mu_cov, here.fits.mu_cov, equal_nan=True)
    assert there.sensitivity == here.sensitivity


def test_refits_of_a_bootstrap_are_as_exact_as_is_documented(monkeypatch: pytest.MonkeyPatch) -> None:
    found = fit(Case("edge_sim500", GOLDEN).counts.subset(np.arange(14)), structure="unstructured")
    quick = found.bootstrap(60, seed=5).fits
    monkeypatch.setattr(batch, "SIMULATED", EXACT)
    exact = found.bootstrap(60, seed=5).fits
    assert not np.array_equal(quick.mu, exact.mu)
    assert quick.boundary == exact.boundary
    assert quick.log_likelihood == pytest.approx(exact.log_likelihood, abs=1e-4)
    errors = np.sqrt(np.diagonal(exact.mu_cov, axis1=1, axis2=2))
    assert np.all(np.abs(quick.mu - exact.mu) < 1e-3 * errors)


def test_bootstrap_counts_the_draws_without_estimate() -> None:
    nearly = Counts.from_arrays([20, 15, 18, 22], [1, 0, 0, 0], [3, 4, 2, 5], [20, 25, 30, 22])
    drawn = fit(nearly, structure="fixed").bootstrap(100, seed=1)
    assert 0 < drawn.n_failed < 100
    assert drawn.to_dict()["n_failed"] == drawn.n_failed
    with pytest.raises(ValueError, match="at least one"):
        fit(nearly, structure="fixed").bootstrap(0, seed=1)


def test_the_interval_of_a_bootstrap_holds_the_middle_of_its_estimates() -> None:
    found = fit(sets(1)[0], structure="fixed", level=0.9)
    drawn = found.bootstrap(41, seed=1)
    for interval, refits, ours in (
        (drawn.sensitivity, drawn.fits.sensitivity, found.sensitivity),
        (drawn.specificity, drawn.fits.specificity, found.specificity),
    ):
        # Of 41 in order, the third from either end cuts off 5 %.
        ordered = sorted(refits)
        assert interval.level == 0.9
        ends = (interval.estimate, interval.lower, interval.upper)
        assert ends == pytest.approx((ours.estimate, ordered[2], ordered[-3]))
    assert len(found.bootstrap(1, seed=1).fits) == 1


def test_a_bootstrap_of_which_no_draw_has_an_estimate_has_no_interval() -> None:
    drawn = fit(sets(1)[0], structure="fixed").bootstrap(2, seed=1)
    lost = replace(drawn, fits=fit_many([Case("edge_perfect_spec", GOLDEN).counts] * 2))
    assert lost.n_failed == 2
    with pytest.raises(ConvergenceError, match="no simulated data set has an estimate"):
        lost.specificity  # noqa: B018 — the access is the test


def test_the_probabilities_of_a_batch_are_those_of_its_logits_and_cannot_be_changed() -> None:
    batch = fit_many([sets(1)[0]], structure="fixed")
    alone = fit(sets(1)[0], structure="fixed")
    assert batch.sensitivity.tolist() == pytest.approx([alone.sensitivity.estimate])
    assert batch.specificity.tolist() == pytest.approx([alone.specificity.estimate])
    with pytest.raises(ValueError, match="read-only"):
        batch.mu[0] = 0.0
