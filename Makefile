# Every target sets up its own virtual environment. PYTHON is the interpreter to start from.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test quick coverage lint docs bench smoke scale hostile kill soak opencv4 export matrix oldest python313 package browser clean

demo: $(VENV)/.installed
	$(BIN)/savee-mm demo --out demo

# Two processes. A file stays in one of them, so that its fixtures are made once.
test: $(VENV)/.tested
	$(BIN)/pytest -n 2 --dist loadfile

quick: $(VENV)/.tested
	$(BIN)/pytest -n 2 --dist loadfile -m "not slow and not browser"

coverage: $(VENV)/.tested
	$(BIN)/pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered

lint: $(VENV)/.linted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/hadolint containers/Dockerfile containers/Dockerfile.train

docs: $(VENV)/.documented
	$(BIN)/sphinx-build -W -q -b html docs docs/_build/html

# Times, memory and processes, written into docs/benchmarks.md. Run it on an idle machine. The reports stay in .benchmarks.
bench: ROUNDS ?= 9
bench: $(VENV)/.benched
	mkdir -p .benchmarks
	$(BIN)/python -m pytest benchmarks --benchmark-enable -o python_files='bench_*.py' --rounds $(ROUNDS) \
		--benchmark-columns=median,rounds --benchmark-json=.benchmarks/report.json
	$(BIN)/python -m benchmarks.workers .benchmarks/workers.json
	$(BIN)/python -m benchmarks.write_table docs/benchmarks.md .benchmarks/report.json .benchmarks/workers.json

# Every benchmark of kernels once, without timing; bench_convlstm.py trains the published network, which takes minutes.
smoke: $(VENV)/.benched
	$(BIN)/python -m pytest -q benchmarks --benchmark-disable -o python_files='bench_*.py' --rounds 1 --ignore benchmarks/bench_convlstm.py

# extract_features on 1,000, 10,000 and 100,000 clips, training on 2,000 and 20,000, written into docs/scale.md.
scale: $(VENV)/.benched
	$(BIN)/python -m benchmarks.scale docs/scale.md
	$(BIN)/python -m benchmarks.training docs/scale.md

# Readers on 5,000 damaged and manipulated inputs; 50 runs that are killed and run again; memory of 20,000 clips and 60 fits.
# Each ends with one line of counts.
hostile kill soak: $(VENV)/.tested
	$(BIN)/python -m benchmarks.$@

# The light installation, with OpenCV 4: the tests of code that uses OpenCV, and a model that the other environment trained.
opencv4: $(VENV)/.tested $(VENV)-opencv4/.installed
	$(VENV)-opencv4/bin/pytest tests/vision tests/media $(wildcard tests/features/faces/test_sampler*.py)
	$(BIN)/python tests/light/train.py $(VENV)-opencv4/trained
	$(VENV)-opencv4/bin/python tests/light/use.py $(VENV)-opencv4/trained

# `savee-mm export-encoder` with torch and transformers, which take 9 GB: small checkpoints of each family.
export: $(VENV)-export/.installed
	$(VENV)-export/bin/pytest tests/features/encoders/test_export.py

# pandas 2 and scikit-learn two minor versions back.
matrix: $(VENV)-matrix/.installed
	$(VENV)-matrix/bin/pytest

# The oldest versions that pyproject.toml allows.
oldest: $(VENV)-oldest/.installed
	$(VENV)-oldest/bin/pytest

# Debian 13 with its Python 3.13, in a chroot. Needs root and debootstrap.
python313:
	.ci/python313 -n 2 --dist loadfile

# Wheel and sdist, in dist. The wheel is then tested in a new environment.
package:
	rm -rf dist $(VENV)-build $(VENV)-package
	$(PYTHON) -m venv $(VENV)-build
	$(VENV)-build/bin/pip install --quiet build
	$(VENV)-build/bin/python -m build --outdir dist .
	$(PYTHON) -m venv $(VENV)-package
	$(VENV)-package/bin/pip install --quiet dist/*.whl
	cd $(VENV)-package && bin/python $(CURDIR)/tests/package/smoke.py $(CURDIR)/dist/*.whl

# The pages in headless Chromium (Debian: chromium, chromium-driver).
browser: $(VENV)/.tested
	$(BIN)/pytest -m browser tests/browser

clean:
	rm -rf $(VENV) $(VENV)-opencv4 $(VENV)-export $(VENV)-matrix $(VENV)-oldest $(VENV)-trixie $(VENV)-build $(VENV)-package dist build demo docs/_build docs/api docs/gallery

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable .
	touch $@

$(VENV)/.tested $(VENV)/.linted $(VENV)/.documented $(VENV)/.benched: $(VENV)/bin/python pyproject.toml
	$(BIN)/pip install --quiet --editable '.[$(EXTRA)]'
	touch $@ $(VENV)/.installed

$(VENV)/.tested: EXTRA := test
$(VENV)/.linted: EXTRA := lint
$(VENV)/.documented: EXTRA := docs
$(VENV)/.benched: EXTRA := bench

$(VENV)-opencv4/.installed: light/pyproject.toml
	$(PYTHON) -m venv $(VENV)-opencv4
	$(VENV)-opencv4/bin/pip install --quiet ./light 'opencv-python-headless<5' matplotlib praat-parselmouth scikit-image pytest pytest-benchmark
	touch $@

$(VENV)-export/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-export
	$(VENV)-export/bin/pip install --quiet --editable '.[test,export]'
	touch $@

$(VENV)-matrix/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)-matrix
	$(VENV)-matrix/bin/pip install --quiet --editable '.[test]' 'pandas<3' 'scikit-learn==1.7.*'
	touch $@

$(VENV)-oldest/.installed: pyproject.toml .ci/floors.py
	$(PYTHON) -m venv $(VENV)-oldest
	$(PYTHON) .ci/floors.py test > $(VENV)-oldest/floors.txt
	$(VENV)-oldest/bin/pip install --quiet --requirement $(VENV)-oldest/floors.txt
	$(VENV)-oldest/bin/pip install --quiet --no-deps --editable .
	touch $@
