# One door to everything that is done by hand. `make` alone tells what there is.
# Needs GNU make and Python 3.11 or newer. What else a target uses (Go, PostgreSQL, chromium) it reports when it is missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install run test test-deep lint type bench bench-search bench-import assets texts screenshots clean lock tools

VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(CURDIR)/.tools/bin
# The ordinary tests wait as much as they work; the long ones measure how soon things happen, so they get a processor each.
JOBS ?= 3
DEEP_JOBS ?= 2
# A file stays with one process, so that what its tests share is made once; long files come early, in the order of the folders.
SPREAD := --dist loadfile --no-loadscope-reorder
# The second one builds with the Go 1.19 of Debian 12 too.
STRIPE_MOCK_VERSIONS := v0.203.0 v0.148.0
FSCK_VERSION := v1.0.4
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The lists name every package, so pip resolves nothing: left to itself an older pip asks the index for the newest version of
# what a package wants with an extra, and stops because that one has no hash here.
INSTALL := $(BIN)/python -m pip install -q --no-deps --use-pep517 --require-hashes

# The first interpreter that really runs, is new enough and can make virtual environments. The system's own comes first: distributions
# build it with profile-guided optimisation, version managers mostly without, which costs a quarter of the speed.
FIND_PYTHON = for candidate in "$${PYTHON:-}" /usr/bin/python3 python3.13 python3.12 python3.11 python3; do \
	[ -n "$$candidate" ] || continue; \
	if "$$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo "$$candidate"; exit 0; fi; \
	done

help: ## list the targets
	@echo "make <target>"
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)$$/  \1 | \2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || \
		sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)$$/  \1  \2/p' $(MAKEFILE_LIST)

install: $(VENV)/run.stamp ## install what the product needs, and start nothing

run: $(VENV)/run.stamp ## install what is needed, then serve the mall with demonstration data on 127.0.0.1 (Ctrl-C ends it)
	@exec $(BIN)/flask --app wsgi mall up

test: $(VENV)/dev.stamp tools ## every ordinary test with a table of the outside programs used; lint, types and import contracts beside them
	@status=0; ($(MAKE) --no-print-directory lint && $(MAKE) --no-print-directory type) > .tools/checks.txt 2>&1 & checks=$$!; \
	PATH="$(TOOLS):$$PATH" $(BIN)/python -m pytest -q -n $(JOBS) $(SPREAD) || status=1; \
	wait $$checks || status=1; cat .tools/checks.txt; \
	if [ $$status -ne 0 ]; then echo "make test: something above failed"; fi; \
	exit $$status

test-deep: $(VENV)/dev.stamp tools $(TOOLS)/tessera-fsck ## the long proofs: soak, kill and mutation tests (tens of minutes)
	@PATH="$(TOOLS):$$PATH" $(BIN)/python -m pytest -q -m deep --timeout 3600 -n $(DEEP_JOBS) $(SPREAD)

lint: $(VENV)/dev.stamp ## ruff, bandit, djlint and the import contracts
	@echo "== ruff"; $(BIN)/ruff check .
	@echo "== bandit"; $(BIN)/bandit -q -c pyproject.toml -r app catalog orders supervision migrations wsgi.py > .tools/bandit.txt 2>&1 || { cat .tools/bandit.txt; exit 1; }
	@echo "== djlint"; $(BIN)/djlint --lint --quiet app catalog orders supervision
	@echo "== import contracts"; $(BIN)/lint-imports --no-cache > .tools/lint-imports.txt 2>&1 || { cat .tools/lint-imports.txt; exit 1; }; \
		tail -n 2 .tools/lint-imports.txt

type: $(VENV)/dev.stamp ## mypy, strict
	@echo "== mypy"; $(BIN)/mypy

bench: $(VENV)/dev.stamp ## measure the product against its yardsticks, both in the same run (docs/performance.md)
	@PATH="$(TOOLS):$$PATH" $(BIN)/python -m tests.benchmarks $(BENCH)

bench-search: $(VENV)/dev.stamp ## relevance among distracting listings and every gate of the search engine; BENCH="--listings 1000000" for a large province
	@$(BIN)/python -m tests.benchmarks.bench_search $(BENCH)

bench-import: $(VENV)/dev.stamp ## import 50,000 listings from a workbook while the site answers, and print times, p95 and memory
	@PATH="$(TOOLS):$$PATH" $(BIN)/python -m tests.benchmarks.bulk_import $(BENCH)

assets: $(VENV)/dev.stamp ## rebuild what static/ and the translations are made of (needs Node for the frontend part)
	@if [ -f frontend/package.json ]; then \
		command -v npm >/dev/null || { echo "make assets: Node and npm are needed (Debian: apt-get install nodejs npm)"; exit 1; }; \
		npm --prefix frontend ci --no-audit --no-fund && npm --prefix frontend run build; \
	else echo "frontend/package.json does not exist: nothing to build"; fi

TEXTS := app/translations/en/LC_MESSAGES/messages.po

texts: $(VENV)/dev.stamp ## gather the texts of pages and refusals into the English catalogue; what is new waits there for its translation
	@$(BIN)/pybabel -q extract -F pyproject.toml -k N_ -k _l --omit-header --add-location=never --sort-output --no-wrap \
		-o .tools/texts.pot app catalog orders supervision wsgi.py
	@$(BIN)/pybabel -q update -i .tools/texts.pot -o $(TEXTS) -l en --no-fuzzy-matching --ignore-obsolete --omit-header --no-wrap
	@$(BIN)/python -m pytest -q tests/web/test_english_texts.py

screenshots: $(VENV)/dev.stamp ## take the pictures of README.md and docs/ from the running product (needs chromium)
	@$(BIN)/python -m tests.browser.screenshots

clean: ## remove everything make made: environment, tools, caches, the demonstration database in instance/
	rm -rf $(VENV) .tools instance bench-results fault-results .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis htmlcov .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: $(VENV)/dev.stamp ## compile requirements/*.txt again from pyproject.toml (needs the network)
	@command -v uv >/dev/null || [ -x $(BIN)/uv ] || $(BIN)/python -m pip install -q uv
	@PATH="$(CURDIR)/$(BIN):$$PATH"; \
	options="--generate-hashes --no-emit-index-url --no-header --python-version 3.11"; \
	uv pip compile -q pyproject.toml --group dev $$options -o requirements/dev.txt; \
	uv pip compile -q pyproject.toml -c requirements/dev.txt --no-annotate $$options -o requirements/run.txt

# ---------------------------------------------------------------- what the targets stand on

$(VENV)/bin/python:
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ]; then \
		echo "make: Python 3.11 or newer with the venv module was not found."; \
		echo "      Debian, Ubuntu: apt-get install python3 python3-venv    or name one: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; \
		exit 1; \
	fi; \
	echo "making $(VENV) with $$($$python -V) ($$python)"; \
	"$$python" -m venv $(VENV)

# The tests' environment contains the product's, in the same versions: it is never taken away by `make run`.
$(VENV)/run.stamp: requirements/run.txt | $(VENV)/bin/python
	@echo "installing the product's packages (requirements/run.txt, each checked by hash)"
	@$(INSTALL) -r requirements/run.txt
	@$(BIN)/python -m pip check -q
	@touch $@

$(VENV)/dev.stamp: requirements/dev.txt requirements/run.txt | $(VENV)/bin/python
	@echo "installing the packages for tests (requirements/dev.txt, each checked by hash)"
	@$(INSTALL) -r requirements/dev.txt
	@$(BIN)/python -m pip check -q
	@mkdir -p .tools/bin
	@touch $(VENV)/run.stamp $@

# Programs nobody here wrote, against which the product is proved. Missing Go or network is no error: their tests are then skipped loudly.
tools: $(VENV)/dev.stamp
	@mkdir -p $(TOOLS); \
	export PATH="$$PATH:/usr/local/go/bin:/usr/lib/go/bin"; \
	if [ -x $(TOOLS)/stripe-mock ]; then :; \
	elif command -v go >/dev/null; then \
		for version in $(STRIPE_MOCK_VERSIONS); do \
			echo "building stripe-mock $$version"; \
			if GOBIN=$(TOOLS) GOFLAGS=-modcacherw go install github.com/stripe/stripe-mock@$$version; then break; fi; \
		done; \
		[ -x $(TOOLS)/stripe-mock ] || echo "stripe-mock could not be built: its tests will be skipped"; \
	else echo "go is missing: the tests with stripe-mock will be skipped"; fi; \
	for verifier in tlog merkle; do \
		built=$(TOOLS)/$$verifier-verify; \
		if [ -x $$built ] && [ -z "$$(find tests/verifiers/$$verifier -newer $$built -type f -print -quit)" ]; then continue; fi; \
		if ! command -v go >/dev/null; then echo "go is missing: the tests with $$verifier-verify will be skipped"; continue; fi; \
		echo "building the independent log verifier $$verifier-verify"; \
		( cd tests/verifiers/$$verifier && GOFLAGS="-modcacherw -mod=readonly" go build -trimpath -buildvcs=false -o $$built . ) \
			|| echo "$$verifier-verify could not be built: its tests will be skipped"; \
	done

# Needs Go 1.24 and a minute of building, so only the long proofs use it.
$(TOOLS)/tessera-fsck:
	@mkdir -p $(TOOLS); export PATH="$$PATH:/usr/local/go/bin:/usr/lib/go/bin"; \
	echo "building Tessera's fsck $(FSCK_VERSION)"; \
	GOBIN=$(TOOLS)/.new GOFLAGS=-modcacherw go install github.com/transparency-dev/tessera/cmd/fsck@$(FSCK_VERSION) \
		&& mv $(TOOLS)/.new/fsck $@ && rmdir $(TOOLS)/.new || echo "fsck could not be built: its tests will be skipped"
