# make run and make test set up all they need. See `make help`.

SHELL = /bin/sh
.DEFAULT_GOAL = help
.PHONY: run test lint format types imports reference reference-check messages bench-quick lock wheel clean help environment peers
BIN = .venv/bin

# Python 3.11 or later; make PYTHON=/path/to/python3 names another.
export PYTHON
# Compiled modules are kept, also where the environment says otherwise: else each process that starts compiles them anew,
# and the gateway starts half as fast. `make clean` removes them.
export PYTHONDONTWRITEBYTECODE =

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-24s%s\n", $$1, $$2}'

run:  ## set up what is needed and start the demo
	@sh .ci/environment run
	@exec $(BIN)/challenge-gateway demo

# The tests come last, so that the last line says how they ended. One after the other, also under make -j.
test: environment  ## set up what is needed, Debian packages included, and run every check and test
	@sh tests/install-peers
	@$(MAKE) --no-print-directory lint
	@$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0 --cov --cov-branch

lint: environment  ## style, types, imports, generated files
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-cache > .cache/imports.txt || { cat .cache/imports.txt; exit 1; }
	@$(MAKE) --no-print-directory reference-check

format: environment  ## put the code into the one form
	$(BIN)/ruff check --fix --quiet
	$(BIN)/ruff format --quiet

reference: environment  ## write config/gateway.toml, the manual and the pages of docs/ that are made from the code
	$(BIN)/python -m gateway.settings sample > config/gateway.toml
	$(BIN)/python -m gateway.settings page > docs/configuration.md
	$(BIN)/python -m tests.architecture.rfc_table
	$(BIN)/python -m tests.architecture.twins
	@mkdir -p share/man/man1 share/man/man5
	$(BIN)/python -m gateway manual > share/man/man1/challenge-gateway.1
	$(BIN)/python -m gateway manual --configuration > share/man/man5/challenge-gateway.toml.5

messages: environment  ## bring the catalogues in gateway/languages up to the code and the templates
	$(BIN)/python -m tests.architecture.messages

reference-check: environment
	@$(BIN)/python -m gateway.settings sample | cmp - config/gateway.toml \
		&& $(BIN)/python -m gateway.settings page | cmp - docs/configuration.md \
		|| { echo "the settings have changed: make reference"; exit 1; }
	@$(BIN)/python -m gateway manual | cmp - share/man/man1/challenge-gateway.1 \
		&& $(BIN)/python -m gateway manual --configuration | cmp - share/man/man5/challenge-gateway.toml.5 \
		|| { echo "commands or settings have changed: make reference"; exit 1; }

bench-quick: environment  ## relay path and hold path in turns with a real Postfix
	@sh tests/install-peers
	@$(BIN)/python -m benchmarks.quick

# No header and no index lines: a lock names versions and hashes, and nothing of the machine it was made on.
COMPILE = env -u UV_INDEX -u UV_DEFAULT_INDEX -u UV_INDEX_URL -u UV_EXTRA_INDEX_URL -u UV_FIND_LINKS \
	$(BIN)/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate $(UPGRADE)

lock: environment  ## write the lock files; UPGRADE=--upgrade takes the newest versions
	$(COMPILE) --group build -o requirements-build.txt
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --group dev -c requirements.txt -c requirements-build.txt -o requirements-dev.txt

wheel: environment  ## build dist/*.whl
	$(BIN)/hatchling build -t wheel

environment:
	@sh .ci/environment dev

clean:  ## remove what was built and cached, the environment too
	rm -rf .venv .cache dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
