# Sets arrears up in .venv and runs it. Nothing outside this folder is changed, but for the demo's database
# (see `arrears db status`). PYTHON=... chooses another Python, ARGS=... is passed on.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

RUN := .venv/bin
PYTHON = $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
# Two lanes of whole files, each with a database server of its own; on a server of yours there is one.
LANES := $(if $(ARREARS_DATABASE_URL),,--numprocesses 2 --dist loadfile)
PIP_INSTALL := $(RUN)/python -m pip install --quiet --only-binary :all: --require-hashes
# The build backend is pinned in the lock, so nothing is fetched that the lock does not name.
PIP_INSTALL_SELF := $(RUN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .

.PHONY: help setup demo serve test test-all pictures translations check

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

test-all: .venv/installed-dev ## run the tests with their long matrices too
	@start=$$(date +%s); status=0; ARREARS_TEST_ALL=1 $(RUN)/python -m pytest $(LANES) $(ARGS) || status=$$?; \
	echo "tests, long matrices too: $$(($$(date +%s) - start)) s"; exit $$status

pictures: .venv/installed-dev ## walk the customers' journeys and keep what they see in docs/pictures
	@ARREARS_PICTURES=docs/pictures $(RUN)/python -m pytest -p no:randomly tests/web/journeys $(ARGS)

translations: .venv/installed ## say what each language still lacks, and compile the pages' sentences
	@$(RUN)/arrears notice translations $(ARGS)

check: .venv/installed-dev ## check style, types and imports
	@$(RUN)/ruff check .
	@$(RUN)/ruff format --check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports --no-logo

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
