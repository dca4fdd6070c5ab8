"""Tables of OpenFace and py-feat as columns of a clip table."""

import numpy as np
import pandas as pd
import pytest

from savee_mm import ClipError, ClipWarning, join_face_tables


@pytest.fixture
def clips():
    return pd.DataFrame({"video": ["v/one.mp4", "v/two.mp4"], "clip_id": ["a", "b"]}, index=[7, 9])


@pytest.fixture
def openface(tmp_path):
    """Tables with spaces in the header, as of OpenFace 2.0; the second face and the last frame of each do not count."""
    for number, name in enumerate(("one", "two")):
        rows = [
            (1, 0, 0.00, 0.9, 1, 1.0 + number),
            (1, 1, 0.00, 0.6, 1, 9.0),
            (2, 0, 0.04, 0.9, 1, 3.0 + number),
            (3, 0, 0.08, 0.1, 0, 5.0),
        ]
        header = "frame, face_id, timestamp, confidence, success, AU12_r\n"
        (tmp_path / f"{name}.csv").write_text(header + "".join(", ".join(map(str, row)) + "\n" for row in rows))
    return tmp_path


def test_statistics_over_the_frames_with_a_face(clips, openface):
    joined = join_face_tables(clips, openface, statistics=["mean", "std", "max"])
    names = ["openface_AU12_r_mean", "openface_AU12_r_std", "openface_AU12_r_max"]
    assert list(joined.columns) == [*clips.columns, *names]
    assert joined[names].to_numpy().tolist() == [[2.0, 1.0, 3.0], [3.0, 1.0, 4.0]]
    assert joined.index.tolist() == [7, 9]


def test_index_with_duplicates(clips, openface):
    joined = join_face_tables(clips.set_axis([0, 0]), openface, statistics=["mean"])
    assert joined["openface_AU12_r_mean"].tolist() == [2.0, 3.0]


def test_empty_table_is_a_clip_without_values(clips, openface):
    (openface / "two.csv").write_text("")
    with pytest.raises(ClipError, match=r"clip 'b'.*two.csv is no table"):
        join_face_tables(clips, openface, on_error="raise")
    with pytest.warns(ClipWarning, match="1 of 2 clips"):
        joined = join_face_tables(clips, openface, statistics=["mean"], on_error="fill")
    assert joined["openface_AU12_r_mean"].isna().tolist() == [False, True]


def test_segments_have_the_frames_of_their_times(clips, openface):
    parts = pd.concat([clips[:1]] * 2).assign(start=[0.0, 0.02], end=[0.02, 0.08])
    parts.index = [0, 1]
    assert join_face_tables(parts, openface)["openface_AU12_r_mean"].tolist() == [1.0, 3.0]


def test_pyfeat(clips, tmp_path):
    table = pd.DataFrame(
        {
            "frame": [0, 25, 50],
            "FaceScore": [0.99, 0.9, np.nan],
            "AU01": [0.2, 0.4, np.nan],
            "anger": [0.0, 1.0, np.nan],
            "input": "v/one.mp4",
        }
    )
    table.to_csv(tmp_path / "one.csv", index=False)
    joined = join_face_tables(clips[:1], tmp_path, statistics=["mean"])
    assert joined[["pyfeat_AU01_mean", "pyfeat_anger_mean"]].to_numpy() == pytest.approx(np.array([[0.3, 0.5]]))
    part = clips[:1].assign(start=0.5, end=1.5)
    assert join_face_tables(part, tmp_path, fps=25)["pyfeat_AU01_mean"].tolist() == [0.4]
    with pytest.raises(ValueError, match="have no times: pass fps="):
        join_face_tables(part, tmp_path)


def test_clips_without_a_table_or_a_face(clips, openface):
    with pytest.raises(ClipError, match=r"clip 'a' \(v/one.mp4\): no frame with a face"):
        join_face_tables(clips, openface, min_confidence=0.95)
    (openface / "two.csv").unlink()
    with pytest.raises(ClipError, match=r"clip 'b' \(v/two.mp4\): no table of frames"):
        join_face_tables(clips, openface)
    with pytest.warns(ClipWarning, match="1 of 2 clips have no face columns"):
        joined = join_face_tables(clips, openface, on_error="fill")
    assert joined["openface_AU12_r_mean"].isna().tolist() == [False, True]


def test_other_tables_are_refused(clips, tmp_path):
    (tmp_path / "one.csv").write_text("time,value\n0,1\n")
    with pytest.raises(ValueError, match="is no table of OpenFace"):
        join_face_tables(clips[:1], tmp_path)
    with pytest.raises(ValueError, match="Expected statistics to be one or more of mean, std"):
        join_face_tables(clips, tmp_path, statistics=["mode"])
    with pytest.raises(ValueError, match="a table for each of 2 clips, got 1"):
        join_face_tables(clips, [tmp_path / "one.csv"])
