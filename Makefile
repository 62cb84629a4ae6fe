# What is done to this repository again and again. FUZZTIME is the time of each fuzz target.
FUZZTIME ?= 1m
FUZZFLAGS ?= -parallel 1 -fuzzminimizetime 10x

.PHONY: check lint test bench fuzz reproducible dist reliability

check: # everything that has to pass before a change goes in
	bash .ci/run

lint: # formatting and vet, for the boards too; golangci-lint run says more
	@unformatted=$$(git ls-files '*.go' | xargs gofmt -l); if [ -n "$$unformatted" ]; then echo "gofmt would change: $$unformatted"; exit 1; fi
	go vet ./... ./testdata ./testdata/gen
	for arch in arm arm64; do GOARCH=$$arch go vet ./runtime/... ./cmd/qrun || exit 1; done
	cd examples/classify && go vet ./... # a module of its own, as users have them

test:
	go test ./...

bench:
	go test -run '^$$' -bench . ./...
	@echo "runtime/bench and finetune/bench compare with ONNX Runtime and PyTorch: see the READMEs there"

fuzz: # every target, one after the other
	@grep -rn --include='*_test.go' '^func Fuzz' . | sed -E 's,^(.*)/[^/]*:[0-9]+:func (Fuzz[A-Za-z0-9]+)\(.*,\1 \2,' | sort -u | while read -r package target; do \
		echo "== $$package $$target"; \
		go test "$$package" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $(FUZZFLAGS) || exit 1; \
	done

reproducible: # builds the binaries twice, in two folders, and compares them
	bash docs/reproducible

dist: # archives, Debian packages and checksums, in dist/out
	bash dist/build

reliability: # measures the tables of docs/reliability.md
	python3 docs/reliability.py
