# Every target sets itself up. The environment lives in VENV; point several checkouts or a CI cache at
# one place with `make VENV=/path test`. Packages come hard-linked from uv's cache, so a second
# environment on the same machine downloads nothing.
VENV ?= .venv
PYTHON ?= python3
BIN = $(abspath $(VENV))/bin
UV = $(shell command -v uv || echo $(BIN)/uv)
READY = $(VENV)/.poolscore-$(shell (cat requirements.lock; pwd) | cksum | cut -d' ' -f1)

.PHONY: help install demo test test-ops kills service-kills histories check format protos release-contract \
	docs metrics dashboards k8s-rules lock study bench embedded-model clean

help:
	@echo "make demo            the whole loop on real photographs, into out/demo/"
	@echo "make test            unit, integration and end-to-end tests"
	@echo "make test-ops        tests with Prometheus, Chromium and others; tests/ops/install.sh installs these"
	@echo "make kills           200 random kills of drivers, actors and nodes, into out/kills.json (an hour)"
	@echo "make service-kills   50 random kills of the API and the trainer under load"
	@echo "make histories       5000 random histories of the service, with crashes, against a model"
	@echo "make check           style, types, contract, imports"
	@echo "make study           every strategy on labeled photographs, into docs/study/ (an hour)"
	@echo "make bench           benchmarks, into bench/results/latest.json"
	@echo "make protos          regenerate the gRPC stubs after a change in protos/"
	@echo "make release-contract  keep the contract as it is now as the released one"
	@echo "make docs            write docs/metrics.md and docs/api.md anew after a change of metrics or protos"
	@echo "make dashboards      write deploy/grafana/dashboards/ anew after a change of their source"
	@echo "make k8s-rules       write k8s' alert rules anew after a change in deploy/prometheus/rules"
	@echo "make format          apply the code style"
	@echo "make lock            resolve requirements.lock again after a change in pyproject.toml"
	@echo "make embedded-model  rebuild the model that ships with the project"
	@echo "make clean           remove what the other targets made"

install: $(READY)

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "poolscore needs Python 3.11 or newer: '$(PYTHON)' was not found; name one with 'make PYTHON=...'" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "poolscore needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V); name another with 'make PYTHON=...'" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(BIN)/uv: | $(BIN)/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(READY): requirements.lock pyproject.toml | $(BIN)/python $(UV)
	@echo "Setting up the environment in $(VENV) (about 8 GB; minutes the first time, seconds afterwards)"
	@# Compiled once here: else each of Ray's processes does it for itself where none may write it down.
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements.lock
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --no-deps --editable .
	@rm -f $(VENV)/.poolscore-*; touch $@

demo: install
	$(BIN)/poolscore demo --out out/demo

# Unit tests and the histories wait for disks more than they compute; the others start services, which fill
# a machine. The longest come first.
HISTORIES_TEST = tests/integration/services/test_model.py
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(HISTORIES_TEST) tests/unit --numprocesses 3 --dist loadfile --no-loadscope-reorder
	$(BIN)/python -m pytest tests/integration tests/e2e --ignore $(HISTORIES_TEST)

test-ops: install
	$(BIN)/python -m pytest tests/ops

KILLS ?= 200
kills: install
	$(BIN)/python -m tests.kills --kills $(KILLS) --out out/kills.json

SERVICE_KILLS ?= 50
service-kills: install
	POOLSCORE_SERVICE_KILLS=$(SERVICE_KILLS) $(BIN)/python -m pytest tests/integration/services/test_kills.py

HISTORIES ?= 5000
histories: install
	POOLSCORE_HISTORIES=$(HISTORIES) $(BIN)/python -m pytest $(HISTORIES_TEST)

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	PYTHON=$(BIN)/python protos/check.sh
	$(BIN)/lint-imports --no-cache
	$(BIN)/pyright --pythonpath $(BIN)/python

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/buf format --write

protos: install
	PYTHON=$(BIN)/python protos/generate.sh

release-contract: install
	$(BIN)/buf build protos --path protos/poolscore --exclude-source-info --output protos/released.binpb

metrics: install
	$(BIN)/python -m services.metrics_page

docs: metrics
	$(BIN)/python -m services.contract_page.page

dashboards: install
	$(BIN)/python -m deploy.grafana.generate

lock: $(UV)
	$(UV) pip compile --universal --generate-hashes --no-emit-index-url --no-header --extra dev \
		--python-version 3.11 --output-file requirements.lock pyproject.toml

k8s-rules: install
	$(BIN)/python -m k8s.prometheus_rules

# Folders clothing and grocery of labeled photographs, see docs/study.
STUDY_DATA ?= ../shared/data
study: install
	$(BIN)/poolscore evaluate $(STUDY_DATA)/clothing $(STUDY_DATA)/grocery $(STUDY_DATA)/grocery:fine_label \
		--table selection --table joint --table candidates --seeds 5 --out docs/study --cache out/embeddings

bench: install
	$(BIN)/python -m bench

embedded-model: install
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --no-deps \
		-r poolscore/encoder/embedded/build/requirements.txt
	$(BIN)/python -m poolscore.encoder.embedded.build --work out/embedded-model

clean:
	rm -rf out docs/study/study.json docs/study/study.lock .pytest_cache .ruff_cache .hypothesis dist build
	@# An environment outside may serve other checkouts.
	@case "$(realpath $(VENV))" in "$(realpath .)"/*) test ! -f $(VENV)/pyvenv.cfg || rm -rf $(VENV) ;; esac
