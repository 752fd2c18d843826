# `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIGQUERY := .venv-bigquery
CHECKS := .venv-checks
AIRBYTE := .venv-airbyte
UV := $(VENV)/bin/uv
# Documents with tables that cog writes.
GENERATED := docs/*.md terraform/README.md
# The project itself, installed in $(VENV) from this folder.
INSTALLED := $(VENV)/bin/scanner-sync
STARTED := $(shell date +%s)
# What Python writes beside the sources would end up in an archive of them.
export PYTHONDONTWRITEBYTECODE ?= 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Sync a sample API into a local BigQuery, and show it (ACCOUNTS=3: of three accounts; KEEP=1: then ask it in SQL)
	@$(MAKE) --no-print-directory --jobs=2 $(INSTALLED) $(BIGQUERY)/made
	@trap : INT; $(VENV)/bin/python -m local.demo $(ACCOUNTS) $(if $(KEEP),--keep) || test $$? = 130  # make says nothing of Ctrl-C

.PHONY: test
test: $(INSTALLED) ## Run all checks and tests (about 10 minutes on 2 cores)
	@$(MAKE) --no-print-directory --jobs=2 tests checks; status=$$?; $(TOOK); exit $$status

# The checks take what the tests leave of the cores, above all while pytest collects them.
.PHONY: tests checks
tests: $(BIGQUERY)/made $(CHECKS)/made
	@$(VENV)/bin/pytest
checks: $(CHECKS)/made
	@$(MAKE) --no-print-directory --output-sync lint policy

TOOK = seconds=$$(($$(date +%s) - $(STARTED))); \
	echo "make $@ took $$((seconds / 60)) minutes and $$((seconds % 60)) seconds"

.PHONY: test-archive
test-archive: $(INSTALLED) $(BIGQUERY)/made ## Install what is deployed by pip, and serve it (about 2 minutes)
	@$(VENV)/bin/pytest -m network -n 2; status=$$?; $(TOOK); exit $$status

.PHONY: bench
bench: $(INSTALLED) $(BIGQUERY)/made $(AIRBYTE)/made ## Measure speed and memory, beside Airbyte's CDK and plain dlt
	@$(VENV)/bin/pytest -m benchmark -n 2 tests/test_benchmarks.py
	@$(VENV)/bin/python -m benchmarks

.PHONY: findings
findings: ## Run what other software does against a good guess (LATEST=1: its newest releases)
	@for script in findings/*.sh; do echo "$$script"; PYTHON=$(PYTHON) LATEST=$(LATEST) sh "$$script" || changed="$$changed $$script"; done; \
	test -z "$$changed" || { echo "Changed:$$changed"; exit 1; }

.PHONY: lint
lint: $(INSTALLED) ## Check code, types, imports, spelling, generated tables, the workflows and the image
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/ruff check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/python -m cogapp --check --diff -P --verbosity 1 $(GENERATED)
	$(VENV)/bin/codespell
	$(VENV)/bin/zizmor --offline --quiet .github
	$(VENV)/bin/hadolint Dockerfile

.PHONY: docs
docs: $(INSTALLED) ## Write the generated tables of the documents
	$(VENV)/bin/python -m cogapp -r -P --verbosity 1 $(GENERATED)

.PHONY: pictures
pictures: $(INSTALLED) $(BIGQUERY)/made ## Draw the pictures of the README; needs Chromium
	$(VENV)/bin/python -m local.pictures

.PHONY: dist
dist: $(INSTALLED) ## Build what a release consists of, in dist/
	@$(VENV)/bin/python -m local.dist dist

.PHONY: hooks
hooks: $(VENV)/made ## Have git check each commit before it is made
	$(VENV)/bin/pre-commit install

.PHONY: policy
policy: $(CHECKS)/made ## Check Terraform against known misconfigurations
	$(CHECKS)/bin/checkov --directory terraform --framework terraform --skip-path tests \
		--skip-download --quiet --compact

.PHONY: lock
lock: $(VENV)/made ## Compile the requirements, and keep the versions that still fit
	$(call compile,requirements.txt,pyproject.toml --no-strip-extras)
	@awk '$(WITHOUT_EXTRA)' requirements.txt > requirements.txt.new && mv requirements.txt.new requirements.txt
	$(call compile,requirements/dev.txt,pyproject.toml --extra cli --extra report --group dev -c requirements.txt)
	$(call compile,requirements/bigquery.txt,--group bigquery)
	$(call compile,requirements/checks.txt,--group checks)
	$(call compile,requirements/airbyte.txt,--group airbyte)

.PHONY: upgrade
upgrade: UPGRADE := --upgrade
upgrade: lock ## Compile the requirements with the newest versions that are allowed

compile = $(UV_PIP) compile $(2) -o $(1) $(UPGRADE) --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock"

# The entry of a package with an extra, once more without it. The function is installed by plain pip,
# which before 23.3 takes the two for different packages, and of the one that is not pinned it takes
# the newest release, which has no hash.
WITHOUT_EXTRA := \
	function print_entry() { \
		printf "%s", entry; \
		if (sub(/^[^ ]*\[[^]]*\]/, name, entry)) printf "%s", entry; \
		entry = "" \
	} \
	/^[^ \#]/ { print_entry(); name = $$0; sub(/[\[=].*/, "", name) } \
	{ entry = entry $$0 "\n" } \
	END { print_entry() }

TERRAFORM := terraform -chdir=terraform
# What `make destroy` leaves: the data, the token, and the APIs, which are never switched off. And the pause before them:
# Terraform would destroy with it all that waited for it.
KEPT := google_bigquery_dataset|google_secret_manager_secret|google_project_service|time_sleep\.until_apis_work

.PHONY: deploy
deploy: ## Provision everything in Google Cloud, or bring it up to date
	$(TERRAFORM) init
	@$(PYTHON) -m local.deploy $(TERRAFORM)

# Only for a real deployment: it starts a run in it.
.PHONY: smoke
smoke: $(INSTALLED) ## Start a run in Google Cloud, and say what differs from what is promised
	@$(VENV)/bin/python -m local.smoke

# Of a real deployment. SQL is the statement; a dollar sign in it is doubled.
.PHONY: token run logs query
token: ## Ask for the API token, and store it in Secret Manager (ACCOUNT=acme: of one of many accounts)
run: ## Start a run in Google Cloud, and wait for its end
logs: ## List how the last runs in Google Cloud ended
query: ## Run a SELECT on the dataset in Google Cloud (SQL="SELECT ..."); without one, show how fresh it is
token run logs query: $(INSTALLED)
	@$(VENV)/bin/python -m local.operate $@ $(TERRAFORM)

# With no target `terraform destroy` would take everything, so an empty list ends here.
.PHONY: destroy
destroy: ## Take all but the data away from Google Cloud
	@resources=$$($(TERRAFORM) state list) || exit 1; \
	targets=$$(printf '%s\n' "$$resources" | sed 's/\[.*//' | sort -u \
		| grep -Ev '^(data\.|$$|($(KEPT))(\.|$$))' | sed 's/^/-target=/'); \
	test -n "$$targets" || { echo "Nothing is left but the data."; exit 0; }; \
	$(TERRAFORM) destroy $$targets

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf $(VENV) $(BIGQUERY) $(CHECKS) $(AIRBYTE) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache \
		.hypothesis dist

# Each has one lock, because their packages hold each other back. The one from which hundreds of processes
# are started has its bytecode compiled.
$(VENV)/made: requirements/dev.txt $(UV)
$(BIGQUERY)/made: requirements/bigquery.txt
$(CHECKS)/made: requirements/checks.txt
$(AIRBYTE)/made: requirements/airbyte.txt
$(VENV)/made: COMPILED := --compile-bytecode
%/made: | $(UV)
	@echo "Making $*"
	@test $* = $(VENV) || $(UV) venv --quiet --clear --python $(VENV)/bin/python $*
	@$(UV_PIP) install --quiet $(COMPILED) --python $*/bin/python --require-hashes -r $<
	@touch $@

# uv makes all of them. It is the one package that pip installs, in the version of the lock.
$(UV): requirements/dev.txt
	@echo "Making the environments (once; this takes a minute)"
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or sys.exit("Python 3.11 to 3.13 is needed: make PYTHON=python3.13")'
	@$(PYTHON) -m venv --clear $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' $< > $(VENV)/uv.txt
	@$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@touch $@

# uv does not read from where pip is to take packages.
UV_PIP = UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(VENV)/bin/python -m pip config list \
	| sed -nE "s/^(:env:|global)\.index-url='(.*)'/\2/p" | head -1)}" $(UV) pip

# The project itself, which no lock can hold; what builds it is in $(VENV).
$(INSTALLED): $(VENV)/made pyproject.toml scanner_sync/__init__.py
	@$(UV) pip install --quiet --offline --python $(VENV)/bin/python --no-deps --no-build-isolation --editable .
	@touch $@
