# Two commands do everything on a fresh Debian or Ubuntu machine: `make profile` and `make test`.

MEMREEL = target/release/memreel
# Tests wait for engines and processes for a third of their time: so half as many again as there are CPUs run at once.
TESTS_AT_ONCE := $(shell expr $$(nproc) \* 3 / 2)
CARGO_TEST := $(shell command -v cargo-nextest >/dev/null 2>&1 && echo "cargo nextest run --test-threads $(TESTS_AT_ONCE)" \
	|| echo "cargo test")

.PHONY: help setup setup-tests build profile investigate quick test test-all lint docs guard peers check bench verdicts rates live-checks fuzz soak faults man deb tarball try-packages clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install the packages that are missing (as root or through sudo)
	@scripts/setup.sh

setup-tests: ## the same, and those that only tests need
	@scripts/setup.sh --tests

build: setup ## build memreel, its launcher and its exporter
	cargo build --release --workspace --bins

man: setup ## write man pages and completions of shells into target/share
	cargo run --quiet --release --package memreel-pages -- target/share

reference: ## write docs/cli.md from the command line, docs/schema from the types, docs/unsafe.md from the code
	cargo run --quiet --package memreel-pages -- target/share
	cp target/share/doc/memreel/docs/cli.md docs/cli.md
	mkdir -p docs/schema
	cp target/share/doc/memreel/docs/schema/*.json docs/schema/
	MEMREEL_WRITE_DOCS=1 cargo test --quiet --test architecture unsafe

deb: build man ## pack memreel, its launcher and its exporter for this release of Debian or Ubuntu, in target/dist
	@scripts/package.sh deb

tarball: build man ## pack what cargo-binstall fetches, in target/dist
	@scripts/package.sh tarball

try-packages: setup-tests deb tarball ## unpack both and use them without a checkout
	@scripts/try-packages.sh

profile: build ## export forty clips threaded and single-threaded with two engines; leave CSV and plots
	$(MEMREEL) run forty-clips

investigate: build ## make reports/export-crash again (about an hour); RLVIDEO=DIR names a checkout of the editor
	reports/export-crash/investigate.sh $(RLVIDEO)

# Each suite has a budget of minutes: see CONTRIBUTING.md.
test: setup-tests lint docs guard check ## everything that has to hold before a change lands

# Tests of the judge, and of the direction of imports. Named in one command with the unit tests, because cargo would build
# a package with other features for itself.
QUICK = architecture constants division prediction properties sets

quick: ## what needs no engine: format, clippy, unit tests, the judge on recordings (two minutes after a build)
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(CARGO_TEST) --workspace --lib --bins $(QUICK:%=--test %)

lint: ## format, clippy, and scripts
	shellcheck --severity=warning scripts/*.sh reports/*/*.sh
	! grep -rnE '^(<<<<<<<|>>>>>>>) ' README.md CHANGELOG.md CONTRIBUTING.md docs engines scenarios src tests projects/src
	cargo fmt --all --check
	cargo fmt --check --manifest-path examples/gated-export/Cargo.toml
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --workspace --all-targets -- -D warnings

docs: ## rustdoc without warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

peers: ## install the programs that memreel record is compared with, below target/
	@scripts/peers.sh

guard: ## instructions that the sampling path takes, counted by valgrind
	cargo bench -p memreel-record --bench instructions --profile guard

check: peers ## unit tests, then real exports with real engines
	cargo test --workspace --doc
	$(CARGO_TEST) --workspace --lib --bins --tests

test-all: test try-packages bench ## what takes longer, too
	cargo test -p memreel --test soak -- --ignored of_forty_kills

bench: build peers ## exporter, sampler and reader, side by side with what people use today
	cargo bench --bench sampler
	cargo bench --bench trace
	cargo bench --bench library
	cargo bench --bench engines
	cargo bench --bench verdicts

verdicts: ## verdicts beside other methods, on two hundred exports of which the truth is known
	cargo bench --bench verdicts

rates: ## how often a check is wrong and what it finds, by checks drawn from stored exports that are alike
	cargo test --test check_rates -- --nocapture --test-threads 1

live-checks: build ## checks of real exports, alike and with faults put in (about an hour)
	scripts/live-checks.sh

fuzz: setup-tests ## try inputs that nobody thought of, FUZZ_SECONDS=60 on each kind of them (FUZZ_TARGETS="mlt otio")
	scripts/fuzz.sh

SOAK = cargo test -p memreel --test soak -- --ignored --nocapture --test-threads 1

soak: check-binaries ## disturb small matrices in every way for SOAK_MINUTES=60, drawn by SOAK_SEED; needs root for a small disk
	$(SOAK) of_forty_kills an_hour_of

faults: check-binaries ## do what can go wrong FAULTS_EACH=5 times each, and write docs/faults.md
	$(SOAK) the_table_of_faults_is_written

check-binaries: setup-tests
	cargo build --workspace --bins

clean: ## remove what was built
	cargo clean
