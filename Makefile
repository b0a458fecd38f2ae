# What people type. The work is done by CMake's presets (CMakePresets.json) and the scripts beside
# what they serve.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

JOBS ?= $(shell nproc)
CONFIG ?=
SOURCES = find server client tests -name '*.h' -o -name '*.cc'

.PHONY: help
help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install what building and testing need, from Debian's packages
	@deploy/install-packages.sh

.PHONY: build
build: deps ## Build build/release/bin/sluiced and sluicectl
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS) --target sluiced sluicectl

.PHONY: run
run: build ## Run sluiced, on the built-in example unless CONFIG=FILE is given
	build/release/bin/sluiced $(if $(CONFIG),--config "$(CONFIG)")

.PHONY: venv
venv: deps ## Make the Python environment of the end-to-end suite, with a real Envoy
	@tests/e2e/setup.sh

# Both suites run even when the first fails, and their closing lines stand together at the end.
.PHONY: test
test: deps venv ## Build, and run every test
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS)
	@failed=0; \
	ctest --preset release --parallel $(JOBS) 2>&1 | tee build/ctest.log || failed=1; \
	build/venv/bin/python -m pytest tests/e2e 2>&1 | tee build/pytest.log || failed=1; \
	echo; awk -f tests/unit/strategy/account.awk build/release/Testing/Temporary/LastTest.log \
	  || failed=1; \
	echo; grep -E '^[0-9]+% tests passed' build/ctest.log || true; \
	tail -n 1 build/pytest.log; \
	exit $$failed

.PHONY: lint
lint: deps ## Check the format, and run clang-tidy over server and client
	@$(SOURCES) | xargs clang-format-14 --dry-run --Werror
	@.ci/clang-tidy $(JOBS)

.PHONY: format
format: deps ## Format the C++ sources in place
	@$(SOURCES) | xargs clang-format-14 -i

.PHONY: asan
asan: deps ## Unit, conformance, chaos and fuzz tests under AddressSanitizer and UBSan
	cmake --preset asan
	cmake --build --preset asan --parallel $(JOBS) --target \
	  tests/unit/all tests/conformance/all tests/integration/chaos/all tests/fuzz/all
	@failed=0; \
	for suite in unit conformance integration/chaos fuzz; do \
	  ctest --test-dir build/asan/tests/$$suite --output-on-failure --parallel $(JOBS) || failed=1; \
	done; \
	exit $$failed

.PHONY: tsan
tsan: deps ## Everything below protobuf and gRPC under ThreadSanitizer
	cmake --preset tsan
	cmake --build --preset tsan --parallel $(JOBS)
	@ctest --preset tsan --parallel $(JOBS)

SECONDS_A_ROW ?= 2

# SOAK_MINUTES=2 make soak, for less than 10.
.PHONY: soak
soak: build venv ## Ten minutes of load on a Redis that comes and goes: memory, late answers
	build/venv/bin/python tests/bench/soak.py

.PHONY: bench
bench: deps ## Measure decisions over a Redis: a table, and build/bench/redis.json
	cmake --preset release
	cmake --build --preset release --parallel $(JOBS) --target redis_bench
	@mkdir -p build/bench
	build/release/bin/redis_bench --seconds $(SECONDS_A_ROW) --json build/bench/redis.json

.PHONY: clean
clean: ## Remove everything that was built
	rm -rf build
