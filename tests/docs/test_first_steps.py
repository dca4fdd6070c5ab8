"""The page "first steps": its code runs as it stands, and gives what the page says."""

import re
from pathlib import Path

import numpy as np
import pytest

from savee_mm import FusionClassifier

PAGE = Path(__file__).parents[2] / "docs/first_steps.md"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """What the names on the page mean after all of its code has run, in a folder of its own."""
    text = PAGE.read_text(encoding="utf-8")
    namespace = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("first_steps"))
        for block in BLOCK.finditer(text):
            # Blank lines in front: a traceback then names the line of the page.
            above = "\n" * text.count("\n", 0, block.start(1))
            exec(compile(above + block[1], str(PAGE), "exec"), namespace)
        yield namespace


def test_no_block_of_code_is_passed_over():
    fences = re.findall(r"^ *```+ *\{?(\w+)", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert fences == ["python"] * len(BLOCK.findall(PAGE.read_text(encoding="utf-8")))


def test_corpus_is_the_table_that_the_page_describes(page):
    corpus = page["corpus"]
    assert corpus.data.columns.tolist() == ["audio", "video", "speaker", "sentence", "clip_id"]
    assert len(corpus.data) == len(corpus.target) == len(corpus.groups) == 21
    assert len(set(corpus.target)) == 7


def test_features_are_named_columns(page):
    assert page["features"].shape == (21, 34)
    assert {"pitch_mean", "jitter", "voiced_share"} <= set(page["features"].columns)


def test_both_splitters_make_the_same_folds(page):
    assert page["by_speaker"].shape == (3,)
    assert sorted(page["by_speaker"]) == sorted(page["by_group"])
    assert np.isfinite(page["by_speaker"]).all()


@pytest.mark.parametrize("name", ["images", "faces", "probabilities"])
def test_shapes_are_those_in_the_comments(page, name):
    shape = re.search(rf"print\({name}\.shape\)  # \(([\d, ]+)\)", PAGE.read_text(encoding="utf-8"))[1]
    assert page[name].shape == tuple(map(int, shape.split(", ")))


def test_loaded_model_is_the_saved_one(page):
    assert isinstance(page["model"], FusionClassifier)
    assert page["path"].is_file()
    assert page["prediction"].is_monotonic_decreasing
    # Once from the table with the wav file, once from the video with the same 16-bit samples in it.
    saved = page["probabilities"][0]
    loaded = page["prediction"][page["clf"].classes_].to_numpy()
    np.testing.assert_allclose(loaded, saved, atol=1e-6)  # float32, batches of 1 and of 7 clips


def test_summary_has_a_row_per_system_and_protocol(page):
    row = page["summary"].iloc[0]
    assert (row["system"], row["protocol"], len(page["summary"])) == ("prosody", "speaker", 1)
    assert row["accuracy"] == pytest.approx(page["by_speaker"].mean())


def test_broken_clip_is_named_and_filled(page):
    assert page["failed"].clip_id == page["corpus"].data["clip_id"].iloc[0]
    assert page["failed"].path.endswith("empty.wav")
    assert page["filling"].failed_clips_["clip_id"].tolist() == [page["failed"].clip_id]
    assert np.array_equal(page["filled"][0], page["filling"].fill_values_)
    assert np.isfinite(page["filled"]).all()
