# `make` lists the targets. Building needs nothing but Go; testing, what tools/setup says.
SHELL := bash
.NOTPARALLEL:
.DEFAULT_GOAL := help

GO       ?= go
FUZZTIME ?= 10s
SYSTEMS  := linux darwin windows
TARGETS  := $(foreach os,$(SYSTEMS),$(os)/amd64 $(os)/arm64)
RACE     := . ./internal/link ./internal/journal ./internal/api
CHECK     = $(GO) tool -modfile=$(CURDIR)/tools/staticcheck/go.mod staticcheck

export GOFLAGS ?= -buildvcs=false# the same sources make the same program, with git or without

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile | expand -t 19

build: ## bin/tincan: stripped, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/ ./cmd/tincan

# -count=1: go does not see that the program under test has changed, and would take an old result for true.
test: setup lint cross race ## everything; installs from Debian what it needs when it may
	$(GO) test ./...
	cd e2e && $(GO) test -count=1 -timeout 30m ./...

check: test ## what CI runs: the same

setup: ## the first step of `make test`: install the counterparts, or say what is missing
	@tools/setup

lint: fmt $(addprefix vet/,$(SYSTEMS)) ## gofmt, go vet for each system, go.mod, staticcheck
	$(GO) mod tidy -diff
	cd e2e && $(GO) mod tidy -diff && $(GO) vet ./...
	$(CHECK) ./...
	cd e2e && $(CHECK) ./...

fmt:
	@files=$$(gofmt -l .); test -z "$$files" || { echo "not formatted, see gofmt -d:" $$files; exit 1; }

vet/%:
	GOOS=$* $(GO) vet ./...

cross: $(addprefix cross/,$(TARGETS)) ## build for linux, darwin, windows on amd64 and arm64

cross/%:
	CGO_ENABLED=0 GOOS=$(*D) GOARCH=$(*F) $(GO) build -o /dev/null ./cmd/tincan

race: ## the packages with goroutines, under the race detector, but for the longest tests
	CGO_ENABLED=1 $(GO) test -race -short $(RACE)

test-model: ## the delivery rules, searched through five million states
	TINCAN_MODEL=1 $(GO) test -count=1 -run Model -v ./internal/stream

torture: ## 10,000 simulations, every pair of cuts, 1,000 kills, 10,000 losses of power: hours
	TINCAN_SEEDS=10000 TINCAN_TORTURE=1 $(GO) test -count=1 -timeout 12h -run 'Simulation|Torture|CutOften' -v .
	cd e2e && TINCAN_TORTURE=1 $(GO) test -count=1 -timeout 12h -run 'Native|Power|DiskFaults' -v .

fuzz: ## every fuzz target for FUZZTIME
	@$(GO) test -list '^Fuzz' ./... | awk '/^Fuzz/ {f[n++] = $$1} /^ok/ {for (i = 0; i < n; i++) print $$2, f[i]; n = 0}' | \
	while read -r package target; do \
		echo "$$package $$target"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) $$package || exit 1; \
	done

bench: build ## the figures: codecs, listening, one message, links, start, page, size
	$(GO) test -run '^$$' -bench . ./...
	cd e2e && $(GO) test -run '^$$' -bench . ./...
	@wc -c bin/tincan | awk '{printf "%s, stripped: %.1f MB\n", $$2, $$1 / 1e6}'

vuln: ## known vulnerabilities; GOVULNDB=file:///folder where the database cannot be reached
	@tools/vuln

page: ## check and bundle the page's TypeScript; the result is committed; needs npm
	npm ci --prefix internal/api/page
	npm run check --prefix internal/api/page
	$(GO) generate ./internal/api

.PHONY: help build test check setup lint fmt cross race test-model torture fuzz bench vuln page
