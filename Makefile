# Doors: make demo, make test, make lock, make help.
PYTHON ?= python3
VENV := .venv
BIGQUERY := .venv-bigquery
# What Python writes beside the sources would end up in an archive of them.
export PYTHONDONTWRITEBYTECODE ?= 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/made $(BIGQUERY)/made ## Sync a sample API into a local BigQuery, twice, and show it
	@$(VENV)/bin/python -m local.demo

.PHONY: test
test: lint $(BIGQUERY)/made ## Run all checks and tests
	$(VENV)/bin/pytest

.PHONY: lint
lint: $(VENV)/made ## Check the form and the types of the code
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy

.PHONY: lock
lock: $(VENV)/made ## Compile the requirements anew, with the newest versions allowed
	rm -f requirements*.txt
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --group dev -c requirements.txt -o requirements-dev.txt
	$(COMPILE) --group bigquery -o requirements-bigquery.txt

COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) $(BIGQUERY) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/made: requirements-dev.txt
$(BIGQUERY)/made: requirements-bigquery.txt
%/made:
	@echo "Making $* (once; this takes a minute)"
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Python 3.11 to 3.13 is needed: make PYTHON=python3.13"'
	@$(PYTHON) -m venv --clear $*
	@$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
