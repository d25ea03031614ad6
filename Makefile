# The two commands of the README, and the long one.

DRDRILL := target/debug/drdrill
# The images that `make test` needs; drills build or pull what else they need.
TESTED := sidecar clock keepalived redis postgres pgbackrest mysql mariadb patroni mongodb etcd haproxy toxiproxy kafka opensearch prometheus alertmanager redis_exporter

# Unit tests without optimisation: they run half a minute longer, and are compiled in a quarter of the time.
PLAIN := --config profile.dev.package.drdrill.opt-level=0

.PHONY: drill test test-long test-netem drills sample sample-database image release setup build

## Sets up what is missing, builds drdrill, and runs a first drill on real Redis containers.
drill: build
	$(DRDRILL) run scenarios/quickstart.yaml

## Sets up what is missing and runs every check and test, on real containers too.
test: export DRDRILL_DOCKER_TESTS = 1
test: setup
	cargo fmt --all -- --check
	cargo test --locked --no-run --test it
	@# Images are mostly fetched and unpacked: that, the rest of the compiling and the lints leave each other time.
	$(DRDRILL) images --build $(TESTED) & images=$$!; \
	if cargo test --locked --no-run --bins && cargo test --locked --no-run --lib $(PLAIN) && cargo clippy --locked --all-targets -- -D warnings; then wait $$images; else kill $$images; exit 1; fi
	cargo test --locked --bins
	cargo test --locked --lib $(PLAIN)
	cargo test --locked --doc
	@# The reference store's drills mostly wait; what runs containers or measures the machine has it to itself.
	cargo test --locked --test it -- --test-threads=3 reference::
	cargo test --locked --test it -- --test-threads=1 --skip reference::

## Runs the tests that take minutes each: series of drills on one stack, interrupted and killed; what is beyond one kill a system.
test-long: export DRDRILL_DOCKER_TESTS = 1
test-long: build
	$(DRDRILL) images --build
	cargo test --locked --test it -- calibration:: repeats:: faults:: machines:: disks:: inside:: killed:: streams:: _stack:: drills:: alerts:: early_ends:: unexplained:: engine_away:: restores:: restores_mariadb:: runbooks:: attached:: own_rabbitmq:: --ignored --test-threads=1

## Tries the faults that the kernel's emulator (netem) makes, in a virtual machine whose kernel has it.
test-netem: build
	scripts/netem.sh

# They need mongos, which only the image itself has: without it they are refused as unfit (exit code 5), which fails nothing.
MONGOS := $(wildcard scenarios/mongodb/sharded-*.yaml)

## Runs every shipped scenario.
drills: build
	$(DRDRILL) run $(filter-out $(MONGOS),$(wildcard scenarios/*.yaml scenarios/*/*.yaml))
	$(DRDRILL) run $(MONGOS) || { [ $$? = 5 ] && ! docker image inspect mongo:8 >/dev/null 2>&1 && echo 'not run, for the reasons above: $(MONGOS)'; }

## Makes the sample run and the quarterly report from it under reports/ anew; after a change of judging or rendering.
sample: build
	rm -rf target/sample reports/sample/reference-primary-kill reports/sample/quarterly && mkdir -p reports/sample
	$(DRDRILL) run scenarios/reference/primary-kill.yaml --seed 1 --out target/sample
	cp -r target/sample/reference-primary-kill reports/sample/
	$(DRDRILL) report reports/sample --quarter $$(scripts/sample_quarter.sh) --out reports/sample/quarterly

## Makes the sample drill of a real database under reports/ anew, and the quarterly report with it.
sample-database: build
	rm -rf target/sample-database reports/sample/quickstart reports/sample/quarterly
	$(DRDRILL) run scenarios/quickstart.yaml --seed 1 --out target/sample-database
	cp -r target/sample-database/quickstart reports/sample/
	$(DRDRILL) report reports/sample --quarter $$(scripts/sample_quarter.sh) --out reports/sample/quarterly

## Builds drdrill's own image, for engines whose nodes this machine cannot reach.
image: build
	rm -rf target/image && mkdir -p target/image
	cp -r $(DRDRILL) scenarios docker/drdrill/Dockerfile target/image/
	DOCKER_BUILDKIT=0 docker build -q -t drdrill.local/drdrill:dev --build-arg BASE=drdrill.local/base:trixie target/image

## Makes what is handed on under target/release-VERSION: the program, a package for Debian, completions, checksums.
release: setup
	scripts/release.sh

build: setup
	cargo build --locked

setup:
	scripts/setup.sh
