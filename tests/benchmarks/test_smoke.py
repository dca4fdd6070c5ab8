"""Every benchmark runs, on few synthetic clips and without timing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import against, stages

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def synthetic(monkeypatch, tmp_path):
    monkeypatch.setenv("SAVEE_MM_SHARED", str(tmp_path))
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)


@pytest.mark.slow
def test_benchmarks_of_kernels_run_once():
    """``bench_convlstm.py`` trains the published network on full frames, which takes minutes."""
    files = sorted(str(file) for file in (ROOT / "benchmarks").glob("bench_*.py") if file.stem != "bench_convlstm")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-disable"]
    command += ["-o", "python_files=bench_*.py", "--rounds", "1", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.slow
def test_stages_have_their_lower_bound_first(capsys):
    stages.main(n_clips=2, rounds=1)
    rows = [line.split("|")[1:4] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    names = [name.strip() for name, *_ in rows]
    assert names[names.index("`VoiceFunctionals`") + 2].startswith("decoding")
    assert names.count("whole extraction") == 2
    assert all(float(spent) >= 0 for name, spent, _ in rows if name.strip()[:1].islower())


@pytest.mark.slow
def test_checkout_against_itself(capsys):
    against.main([str(ROOT), "--rows", "VoiceFunctionals", "--rounds", "1"])
    header, _, line = capsys.readouterr().out.splitlines()
    assert header.startswith("| what | this (s) | other (s) | ratio")
    assert float(line.split("|")[4].split()[0]) > 0
