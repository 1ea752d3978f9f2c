# Sets arrears up in .venv and runs it. Nothing outside this folder is changed, but for the demo's database
# (see `arrears db status`). PYTHON=... chooses another Python, ARGS=... is passed on.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# Without bytecode every lane of the tests, and every command that they start, would compile the same files again.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

RUN := .venv/bin
PYTHON = $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
# Three lanes, each with a database server of its own, and the one that is done first takes over half of what another
# has left; on a server of yours there is one. Two cores are busy with three: a test often waits for a browser.
LANES := $(if $(ARREARS_DATABASE_URL),,--numprocesses 3 --dist worksteal)
PIP_INSTALL := $(RUN)/python -m pip install --quiet --only-binary :all: --require-hashes
# The build backend is pinned in the lock, so nothing is fetched that the lock does not name.
PIP_INSTALL_SELF := $(RUN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .

UV = uv
UV_EXPORT = $(UV) export --quiet --no-header --no-annotate --no-emit-project --extra embedded
COVERED_BY = tests/core tests/store tests/stories tests/adapters tests/notices tests/sandbox

.PHONY: help setup demo serve test test-fast test-all pictures translations drawing client check coverage hooks locks \
	audit sbom

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

setup: .venv/installed ## install arrears into .venv

demo: .venv/installed ## install, then show a living example on this machine
	@$(RUN)/arrears demo $(ARGS)

serve: .venv/installed ## install, then serve the pages and the API
	@$(RUN)/arrears serve $(ARGS)

test: .venv/installed-dev ## install, then run the tests
	@start=$$(date +%s); status=0; $(RUN)/python -m pytest $(LANES) $(ARGS) || status=$$?; \
	echo "tests: $$(($$(date +%s) - start)) s"; exit $$status

test-fast: .venv/installed-dev ## run the tests of the rules and the stories alone, in less than a minute
	@start=$$(date +%s); status=0; $(RUN)/python -m pytest $(LANES) tests/core tests/stories $(ARGS) || status=$$?; \
	echo "tests of the rules and the stories: $$(($$(date +%s) - start)) s (budget 60 s)"; exit $$status

test-all: .venv/installed-dev ## run the tests with their long matrices too
	@start=$$(date +%s); status=0; ARREARS_TEST_ALL=1 $(RUN)/python -m pytest $(LANES) $(ARGS) || status=$$?; \
	echo "tests, long matrices too: $$(($$(date +%s) - start)) s"; exit $$status

pictures: .venv/installed-dev ## walk the customers' journeys and keep what they see in docs/pictures
	@ARREARS_TEST_ALL=1 ARREARS_PICTURES=docs/pictures $(RUN)/python -m pytest -p no:randomly tests/web/journeys $(ARGS)

translations: .venv/installed ## say what each language still lacks, and compile the pages' sentences
	@$(RUN)/arrears notice translations $(ARGS)

drawing: .venv/installed-dev ## draw what imports what, into docs/tour.md
	@$(RUN)/python docs/draw_imports.py

client: .venv/installed-dev ## write the Python client's calls anew, from the API's document
	@$(RUN)/python client/generate.py

check: .venv/installed-dev ## check style, types, imports and dependencies
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-logo
	@$(RUN)/deptry src
	@$(RUN)/deptry --ignore DEP002,DEP004 bench examples tests torture

coverage: .venv/installed-dev ## measure what the tests of core, engine, store and adapters reach
	@$(RUN)/python -m pytest $(LANES) --cov --cov-report=term $(COVERED_BY) $(ARGS)

hooks: .venv/installed-dev ## run the checks before every commit of yours
	@$(RUN)/pre-commit install

locks: ## pin what pyproject.toml asks for anew, keeping every version that fits (UV=... is uv)
	@rm -rf build/locks && mkdir -p build/locks && cp pyproject.toml build/locks
	@{ echo '[tool.uv]'; echo 'constraint-dependencies = ['; sed -n 's/^\([a-z0-9-]*\)==\([^ ]*\).*/"\1==\2",/p' \
		requirements-dev.lock requirements-audit.lock | sort -u; echo ']'; } >> build/locks/pyproject.toml
	@cd build/locks && $(UV_EXPORT) --no-dev --group build --output-file ../../requirements.lock
	@cd build/locks && $(UV_EXPORT) --extra cluster --group build --group dev --output-file ../../requirements-dev.lock
	@cd build/locks && $(UV) export --quiet --no-header --no-annotate --only-group audit --output-file ../../requirements-audit.lock

audit: .venv/audit/installed ## ask whether a dependency has a known advisory; a note where nobody can be asked
	@.venv/audit/bin/python docs/check_advisories.py $(ARGS)

sbom: .venv/audit/installed ## list what is installed, as CycloneDX, in build/sbom.cdx.json
	@mkdir -p build
	@.venv/audit/bin/python -W ignore -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml \
		--output-format JSON --output-reproducible --output-file build/sbom.cdx.json
	@echo "build/sbom.cdx.json: $$(grep -c '"bom-ref"' build/sbom.cdx.json) components"

.venv/audit/installed: requirements-audit.lock | .venv/bin/python
	@echo "installing what looks at the dependencies into .venv/audit ..."
	@$(PYTHON) -m venv --clear .venv/audit
	@.venv/audit/bin/python -m pip install --quiet --only-binary :all: --require-hashes -r requirements-audit.lock
	@touch $@

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing into .venv ..."
	@start=$$(date +%s); $(PIP_INSTALL) -r requirements.lock && $(PIP_INSTALL_SELF) && \
	echo "install: $$(($$(date +%s) - start)) s (budget 180 s)"
	@touch $@

.venv/installed-dev: requirements-dev.lock pyproject.toml | .venv/bin/python
	@echo "installing into .venv, with what the tests need ..."
	@start=$$(date +%s); $(PIP_INSTALL) -r requirements-dev.lock && $(PIP_INSTALL_SELF) && \
	echo "install: $$(($$(date +%s) - start)) s (budget 180 s)"
	@touch $@ .venv/installed

.venv/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		if command -v python3 >/dev/null; then \
			echo "arrears needs Python 3.11 or newer, this is $$(python3 -V 2>&1 | head -n 1); on Debian 12: apt-get install python3 python3-venv" >&2; \
		else \
			echo "arrears needs Python 3.11 or newer and there is none; on Debian 12: apt-get install python3 python3-venv" >&2; \
		fi; exit 1; fi
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments; on Debian 12: apt-get install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv
