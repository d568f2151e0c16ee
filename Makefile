# A fresh machine needs Python 3.11 or newer and make; everything else goes into .venv.

PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
EXTRAS := dev build poll record alert notify service
CODE := functions mcp_service tests
TESTS := tests/unit tests/contract tests/conversation tests/integration tests/architecture
UPGRADE ?=

.DEFAULT_GOAL := help
.PHONY: help run demo check test cluster-test bench images lock clean

help: ## say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1:/p' Makefile | while IFS=: read -r name words; do \
		printf '  make %-13s %s\n' "$$name" "$$words"; done

run: $(VENV)/service.installed ## set up and start the standing service on 127.0.0.1:9122
	@exec $(BIN)/claude-monitor serve

demo: $(VENV)/dev.installed ## play the whole conversation against a real web and mail server
	@$(BIN)/python -m tests.conversation.demo

check: $(VENV)/dev.installed ## format, lint, types, import contracts, sizes
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture

test: $(VENV)/dev.installed ## every test that needs no cluster
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(TESTS)

cluster-test: $(VENV)/dev.installed ## the tests on the cluster that KUBECONFIG names
	$(BIN)/python -m pytest -o faulthandler_timeout=1200 --durations=5 tests/cluster

bench: $(VENV)/dev.installed ## every bench, one line of JSON each
	@$(BIN)/python -m tests.bench

images: ## build the images of functions and service
	@images/build

lock: $(VENV)/dev.installed ## write requirements/ anew from pyproject.toml (UPGRADE=--upgrade for newer)
	@for extra in $(EXTRAS); do \
		constraint=; [ $$extra = dev ] || constraint="--constraint requirements/dev.txt"; \
		$(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
			--extra $$extra $$constraint --generate-hashes --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links $(UPGRADE) \
			--output-file requirements/$$extra.txt || exit 1; \
	done

clean: ## forget .venv and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/%.installed: requirements/build.txt requirements/%.txt pyproject.toml | $(BIN)/python
	@echo "installing $*.txt into $(VENV); this takes a minute or two ..."
	@$(PIP) --require-hashes $(addprefix -r ,$(filter requirements/%,$^))
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "claude-monitor needs Python 3.11 or newer; none is on the PATH" \
		"(name one: make PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make environments;" \
		"on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
