# Two commands, each does all of its own set-up:
#   make demo    a short search on the bundled digits, offline, a few minutes
#   make test    the whole test suite
# Every command is printed, so that it can be typed without make.

PYTHON ?= python3
DEMO_EXPERIMENTS ?= 15
PYTEST_ARGS ?=
# One worker more than cores, as tests often wait; four at most.
WORKERS := -n $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) + 1 ))) --maxprocesses 4 --dist loadscope
VENV := .venv
VPYTHON := $(VENV)/bin/python

.PHONY: demo test check dev clone

demo: clone $(VENV)/demo.stamp
	$(VPYTHON) -m pytest --autoresearch --autoresearch-experiments $(DEMO_EXPERIMENTS) experiments/digits
	@echo "The same with an open end, until the morning: $(VPYTHON) -m pytest --autoresearch --hours 12"

test: dev
	$(VPYTHON) -m pytest $(WORKERS) $(PYTEST_ARGS)

check: dev
	$(VPYTHON) -m ruff check .
	$(VPYTHON) -m ruff format --check .
	$(VPYTHON) -m mypy --strict

dev: $(VENV)/dev.stamp

$(VENV)/demo.stamp: pyproject.toml | $(VPYTHON)
	$(VPYTHON) -m pip install --quiet --disable-pip-version-check -e '.[report,tabular]'
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(VPYTHON)
	$(VPYTHON) -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

$(VPYTHON):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$(PYTHON) is missing or older than Python 3.11; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { \
	  echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

clone:
	@test -e .git || { \
	  echo "A search commits what it keeps, and this folder is no git clone. Clone the repository, or begin one here:"; \
	  echo "  git init && git add . && git commit -m start && make demo"; exit 1; }
