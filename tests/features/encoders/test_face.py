"""FaceEmbedding: statistics of the embeddings of crops, layouts, sizes, files that are refused."""

import numpy as np
import pytest

from savee_mm import FaceEmbedding, FaceFrameSampler


@pytest.fixture(scope="module")
def videos(corpus):
    return corpus.data[["video", "clip_id"]].iloc[:3]


@pytest.fixture(scope="module")
def sampler():
    return FaceFrameSampler(n_frames=5, size=(16, 16), detector="lbp")


@pytest.fixture(scope="module")
def crops(sampler, videos):
    return sampler.fit_transform(videos)


@pytest.mark.parametrize("layout", ["first", "last"])
@pytest.mark.parametrize("batch", [1, "n"])
def test_mean_of_the_embeddings(write_face_encoder, tmp_path, sampler, videos, crops, layout, batch):
    """The encoder returns the mean of each channel."""
    model = write_face_encoder(tmp_path / "face.onnx", layout=layout, batch=batch)
    X = FaceEmbedding(model, sampler=sampler, statistics=["mean", "onset"], cache=None).fit_transform(videos)
    channels = crops.mean(axis=(2, 3))
    np.testing.assert_allclose(X, np.hstack([channels.mean(axis=1), channels[:, 0]]), atol=1e-5)


def test_apex_is_the_third_that_differs_most_from_the_onset(write_face_encoder, tmp_path, sampler, videos, crops):
    model = write_face_encoder(tmp_path / "face.onnx")
    X = FaceEmbedding(model, sampler=sampler, statistics=["apex-onset"], cache=None).fit_transform(videos)
    for row, values in zip(X, crops.mean(axis=(2, 3)), strict=True):
        furthest = np.linalg.norm(values - values[0], axis=1).argmax()  # a third of five frames is one
        np.testing.assert_allclose(row, values[furthest] - values[0], atol=1e-5)


def test_input_is_standardized(write_face_encoder, tmp_path, sampler, videos, crops):
    model = write_face_encoder(tmp_path / "face.onnx")
    scaled = FaceEmbedding(model, sampler=sampler, mean=[0.1, 0.2, 0.3], std=0.5, statistics=["mean"], cache=None)
    expected = (crops.mean(axis=(1, 2, 3)) - [0.1, 0.2, 0.3]) / 0.5
    np.testing.assert_allclose(scaled.fit_transform(videos), expected, atol=1e-5)


def test_default_sampler_has_the_size_of_the_encoder(write_face_encoder, tmp_path, videos):
    fitted = FaceEmbedding(write_face_encoder(tmp_path / "face.onnx", size=(24, 20)), cache=None).fit(videos)
    assert fitted.sampler_.size == (24, 20)
    assert fitted.get_feature_names_out()[0] == "face_0000_mean"


def test_crops_of_another_size_are_refused(write_face_encoder, tmp_path, sampler, videos):
    model = write_face_encoder(tmp_path / "face.onnx", size=(24, 20))
    with pytest.raises(ValueError, match=r"24 x 20 pixels, got 16 x 16"):
        FaceEmbedding(model, sampler=sampler).fit(videos)


def test_encoder_of_sound_is_refused(frame_model, sampler, videos):
    with pytest.raises(ValueError, match="expected \\(n, 3, height, width\\)"):
        FaceEmbedding(frame_model, sampler=sampler).fit(videos)


def test_unknown_statistic(write_face_encoder, tmp_path, videos):
    with pytest.raises(ValueError, match="'statistics' parameter"):
        FaceEmbedding(write_face_encoder(tmp_path / "face.onnx"), statistics=["median"]).fit(videos)
