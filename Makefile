# Every verb installs what it needs: a virtual environment from a lock with hashes, and the Node tools from theirs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VENV_STAMP := $(VENV)/.installed
NODE_STAMP := node_modules/.installed
LANGUAGES_STAMP := $(VENV)/.languages-installed
# More than there are cores: many tests wait for a time limit.
JOBS ?= 4
# Images of containers often set it. Each of the many processes that the tests start would then compile what it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-more test-pythons test-browser examples emulator generate check-generated lint format types mypy pyright contract compatibility test-compatibility record-release package-contract test-package stories test-stories languages docs test-docs translations picture session bench build lock clean

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV_STAMP) $(NODE_STAMP) ## Install everything that development needs

demo: $(VENV_STAMP) ## Run the main job: emulator, deploy, call, wait, page, log
	@$(BIN)/python examples/demo.py

test: $(VENV_STAMP) $(NODE_STAMP) ## Run the tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow" $(ARGS)

test-more: $(VENV_STAMP) $(NODE_STAMP) ## Run the tests that take long, and those of the client on uvloop and of functions on Node 12
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m slow $(ARGS)

test-pythons: $(VENV_STAMP) ## Test the client on Python 3.12 and 3.13, where this machine has them
	@JOBS=$(JOBS) scripts/test_pythons.sh $(ARGS)

test-browser: docs ## Test the emulator's page and the documentation in headless Chromium (Debian's)
	@scripts/install_debian_packages.sh chromium=/usr/bin/chromium
	@$(BIN)/python -m pytest tests/browser -n $(JOBS) --dist worksteal $(ARGS)

package-contract: $(VENV_STAMP) $(NODE_STAMP) ## Build the contract's npm package, and its variants as files, into dist/
	@$(BIN)/python -m scripts.contract.package

test-package: $(VENV_STAMP) $(NODE_STAMP) ## Install that package, compile a program with it, and run it against the emulator
	@$(BIN)/python -m pytest tests/npm $(ARGS)

stories: $(VENV_STAMP) ## Run the stories of the contract against an emulator, or against BASE_URL=… with ACCESS_TOKEN=…
	@$(BIN)/python -m scripts.stories $(ARGS)

test-stories: $(VENV_STAMP) $(NODE_STAMP) ## Test what runs the stories
	@$(BIN)/python -m pytest tests/stories -n $(JOBS) --dist worksteal $(ARGS)

languages: $(LANGUAGES_STAMP) $(NODE_STAMP) ## Generate clients in other languages, and run the stories through those that a driver stands ready for
	@scripts/install_debian_packages.sh php-cli php-curl php-mbstring php-guzzlehttp-guzzle
	@$(BIN)/python -m scripts.languages $(ARGS)

examples: $(VENV_STAMP) ## Run the example with Dask on a cluster of two processes
	@$(BIN)/python -m pytest tests/examples $(ARGS)

emulator: $(VENV_STAMP) ## Start the emulator on port 8900
	@$(BIN)/mincloud-py emulator $(ARGS)

generate: $(VENV_STAMP) $(NODE_STAMP) ## Derive the client from the contract, and the sync side from the async one
	@$(BIN)/python -m scripts.codegen.generate
	@$(BIN)/python -m scripts.codegen.derive_sync
	@$(BIN)/python -m scripts.docs.readme_calls
	@$(BIN)/python -m scripts.stories.workflows

check-generated: $(VENV_STAMP) $(NODE_STAMP) ## Fail when what is derived is stale
	@$(BIN)/python -m scripts.codegen.generate --check
	@$(BIN)/python -m scripts.codegen.derive_sync --check
	@$(BIN)/python -m scripts.docs.readme_calls --check
	@$(BIN)/python -m scripts.stories.workflows --check

contract: $(VENV_STAMP) $(NODE_STAMP) ## Validate and lint the contract and its examples
	@$(BIN)/python -m scripts.contract.check

compatibility: $(VENV_STAMP) $(NODE_STAMP) ## Fail when a change breaks users and the version has not moved, or a changelog does not say it
	@$(BIN)/python -m scripts.compatibility

test-compatibility: $(VENV_STAMP) $(NODE_STAMP) ## Test what tells a change that breaks users from one that does not
	@$(BIN)/python -m pytest tests/compatibility -n $(JOBS) --dist worksteal $(ARGS)

record-release: $(VENV_STAMP) $(NODE_STAMP) ## Record what users of a released version hold on to
	@$(BIN)/python -m scripts.compatibility --record

lint: $(VENV_STAMP) ## Check style and format
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "make format puts the format right" >&2; exit 1; }

format: $(VENV_STAMP) ## Put style and format right where that is automatic
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

types: mypy pyright ## Check types with mypy and pyright, both strict

mypy: $(VENV_STAMP)
	@$(BIN)/mypy

pyright: $(VENV_STAMP) $(NODE_STAMP)
	@node_modules/.bin/pyright

docs: $(VENV_STAMP) $(NODE_STAMP) ## Build the documentation into site/
	@$(BIN)/python -m scripts.docs.build

test-docs: docs ## Run each snippet of the documentation and the READMEs, and follow each link of the site
	@$(BIN)/python -m pytest tests/docs/pages -n $(JOBS) $(ARGS)

translations: $(VENV_STAMP) ## Bring the catalogues of the documentation in other languages up to date with its pages
	@$(BIN)/python -m scripts.docs.translations

session: $(VENV_STAMP) ## Record the session at a terminal that the READMEs show anew
	@$(BIN)/python -m scripts.docs.record_session

picture: $(VENV_STAMP) $(NODE_STAMP) ## Take the documentation's picture of the emulator's page anew
	@scripts/install_debian_packages.sh chromium=/usr/bin/chromium fonts-wqy-microhei
	@$(BIN)/python -m scripts.docs.screenshot_console

bench: $(VENV_STAMP) $(NODE_STAMP) benchmarks/node_modules/.installed ## Measure against httpx, the Node tool and functions-framework
	@$(BIN)/python -m benchmarks $(ARGS)

build: $(VENV_STAMP) ## Build the wheel and the source distribution into dist/
	@rm -f dist/*.whl dist/*.tar.gz
	@$(BIN)/python -m hatchling build

lock: $(VENV_STAMP) ## Bring the locks up to date
	@$(BIN)/uv pip compile --quiet --upgrade --all-extras --group dev --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --output-file requirements/dev.txt pyproject.toml
	@$(BIN)/uv pip compile --quiet --upgrade --group pyproject.toml:languages --constraint requirements/dev.txt --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --output-file requirements/languages.txt
	@echo uv | $(BIN)/uv pip compile --quiet --constraint requirements/dev.txt --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --output-file requirements/uv.txt -
	@for folder in . benchmarks openapi/languages/typescript tests/npm/consumer; do (cd $$folder && npm install --package-lock-only --omit-lockfile-registry-resolved \
	  --ignore-scripts --no-audit --no-fund --loglevel=error); done

clean: ## Remove what was installed and built
	@rm -rf $(VENV) node_modules benchmarks/node_modules dist build site .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV_STAMP): requirements/dev.txt requirements/uv.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mincloud needs Python 3.11 or newer: make PYTHON=/path/to/it")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the Python packages into $(VENV)"
	@scripts/install_python_packages.sh $(VENV) requirements/dev.txt
	@touch $@

# After the other packages, which the same folder holds.
$(LANGUAGES_STAMP): requirements/languages.txt $(VENV_STAMP)
	@echo "installing the generator of other languages' clients into $(VENV)"
	@scripts/install_python_packages.sh $(VENV) requirements/languages.txt
	@touch $@

benchmarks/node_modules/.installed: benchmarks/package.json benchmarks/package-lock.json
	@cd benchmarks && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(NODE_STAMP): package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer" >&2; exit 1; }
	@echo "installing the Node tools into node_modules"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
