# The one door. `make help` lists what is behind it.
# On AWS (your credentials) or, with LOCAL=1, on the embedded cloud that `make cloud` keeps up.

PYTHON ?= python3
STAGE ?= dev
OUT ?= out/run
SHARD_SIZE ?= 100
JOBS ?= 200
SEED ?= 1
CONTEXT ?=

BIN := $(CURDIR)/.venv/bin
export PATH := $(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
export JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION := 1

CDK_CONTEXT := -c stage=$(STAGE) $(CONTEXT)
ifdef CONTAINERS
  WITH_CONTAINERS := --containers
endif
ifdef LOCAL
  WITH := python -m localcloud exec --
  APPROVAL := --require-approval never
endif

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test test-images lint format synth diff bootstrap deploy destroy job baseline cloud train bench chaos verify review snapshots clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  LOCAL=1     deploy, diff, destroy, job, verify: on the running \`make cloud\` instead of AWS"
	@echo "  CONTAINERS=1  run, cloud: functions in their real images, by this machine's container engine"
	@echo "  STAGE=prod  the other stage;  SHARD_SIZE=100, OUT=out/run;  CONTEXT='-c key=value' overrides a setting"
	@echo "  PYTHON=...  the Python (3.11 to 3.13) that the virtual environment is made from"

setup:  ## virtual environment, pinned packages, Node and the CDK CLI; the others call it
	@$(PYTHON) tools/setup.py

setup-dev:  ## the same, and the tools for tests and linting
	@$(PYTHON) tools/setup.py --dev

run: setup  ## the main job, whole: deploy to an embedded cloud, classify 3,000 images, report, tear down
	@python -m localcloud run --stage $(STAGE) --out $(OUT) --shard-size $(SHARD_SIZE) $(WITH_CONTAINERS) $(ARGS)

test: setup-dev  ## every test, fast ones first; ends with where the time went
	@python -m pytest $(ARGS)

test-images: setup-dev  ## builds, runs, measures and scans the images; needs a Docker engine
	@IMAGES=required python -m pytest tests/images tests/localcloud/functions/containers $(ARGS)

lint: setup-dev  ## style, types, import order
	@ruff check .
	@ruff format --check .
	@mypy app.py prices settings workloads stacks localcloud hpc review tools bench chaos lambda_src tests/conftest.py

format: setup-dev  ## rewrites the sources in the house's format
	@ruff check --fix .
	@ruff format .

synth: setup  ## writes the CloudFormation templates of a stage to cdk.out/
	@cdk synth --quiet $(CDK_CONTEXT)
	@echo "templates: cdk.out/*.template.json"

diff: setup  ## what a deploy would change
	@$(WITH) cdk diff $(CDK_CONTEXT)

bootstrap: setup  ## prepares an AWS account and region for CDK, once
	@$(WITH) cdk bootstrap $(CDK_CONTEXT)

deploy: setup  ## deploys a stage
	@$(if $(LOCAL),$(WITH) cdk bootstrap --ci $(CDK_CONTEXT))
	@$(WITH) cdk deploy --all $(APPROVAL) $(CDK_CONTEXT)
	@$(if $(LOCAL),python -m localcloud differences)

destroy: setup  ## tears a stage down
	@$(WITH) cdk destroy --all $(if $(LOCAL),--force) $(CDK_CONTEXT)

job: setup  ## classifies the 3,000 images on what is deployed, writes the report
	@$(WITH) hpc run --stage $(STAGE) --out $(OUT) --shard-size $(SHARD_SIZE)

baseline: setup  ## the same images on virtual machines (deployed with CONTEXT='-c baseline=true'); JOB=id compares
	@$(WITH) hpc baseline --stage $(STAGE) --shard-size $(SHARD_SIZE) $(if $(JOB),--job $(JOB)) $(ARGS)

cloud: setup  ## keeps the embedded cloud up and prints its endpoint (Ctrl-C ends it)
	@python -m localcloud up $(WITH_CONTAINERS)

train: setup  ## trains the network on the full Fashion-MNIST, converts and evaluates it
	@python -m shpc_training --out lambda_src/model

bench: setup  ## every figure as a ratio, measured here; FIGURES="synth throughput", ARGS=--quick
	@python -m bench $(FIGURES) $(ARGS)

chaos: setup  ## JOBS jobs under faults from outside, each judged; SEED plans them, raw lines in out/chaos
	@python -m chaos --jobs $(JOBS) --seed $(SEED) $(ARGS)

verify: setup-dev  ## tests/e2e against the deployed STAGE
	@$(WITH) python -m pytest tests/e2e --deployed-stage $(STAGE) $(ARGS)

review: setup-dev  ## one page about a stage: permissions, doors, what stays, what costs, what changed
	@python -m review --stage $(STAGE) $(CONTEXT) $(ARGS)

snapshots: setup-dev  ## accepts the templates as they are now; read the diff, then commit it
	@python -m review.snapshots

clean:  ## removes what make made (.venv, caches, outputs)
	rm -rf .venv .cache node_modules out cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis .localcloud
