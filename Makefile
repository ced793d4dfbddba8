# `make site` builds the book, `make test` runs every check; both make the environment first if it is missing.
# The targets are what continuous integration runs.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
TOOLS  := node_modules/.ready
FORMAT ?= text
MODULE ?= moses

.DEFAULT_GOAL := help
.PHONY: help site pdf test check diff serve clean lock upgrade bench lint types unit slow coverage codes mutants book tools audit

help:  ## say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# The package itself is installed without looking for dependencies: they are all in the lock file, with hashes.
# An environment that already has the locked packages is used as it is.
$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Checks of pages and workflows that have no Python edition. Nothing of them goes into the site.
$(TOOLS): package.json package-lock.json
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@

site: $(STAMP)  ## build the site into _site/ (only what changed is executed)
	$(BIN)/livingreview build

pdf: site  ## print the site as one PDF, beside the pages (needs Chromium)
	$(BIN)/livingreview pdf

serve: site  ## build the site and show it on this computer
	$(BIN)/livingreview serve

# FORMAT=github: as annotations on the lines of a pull request.
check: $(STAMP)  ## check the data
	$(BIN)/livingreview check --format $(FORMAT)

# BASE=REF: against that commit; without it, against where this branch left main.
diff: $(STAMP)  ## say what the data change, as Markdown
	$(BIN)/livingreview diff $${BASE:+"$$BASE"} --format markdown

lint: $(STAMP)  ## check style, layers and dependencies
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/deptry src

types: $(STAMP)  ## check types
	$(BIN)/mypy

# Every core has its test; threads of their own would only wait for one another over matrices as small as ours.
unit slow coverage mutants: export OPENBLAS_NUM_THREADS := 1
# Without bytecode, every command that a test runs compiles its libraries anew.
unexport PYTHONDONTWRITEBYTECODE

unit: $(STAMP) tools  ## run the tests that take a moment each
	$(BIN)/pytest -n auto --dist worksteal -m "not slow and not browser and not book"

slow: $(STAMP) tools  ## run those that take seconds each
	$(BIN)/pytest -n auto --dist worksteal -m "slow and not browser and not book"

# The tests add the codes that they trigger to a file, where it is named.
codes: export LIVINGREVIEW_TRIGGERED := $(CURDIR)/.cache/triggered.txt
codes: $(STAMP)  ## run unit and slow, and ask that they trigger every fault code
	rm -f $(LIVINGREVIEW_TRIGGERED)
	$(MAKE) --no-print-directory unit slow
	$(BIN)/python tests/triggered.py

# The tools need Node.js; without it their checks are skipped, unless LIVINGREVIEW_REQUIRE_TOOLS says otherwise.
tools:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(TOOLS); \
	else echo "npm is not there: checks of accessibility and workflows are skipped"; fi

coverage: $(STAMP) tools  ## measure which branches the tests reach
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -m "not browser and not book"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# MODULE=moses: of the engine. Says which changes to it no test notices; read them, and test or explain.
mutants: $(STAMP)  ## change the engine here and there, and see whether a test notices
	$(BIN)/python tests/mutants.py $(MODULE)

book: site tools  ## build the site and test it
	$(BIN)/pytest -m "browser or book"

test: lint types check codes book  ## run every check

# Needs Chromium and Node.js. Speed is measured: let the computer do nothing else meanwhile.
audit: site tools  ## measure the built pages: accessibility, speed, weight
	$(BIN)/pytest --quiet tests/test_browser.py::test_every_page_is_sound tests/test_page_weight.py
	$(BIN)/python tests/audit.py

bench: $(STAMP)  ## measure the engine and the build, for benchmarks/history.csv
	$(BIN)/python benchmarks/engine.py
	$(BIN)/python benchmarks/build.py

# What is locked stays as it is where it still fits.
lock: $(STAMP)  ## resolve the dependencies into requirements.lock
	$(BIN)/uv pip compile $(NEWEST) pyproject.toml --all-extras --generate-hashes --universal --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet -o requirements.lock

upgrade: NEWEST := --upgrade
upgrade: lock  ## lock the newest dependencies that pyproject.toml allows

clean:  ## remove what was built (the environment stays)
	rm -rf _site .cache build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis
