# Everything a person does with this repository. `make help` lists it; each target says what it does and how long it took.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The Node that the lock file pins: a machine with an older one needs nothing but npm.
node := node_modules/.bin/node
jest := $(node) --experimental-vm-modules --no-warnings node_modules/jest/bin/jest.js
# Runs one step and says how long it took.
step = @start=$$SECONDS; echo "==> $(1)"; $(2) && echo "    done in $$((SECONDS - start)) s"

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

node_modules: package.json package-lock.json
	$(call step,npm ci,npm ci --no-audit --no-fund --loglevel=error)
	@touch node_modules

.PHONY: generate verify
generate: node_modules ## write every generated file again: CRDs, reference pages
	$(call step,generate,$(node) hack/generate/all.ts)

verify: node_modules ## fail when a generated file is not what its source gives
	$(call step,verify generated files,$(node) hack/generate/all.ts --check)

.PHONY: format lint typecheck
format: node_modules ## format with prettier
	@node_modules/.bin/prettier --write --log-level warn .

lint: node_modules ## prettier, oxlint with type information, knip (unused files and exports)
	$(call step,prettier,node_modules/.bin/prettier --check --log-level warn .)
	$(call step,oxlint,node_modules/.bin/oxlint --type-aware --deny-warnings)
	$(call step,knip,$(node) node_modules/knip/bin/knip.js)

typecheck: node_modules ## tsc
	$(call step,tsc,node_modules/.bin/tsc --noEmit)

.PHONY: test test-unit test-integration test-faults test-minor
test test-unit test-integration: export NODE_COMPILE_CACHE ?= $(or $(GENOPS_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/genops)/node
# The cluster of `make cluster-up` where it is up; else one that comes and goes with the tests.
with_cluster := $(node) hack/cluster/main.ts with --

# What can share the machine, four files at a time; then what measures time, or looks at the whole machine.
define together_then_alone
for files in integration alone; do \
	config=test/jest.$$files.config.mjs; \
	[ -n "$$($(jest) -c $$config --listTests $(ONLY))" ] || continue; \
	found=yes; $(jest) -c $$config $(ONLY) || exit; \
done; \
[ -n "$$found" ] || { echo "saw ONLY=$(ONLY); wanted a part of the name of a test file"; exit 1; }
endef

test: test-unit test-integration ## all tests: everything they need is installed and cached outside the checkout

test-unit: node_modules ## unit tests alone: no network, seconds
	$(call step,unit tests,$(jest) -c test/jest.unit.config.mjs $(ONLY))

test-integration: node_modules ## integration and fault tests on a real Kubernetes with a real node (ONLY=part of a file name)
	$(call step,integration and fault tests,$(with_cluster) sh -c '$(together_then_alone)')

# What depends on Kubernetes itself: its schemas and rules, autoscaler, resize, aggregation, rights, watches.
minor_files := chart.test crds.test custom-metrics.test finalizers.test kube-client.test kube-events.test kube-watch.test manifests.test manager.test modes.test rights.test scaling.test resources-lever.test
KUBERNETES ?= 1.34
test-minor: ## those that depend on Kubernetes itself, on another minor (KUBERNETES=1.34, the oldest that the chart takes): its programs are built once, in some 10 minutes
	@GENOPS_KUBERNETES=$(KUBERNETES) $(MAKE) --no-print-directory test-integration ONLY="$(or $(ONLY),$(minor_files))"

test-faults: ## of these, what breaks at three in the morning: servers, operator and harness killed, hung and cut off
	@$(MAKE) --no-print-directory test-integration ONLY=test/faults

.PHONY: library
library: node_modules ## build genops/runtime as a package of its own, ready for npm pack
	@$(node) hack/library/main.ts

.PHONY: bench
bench: node_modules ## genops beside the API server's own floor and a minimal Go operator, as ratios within one run (BENCH_RUNS=1: 10 minutes instead of 30); BENCH_LINES=metrics: what reading and keeping figures of Pods costs, without a cluster
	@$(node) test/bench/main.ts

.PHONY: bench-decisions
bench-decisions: node_modules ## how well scalers decide, over traces that are made here or those of GENOPS_TRACES, beside the HPA and Knative's autoscaler (ONLY=part of a trace's name; RIVALS=oracle,hpa; DELAYS=90; BELIEFS=1: what Lookahead is told is wrong; WORLDS=1: what they share is full); then how often the optimizer is wrong about its own actions
	@$(node) test/bench/decisions.ts $(if $(BELIEFS),--beliefs) $(if $(WORLDS),--worlds) $(if $(RIVALS),--rivals=$(RIVALS)) $(if $(DELAYS),--delays=$(DELAYS)) $(ONLY)
	@$(if $(BELIEFS)$(WORLDS)$(ONLY)$(RIVALS)$(DELAYS),,$(node) test/bench/optimizer.ts)

.PHONY: bench-runtime
bench-runtime: node_modules ## what the runtime library costs beside lru-cache, ioredis, p-queue and dataloader, as ratios within one run (BENCH_ROUNDS=15: a minute)
	@$(node) test/bench/runtime.ts

.PHONY: bench-weights
bench-weights: node_modules ## what adaptive weights bring over plain least_conn: in a model of six Pods, then before real ones on a real node, and what changes of weights and Pods cost clients (BENCH_LINES='model', 'live', 'a minute' or 'ten minutes'; BENCH_SEEDS=1, BENCH_ROUNDS=1: shorter)
	@$(if $(filter model,$(BENCH_LINES)),,$(with_cluster)) $(node) test/bench/weights.ts

.PHONY: cluster-up cluster-down
cluster-up: node_modules ## a real Kubernetes with a real node on this machine; prints its kubeconfig
	@$(node) hack/cluster/main.ts up

cluster-down: node_modules ## end it, and what a killed command left; nothing is left running, mounted or routed
	@$(node) hack/cluster/main.ts down

.PHONY: image sbom
image: node_modules ## the operator's image as a docker-archive (genops:dev), without a container engine
	@$(node) hack/image/main.ts build operator
	@$(node) hack/image/main.ts start

sbom: node_modules ## what that image is made of, as CycloneDX on standard output: packages in the bundle with versions and licences, Node, libraries
	@$(node) hack/image/main.ts sbom

.PHONY: demo run
demo: node_modules ## the main job on real input, from nothing to a scaled workload and a tuned Redis (KEEP=1 leaves it up, METRICS_API=1 serves the HPA)
	@$(node) hack/demo/main.ts $(if $(KEEP),--keep) $(if $(METRICS_API),--metrics-api)

run: node_modules ## the operator from source, against the cluster of cluster-up (GENOPS_CLUSTER=NAME: another); waits while an installed one leads
	@lines=$$($(node) hack/cluster/main.ts env $(if $(GENOPS_CLUSTER),--name $(GENOPS_CLUSTER))) && eval "$$lines" && \
		kubectl apply --server-side --force-conflicts -k crds && \
		kubectl apply --server-side -f config/manager/namespace.yaml && \
		exec $(node) operator/main.ts manager

.PHONY: ok
ok: test verify lint typecheck demo ## all that CI runs, in its order
