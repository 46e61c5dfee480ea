# Everything installs itself into this checkout: .tools (uv, if the machine has none) and .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := .venv/bin
STAMP := .venv/.installed
SBOM ?= sbom.json
AUDITORS := tests/audit/node_modules/.package-lock.json
export UV_PYTHON_DOWNLOADS := never
export UV_PYTHON_PREFERENCE := only-system
# Nine processes import the same libraries at every start: compile them once, here.
export UV_COMPILE_BYTECODE := 1

##@ Use it
.PHONY: demo
demo: setup ## A sample newsroom on this machine: prints its addresses, Ctrl-C stops it
	@exec $(RUN)/python infra/demo/run.py

.PHONY: up
up: compose .env ## The production shape with docker compose; writes .env with new secrets if there is none
	docker compose build
	docker compose up --detach --wait
	@docker compose ps

.PHONY: down
down: compose ## Stop what make up started; its data stays in its volumes
	docker compose down

.PHONY: setup
setup: $(STAMP) ## Install into the checkout; the other targets call it


##@ Work on it
.PHONY: test
test: lint types imports unit integration ## All checks; about half an hour on 2 cores

.PHONY: lint
lint: setup ## Format and lint
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .

.PHONY: fix
fix: setup ## Format, and mend what lint can mend
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

.PHONY: types
types: setup ## mypy, strict, tests included
	$(RUN)/mypy

.PHONY: imports
imports: setup ## Who may import whom
	$(RUN)/lint-imports

.PHONY: unit
unit: setup ## Tests without servers: make unit T=tests/unit/delivery narrows them
	$(RUN)/pytest -n 2 $(or $(T),tests/unit tests/architecture tests/fuzz)

.PHONY: integration
integration: setup ## Tests against real PostgreSQL, Valkey, S3 and edge, faults included
	$(RUN)/pytest -n 3 --dist loadgroup --no-loadscope-reorder $(or $(T),tests/contract tests/integration tests/e2e tests/faults)

.PHONY: soak
soak: setup ## Storms of faults for hours: make soak SEEDS=20 MINUTES=2; SEED=7 does that one again
	$(RUN)/python -m tests.faults.chaos.soak $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),5)) \
	  --minutes $(or $(MINUTES),1.25) $(SOAK)

.PHONY: audit
audit: setup $(AUDITORS) ## Independent tools judge the published pages: make audit T=tests/audit/test_access.py narrows it
	$(UV) sync --locked --quiet --inexact --group audit --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	$(RUN)/pytest $(or $(T),tests/audit)

.PHONY: fuzz
fuzz: setup ## What reads strangers' input, with N generated inputs of each kind: make fuzz N=100000
	NASHR_FUZZ_EXAMPLES=$(or $(N),20000) $(RUN)/pytest -n 2 --timeout 0 tests/fuzz

.PHONY: supply
supply: setup ## Looks for known vulnerabilities in what a container holds; writes its bill of materials, sbom.json
	$(UV) export --locked --quiet --no-default-groups --format cyclonedx1.5 --output-file $(SBOM)
	@$(UV) audit --preview-features audit-command --locked --no-default-groups $(OSV:%=--service-url %) || { \
	  code=$$?; test $$code = 2 || exit $$code; \
	  echo "the service of known vulnerabilities (osv.dev) did not answer: nothing was looked for" >&2; }

.PHONY: bench
bench: setup ## Run the benchmarks and print their tables
	$(UV) sync --locked --quiet --group bench --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	$(RUN)/python benchmarks/run.py
	$(RUN)/python benchmarks/images/run.py
	$(RUN)/python benchmarks/related/run.py
	$(RUN)/python benchmarks/cards/run.py
	$(RUN)/python benchmarks/delivery/run.py
	$(RUN)/python benchmarks/load/run.py
	$(RUN)/python benchmarks/pages/render.py
	$(RUN)/python benchmarks/pages/cost.py

.PHONY: clean
clean: ## Remove what make installed; data folders stay
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: compose
compose:
	@docker compose version >/dev/null 2>&1 || { echo "make up and make down need Docker with its compose plugin, and" \
	  "'docker compose version' fails: install it (https://docs.docker.com/compose/install/), or use make demo" >&2; exit 1; }

# A secret that .env.example leaves empty is 24 random bytes in hex. What an .env has stays as it is; a name that a
# newer .env.example brings is added.
.env: .env.example
	@umask 077; test -e $@ && began= || began=yes; while IFS= read -r line; do case "$$line" in \
	  \#*|'') test -z "$$began" || printf '%s\n' "$$line" ;; \
	  *) grep -q "^$${line%%=*}=" $@ 2>/dev/null || case "$$line" in \
	    *=) printf '%s%s\n' "$$line" "$$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')" ;; \
	    *) printf '%s\n' "$$line" ;; esac ;; esac; done < .env.example > .env.new && \
	  { test ! -s .env.new || echo "wrote $@ with new secrets: keep it, the database is set up with them"; } && \
	  cat .env.new >> $@ && rm .env.new && touch $@

$(STAMP): uv.lock pyproject.toml shared/pyproject.toml $(wildcard services/*/pyproject.toml) | $(UV)
	$(UV) sync --locked --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@$(RUN)/python -m compileall -q shared services
	@touch $@

# Without npm, what needs its packages is skipped and says so.
$(AUDITORS): tests/audit/package-lock.json
	@if npm view axe-core version >/dev/null 2>&1; then \
	  npm ci --prefix tests/audit --ignore-scripts --no-audit --no-fund --loglevel=error && touch $@; \
	  else echo "npm is not here or has no registry: what needs axe-core, Lighthouse or Readability is skipped" >&2; fi

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nashr needs Python 3.11 or newer")'
	$(PYTHON) -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
