# `make` prints the targets. Everything runs in .venv, made from the hashed lock; nothing else is touched.
.DEFAULT_GOAL := help
.PHONY: help setup protos lock lint types alerts unit integration integration-first integration-second crash crash-city crash-parts browser drill test soak samples compiled compiled-test bench bench-runs bench-ledger bench-long demo up down status clean
# The system's own Python, if it will do: distributors build it with profiles, and a plain build is a sixth slower.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
BIN := .venv/bin
# What ships is compiled where it can be, and is tested and measured as that: these are said before a command to run it on
# what `make compiled` built. ABLE is asked once, and says why not.
ABLE = $(eval ABLE := $(shell $(BIN)/python -m tools.compiled able && echo compiled))$(ABLE)
IN_COMPILED := env PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/build/compiled
AS_SHIPPED = $(if $(ABLE),$(IN_COMPILED))
KAFKA := build/kafka/.ready
PROMTOOL := build/prometheus/promtool
FONT := build/fonts/wqy-microhei.ttc
BROWSER := build/chromium/chromium

help: ## Print the targets
	@awk 'BEGIN{FS=":.*## "} /^[a-z-]+:.*## /{printf "  \033[36m%-13s\033[0m %s\n",$$1,$$2}' $(MAKEFILE_LIST)

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Cradle needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(KAFKA): deploy/local/pom.xml .venv/.ready
	$(BIN)/python -m deploy.local fetch
	@mkdir -p $(@D) && touch $@

$(PROMTOOL): | .venv/.ready
	$(BIN)/python -m tools.debian promtool

$(FONT): | .venv/.ready
	$(BIN)/python -m tools.debian font

$(BROWSER): | .venv/.ready
	$(BIN)/python -m tools.debian browser

setup: .venv/.ready $(KAFKA) ## Install everything (once; later runs work offline)

protos: .venv/.ready ## Generate protos/gen
	$(BIN)/python -m tools.protos generate

lock: .venv/.ready ## Resolve requirements.lock anew
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --python-version 3.11 --extra oversight --extra pdf --group dev pyproject.toml -o requirements.lock

lint: .venv/.ready ## Format, ruff, import walls, protos fresh, linted and unbroken, dependencies
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports
	$(BIN)/python -m tools.protos check
	$(BIN)/python -m tools.protos lint
	$(BIN)/python -m tools.protos breaking
	$(BIN)/deptry --no-ansi .

types: .venv/.ready ## mypy --strict
	$(BIN)/mypy

alerts: $(PROMTOOL) ## Alert rules: promtool's check, and each just below and just above its threshold
	$(PROMTOOL) check config --lint-fatal deploy/prometheus/prometheus.yml
	$(PROMTOOL) test rules deploy/prometheus/tests/*.yaml

unit: .venv/.ready $(FONT) ## Tests that need no I/O
	$(BIN)/pytest -q -m "not integration and not crash and not browser and not compiled and not soak and not samples" $(T)

compiled: .venv/.ready ## The wheel with its core compiled, in build/compiled (needs a C compiler)
	$(BIN)/python -m tools.compiled

compiled-test: compiled ## The claims' tests that need no I/O, on that
	$(IN_COMPILED) $(BIN)/pytest -q -m "not integration and not crash and not soak" tests/compiled tests/claims tests/cli/test_cases.py

# Half of their time such tests wait: two runs at once, each with a system of its own. `make test` takes all four parts.
AT_ONCE = $(MAKE) --no-print-directory -j2 --output-sync=target
INTEGRATION := integration-first integration-second
FIRST := tests/claims tests/kit tests/registry tests/demo
integration: setup ## Tests on the real Kafka and PostgreSQL
ifdef T
	$(BIN)/pytest -q -m "integration and not soak" $(T)
else
	@$(AT_ONCE) $(INTEGRATION)
endif

integration-first: setup
	$(BIN)/pytest -q -m "integration and not soak" $(FIRST)

integration-second: setup
	$(BIN)/pytest -q -m "integration and not soak" $(FIRST:%=--ignore=%) tests

CRASH := crash-city crash-parts
CITY := $(patsubst %,tests/crash/test_%.py,coverage erasing handing_in kills outages parked paying paying_teeth planning platform registry treasury)
crash: setup ## Tests that kill, stall and restart
ifdef T
	$(BIN)/pytest -q -m "crash and not soak" $(T)
else
	@$(AT_ONCE) $(CRASH)
endif

crash-city: setup
	$(BIN)/pytest -q -m "crash and not soak" $(CITY)

crash-parts: setup
	$(BIN)/pytest -q -m "crash and not soak" $(CITY:%=--ignore=%) tests

browser: .venv/.ready $(BROWSER) $(FONT) ## The public page in Debian's Chromium
	$(BIN)/pytest -q -m browser tests/browser

drill: setup ## Back up, pay, restore yesterday's treasury: each order is paid once
	$(BIN)/pytest -q -m crash tests/crash/test_drill.py

test: .venv/.ready ## Everything CI runs
	@$(MAKE) --no-print-directory -j2 --output-sync=target lint types alerts unit browser $(if $(ABLE),compiled-test)
	@$(AS_SHIPPED) $(AT_ONCE) $(INTEGRATION) $(CRASH)

soak: setup ## The long forms
	$(BIN)/pytest -q -m soak $(T)

GRPCURL := build/bin/grpcurl
$(GRPCURL):
	GOBIN=$(CURDIR)/$(@D) go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3

samples: setup $(GRPCURL) ## The samples in other languages, on the real stack (needs Node.js 20, Go and jq)
	npm ci --silent --prefix docs/samples/node
	$(BIN)/python -m tools.protos image
	$(BIN)/pytest -q -m samples tests/samples

bench: setup $(FONT) ## Measure against the raw ceiling; writes build/bench.json
	@$(if $(ABLE),$(MAKE) --no-print-directory compiled)
	$(AS_SHIPPED) $(BIN)/python -m tests.bench

bench-runs: setup ## A run of 100 000 payments: planned, approved, written, read back; prints JSON
	$(BIN)/python -m tests.bench.runs

bench-ledger: setup ## What a balance costs as the ledger grows to a million postings (N=10000000 for ten); prints JSON
	$(BIN)/python -m tests.bench.ledger $(N)

bench-long: setup ## Two workers, memory, and a history of a million claims; ten minutes
	@$(if $(ABLE),$(MAKE) --no-print-directory compiled)
	$(AS_SHIPPED) $(BIN)/python -m tests.bench.long

demo: setup ## A synthetic Baoji, 20 000 claims with their dirt, on the real stack
	$(BIN)/python -m deploy.demo

clean: ## Remove what was built; keeps the data of stacks
	rm -rf .venv build dist

up: setup ## Start the whole system on this machine, in the background
	@$(BIN)/python -m deploy.local up

down: setup ## Stop it
	@$(BIN)/python -m deploy.local down

status: setup ## Show its processes
	@$(BIN)/python -m deploy.local status
