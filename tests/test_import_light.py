"""Does the numeric core stay what it promises: numpy and scipy, nothing heavier?"""

import json
import subprocess
import sys

import pytest

HEAVY = ("pandas", "matplotlib", "pydantic", "ruamel", "dask", "IPython")


def loaded_after(statement):
    """Return the names of the modules that a fresh interpreter holds after a statement."""
    code = f"{statement}; import json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "import livingreview.synthesis",
        "from livingreview.synthesis import *",
        "from livingreview.synthesis import bivariate, metadisc, sroc, univariate",
        "import livingreview.pool.tables, livingreview.pool.pooling",
    ],
)
def test_the_numeric_core_pulls_in_nothing_heavy(statement):
    loaded = loaded_after(statement)
    assert not loaded & set(HEAVY)


@pytest.mark.slow
def test_the_models_load_of_scipy_the_special_functions_only():
    # These two take longer to load than a fit takes; what needs them loads them when it runs.
    loaded = loaded_after("import livingreview.synthesis.bivariate, livingreview.synthesis.sroc, livingreview.cli")
    assert "scipy.special" in loaded
    assert not loaded & {"scipy.stats", "scipy.optimize", *HEAVY}


def test_the_namespace_itself_does_not_even_load_scipy():
    assert "scipy" not in loaded_after("import livingreview.synthesis")


def test_the_command_line_loads_the_engine_only_when_it_runs():
    assert "numpy" not in loaded_after("import livingreview.cli")


def test_what_the_namespace_lists_is_what_it_has():
    import livingreview.synthesis as synthesis

    assert set(synthesis.__all__) <= set(dir(synthesis))
    for name in synthesis.__all__:
        assert getattr(synthesis, name).__module__.startswith("livingreview.synthesis.")
    with pytest.raises(AttributeError, match="has no attribute 'pool_everything'"):
        synthesis.pool_everything  # noqa: B018 — the access is the test
