"""Stages of a clip: measured on few synthetic clips."""

import pytest

from benchmarks import stages


@pytest.mark.slow
def test_stages_have_their_lower_bound_first(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("SAVEE_MM_SHARED", str(tmp_path))
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    stages.main(n_clips=2, rounds=1)
    rows = [line.split("|")[1:4] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    names = [name.strip() for name, *_ in rows]
    assert names[names.index("`VoiceFunctionals`") + 2].startswith("decoding")
    assert names.count("whole extraction") == 2
    assert all(float(spent) >= 0 for name, spent, _ in rows if name.strip()[:1].islower())
