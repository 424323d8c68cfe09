# SPDX-License-Identifier: Apache-2.0
# A thin front for Meson: each target says in one line what it is for (make help).

# What `make demo` runs: an enclave that needs several times the EPC it is given.
DEMO = $(BUILD)/cli/softsgx run --epc 16M --overcommit 1000 --stats -- $(BUILD)/examples/wordindex/wordindex $(DEMO_ARGS)
# What `make bench` runs.
BENCH = $(BENCH_BUILD)/bench/fault $(BENCH_ARGS)

# Build directory of demo, check, install and check-kernels. Another compiler needs another one:
#   make check CC=clang BUILD=build-clang
BUILD = build
# Figures are taken without the accounting laws and debug code of the everyday build.
BENCH_BUILD = build-bench
# Passed to `meson setup`, when the build directory is first made, and to `meson test`.
MESON_FLAGS =
TEST_FLAGS =
PREFIX = /usr/local

export KERNELS ?= build/kernels
# make's own default, cc, would hide Meson's search.
ifneq ($(origin CC),default)
export CC
endif

.PHONY: help deps build demo check check-kernels conformance bench sanitize lint format install clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo
	@echo "  Variables: BUILD=$(BUILD) CC=... MESON_FLAGS=... TEST_FLAGS=... DEMO_ARGS=... BENCH_ARGS=... PREFIX=$(PREFIX)"

deps: ## install the packages that are missing (apt-get; sudo when not root)
	@scripts/install-deps build

build: deps ## compile into BUILD
	@test -e $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX) $(MESON_FLAGS)
	meson compile -C $(BUILD)

demo: build ## run an enclave larger than its EPC on the machine's own header files
	$(DEMO)

check: build ## run every test; the last line is the count
	@scripts/run-tests $(BUILD) $(TEST_FLAGS)

check-kernels: build ## run the tests of suite 'kernels' on Debian's kernels 6.1 and 6.12 (QEMU, no KVM needed)
	@scripts/install-deps kernels
	@scripts/check-kernels $(BUILD)

conformance: ## (not part of this version)
	@echo "make conformance: the conformance suite is not part of this version; nothing was run." >&2
	@echo "The tests there are run with: make check" >&2
	@exit 2

bench: deps ## measure faults against the cost of their primitives
	@test -e $(BENCH_BUILD)/build.ninja || \
		meson setup $(BENCH_BUILD) --buildtype=release -Dlaws=false -Dtests=false $(MESON_FLAGS)
	meson compile -C $(BENCH_BUILD)
	$(BENCH)

sanitize: deps ## run the tests under ASan+UBSan (gcc) and TSan (clang)
	@scripts/install-deps build lint
	@scripts/sanitize

lint: deps ## formatting, layers, clang-tidy, and builds by gcc and clang that allow no warning
	@scripts/install-deps build lint
	@scripts/lint

format: ## rewrite all C sources as .clang-format says
	@scripts/install-deps lint
	clang-format -i $$(scripts/sources)

# The prefix may have been another when the build directory was made.
install: build ## install below PREFIX (DESTDIR is honoured)
	@meson configure $(BUILD) --prefix=$(PREFIX)
	meson install -C $(BUILD)

clean: ## remove every build directory, with the kernels fetched into build/
	rm -rf $(BUILD) $(BENCH_BUILD) build-*/
