# The front of the build: Meson and the scripts do the work, this names it.

BUILD ?= build
CC ?= cc
MEMSCOPE = $(BUILD)/src/cli/memscope
PREFIX ?= /usr/local
export MEMSCOPE_BUILD = $(abspath $(BUILD))

.DEFAULT_GOAL := help
.PHONY: help deps deps-test build demo test test-all check unit rules asan tsan bench bench-governor bench-rates bench-ends bench-web fuzz install dist deb format clean

help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
	@echo "variables: BUILD=build CC=cc PREFIX=/usr/local DESTDIR= FUZZ_SECONDS=60 BENCH='options' REPORTS='files'"

deps: ## install what the build needs (as root), or say what is missing
	@packaging/deps.sh packaging/deps-build.txt

deps-test: deps ## install what the tests need (as root), or say what is missing
	@packaging/deps.sh packaging/deps-test.txt

$(BUILD)/build.ninja:
	@meson setup $(BUILD) $(if $(wildcard /usr/include/cmocka.h),,-Dtests=false)

build: deps $(BUILD)/build.ninja ## build memscope into build/
	@ninja -C $(BUILD)

demo: build ## build, profile a real program (Python), print the summary, name the report
	@packaging/demo.sh $(MEMSCOPE)

test: deps-test $(BUILD)/build.ninja ## run the tests that CI runs
	@tests/run_all.py --when quick --build $(BUILD)

test-all: deps-test $(BUILD)/build.ninja ## run every test, the long ones too
	@tests/run_all.py --when all --build $(BUILD)

check: deps-test $(BUILD)/build.ninja ## warnings of gcc and clang, format, rules, ASan and UBSan
	@tests/run_all.py --when check --build $(BUILD)

unit: deps-test $(BUILD)/build.ninja ## unit tests, warnings as errors
	@tests/run_all.py --build $(BUILD) unit-gcc

rules: deps-test $(BUILD)/build.ninja ## format, layers, lengths, banned calls, imports
	@tests/rules/run.py

tsan: deps-test $(BUILD)/build.ninja ## unit tests of the tool side under TSan
	@tests/run_all.py --when all --build $(BUILD) unit-tsan

asan: deps-test $(BUILD)/build.ninja ## unit tests of the tool side under ASan and UBSan
	@tests/run_all.py --build $(BUILD) unit-asan

bench: build ## compare with other heap profilers, print a table of ratios
	@packaging/deps.sh packaging/deps-bench.txt
	@bench/run.py --memscope $(MEMSCOPE) --json $(BUILD)/bench.json --svg $(BUILD)/bench.svg $(BENCH)

bench-governor: build ## hold --max-overhead-percent 5 against the clock on real programs
	@bench/governor.py --memscope $(MEMSCOPE) --json $(BUILD)/governor.json $(BENCH)

bench-rates: build ## what each sample rate costs: processor time, and memory seen from outside
	@bench/rates.py --memscope $(MEMSCOPE) --json $(BUILD)/rates.json $(BENCH)

bench-ends: build ## what a run costs before the program's first line and after its last
	@bench/ends.py --memscope $(MEMSCOPE) --json $(BUILD)/ends.json $(BENCH)

bench-web: build ## measure the page's times and sizes in Chromium, say what is over budget
	@cd web && node build.mjs >/dev/null && node ../bench/web/run.mjs $(REPORTS)

fuzz: deps-test ## fuzz each target for FUZZ_SECONDS (60)
	@fuzz/run.sh $(or $(FUZZ_SECONDS),60)

install: build ## install below PREFIX (/usr/local), staged in DESTDIR
	@meson configure $(BUILD) --prefix $(PREFIX)
	@meson install -C $(BUILD)

dist: deps ## make dist/memscope-VERSION-linux-x86_64.tar.gz, which runs where it is unpacked
	@packaging/dist.sh tar

deb: deps ## make dist/memscope_VERSION_amd64.deb
	@packaging/dist.sh deb

format: ## lay out the C files with clang-format
	@git ls-files -z -co --exclude-standard '*.c' '*.h' | xargs -0 -r clang-format -i

clean: ## remove everything that was built
	@rm -rf dist build-dist-tar build-dist-deb $(BUILD) $(BUILD)-clang $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz $(BUILD)-test
