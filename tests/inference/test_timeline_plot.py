"""The plot of a timeline: blank in pauses, with faces if the recording has frames."""

import numpy as np
import pandas as pd
import pytest

from savee_mm import EmotionTimeline, plot_timeline


@pytest.fixture(scope="module")
def table(voice, recording):
    return EmotionTimeline(voice, window=2, hop=1).predict(recording)


def test_shares_are_blank_in_pauses(table, corpus):
    (axes,) = plot_timeline(table).axes
    steps = axes.patches
    assert [text.get_text() for text in axes.get_legend().get_texts()] == corpus.target_names
    values, edges, _ = steps[-1].get_data()
    spoken = table["confidence"].notna().to_numpy()
    assert np.isnan(values).tolist() == (~spoken).tolist()
    np.testing.assert_allclose(values[spoken], 1)
    np.testing.assert_allclose(edges, np.arange(12) + 0.5)
    # A dot names the emotion of each window in which one was named.
    assert len(axes.collections[0].get_offsets()) == spoken.sum()


def test_ten_faces_are_above_their_time(table, recording, tmp_path):
    figure = plot_timeline(table, recording, detector="lbp")
    faces = figure.axes[0].child_axes
    assert len(faces) == 10
    assert sum(len(small.images) for small in faces) == 10
    figure.savefig(tmp_path / "timeline.png")
    assert (tmp_path / "timeline.png").stat().st_size > 10_000


def test_sound_has_no_faces(table, corpus):
    assert plot_timeline(table, corpus.data["audio"].iloc[0]).axes[0].child_axes == []


def test_one_window_fills_the_time(corpus):
    row = {"start": 0.0, "end": 2.5, "emotion": "joy", "confidence": 0.6, "note": "", "anger": 0.4, "joy": 0.6}
    (axes,) = plot_timeline(pd.DataFrame([row])).axes
    assert axes.patches[0].get_data().edges.tolist() == [0, 2.5]


def test_empty_table_is_refused(table):
    with pytest.raises(ValueError, match="a table without rows"):
        plot_timeline(table.iloc[:0])
