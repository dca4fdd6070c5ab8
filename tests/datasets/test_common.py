"""What all loaders share."""

import inspect

import pandas as pd
import pytest

from savee_mm import datasets, load_table, make_talking_faces
from savee_mm.datasets._common import named_clips

LOADERS = [name for name in datasets.__all__ if name.startswith(("load_", "make_", "concat_"))]


@pytest.mark.parametrize("name", LOADERS)
def test_loaders_offer_X_y(name):
    parameter = inspect.signature(getattr(datasets, name)).parameters["return_X_y"]
    assert parameter.default is False
    assert parameter.kind is parameter.KEYWORD_ONLY


def test_X_y_are_table_and_classes(corpus, tmp_path):
    table = corpus.data.assign(emotion=corpus.target)
    X, y = load_table(table, return_X_y=True)
    bunch = load_table(table)
    pd.testing.assert_frame_equal(X, bunch.data)
    assert y.tolist() == bunch.target.tolist()
    X, y = make_talking_faces(tmp_path, n_speakers=2, n_sentences=1, random_state=0, return_X_y=True)
    assert len(X) == len(y) == 14


def test_files_of_one_name_in_several_folders_are_named_by_the_folder():
    table = pd.DataFrame({"audio": ["joy/1.wav", None], "video": [None, "fear/1.mp4"]})
    assert named_clips(table)["clip_id"].tolist() == ["joy_1", "fear_1"]
    assert named_clips(table[:1])["clip_id"].tolist() == ["1"]
