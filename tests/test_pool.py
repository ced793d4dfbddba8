"""Does ``livingreview pool`` print what the engine computes, and name what is wrong with its input?"""

import csv
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from golden_cases import EVERY
from livingreview.cli import COMMANDS, main
from livingreview.pool.tables import read_counts
from livingreview.synthesis import fit

KEYS = {
    "model",
    "method",
    "structure",
    "k",
    "mu",
    "mu_cov",
    "between_study_cov",
    "rho",
    "log_likelihood",
    "aic",
    "bic",
    "sensitivity",
    "specificity",
    "likelihood_ratio_positive",
    "likelihood_ratio_negative",
    "diagnostic_odds_ratio",
    "hsroc",
    "i2",
    "auc",
    "partial_auc",
    "boundary",
    "converged",
    "notes",
}
RATIOS = {"likelihood_ratio_positive": "LRpos", "likelihood_ratio_negative": "LRneg", "diagnostic_odds_ratio": "DOR"}


@pytest.fixture
def pool(capsys, load_case):
    """Run ``livingreview pool`` on a golden case and return its JSON."""

    def run(name, *options):
        code = main(["pool", str(load_case(name).csv), "--format", "json", *options])
        output = capsys.readouterr()
        assert code == 0, output.err
        assert output.err == ""
        return json.loads(output.out)

    return run


@pytest.fixture
def refused(capsys, tmp_path):
    """Run ``livingreview pool`` on a table that it must refuse and return the lines of its standard error."""

    def run(text, *options):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        code = main(["pool", str(path), *options])
        output = capsys.readouterr()
        assert code == 2
        assert output.out == ""
        return output.err.splitlines()

    return run


TABLE = "study,tp,fp,fn,tn,setting\n" + "".join(
    f"S{i},{tp},{fp},{fn},{tn},{'in' if i < 4 else 'out'}\n"
    for i, (tp, fp, fn, tn) in enumerate(
        [(12, 1, 8, 20), (47, 14, 18, 141), (28, 17, 3, 75), (91, 12, 9, 75),
         (32, 47, 6, 221), (40, 9, 12, 60), (18, 6, 9, 30), (75, 22, 14, 190)]
    )
)  # fmt: skip


# --- numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["edge_rho_neg1", "edge_rho_pos1", "edge_sim500", "auditc", "dementia"])
def test_the_binomial_model_is_the_exact_maximum(pool, load_case, name):
    exact = load_case(name).expected["c_exact_ml"]
    result = pool(name, "--structure", "unstructured")
    assert set(result) >= KEYS
    assert (result["model"], result["method"], result["structure"]) == ("binomial", "ml", "unstructured")
    assert result["converged"] is True
    assert result["log_likelihood"] == pytest.approx(exact["logLik"], abs=1e-6)
    assert result["mu"] == pytest.approx([exact["coef"]["sens"], exact["coef"]["spec"]], rel=1e-5)
    np.testing.assert_allclose(result["mu_cov"], exact["vcov"], rtol=2e-5)
    assert result["rho"] == pytest.approx(exact["rho_sens_spec"], abs=1e-4)
    assert result["hsroc"] == pytest.approx({key: exact["HSROC"][key] for key in result["hsroc"]}, rel=1e-4)
    assert result["auc"]["estimate"] == pytest.approx(exact["AUC_integral"], abs=1e-5)
    point = exact["summary_point"]
    for measure, key in {"sensitivity": "sens", "specificity": "spec"}.items():
        assert result[measure]["estimate"] == pytest.approx(point[key], rel=1e-5)
        assert result[measure]["ci"] == pytest.approx(point[f"{key}_ci"], rel=1e-5)
    for measure, key in RATIOS.items():
        assert result[measure]["estimate"] == pytest.approx(point[key]["est"], rel=1e-4)
        assert result[measure]["ci"] == pytest.approx(point[key]["ci"], rel=1e-4)
    shares = exact["I2_zhou_dendukuri"]
    expected = {"sensitivity": shares["sens"], "specificity": shares["spec"], "bivariate": shares["bivariate"]}
    assert result["i2"] == pytest.approx(expected, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("name", ["edge_one_tau0", "edge_sim500", "auditc", "dementia"])
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_normal_model_is_the_exact_optimum_of_what_mada_fits(pool, load_case, name, method):
    exact = load_case(name).expected["a_exact_normal_normal"][method]
    result = pool(name, "--model", "normal", "--method", method, "--structure", "unstructured")
    assert (result["model"], result["method"]) == ("normal", method)
    assert result["mu"] == pytest.approx([exact["tsens"], -exact["tfpr"]], abs=1e-6)
    turn = np.array([[1, -1], [-1, 1]])
    np.testing.assert_allclose(result["mu_cov"], np.array(exact["vcov"]) * turn, atol=1e-6)
    np.testing.assert_allclose(result["between_study_cov"], np.array(exact["Psi"]) * turn, atol=1e-6)


def test_the_normal_model_is_reml_unless_asked_otherwise_as_in_mada(pool):
    assert pool("edge_sim500", "--model", "normal")["method"] == "reml"


@pytest.mark.parametrize("name", EVERY)
def test_the_metadisc_model_is_the_program_s_arithmetic(pool, load_case, name):
    expected = load_case(name).expected["d_univariate"]
    result = pool(name, "--model", "metadisc")
    assert set(result) >= KEYS
    assert result["mu"] is result["hsroc"] is result["i2"] is None
    for measure, key in {"sensitivity": "sens", "specificity": "spec"}.items():
        golden = expected[key]["simple_pool"]
        assert result[measure]["estimate"] == pytest.approx(golden["est"], rel=1e-9)
        assert result[measure]["ci"] == pytest.approx(golden["ci_clopper_pearson"], rel=1e-9)
        assert result[measure]["heterogeneity"]["chi2"] == pytest.approx(golden["LR_chi2"], rel=1e-9, abs=1e-9)
    for measure, key in RATIOS.items():
        golden = expected[key]["correction_only0"]["DL"]
        assert result[measure]["log_estimate"] == pytest.approx(golden["beta"], rel=1e-9)
        assert result[measure]["tau2"] == pytest.approx(golden["tau2"], rel=1e-9, abs=1e-12)
    if "symmetric_SROC" in expected:  # the reference leaves it out below three studies
        assert result["auc"]["estimate"] == pytest.approx(expected["symmetric_SROC"]["DL"]["AUC"], rel=1e-9)


def test_a_boundary_is_named_and_an_area_that_does_not_exist_is_null_with_its_reason(pool):
    result = pool("edge_tau0", "--structure", "unstructured")
    assert len(result["boundary"]) >= 2
    assert result["hsroc"] is None
    assert result["auc"] is result["partial_auc"] is None
    assert any("no summary ROC curve (a variance" in note for note in result["notes"])


def test_the_level_reaches_every_interval(pool):
    narrow, wide = pool("edge_k5", "--level", "0.8"), pool("edge_k5", "--level", "0.99")
    for key in ("sensitivity", "specificity", *RATIOS, "auc", "partial_auc"):
        assert wide[key]["ci"][0] < narrow[key]["ci"][0] < narrow[key]["ci"][1] < wide[key]["ci"][1]
        assert (narrow[key]["level"], wide[key]["level"]) == (0.8, 0.99)


def test_the_correction_reaches_the_normal_model(pool):
    def mu(name, correction):
        return pool(name, "--model", "normal", "--structure", "independent", "--correction", correction)["mu"]

    with_zero, without_zero = "edge_k4", "edge_k5"
    assert mu(with_zero, "all_if_any") == mu(with_zero, "all") != mu(with_zero, "zero_only")
    assert mu(without_zero, "all_if_any") == mu(without_zero, "zero_only") == mu(without_zero, "none")
    assert mu(without_zero, "all") != mu(without_zero, "none")


def test_levels_and_tests_of_a_column_reach_the_object_and_the_text(capsys, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    assert main(["pool", str(path), "--by", "SETTING", "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [(level["label"], level["k"]) for level in result["levels"]] == [("in", 4), ("out", 4)]
    inside, outside = (level["sensitivity"]["estimate"] for level in result["levels"])
    assert inside != outside
    assert main(["pool", str(path), "--by", "setting"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:3] == ["in", "4", f"{inside:.3f}"] for line in lines)
    assert any(line.startswith("Likelihood ratio test of the levels, both: χ² ") for line in lines)


def numbered():
    return "".join(
        f"{line},{year}\n" for line, year in zip(TABLE.splitlines(), ["year", *range(2014, 2022)], strict=True)
    )


def test_a_covariate_is_fitted_as_numbers_and_told_in_the_text(capsys, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(numbered(), encoding="utf-8")
    assert main(["pool", str(path), "--covariate", "year", "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    table = read_counts(path)
    expected = fit(table.counts, covariates={"year": list(range(2014, 2022))})
    assert list(result["coefficients"].values()) == pytest.approx(expected.coefficients)
    assert main(["pool", str(path), "--covariate", "year", "--by", "setting"]) == 0
    text = capsys.readouterr().out
    both = fit(table.counts, covariates={"year": list(range(2014, 2022))}, by=table.column("setting"))
    rows = [line.split() for line in text.splitlines() if re.match("(sensitivity|specificity): year ", line)]
    slopes = [row for row in both.coefficient_table if row.name.endswith("year")]
    assert [row[2] for row in rows] == [f"{slope.interval.estimate:.3g}" for slope in slopes]
    assert [row[3] for row in rows] == [f"{slope.standard_error:.3g}" for slope in slopes]
    assert [row[4:7] for row in rows] == [
        [f"{slope.interval.lower:.3g}", "to", f"{slope.interval.upper:.3g}"] for slope in slopes
    ]
    assert [row[7] for row in rows] == [f"{slope.p_value:.3f}" for slope in slopes]
    assert [row["se"] for row in result["coefficient_table"]] == pytest.approx(
        np.sqrt(np.diag(result["coefficient_cov"]))
    )
    assert "Wald test of the covariates, both: χ² " in text


def test_levels_are_compared_and_each_predicts_a_new_study_of_its_own(capsys, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE, encoding="utf-8")
    assert main(["pool", str(path), "--by", "setting", "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert main(["pool", str(path), "--by", "setting"]) == 0
    text = capsys.readouterr().out
    assert [(row["level"], row["reference"]) for row in result["contrasts"]] == [("out", "in")] * 2
    for row in result["contrasts"]:
        (line,) = [line for line in text.splitlines() if line.startswith(f"out: {row['measure']}")]
        assert f"{row['odds_ratio']['estimate']:.3f}" in line
        assert f"{row['ratio']['ci'][0]:.3f} to {row['ratio']['ci'][1]:.3f}" in line
        assert f"{row['p']:.3f}" in line
    # The average of the levels is no test's: it predicts no study and has no curve, no area and no I².
    new = [line.split() for line in text.splitlines() if "of a new study" in line]
    assert new[:2] == [["of", "a", "new", "study", "–", "–"]] * 2
    first = result["levels"][0]["prediction_interval_sensitivity"]["ci"]
    assert new[2][4:7] == [f"{first[0]:.3f}", "to", f"{first[1]:.3f}"]
    assert result["auc"] is result["partial_auc"] is result["hsroc"] is None
    assert set(result["i2"].values()) == {None}
    assert "I²  sensitivity –  specificity –  bivariate –" in text
    assert any("no one SROC curve" in note for note in result["notes"])


def test_an_i2_that_its_formula_sets_to_0_is_not_printed(capsys, pool, load_case):
    result = pool("edge_rho_neg1", "--structure", "unstructured")
    assert result["i2"]["sensitivity"] > 0.3
    assert any(note.startswith("the bivariate I² is not given") for note in result["notes"])
    assert main(["pool", str(load_case("edge_rho_neg1").csv), "--structure", "unstructured"]) == 0
    assert re.search(r"I²  sensitivity \d\S+ %  specificity \d\S+ %  bivariate –\n", capsys.readouterr().out)
    assert not any("I²" in note for note in pool("edge_k5", "--structure", "independent")["notes"])


@pytest.mark.parametrize(("structure", "column"), [("fixed_sensitivity", 3), ("fixed_specificity", 4)])
def test_what_the_structure_fixes_is_not_printed_as_if_estimated(capsys, load_case, structure, column):
    assert main(["pool", str(load_case("edge_k5").csv), "--structure", "independent"]) == 0
    assert re.search(r"between-study correlation +0 \(fixed\)\n", capsys.readouterr().out)
    assert main(["pool", str(load_case("edge_k5").csv), "--structure", structure]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "between-study SD" in line]
    assert [bool(re.match("0 ", cell)) for cell in re.split(" {2,}", line.strip())[1:]] == [column == 3, column == 4]


def test_each_interval_names_its_method(capsys, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text(TABLE + "S8,0,5,0,60,in\nS9,30,0,9,0,in\nS10,28,0,9,0,in\n", encoding="utf-8")
    assert main(["pool", str(path), "--quantile", "t", "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["k_by_measure"] == {"sensitivity": 10, "specificity": 9}
    assert result["prediction_df"] == [8, 7]
    methods = result["methods"]
    assert methods["sensitivity"] == "Wald on the logit scale, t with 9 df"
    assert methods["prediction_interval_specificity"] == "t with 7 df on the logit scale"
    assert methods["regions"] == "2 F(2, 7) on the logit plane"
    assert main(["pool", str(path), "--method", "ml", "--model", "normal"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].endswith("· 11 studies (10 for sensitivity, 9 for specificity)")
    assert "  sensitivity, specificity: Wald on the logit scale, normal quantile\n" in text
    assert "  studies in a figure: Wilson\n" in text
    assert main(["pool", str(path), "--by", "setting", "--model", "normal"]) == 0
    assert "  tests: χ²; likelihood ratios of fits by maximum likelihood\n" in capsys.readouterr().out
    assert main(["pool", str(path), "--model", "metadisc"]) == 0
    assert "Clopper and Pearson, of the sums of counts\n" in capsys.readouterr().out


def test_as_many_levels_as_studies_are_refused(refused):
    table = "study,tp,fp,fn,tn,scanner\nA,45,10,5,90,GE\nB,60,24,40,40,Siemens\nC,83,3,4,151,Philips\n"
    (line,) = refused(table, "--by", "scanner")
    assert "3 coefficients (intercept, Philips, Siemens) need more than 3 studies" in line


def test_a_column_of_numbers_taken_as_categories_is_noted(capsys, tmp_path):
    path = tmp_path / "table.csv"
    years = iter([1, 2, 3, 1, 2, 3, 1, 2])
    path.write_text(re.sub(r",\d{4}$", lambda _: f",{next(years)}", numbered(), flags=re.MULTILINE), encoding="utf-8")
    assert main(["pool", str(path), "--by", "year"]) == 0
    assert "Note: year has numbers: taken as 3 categories" in capsys.readouterr().out
    assert main(["pool", str(path), "--by", "setting"]) == 0
    assert "has numbers" not in capsys.readouterr().out


# --- text -----------------------------------------------------------------------------------------------------


def test_the_text_says_what_the_object_says(capsys, pool, load_case):
    result = pool("edge_rho_neg1", "--structure", "unstructured")
    assert main(["pool", str(load_case("edge_rho_neg1").csv), "--structure", "unstructured"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0] == "model binomial · ml · unstructured · 8 studies"
    for label, key in {"Sensitivity": "sensitivity", "LR+": "likelihood_ratio_positive", "Area": "auc"}.items():
        lower, upper = result[key]["ci"]
        line = next(line for line in text.splitlines() if line.startswith(label))
        assert line.split()[-4:] == [f"{result[key]['estimate']:.3f}", f"{lower:.3f}", "to", f"{upper:.3f}"]
    assert f"log-likelihood {result['log_likelihood']:.3f}" in text.replace("  ", " ")
    assert "boundary: rho" in text
    assert "95 % interval" in text
    for note in result["notes"]:
        assert f"Note: {note}" in text
    columns = [line.rindex(" to ") for line in text.splitlines() if re.search(r"\d to \d", line)]
    assert max(map(len, text.splitlines()[:12])) < 80
    assert len(columns) >= 7


def test_the_text_says_over_which_range_the_sensitivity_is_averaged(capsys, pool, load_case):
    low, high = pool("edge_k5")["partial_auc"]["fpr_range"]
    counts = read_counts(load_case("edge_k5").csv).counts
    rates = counts.fp / (counts.fp + counts.tn)
    assert low <= rates.mean() <= high
    assert main(["pool", str(load_case("edge_k5").csv)]) == 0
    assert f"  for 1 − specificity from {low:.3f} to {high:.3f}\n" in capsys.readouterr().out


@pytest.mark.parametrize("k", [1, 2])
def test_two_studies_predict_no_third(capsys, tmp_path, k):
    path = tmp_path / "table.csv"
    path.write_text("study,tp,fp,fn,tn\n" + "A,10,2,3,40\nB,20,5,4,60\n"[: 12 * k], encoding="utf-8")
    assert main(["pool", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("· 1 study" if k == 1 else "· 2 studies")
    assert [line.split() for line in lines if "of a new study" in line] == [["of", "a", "new", "study", "–", "–"]] * 2
    assert not any("Area" in line or "areas" in line for line in lines if k == 1)


def test_the_text_of_metadisc_carries_heterogeneity_and_caution(capsys, load_case):
    assert main(["pool", str(load_case("edge_k5").csv), "--model", "metadisc"]) == 0
    text = capsys.readouterr().out
    assert "Heterogeneity of sensitivity: χ² 17.2 on 4 df, P = 0.002, I² 76.7 %" in text
    assert "Q*" in text
    assert "too narrow under heterogeneity" in text


# --- refusals -------------------------------------------------------------------------------------------------


def test_every_fault_of_a_table_is_one_line_with_row_and_column(refused):
    lines = refused("study,tp,fp,fn,tn\nA,NR,1,1,1\nB,1,2.5,1,-1\n")
    assert [re.search(r"table\.csv:(\d+) (\w+) — ", line).groups() for line in lines] == [
        ("2", "tp"),
        ("3", "fp"),
        ("3", "tn"),
    ]


def test_a_missing_file_or_column_is_named(refused, capsys):
    assert main(["pool", "nowhere.csv"]) == 2
    assert "nowhere.csv — the file cannot be read" in capsys.readouterr().err
    assert "table.csv:1 — no column tn; found: study, tp, fp, fn; " in refused("study,tp,fp,fn\nA,1,2,3\n")[0]
    assert "the columns are study, tp, fp, fn, tn, setting" in refused(TABLE, "--by", "country")[0]


@pytest.mark.parametrize(
    "options",
    [["--plot", "x.svg"], ["--by", "setting"], ["--quantile", "t"], ["--method", "ml", "--structure", "fixed"]],
)
def test_metadisc_refuses_what_it_has_not(refused, options):
    (line,) = refused(TABLE, "--model", "metadisc", *options)
    assert "--model binomial or normal only" in line
    assert options[0] in line


def test_the_binomial_model_refuses_reml(refused):
    assert "only for --model normal" in refused(TABLE, "--method", "reml")[0]


@pytest.mark.parametrize("options", [["--by", "study"], ["--by", " TP"], ["--covariate", "tn"]])
def test_the_table_itself_is_no_covariate(refused, options):
    (line,) = refused(TABLE, *options)
    assert "part of the 2×2 table; name a column that describes the studies" in line


def test_a_covariate_that_is_no_number_is_refused_row_by_row(refused):
    lines = refused(TABLE, "--covariate", "setting")
    assert len(lines) == 8
    assert re.search(r"table\.csv:2 setting — expected a number, found 'in'; ", lines[0])
    assert lines[0].endswith("[TABLE-010]")


def test_the_binomial_model_refuses_a_correction(refused):
    assert "--correction: not for --model binomial" in refused(TABLE, "--correction", "all")[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--level", "95"], "a level is between 0 and 1, such as 0.95; found '95'"),
        (["--level", "high"], "found 'high'"),
        (["--plot", "sroc.docx"], "a figure ends in .svg, .pdf, .png"),
        (["--model", "probit"], "invalid choice: 'probit'"),
    ],
)
def test_a_wrong_argument_exits_with_two_and_names_the_way_out(capsys, options, message):
    with pytest.raises(SystemExit) as caught:
        main(["pool", "table.csv", *options])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_perfect_specificity_everywhere_has_no_estimate_and_no_output(capsys, load_case):
    assert main(["pool", str(load_case("edge_perfect_spec").csv)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "does not exist" in output.err


def test_one_study_has_no_variation_between_studies_to_estimate(refused, capsys, tmp_path):
    one = "study,tp,fp,fn,tn\nA,10,2,3,40\n"
    assert re.search(r"\b(two|2)\b", refused(one, "--structure", "unstructured")[0])
    # Left to itself, the model becomes the two proportions of that study.
    assert main(["pool", str(tmp_path / "table.csv"), "--format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["structure"] == "fixed"
    assert result["sensitivity"]["estimate"] == pytest.approx(10 / 13)
    assert result["specificity"]["estimate"] == pytest.approx(40 / 42)


# --- the way in -----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_reader_who_leaves_early_hears_no_complaint(load_case):
    command = [sys.executable, "-c", "from livingreview.cli import main; raise SystemExit(main())"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*command, "pool", str(load_case("edge_k5").csv)], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for command in COMMANDS:
        assert command.name in text
        assert command.help in text


# --- figures --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_both_figures_are_written_with_the_studies_in_them(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    table, plane, forest = tmp_path / "table.csv", tmp_path / "sroc.svg", tmp_path / "forest.svg"
    table.write_text(TABLE, encoding="utf-8")
    assert main(["pool", str(table), "--plot", str(plane), "--forest", str(forest)]) == 0
    assert "Sensitivity" in capsys.readouterr().out
    for figure in (plane, forest):
        svg = figure.read_text(encoding="utf-8")
        assert "<svg" in svg
        assert "summary sensitivity" in svg
        assert "Intervals: sensitivity: Wald on the logit scale, normal quantile; " in svg
        assert "studies: Wilson." in svg
    assert "S7" in forest.read_text(encoding="utf-8")


def test_the_forest_plot_puts_the_studies_of_a_level_together_and_both_figures_name_it(tmp_path):
    pytest.importorskip("matplotlib")
    table, plane, forest = tmp_path / "table.csv", tmp_path / "sroc.svg", tmp_path / "forest.svg"
    table.write_text(TABLE, encoding="utf-8")
    assert main(["pool", str(table), "--by", "setting", "--plot", str(plane), "--forest", str(forest)]) == 0
    levels = dict.fromkeys(row["setting"] for row in csv.DictReader(TABLE.splitlines()))
    drawn = forest.read_text(encoding="utf-8")
    for level in levels:
        assert f">{level}</text>" in plane.read_text(encoding="utf-8")
        assert f"{level}: sensitivity 0." in plane.read_text(encoding="utf-8")
        assert re.search(rf">{level} \(\d studies, 95 % CI\)</text>", drawn)
    column = [text for text in re.findall(r">([^<>]+)</text>", drawn) if text in levels]
    assert column == sorted(column)


def test_a_figure_that_cannot_be_written_is_an_error(capsys, tmp_path):
    pytest.importorskip("matplotlib")
    table = tmp_path / "table.csv"
    table.write_text(TABLE, encoding="utf-8")
    assert main(["pool", str(table), "--plot", str(tmp_path / "nowhere" / "sroc.svg")]) == 2
    assert "check the path" in capsys.readouterr().err
