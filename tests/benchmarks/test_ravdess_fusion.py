"""The fusion benchmark joins voices with their action units and computes accuracies."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ravdess_fusion.py"


@pytest.fixture(scope="module")
def script():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def test_every_voice_has_its_action_units(script, shared):
    ravdess, units = script.load(shared / "data/ravdess")
    assert len(units) == 35
    assert ravdess.data[units].notna().all(axis=None)
    with np.load(shared / "data/ravdess/openface_au.npz") as file:
        row = file["clip"].tolist().index("01-01-05-01-02-01-12")
        expected = file["au"][row]
    clip = ravdess.data["clip_id"] == "01-05-01-02-01-12"
    np.testing.assert_array_equal(ravdess.data.loc[clip, units].to_numpy()[0], expected)
    assert ravdess.data.loc[clip, "audio"].item().endswith("03-01-05-01-02-01-12.flac")


def test_three_tenths_of_faces_and_of_sounds_are_removed(script):
    table = pd.DataFrame({"audio": [f"{i}.wav" for i in range(40)], "AU01": 1.0, "AU02": 2.0})
    lost, parts = script.lose(table, ["AU01", "AU02"], seed=0)
    assert [rows.sum() for rows in parts.values()] == [12, 12, 16]
    assert (sum(rows.astype(int) for rows in parts.values()) == 1).all()
    np.testing.assert_array_equal(lost["AU02"].isna(), parts["no face"])
    np.testing.assert_array_equal(lost["audio"].isna(), parts["no sound"])
    assert table.notna().all(axis=None)


def test_row_of_the_table(script):
    # Two clips in the order of the folds, not of the table.
    proba = {"audio": [[0.8, 0.2], [0.7, 0.3]], "face": [[0.1, 0.9], [0.6, 0.4]], "combined": [[0.3, 0.7], [0.9, 0.1]]}
    whole = pd.concat({n: pd.DataFrame(p, index=[1, 0], columns=["joy", "fear"]) for n, p in proba.items()}, axis=1)
    lossy = pd.DataFrame({"predicted": ["joy", "joy"]}, index=[1, 0])
    lossy[["no face", "no sound", "the rest"]] = [[True, False, False], [False, True, True]]
    row = script.table_row(np.array(["joy", "fear"]), whole, lossy, ["weights", "weights"])
    assert row[:3] == ["audio 0.500, face 1.000", "**1.000**", "+0.000"]
    assert row[-4:] == ["0.000 (0.000)", "1.000 (1.000)", "1.000 (1.000)", "weights 2"]
