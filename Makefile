# `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIGQUERY := .venv-bigquery
CHECKOV := .venv-checkov
AIRBYTE := .venv-airbyte
# What Python writes beside the sources would end up in an archive of them.
export PYTHONDONTWRITEBYTECODE ?= 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(VENV)/made $(BIGQUERY)/made ## Sync a sample API into a local BigQuery, twice, and show it
	@$(VENV)/bin/python -m local.demo

.PHONY: test
test: lint policy $(BIGQUERY)/made ## Run all checks and tests
	$(VENV)/bin/pytest

.PHONY: test-archive
test-archive: $(VENV)/made ## Serve what is deployed, from its archive alone, on Python 3.13
	$(VENV)/bin/pytest -m network -n 0

.PHONY: bench
bench: $(VENV)/made $(BIGQUERY)/made $(AIRBYTE)/made ## Measure speed and memory, beside Airbyte's CDK and plain dlt
	@$(VENV)/bin/python -m benchmarks

.PHONY: lint
lint: $(VENV)/made ## Check the form and the types of the code
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy

.PHONY: docs
docs: $(VENV)/made ## Write docs/tables.md from the declarations
	$(VENV)/bin/python -m local.tables

.PHONY: hooks
hooks: $(VENV)/made ## Have git check each commit before it is made
	$(VENV)/bin/pre-commit install

.PHONY: policy
policy: $(CHECKOV)/made ## Check Terraform against known misconfigurations
	$(CHECKOV)/bin/checkov --directory terraform --framework terraform --skip-path tests \
		--skip-download --quiet --compact

.PHONY: lock
lock: $(VENV)/made ## Compile the requirements anew, with the newest versions allowed
	rm -f requirements*.txt
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --extra cli --extra report --group dev -c requirements.txt -o requirements-dev.txt
	$(COMPILE) --group bigquery -o requirements-bigquery.txt
	$(COMPILE) --group checkov -o requirements-checkov.txt
	$(COMPILE) --group airbyte -o requirements-airbyte.txt

COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --custom-compile-command "make lock"

TERRAFORM := terraform -chdir=terraform
# What `make destroy` leaves: the data, the token, and the APIs, which are never switched off.
KEPT := google_bigquery_dataset|google_secret_manager_secret|google_project_service

.PHONY: deploy
deploy: ## Provision everything in Google Cloud, or bring it up to date
	$(TERRAFORM) init
	$(TERRAFORM) apply

# With no target `terraform destroy` would take everything, so an empty list ends here.
.PHONY: destroy
destroy: ## Take all but the data away from Google Cloud
	@resources=$$($(TERRAFORM) state list) || exit 1; \
	targets=$$(printf '%s\n' "$$resources" | sed 's/\[.*//' | sort -u \
		| grep -Ev '^(data\.|$$|($(KEPT))\.)' | sed 's/^/-target=/'); \
	test -n "$$targets" || { echo "Nothing is left but the data."; exit 0; }; \
	$(TERRAFORM) destroy $$targets

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) $(BIGQUERY) $(CHECKOV) $(AIRBYTE) .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/made: requirements-dev.txt
$(BIGQUERY)/made: requirements-bigquery.txt
$(CHECKOV)/made: requirements-checkov.txt
$(AIRBYTE)/made: requirements-airbyte.txt
%/made:
	@echo "Making $* (once; this takes a minute)"
	@$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), "Python 3.11 to 3.13 is needed: make PYTHON=python3.13"'
	@$(PYTHON) -m venv --clear $*
	@$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@
