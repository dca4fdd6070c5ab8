"""Samples of clips in the benchmark of new speakers."""

import runpy
from collections import defaultdict
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "new_speaker.py"


def test_samples_match_their_kind():
    draws_of = runpy.run_path(str(SCRIPT))["draws_of"]
    y, drawn = np.repeat(["anger", "fear", "joy", "neutral", "sadness"], 16), defaultdict(list)
    for kind, places in draws_of(y, 5, np.random.default_rng(0)):
        assert len(set(places)) == len(places)
        drawn[kind].append(places)
    assert [len(places) for places in drawn["all"]] == [80]
    for n in (8, 16, 30, 60):
        assert [len(places) for places in drawn[f"{n} at random"]] == [n] * 5
    for places in drawn["three emotions"]:
        assert len(places) == 48
        assert len(set(y[places])) == 3
    assert all(len(places) >= 8 for places in drawn["uneven mix"])
    spread = [np.unique(y[places], return_counts=True)[1].max() / len(places) for places in drawn["uneven mix"]]
    assert np.mean(spread) > 0.4
