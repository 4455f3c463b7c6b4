# Everything needs Python 3.11 or newer and nothing else; what is missing is fetched into .venv.
#
#   make serve    the site on http://127.0.0.1:8000 (PORT=9000 for another), with example content
#   make demo     a foreign web site with the banner, beside it (in a second terminal)
#   make test     the whole suite: SQLite, PostgreSQL, Chromium, the image
#   make bench    what it weighs and how fast it is, beside others (needs npm, wrk and PostgreSQL)
#   make lint     what the checks before the tests say
#   make messages the Dutch catalogue, brought in line with the sources
#   make lock     the exact versions of the dependencies (needs uv)
#   make audit    known weaknesses of the dependencies (needs a network)
#   make image    the container image (needs docker, podman or buildah; IMAGE= and PYTHON_IMAGE= for others)
#   make sbom     the bill of materials of that image (needs docker or podman)
#   make clean    remove what was made, except the database in var/

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PORT ?= 8000
DEMO_PORT ?= $(shell expr $(PORT) + 1)
VENDOR_PORT ?= $(shell expr $(PORT) + 2)
IMAGE ?= privacy-site
PYTHON_IMAGE ?= python:3.13-slim

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet --no-input
CATALOGUES := $(wildcard locale/*/LC_MESSAGES/*.po)

# For this machine alone: plain http on the loopback address, a key and a database that only
# their owner reads.
LOCAL = umask 077; PUBLIC_URL=$${PUBLIC_URL:-http://127.0.0.1:$(PORT)} \
	DEMO_ORIGINS=$${DEMO_ORIGINS:-http://127.0.0.1:$(DEMO_PORT)} \
	$(if $(SECRET_KEY),,SECRET_KEY_FILE=$${SECRET_KEY_FILE:-var/secret_key})

# The first that works: a docker without its daemon does not.
CONTAINERS ?= $(shell for c in docker podman buildah; do $$c info >/dev/null 2>&1 && echo $$c && break; done)

.PHONY: help serve demo test bench lint audit messages lock image sbom clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -n 13

# -- What the commands stand on ----------------------------------------------------------------

.venv/made:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found. Name it: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is not Python 3.11 or newer. Name another: make PYTHON=/path/to/python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/run: requirements/run.txt .venv/made
	@echo "Installing what the site needs"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@touch $@

.venv/dev: requirements/dev.txt .venv/made
	@echo "Installing what the tests need"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@ .venv/run

.venv/messages: $(CATALOGUES) scripts/messages.py .venv/run
	@$(PY) scripts/messages.py compile
	@touch $@

var/secret_key:
	@umask 077; mkdir -p var && $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(60), end="")' > $@

.venv/static: $(shell find static */static -type f 2>/dev/null) .venv/run var/secret_key
	@echo "Collecting static files"
	@$(LOCAL) $(PY) manage.py collectstatic --no-input --verbosity 0
	@touch $@

# -- Commands ------------------------------------------------------------------------------------

serve: .venv/run .venv/messages .venv/static var/secret_key
	@$(LOCAL) $(PY) scripts/prepare.py
	@echo "The site:   $${PUBLIC_URL:-http://127.0.0.1:$(PORT)}   (Ctrl-C stops it)"
	@echo "The banner on a foreign site: make demo$(if $(filter-out 8000,$(PORT)), PORT=$(PORT)), in another terminal; then http://127.0.0.1:$(DEMO_PORT)"
	@$(LOCAL) $(PY) manage.py run_due --every 20 & scheduler=$$!; \
		$(LOCAL) $(PY) -m gunicorn --bind 127.0.0.1:$(PORT) --log-level warning & web=$$!; \
		trap 'kill $$web' INT TERM; \
		while kill -0 $$web 2>/dev/null; do wait $$web; code=$$?; done; \
		kill $$scheduler 2>/dev/null; exit $$code

demo: .venv/run .venv/messages var/secret_key
	@$(LOCAL) exec $(PY) manage.py demo_site --port $(DEMO_PORT) --vendor-port $(VENDOR_PORT) \
		--banner http://127.0.0.1:$(PORT)/embed/website.js

test: .venv/dev .venv/messages
	@$(PY) -m tests.suite

bench: .venv/dev .venv/messages
	@$(PY) -m bench

lint: .venv/dev .venv/messages
	@$(PY) scripts/lint.py

audit: .venv/dev
	@$(PY) scripts/audit.py

messages: .venv/run
	@$(PY) scripts/messages.py update

lock:
	@command -v uv >/dev/null || { echo "uv is needed to lock the dependencies." >&2; exit 1; }
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--quiet pyproject.toml --output-file requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--quiet pyproject.toml --group dev --constraint requirements/run.txt --output-file requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--quiet --group sbom --output-file requirements/sbom.txt

# Podman and buildah forget the health check in their own format of images.
image:
	@test -n "$(CONTAINERS)" || { echo "docker, podman or buildah is needed. Name it: make image CONTAINERS=…" >&2; exit 1; }
	BUILDAH_FORMAT=docker $(CONTAINERS) build --build-arg PYTHON_IMAGE=$(PYTHON_IMAGE) --tag $(IMAGE) .

sbom:
	@test -n "$(filter-out buildah,$(CONTAINERS))" || { echo "docker or podman is needed. Name it: make sbom CONTAINERS=…" >&2; exit 1; }
	@$(CONTAINERS) run --rm $(IMAGE) cat /srv/sbom.cdx.json

clean:
	rm -rf .venv var/static .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find locale -name '*.mo' -delete
