# Needs Python 3.11 or later with its venv module, and the package index. GNU make 3.81 suffices.

.SUFFIXES:
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
# An interpreter that was asked for gets an environment of its own: PYTHON=python3.13 .venv-python3.13
VENV = .venv$(addprefix -,$(notdir $(filter-out python3,$(PYTHON))))
# Passed on to pytest: make test ARGS='tests/judging/test_verdict.py -k canceled'
ARGS ?=

BIN = $(VENV)/bin
PIP_INSTALL = -m pip --quiet --disable-pip-version-check install
# One more than two cores, as some tests wait for processes and servers; with four, on two cores,
# reading all the tests once more in each takes longer than that saves.
PYTEST = -m pytest --numprocesses 3 --dist worksteal
# What another Python or another version of a package can change: no processes from end to end.
UNITS = --ignore=tests/acceptance --ignore=tests/action

.PHONY: help
help: ## say what can be made (the default)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(VENV)/.package ## install into .venv and show the gate at work, without a token
	$(BIN)/testery-gate demo

.PHONY: test
test: $(VENV)/.test ## run the tests that are quick
	$(BIN)/python $(PYTEST) $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## check style, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: format
format: $(VENV)/.dev ## mend style and formatting
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: coverage
coverage: $(VENV)/.test ## run the tests that are quick, and ask for every branch
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST) -m 'not acceptance and (covering or not slow)' $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

.PHONY: test-slow
test-slow: $(VENV)/.test ## run the tests that are slow, and random ones with more examples
	# More processes than for the quick ones: these wait for most of their time.
	TESTS_EXAMPLES=thorough $(BIN)/python $(PYTEST) --numprocesses 6 \
	    -m 'not acceptance and (hypothesis or slow)' $(ARGS)

.PHONY: check
check: lint coverage test-slow test-lowest test-others ## all of lint, coverage and these tests

.PHONY: test-lowest
test-lowest: ## run the unit tests with the oldest requirements that setup.cfg allows
	@$(MAKE) VENV=.venv-lowest .venv-lowest/.test
	.venv-lowest/bin/python $(PIP_INSTALL) --require-hashes -r requirements/lowest.txt
	.venv-lowest/bin/python $(PYTEST) $(UNITS) $(ARGS)

.PHONY: test-others
test-others: $(VENV)/.test ## run the unit tests on the Pythons beside .venv's
	@UNITS='$(UNITS) $(ARGS)'; own=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	.ci/pythons | grep -v "^$$own " | { \
	    while read -r version python; do \
	        echo "Python $$version: $$python"; \
	        $(MAKE) test PYTHON="$$python" VENV=".venv-$$version" ARGS="$$UNITS" </dev/null || exit 1; \
	        tested="$$tested $$version"; \
	    done; \
	    echo "Pythons beside $$own that passed:$${tested:- none is here}"; \
	}

.PHONY: acceptance
acceptance: $(VENV)/.test ## install foreign tools, and run the tests that need them
	tests/acceptance/install $(BIN)/python
	# A file's tests share what they have set up, and stay together. In the order of names: the
	# longest of all is one test, which would begin last in that of the number of tests.
	$(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder \
	    -m acceptance $(ARGS)

.PHONY: faults
faults: $(VENV)/.test ## let everything go wrong that can, and write docs/faults.md
	$(BIN)/python -m tests.acceptance.faults.matrix
	$(BIN)/python -m tests.acceptance.faults.selections
	$(BIN)/python -m tests.acceptance.faults.soak

.PHONY: bench
bench: $(VENV)/.dev ## measure side by side, and write docs/performance.md
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: audit
audit: .venv-audit/.installed ## ask whether anything is known against what is locked
	.venv-audit/bin/python requirements/audit.py $(AUDIT_ARGS) requirements/*.txt

.PHONY: sbom
sbom: .venv-audit/.installed ## write a bill of materials of what users install, in dist
	requirements/sbom .venv-audit/bin/cyclonedx-py dist/testery-gate.cdx.json

.PHONY: build
build: $(VENV)/.dev ## make the source archive and the wheel, in dist
	$(BIN)/python -m build --no-isolation

.PHONY: bundle
bundle: $(VENV)/.package ## write the requirements that the action takes from the release, in dist
	$(BIN)/python requirements/bundle.py dist

.PHONY: man
man: $(VENV)/.test ## write the man pages, in dist/man
	$(BIN)/python -m tests.man_page dist/man

.PHONY: lock upgrade
lock: ## bring the locked requirements in line with setup.cfg
upgrade: ## lock the newest of everything
upgrade: LOCK_ARGS = --upgrade
lock upgrade: .venv-lock/.installed
	PATH="$(CURDIR)/.venv-lock/bin:$$PATH" requirements/lock $(LOCK_ARGS)

.PHONY: clean
clean: ## remove all that was made here
	rm -rf .venv .venv-* .acceptance .bench build dist *.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

LOOKED_AT = $(if $(filter python3,$(PYTHON)),python3 and python3.11 to python3.99 on PATH,$(PYTHON))
%/bin/python:
	@python=$$(.ci/pythons $(filter-out python3,$(PYTHON)) | sed -n '1s/^[^ ]* //p'); \
	if [ -z "$$python" ]; then \
	    echo 'Found no Python 3.11 or later that has its venv module. Looked at: $(LOOKED_AT).' >&2; \
	    echo 'Install one (on Debian: python3 python3-venv), or name one: PYTHON=/path/to/python3' >&2; \
	    exit 1; \
	fi; \
	echo "$$python -m venv $*"; "$$python" -m venv --clear $*

# Each step installs what the one before lacks; the versions are the same in all the lists.
$(VENV)/.deploy: requirements/build.txt requirements/deploy.txt | $(BIN)/python
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/build.txt -r requirements/deploy.txt
	@touch $@

$(VENV)/.package: setup.cfg pyproject.toml testery_gate/__init__.py $(VENV)/.deploy
	$(BIN)/python $(PIP_INSTALL) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.package
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/test.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.test
	$(BIN)/python $(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

.venv-audit/.installed: requirements/audit.txt | .venv-audit/bin/python
	.venv-audit/bin/python $(PIP_INSTALL) --require-hashes -r requirements/audit.txt
	@touch $@

.venv-lock/.installed: requirements/lock-tool.txt | .venv-lock/bin/python
	.venv-lock/bin/python $(PIP_INSTALL) --require-hashes -r requirements/lock-tool.txt
	@touch $@
