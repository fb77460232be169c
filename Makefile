# make demo    set up, build, and show one kernel from spec to result
# make test    set up, build, and run every test
# make report  set up, build, test and measure; what a Mac is asked for (docs/metal.md)
# make mac-host  compile and link the MLX extension for macOS, against the wheels of three MLX versions
# make lint    ruff and mypy
# make lock    work out the pinned requirements anew (needs uv)
# make clean   remove what was built; the environment in .venv stays
#
# Needs Python 3.10 to 3.13 and a C++20 compiler. PYTHON=python3.12 names another Python; WITH_TORCH=1 adds
# torch, for the tests that compare with it, and WITH_EMULATOR=1 the compiler (400 MB) of the Metal emulator's.
PYTHON ?= python3
WITH_TORCH ?=
WITH_EMULATOR ?=
RUN = .venv/bin/python
COMPILE = uv pip compile --universal --python-version 3.10 --generate-hashes \
	--no-header --no-emit-index-url --no-annotate --quiet

.PHONY: demo test mac-host report venv lint lock clean

demo: venv
	@$(RUN) build.py check
	@$(RUN) build.py build
	@$(RUN) build.py demo

test: venv
	@$(RUN) build.py check
	@$(RUN) build.py build
	@$(RUN) build.py test -n 2 --dist loadfile --hypothesis-profile=ci

report: venv
	@$(RUN) build.py build
	@$(RUN) build.py report

mac-host: WITH_EMULATOR = 1
mac-host: venv
	@$(RUN) -m backends.metal.mac_host

venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || \
	{ echo "error: PYTHON=$(PYTHON) is not Python 3.10 or newer; try: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) requirements/install.py "$(WITH_TORCH)" "$(WITH_EMULATOR)"

lint: venv
	@$(RUN) -m pip install --quiet --require-hashes -r requirements/lint.txt
	@$(RUN) -m ruff check
	@$(RUN) -m mypy

lock:
	@$(COMPILE) requirements/project.in -o requirements/project.txt
	@$(COMPILE) requirements/lint.in -o requirements/lint.txt
	@$(COMPILE) requirements/emulator.in -o requirements/emulator.txt

clean:
	@rm -rf build
