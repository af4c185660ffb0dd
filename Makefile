# The doors to scripts/, which hold what is done and why. `make run` is all a newcomer needs.
.DEFAULT_GOAL := help
.PHONY: help run test dev e2e lint bench dist clean setup
export DATA ADDR

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build and serve; DATA=dir (default data) ADDR=host:port (default 127.0.0.1:3000)
	@scripts/run

test: ## everything CI checks, from formatting to the browser
	@scripts/test

dev: ## serve, and rebuild and reload whenever a file changes
	@scripts/dev

e2e: ## only the browser tests
	@scripts/test setup tracker frontend server e2e

lint: ## only formatting and clippy
	@scripts/test setup tracker fmt clippy clippy-wasm

bench: ## measure the budgets
	@bench/run

dist: ## the deployable, in dist/
	@scripts/dist

clean: ## remove what was built here (the cache in ~/.cache/pulsecast stays)
	rm -rf target dist tracker/dist test-results playwright-report end2end/test-results end2end/playwright-report

setup: ## get everything the tests need, build nothing
	@scripts/setup test
