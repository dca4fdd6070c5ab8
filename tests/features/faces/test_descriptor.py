"""FaceDescriptor: names of columns, statistics over frames, and clips without a face."""

import numpy as np
import pandas as pd
import pytest
from skimage.io import imread
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from savee_mm import ClipError, ClipWarning, FaceDescriptor, FaceFrameSampler, SpeakerNormalizer, load_model, save_model
from savee_mm._missing import DARK
from savee_mm.features.faces.descriptor import _describe_images
from savee_mm.media import read_frames
from savee_mm.vision import GEOMETRY, hog, landmark_geometry

KEPT = ("mean", "std", "onset", "apex")
FRAMES = FaceFrameSampler(n_frames=4, size=(24, 24), detector="lbp")


def make(**params):
    return FaceDescriptor(clone(FRAMES), **{"n_cells": (3, 3), "n_bins": 8, **params})


@pytest.fixture(scope="module")
def clips(corpus):
    return corpus.data.iloc[::3]


def columns_of(X, statistic):
    return X[[name for name in X.columns if name.endswith(f"_{statistic}")]].to_numpy()


# ---- columns


def test_columns_name_cell_bin_and_statistic(clips):
    X = make().set_output(transform="pandas").fit_transform(clips)
    assert X.shape == (7, 3 * 3 * 2 * 8)
    assert X.index.equals(clips.index)
    assert X.columns[0] == "hog_0_0_0_apex"
    assert X.columns[-1] == "hog_2_1_7_std"
    assert X.columns.is_unique
    assert np.isfinite(X.to_numpy()).all()
    assert (X.std() > 0).mean() > 0.9


def test_asymmetric_descriptors_have_all_columns_of_cells(clips):
    names = make(symmetric=False, statistics=("mean",)).fit(clips).get_feature_names_out()
    assert names[-1] == "hog_2_2_7_mean"
    assert len(names) == 3 * 3 * 8


def test_columns_of_all_descriptors(clips, shared, monkeypatch):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    sampler = FaceFrameSampler(n_frames=3, size=(24, 24), detector="yunet", align="eyes")
    extractor = FaceDescriptor(
        sampler, descriptors=("geometry", "lbp", "hog"), statistics=("apex", "mean"), n_cells=(2, 2)
    )
    X = extractor.set_output(transform="pandas").fit_transform(clips.iloc[:2])
    assert X.columns[: len(GEOMETRY)].tolist() == [f"{name}_apex" for name in GEOMETRY]
    assert X.shape[1] == 2 * (len(GEOMETRY) + 2 * 59 + 2 * 12)
    units = dict(zip(X.columns, extractor.get_feature_units_out(), strict=True))
    assert (units["mouth_tilt_mean"], units["mouth_width_mean"], units["lbp_1_0_58_apex"]) == ("rad", "1", "1")
    landmarks = extractor.sampler_._tracks(clips.iloc[:2]).landmarks
    np.testing.assert_allclose(
        X[[f"{name}_mean" for name in GEOMETRY]], landmark_geometry(landmarks).mean(axis=1), rtol=1e-4, atol=1e-6
    )


# ---- values


def test_statistics_equal_those_of_the_crops(clips):
    extractor = make(statistics=(*KEPT, "mean-onset", "apex-onset"), symmetric=False).set_output(transform="pandas")
    X = extractor.fit_transform(clips)
    crops = extractor.sampler_.transform(clips) @ np.array([0.299, 0.587, 0.114])
    frames = hog(crops, n_cells=(3, 3), n_bins=8).reshape(*crops.shape[:2], -1)
    np.testing.assert_allclose(columns_of(X, "onset"), np.hstack([frames[:, 0]]), atol=1e-5)
    mean = X[[name for name in X.columns if name.endswith("_mean")]]
    np.testing.assert_allclose(mean, frames.mean(axis=1), atol=1e-5)
    np.testing.assert_allclose(columns_of(X, "std"), frames.std(axis=1), atol=1e-5)
    # With four frames the apex is the one that differs most from the first.
    farthest = np.linalg.norm(frames - frames[:, :1], axis=2).argmax(axis=1)
    apex = frames[np.arange(len(frames)), farthest]
    np.testing.assert_allclose(X[[name for name in X.columns if name.endswith("_apex")]], apex, atol=1e-5)
    np.testing.assert_allclose(columns_of(X, "apex-onset"), apex - frames[:, 0], atol=1e-5)
    np.testing.assert_allclose(columns_of(X, "mean-onset"), frames.mean(axis=1) - frames[:, 0], atol=1e-5)


def test_direction_is_the_change_divided_by_its_damped_norm(clips):
    extractor = make(statistics=("apex-onset", "direction")).set_output(transform="pandas").fit(clips)
    X = extractor.transform(clips)
    change, direction = columns_of(X, "apex-onset"), columns_of(X, "direction")
    sizes = np.linalg.norm(change, axis=1)
    assert extractor.changes_["hog"] == pytest.approx(np.median(sizes), rel=1e-5)
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), sizes / (sizes + 0.2 * np.median(sizes)), rtol=1e-5)


def still(image):
    return np.repeat(image[np.newaxis], 4, axis=0)


def test_still_face_has_no_change(shared):
    image = imread(shared / "data/clips/single_face.jpg")[..., :3]
    extractor = make(statistics=("std", "mean-onset", "apex-onset", "direction"))
    X = extractor.fit_transform([still(image), still(image[:, ::-1].copy())])
    np.testing.assert_allclose(X, 0, atol=1e-6)


def test_symmetric_descriptors_of_a_mirrored_face_are_equal(shared):
    image = imread(shared / "data/clips/single_face.jpg")[..., :3]
    crops = FRAMES.fit_transform([still(image)])[0, 0] @ np.array([0.299, 0.587, 0.114])
    describe = [_describe_images(images[np.newaxis], hog, symmetric=True) for images in (crops, crops[:, ::-1])]
    np.testing.assert_allclose(*describe, atol=1e-5)


# ---- sampler and cache


def test_default_sampler_aligns_by_the_eyes_if_yunet_is_present(clips, shared, monkeypatch, tmp_path):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    aligned = FaceDescriptor().fit(clips.iloc[:1]).sampler_
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    centred = FaceDescriptor().fit(clips.iloc[:1]).sampler_
    assert (aligned.align, aligned.detector_, aligned.n_frames) == ("eyes", "yunet", 12)
    assert (centred.align, centred.detector_, centred.n_frames) == ("center", "lbp", 12)


def test_sampler_is_cloned_with_the_settings_of_the_descriptor(clips, tmp_path):
    extractor = make(cache=tmp_path, on_error="fill").fit(clips.iloc[:2])
    assert not hasattr(extractor.sampler, "detector_")
    assert extractor.sampler_.cache == tmp_path
    assert extractor.sampler_.on_error == "fill"
    assert extractor.sampler.cache == "memory"


def test_folder_cache_keeps_crops_and_descriptors(clips, tmp_path):
    first = make(cache=tmp_path).fit_transform(clips)  # a rewritten entry is a new file
    files = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    assert len(files) == 2 * len(clips)
    again = make(cache=tmp_path, statistics=("mean",)).fit(clips)
    np.testing.assert_array_equal(make(cache=tmp_path).fit_transform(clips), first)
    # All statistics come from the cached ones.
    assert again.transform(clips).shape == (7, 48)
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == files
    # With other bins the crops are read from the cache.
    make(cache=tmp_path, n_bins=4).fit(clips)
    assert len(list(tmp_path.iterdir())) == 3 * len(clips)
    np.testing.assert_array_equal(make(cache=None).fit_transform(clips), first)


def test_rows_are_in_order_and_depend_on_their_clip_only(clips):
    fitted = make().fit(clips)
    X = fitted.transform(clips)
    np.testing.assert_array_equal(fitted.transform(clips.iloc[[4, 2]]), X[[4, 2]])
    np.testing.assert_array_equal(clone(fitted).fit_transform(clips), X)
    np.testing.assert_array_equal(clone(fitted).fit_transform(clips["video"].tolist()), X)


def test_columns_keep_their_names_in_a_speaker_normalizer(corpus):
    normalizer = SpeakerNormalizer(make(statistics=("mean",)), min_clips=3)
    X = normalizer.fit_transform(corpus.data)
    assert normalizer.get_feature_names_out()[0] == "hog_0_0_0_mean"
    for speaker in corpus.data["speaker"].unique():
        np.testing.assert_allclose(X[(corpus.data["speaker"] == speaker).to_numpy()].mean(axis=0), 0, atol=1e-9)


def test_saved_model_returns_equal_features(clips, tmp_path):
    fitted = make(descriptors=("hog", "lbp")).fit(clips)
    loaded = load_model(save_model(fitted, tmp_path / "m.savee"))
    np.testing.assert_array_equal(loaded.transform(clips), fitted.transform(clips))


# ---- clips that cannot be used


@pytest.fixture
def faceless(clips):
    """Three clips as frames, of which the second is black."""
    return [
        read_frames(clips["video"].iloc[0], 4)[0],
        np.zeros((4, 120, 160, 3), np.uint8),
        read_frames(clips["video"].iloc[1], 4)[0],
    ]


def test_clip_without_a_face_is_an_error(faceless):
    with pytest.raises(ClipError, match="clip '1': missing video: all sampled frames are black"):
        make().fit(faceless)


def test_clip_without_a_face_is_filled_with_medians(faceless):
    extractor = make(on_error="fill")
    with pytest.warns(ClipWarning, match="1 of 3 clips"):
        X = extractor.fit_transform(faceless)
    np.testing.assert_allclose(X[1], np.median(X[[0, 2]], axis=0))
    assert extractor.failed_clips_["clip_id"].tolist() == ["1"]
    assert extractor.failed_clips_["reason"].iloc[0] == DARK
    # transform fills even a table in which all clips failed.
    with pytest.warns(ClipWarning, match="1 of 1 clips"):
        np.testing.assert_array_equal(extractor.transform(faceless[1:2]), X[[1]])


def test_fit_on_clips_without_a_face_is_an_error(faceless):
    with pytest.raises(ClipError, match="missing video"):
        make(on_error="fill").fit(faceless[1:2])


def test_masked_frames_do_not_count(faceless):
    seen = faceless[0]
    masked = np.concatenate([np.zeros_like(seen[:1]), seen[1:]])
    options = {"statistics": ("mean", "onset", "std")}
    sampler = FaceFrameSampler(n_frames=4, size=(24, 24), detector="lbp", on_no_face="mask")
    X = FaceDescriptor(sampler, n_cells=(3, 3), n_bins=8, **options).fit_transform([masked])
    three = FaceFrameSampler(n_frames=3, size=(24, 24), detector="lbp")
    expected = FaceDescriptor(three, n_cells=(3, 3), n_bins=8, **options).fit_transform([seen[1:]])
    np.testing.assert_allclose(X, expected, atol=1e-5)


# ---- parameters


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("descriptors", ("hog", "gabor")),
        ("descriptors", "hog"),
        ("descriptors", ()),
        ("descriptors", ("hog", "hog")),
        ("statistics", ("median",)),
        ("statistics", "apex"),
        ("n_bins", 1),
        ("n_cells", 3),
        ("n_cells", (3, 0)),
        ("symmetric", "yes"),
        ("sampler", StandardScaler()),
        ("on_error", "skip"),
    ],
)
def test_bad_parameter_is_an_error_that_names_it(parameter, value, clips):
    with pytest.raises(ValueError, match=f"'?{parameter}'?.* of FaceDescriptor"):
        make().set_params(**{parameter: value}).fit(clips.iloc[:1])


def test_geometry_without_landmarks_is_an_error(clips):
    with pytest.raises(ValueError, match="'geometry' needs landmarks, which the detector 'lbp' does not find"):
        make(descriptors=("hog", "geometry")).fit(clips)


def test_table_without_videos_is_an_error(clips):
    with pytest.raises(ValueError, match="no column 'video'"):
        make().fit(pd.DataFrame({"audio": clips["audio"]}))
