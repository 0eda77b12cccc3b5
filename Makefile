# Two commands on a fresh machine: make demo, make test. Only python3 (3.11+) and make are assumed.
PYTHON ?= python3
BIN := .venv/bin
DEMO_FLAGS := $(if $(ONCE),--once,)

LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench trackers emulators sdk synth glue-wheel docs lock clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 16

setup: .venv/.ready ## make .venv with everything for work on the project

.venv/.ready: pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "footfall needs Python 3.11 or newer; run make with PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "python3 cannot make virtual environments; on Debian: apt install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## the whole platform with simulated traffic; ONCE=1 ends after the tables
	@$(BIN)/footfall demo $(DEMO_FLAGS)

test: setup ## the tests; FOOTFALL_TEST_ALL=1 makes a skipped server a failure
	$(BIN)/pytest $(ARGS)

check: setup ## style, types, floors, generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

trackers: ## the official clients of other products, for the tests that use them; needs node
	@test -x tests/trackers/.venv/bin/python || $(PYTHON) -m venv tests/trackers/.venv
	tests/trackers/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/trackers.txt
	npm ci --silent --no-fund --no-audit --ignore-scripts --prefix tests/trackers
	npm ci --silent --no-fund --no-audit --ignore-scripts --prefix clients/web

emulators: ## stand-ins for AWS services, for the tests that use them; needs node and maven
	npm ci --silent --no-fund --no-audit --ignore-scripts --prefix tests/aws
	mvn --quiet --batch-mode --file tests/aws/pom.xml dependency:copy-dependencies
	mvn --quiet --batch-mode --file tests/aws/trino/pom.xml package

sdk: ## build the web SDK that the collector serves; needs node
	@test -d clients/web/node_modules || npm ci --silent --no-fund --no-audit --ignore-scripts --prefix clients/web
	npm run --silent build --prefix clients/web

synth: setup ## CloudFormation templates and bundles into infra/cloudformation; needs node and requirements/infra.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements/infra.txt
	$(BIN)/footfall aws synth --profile small --settings infra/example.toml --plain --out infra/cloudformation
	$(BIN)/cfn-lint infra/cloudformation/*.template.json

glue-wheel: setup ## footfall and what it needs as wheels for AWS Glue 5 (Python 3.11), in dist/glue
	rm -rf dist/glue
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation -w dist/glue .
	$(BIN)/python -m pip freeze --exclude-editable > dist/glue/pins.txt
	$(BIN)/python -m pip download --quiet --disable-pip-version-check --only-binary :all: --python-version 3.11 --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 -c dist/glue/pins.txt -d dist/glue "$$(ls dist/glue/*.whl)[mysql]"
	cp footfall/apps/spark/job.py dist/glue/

docs: setup ## write the generated reference again
	$(BIN)/python docs/generate.py

bench: setup ## the figures, as ratios of one run
	$(BIN)/python -m bench

lock: setup ## pin today's versions, with hashes
	$(LOCK) --group dev pyproject.toml -o requirements/dev.txt
	$(LOCK) --group trackers -o requirements/trackers.txt
	$(LOCK) --group dev --group referees --group emulators --group infra --constraints requirements/dev.txt pyproject.toml -o requirements/ci.txt
	$(LOCK) --group spark -o requirements/spark.txt
	$(LOCK) --group infra --group dev --constraints requirements/dev.txt pyproject.toml -o requirements/infra.txt

clean: ## remove what these commands made
	rm -rf .venv tests/trackers/.venv tests/trackers/node_modules clients/web/node_modules footfall-data .pytest_cache .mypy_cache .ruff_cache .hypothesis
