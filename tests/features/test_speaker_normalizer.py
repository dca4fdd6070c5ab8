"""SpeakerNormalizer: which statistics normalize a clip, and which clips count in them."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from savee_mm import (
    AudioAugmenter,
    AudioCNNClassifier,
    LeaveOneSpeakerOut,
    MFCCImage,
    ProsodyFeatures,
    SpeakerNormalizer,
    SpectralFeatures,
)

COLUMNS = ["pitch", "level"]


def read_columns(table):
    return table[COLUMNS].to_numpy()


def read_images(table):
    return np.stack(table["image"].to_list())


FEATURES = FunctionTransformer(read_columns)
IMAGES = FunctionTransformer(read_images)

pytestmark = pytest.mark.usefixtures("eager")


def make_table(clips, *, random_state=0):
    """Return a shuffled table of ``{speaker: number of clips}`` with speaker-dependent pitch and level."""
    rng = np.random.default_rng(random_state)
    speakers = np.repeat(np.array([*clips], dtype=object), [*clips.values()])
    registers = {speaker: rng.normal([200, -30], [60, 10]) for speaker in clips}
    spreads = {speaker: rng.uniform(1, 10, size=2) for speaker in clips}
    values = np.array([rng.normal(registers[speaker], spreads[speaker]) for speaker in speakers])
    table = pd.DataFrame(values, columns=COLUMNS).assign(speaker=speakers)
    return table.sample(frac=1, random_state=random_state)  # index labels differ from positions


def make_images(lengths, *, n_rows=3, n_frames=6, random_state=0):
    """Return images (n_rows, n_frames, 1) of clips of the given lengths, padded with zeros."""
    rng = np.random.default_rng(random_state)
    images = []
    for length in lengths:
        image = np.zeros((n_rows, n_frames, 1), np.float32)
        image[:, :length] = rng.normal(5, 2, size=(n_rows, length, 1))
        images.append(image)
    return images


def z_scores(values, reference=None):
    reference = values if reference is None else reference
    return (values - reference.mean(axis=0)) / reference.std(axis=0)


def of(table, speaker):
    return table.loc[table["speaker"] == speaker, COLUMNS].to_numpy()


@pytest.fixture
def fitted():
    """A normalizer of two speakers with enough clips and one with too few, and its table."""
    table = make_table({"A": 10, "B": 9, "C": 4})
    return SpeakerNormalizer(FEATURES).fit(table), table


# ---- choice of statistics


def test_statistics_are_means_and_deviations_within_speakers(fitted):
    normalizer, table = fitted
    assert sorted(normalizer.speakers_) == ["A", "B"]
    for speaker, (mean, scale) in normalizer.speakers_.items():
        np.testing.assert_allclose(mean, of(table, speaker).mean(axis=0))
        np.testing.assert_allclose(scale, of(table, speaker).std(axis=0))
    np.testing.assert_allclose(normalizer.mean_, table[COLUMNS].mean())
    within = [10 * of(table, "A").var(axis=0), 9 * of(table, "B").var(axis=0), 4 * of(table, "C").var(axis=0)]
    np.testing.assert_allclose(normalizer.scale_, np.sqrt(np.sum(within, axis=0) / 23))


def test_training_speakers_have_zero_mean_and_unit_variance(fitted):
    normalizer, table = fitted
    Z = clone(normalizer).fit_transform(table)
    for speaker in "AB":
        np.testing.assert_allclose(Z[table["speaker"] == speaker], z_scores(of(table, speaker)))
    few = (of(table, "C") - table[COLUMNS].to_numpy().mean(axis=0)) / normalizer.scale_
    np.testing.assert_allclose(Z[table["speaker"] == "C"], few)
    np.testing.assert_array_equal(normalizer.transform(table), Z)


def test_clips_of_a_seen_speaker_are_independent(fitted):
    normalizer, table = fitted
    test = make_table({"A": 12, "B": 3}, random_state=1)
    Z = normalizer.transform(test)
    alone = np.vstack([normalizer.transform(test.iloc[[i]]) for i in range(len(test))])
    np.testing.assert_array_equal(Z, alone)
    np.testing.assert_allclose(Z[test["speaker"] == "A"], z_scores(of(test, "A"), of(table, "A")))


def test_unseen_speaker_with_enough_clips_is_normalized_by_them(fitted):
    normalizer, _ = fitted
    test = make_table({"A": 2, "X": 8, "Y": 20}, random_state=2)
    Z = normalizer.transform(test)
    for speaker in "XY":
        np.testing.assert_allclose(Z[test["speaker"] == speaker], z_scores(of(test, speaker)))
    # The next table has its own statistics.
    other = make_table({"X": 8}, random_state=3)
    np.testing.assert_allclose(normalizer.transform(other), z_scores(of(other, "X")))
    assert sorted(normalizer.speakers_) == ["A", "B"]


def test_unseen_speaker_with_few_clips_is_normalized_by_the_training(fitted):
    normalizer, table = fitted
    test = make_table({"X": 7, "C": 3}, random_state=2)
    expected = (test[COLUMNS] - table[COLUMNS].mean()) / normalizer.scale_
    np.testing.assert_allclose(normalizer.transform(test), expected)


def test_training_speaker_with_few_clips_is_normalized_by_test_clips(fitted):
    normalizer, _ = fitted
    test = make_table({"C": 8}, random_state=2)
    np.testing.assert_allclose(normalizer.transform(test), z_scores(of(test, "C")))


@pytest.mark.parametrize("min_clips", [2, 4, 5])
def test_min_clips_is_inclusive(min_clips):
    table = make_table({"A": 10, "C": 4})
    normalizer = SpeakerNormalizer(FEATURES, min_clips=min_clips).fit(table)
    assert ("C" in normalizer.speakers_) == (min_clips <= 4)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
def test_missing_speaker_is_normalized_by_the_training(fitted, missing):
    normalizer, table = fitted
    test = make_table({"A": 12, "X": 12}, random_state=2)
    expected = (test[COLUMNS] - table[COLUMNS].mean()) / normalizer.scale_
    np.testing.assert_allclose(normalizer.transform(test.drop(columns="speaker")), expected)
    test["speaker"] = test["speaker"].mask(test["speaker"] == "X", missing)
    Z = normalizer.transform(test)
    np.testing.assert_allclose(Z[test["speaker"].isna()], expected[test["speaker"].isna()])
    np.testing.assert_allclose(Z[~test["speaker"].isna()], z_scores(of(test.dropna(), "A"), of(table, "A")))


@pytest.mark.parametrize("dtype", ["string", "category", object])
def test_type_of_the_speaker_column(fitted, dtype):
    normalizer, table = fitted
    test = make_table({"A": 3, "X": 9}, random_state=2)
    typed = test.astype({"speaker": dtype})
    np.testing.assert_array_equal(normalizer.transform(typed), normalizer.transform(test))
    again = clone(normalizer).fit(table.astype({"speaker": dtype}))
    np.testing.assert_array_equal(again.transform(test), normalizer.transform(test))


def test_missing_speaker_in_a_nullable_column(fitted):
    normalizer, table = fitted
    test = make_table({"A": 3, "X": 9}, random_state=2)
    test["speaker"] = test["speaker"].mask(test["speaker"] == "X").astype("string")
    expected = (test[COLUMNS] - table[COLUMNS].mean()) / normalizer.scale_
    unknown = test["speaker"].isna().to_numpy()
    np.testing.assert_allclose(normalizer.transform(test)[unknown], expected[unknown])


def test_numbers_and_strings_name_the_same_speakers():
    table = make_table({1: 10, 2: 10})
    normalizer = SpeakerNormalizer(FEATURES).fit(table)
    test = make_table({1: 2, 2: 2}, random_state=1)
    np.testing.assert_array_equal(normalizer.transform(test.astype({"speaker": str})), normalizer.transform(test))


# ---- enrolment


@pytest.mark.parametrize("n_clips", [1, 7, 8, 20])
def test_enrolled_speaker_is_normalized_by_the_enrolment(fitted, n_clips):
    normalizer, _ = fitted
    enrolment = make_table({"X": n_clips}, random_state=5)
    assert normalizer.fit_speaker(enrolment) is normalizer
    mean = of(enrolment, "X").mean(axis=0)
    scale = of(enrolment, "X").std(axis=0) if n_clips >= 8 else normalizer.scale_
    test = make_table({"X": 30}, random_state=6)
    # The enrolment counts even if the table has enough clips.
    np.testing.assert_allclose(normalizer.transform(test), (of(test, "X") - mean) / scale)
    np.testing.assert_allclose(normalizer.transform(test.iloc[:1]), normalizer.transform(test)[:1])


def test_enrolment_replaces_statistics_of_its_speakers_only(fitted):
    normalizer, table = fitted
    before = {speaker: statistics[0].copy() for speaker, statistics in normalizer.speakers_.items()}
    enrolment = make_table({"A": 9, "X": 9}, random_state=5)
    enrolment.loc[enrolment.index[:2], "speaker"] = None
    normalizer.fit_speaker(enrolment)
    np.testing.assert_array_equal(normalizer.speakers_["B"][0], before["B"])
    np.testing.assert_allclose(normalizer.speakers_["A"][0], of(enrolment, "A").mean(axis=0))
    assert sorted(normalizer.speakers_) == ["A", "B", "X"]
    normalizer.fit(table)
    assert sorted(normalizer.speakers_) == ["A", "B"]


# ---- augmented copies


@pytest.fixture
def augmented():
    """Recordings of two speakers with a copy of each that has another pitch, and the recordings."""
    table = make_table({"A": 10, "B": 8})
    copies = table.assign(augmentation="add_noise(snr=10.0, seed=1)", pitch=table["pitch"] + 1000)
    more = pd.concat([table.assign(augmentation=pd.Series([None] * 18, index=table.index, dtype=object)), copies])
    return more.reset_index(drop=True), table


def test_copies_are_normalized_without_counting_in_statistics(augmented):
    more, table = augmented
    normalizer, plain = SpeakerNormalizer(FEATURES), SpeakerNormalizer(FEATURES)
    Z, expected = normalizer.fit_transform(more), plain.fit_transform(table)
    np.testing.assert_array_equal(Z[:18], expected)
    for speaker, statistics in plain.speakers_.items():
        np.testing.assert_array_equal(normalizer.speakers_[speaker], statistics)
    np.testing.assert_array_equal(normalizer.mean_, plain.mean_)
    np.testing.assert_array_equal(normalizer.scale_, plain.scale_)
    deviations = np.array([plain.speakers_[speaker][1][0] for speaker in table["speaker"]])
    np.testing.assert_allclose(Z[18:, 0] - Z[:18, 0], 1000 / deviations)
    np.testing.assert_array_equal(Z[18:, 1], Z[:18, 1])


@pytest.mark.parametrize("enrol", [False, True])
def test_copies_of_an_unseen_speaker_do_not_count(augmented, fitted, enrol):
    more, table = augmented
    more, table = more.replace({"speaker": {"A": "X", "B": "Y"}}), table.replace({"speaker": {"A": "X", "B": "Y"}})
    normalizer, plain = fitted[0], clone(fitted[0]).fit(fitted[1])
    if enrol:
        normalizer.fit_speaker(more)
        plain.fit_speaker(table)
    np.testing.assert_allclose(normalizer.transform(more)[:18], plain.transform(table))


def test_min_clips_counts_recordings_only(fitted):
    table = make_table({"X": 4}, random_state=3)
    more = pd.concat([table, table.assign(augmentation="invert_polarity()")])
    normalizer, training = fitted
    expected = (more[COLUMNS] - training[COLUMNS].mean()) / normalizer.scale_
    np.testing.assert_allclose(normalizer.transform(more), expected)
    assert "X" not in clone(normalizer).fit(pd.concat([training, more])).speakers_


def test_fit_on_copies_only_is_an_error(augmented):
    copies = augmented[0].iloc[18:]
    with pytest.raises(ValueError, match="All 18 training clips are augmented copies"):
        SpeakerNormalizer(FEATURES).fit(copies)


# ---- constant columns, types


@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, -1e6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_constant_column_becomes_zero(value, dtype):
    table = make_table({"A": 11, "B": 13, "C": 5}).assign(level=value)
    extractor = make_pipeline(FEATURES, FunctionTransformer(lambda X: X.astype(dtype)))
    Z = SpeakerNormalizer(extractor).fit_transform(table)
    assert Z.dtype == dtype
    np.testing.assert_allclose(Z[:, 1], 0, atol=1e-6 * abs(value) if dtype == np.float32 else 1e-9)
    assert np.ptp(Z[:, 0]) > 1


@pytest.mark.parametrize("value", [0.1, -1e3])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_column_constant_for_one_speaker_uses_the_training_deviation(value, dtype):
    table = make_table({"A": 11, "B": 13})
    table.loc[table["speaker"] == "A", "level"] = value
    extractor = make_pipeline(FEATURES, FunctionTransformer(lambda X: X.astype(dtype)))
    normalizer = SpeakerNormalizer(extractor)
    Z = normalizer.fit_transform(table)
    np.testing.assert_allclose(Z[table["speaker"] == "A", 1], 0, atol=1e-4)
    assert normalizer.speakers_["A"][1][1] == normalizer.scale_[1]
    moved = pd.DataFrame({"speaker": ["A"], "pitch": [200.0], "level": [value + 1]})
    assert normalizer.transform(moved)[0, 1] == pytest.approx(1 / normalizer.scale_[1], rel=1e-3)


def test_rounding_errors_around_zero_stay_small():
    table = make_table({"A": 11, "B": 13})
    own = table["speaker"] == "A"
    table.loc[own, "level"] = 1e-12 * np.random.default_rng(0).normal(size=11)
    np.testing.assert_allclose(SpeakerNormalizer(FEATURES).fit_transform(table)[own, 1], 0, atol=1e-11)


def test_column_constant_within_speakers_becomes_zero():
    table = make_table({"A": 11, "B": 13})
    table["level"] = np.where(table["speaker"] == "A", 0.1, 0.7)
    normalizer = SpeakerNormalizer(FEATURES)
    np.testing.assert_allclose(normalizer.fit_transform(table)[:, 1], 0, atol=1e-12)
    assert normalizer.scale_[1] == pytest.approx(table["level"].std(ddof=0))


def test_integer_features_are_not_truncated():
    table = make_table({"A": 9, "B": 9}).round().astype({"pitch": int, "level": int})
    Z = SpeakerNormalizer(FEATURES).fit_transform(table)
    np.testing.assert_allclose(Z[table["speaker"] == "A"], z_scores(of(table, "A")))


def test_extractor_with_dataframe_output():
    table = make_table({"A": 9, "B": 9, "C": 3})
    plain = SpeakerNormalizer(FEATURES).fit(table)
    named = SpeakerNormalizer(FunctionTransformer(lambda X: X[COLUMNS])).fit(table)
    test = make_table({"A": 2, "X": 9}, random_state=1)
    np.testing.assert_array_equal(named.transform(test), plain.transform(test))
    assert isinstance(named.scale_, np.ndarray)


def test_input_table_is_not_modified(fitted):
    normalizer, table = fitted
    copy = table.copy()
    normalizer.fit_transform(table)
    normalizer.fit_speaker(table)
    pd.testing.assert_frame_equal(table, copy)


# ---- images


def test_rows_of_images_are_normalized_without_padding():
    lengths = [6, 2, 3, 6, 1, 4, 5, 2]
    table = pd.DataFrame({"speaker": ["A"] * 4 + ["B"] * 4, "image": make_images(lengths)})
    normalizer = SpeakerNormalizer(IMAGES, min_clips=4)
    out = normalizer.fit_transform(table)
    assert out.shape == (8, 3, 6, 1)
    assert out.dtype == np.float32
    for clips, speaker in ((range(4), "A"), (range(4, 8), "B")):
        frames = np.concatenate([table["image"][i][:, : lengths[i], 0] for i in clips], axis=1)
        mean, scale = normalizer.speakers_[speaker]
        np.testing.assert_allclose(mean, frames.mean(axis=1), rtol=1e-6)
        np.testing.assert_allclose(scale, frames.std(axis=1), rtol=1e-6)
        for i in clips:
            expected = (table["image"][i][:, : lengths[i], 0] - mean[:, np.newaxis]) / scale[:, np.newaxis]
            np.testing.assert_allclose(out[i, :, : lengths[i], 0], expected, atol=1e-5)
            assert not out[i, :, lengths[i] :].any()
    assert normalizer.mean_.shape == normalizer.scale_.shape == (3,)


def test_images_do_not_depend_on_the_amount_of_padding():
    images = make_images([4] * 8)
    wide = [np.concatenate([image, np.zeros_like(image)], axis=1) for image in images]
    out = [
        SpeakerNormalizer(IMAGES).fit_transform(pd.DataFrame({"speaker": "A", "image": some}))
        for some in (images, wide)
    ]
    np.testing.assert_array_equal(out[1][:, :, :6], out[0])
    assert not out[1][:, :, 6:].any()


def test_zero_in_one_row_is_not_padding():
    images = make_images([6] * 8)
    for image in images:
        image[0, 2] = 0
    table = pd.DataFrame({"speaker": "A", "image": images})
    out = SpeakerNormalizer(IMAGES).fit_transform(table)
    assert (out[:, 0, 2] < -1).all()
    np.testing.assert_allclose(out.mean(axis=(0, 2, 3)), 0, atol=1e-5)


def test_image_of_a_failed_clip_stays_zero_and_does_not_count():
    images = make_images([6] * 9)
    table = pd.DataFrame({"speaker": "A", "image": images})
    expected = SpeakerNormalizer(IMAGES).fit_transform(table)
    more = pd.concat([table, pd.DataFrame({"speaker": ["A"], "image": [np.zeros((3, 6, 1), np.float32)]})])
    out = SpeakerNormalizer(IMAGES).fit_transform(more)
    np.testing.assert_array_equal(out[:9], expected)
    assert not out[9].any()


# ---- scikit-learn and other estimators


def test_nested_parameters_clone_and_pickle(corpus):
    normalizer = SpeakerNormalizer(SpectralFeatures(), min_clips=3).set_params(extractor__n_mfcc=7)
    assert normalizer.extractor.n_mfcc == clone(normalizer).get_params()["extractor__n_mfcc"] == 7
    normalizer.fit(corpus.data)
    assert normalizer.extractor_.n_mfcc == 7
    assert not hasattr(normalizer.extractor, "fill_values_")
    copy = pickle.loads(pickle.dumps(normalizer))
    np.testing.assert_array_equal(copy.transform(corpus.data), normalizer.transform(corpus.data))
    with pytest.raises(NotFittedError):
        clone(normalizer).transform(corpus.data)


def test_columns_have_the_names_of_the_extractor(corpus):
    normalizer = SpeakerNormalizer(ProsodyFeatures(), min_clips=7).set_output(transform="pandas")
    X = normalizer.fit_transform(corpus.data)
    assert X.columns.tolist() == normalizer.extractor_.get_feature_names_out().tolist()
    assert X.index.tolist() == corpus.data.index.tolist()
    np.testing.assert_allclose(X.groupby(corpus.data["speaker"].to_numpy()).mean(), 0, atol=1e-9)
    np.testing.assert_array_equal(normalizer.transform(corpus.data), X)
    assert normalizer.failed_clips_.empty


def test_images_have_no_feature_names():
    normalizer = SpeakerNormalizer(MFCCImage(normalize=None))
    assert not hasattr(normalizer, "get_feature_names_out")
    assert not hasattr(normalizer, "set_output")


@pytest.mark.parametrize("extractor", [ProsodyFeatures(), MFCCImage(normalize=None, n_frames=60)])
def test_real_extractors_are_normalized_by_speaker(corpus, extractor):
    out = SpeakerNormalizer(extractor, min_clips=7).fit_transform(corpus.data)
    raw = clone(extractor).fit_transform(corpus.data)
    assert out.shape == raw.shape
    for speaker in corpus.data["speaker"].unique():
        own, recorded = (values[(corpus.data["speaker"] == speaker).to_numpy()] for values in (out, raw))
        if raw.ndim == 4:
            own, recorded = (np.moveaxis(values, 1, -1)[recorded.any(axis=1)] for values in (own, recorded))
        np.testing.assert_allclose(own.mean(axis=0), 0, atol=1e-4)
        varies = recorded.std(axis=0) > 1e-9
        np.testing.assert_allclose(own.std(axis=0)[varies], 1, atol=1e-4)
        assert varies.mean() > 0.9


def test_augmented_copies_do_not_change_statistics(corpus):
    more = AudioAugmenter(n_copies=2, semitones=None, stretch_rate=None, random_state=0).augment(corpus.data)
    plain = SpeakerNormalizer(ProsodyFeatures(), min_clips=7).fit(corpus.data)
    with_copies = SpeakerNormalizer(ProsodyFeatures(), min_clips=7)
    Z = with_copies.fit_transform(more)
    assert sorted(with_copies.speakers_) == ["S1", "S2", "S3"]
    for speaker, (mean, scale) in with_copies.speakers_.items():
        np.testing.assert_allclose(mean, plain.speakers_[speaker][0])
        np.testing.assert_allclose(scale, plain.speakers_[speaker][1])
    np.testing.assert_allclose(Z[:21], plain.transform(corpus.data))
    assert np.any(Z[21:42] != Z[:21])


def test_cross_validation_over_speakers(corpus):
    pipeline = make_pipeline(SpeakerNormalizer(ProsodyFeatures(), min_clips=5), LogisticRegression())
    scores = cross_val_score(pipeline, corpus.data, corpus.target, cv=LeaveOneSpeakerOut(), error_score="raise")
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()


def test_scores_do_not_depend_on_a_shift_of_one_speaker():
    """Normalization removes a shift and scale of all features, such as another microphone."""
    table = make_table({"A": 20, "B": 20, "C": 20})
    y = np.where(table["pitch"] > table.groupby("speaker")["pitch"].transform("median"), "high", "low")
    moved = table.copy()
    moved.loc[table["speaker"] == "C", COLUMNS] = 7 * table.loc[table["speaker"] == "C", COLUMNS] + 900
    pipeline = make_pipeline(SpeakerNormalizer(FEATURES), LogisticRegression())
    for some in (table, moved):
        scores = cross_val_score(pipeline, some, y, cv=LeaveOneSpeakerOut(), error_score="raise")
        assert scores.min() > 0.85
    inductive = cross_val_score(make_pipeline(FEATURES, LogisticRegression()), moved, y, cv=LeaveOneSpeakerOut())
    assert inductive[2] == 0.5


def test_network_passes_its_cache_to_normalized_extractors(corpus, tmp_path):
    clf = AudioCNNClassifier(
        image=SpeakerNormalizer(MFCCImage(normalize=None, n_mfcc=13, n_frames=60), min_clips=7),
        features=SpeakerNormalizer(ProsodyFeatures(), min_clips=7),
        augment=AudioAugmenter(semitones=None, stretch_rate=None),
        n_filters=4,
        n_units=8,
        epochs=1,
        cache=tmp_path,
        random_state=0,
    ).fit(corpus.data, corpus.target)
    assert clf.get_params()["image__extractor__n_mfcc"] == 13
    assert clf.image_.extractor_.cache == tmp_path
    assert clf.image.extractor.cache == "memory"
    # Two extractors, each with 21 clips and a copy of each.
    assert len(list(tmp_path.iterdir())) == 84
    assert sorted(clf.image_.speakers_) == ["S1", "S2", "S3"]
    np.testing.assert_allclose(clf.predict_proba(corpus.data).sum(axis=1), 1, rtol=1e-6)


# ---- errors


def test_training_clip_without_a_speaker_is_an_error():
    table = make_table({"A": 10})
    with pytest.raises(ValueError, match=r"needs the column 'speaker', and .* its columns are \['pitch', 'level'\]"):
        SpeakerNormalizer(FEATURES).fit(table.drop(columns="speaker"))
    table.loc[table.index[:3], "speaker"] = None
    with pytest.raises(ValueError, match="3 of 10 training clips have no speaker"):
        SpeakerNormalizer(FEATURES).fit(table)


def test_input_without_speakers_is_an_error(fitted):
    for method in (SpeakerNormalizer(FEATURES).fit, fitted[0].transform, fitted[0].fit_speaker):
        with pytest.raises(ValueError, match=r"SpeakerNormalizer reads a clip table \(DataFrame\), got ndarray"):
            method(np.zeros((10, 2)))
    with pytest.raises(ValueError, match="needs the column 'speaker'"):
        fitted[0].fit_speaker(fitted[1].drop(columns="speaker"))


def test_unfitted_normalizer_is_an_error():
    table = make_table({"A": 10})
    for method in ("transform", "fit_speaker"):
        with pytest.raises(NotFittedError):
            getattr(SpeakerNormalizer(FEATURES), method)(table)


@pytest.mark.parametrize(("parameter", "params"), [("min_clips", {"min_clips": 1}), ("extractor", {"extractor": 3})])
def test_bad_parameter_is_an_error_that_names_it(parameter, params):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter of SpeakerNormalizer"):
        SpeakerNormalizer(**{"extractor": FEATURES, **params}).fit(make_table({"A": 10}))


def test_missing_value_in_integer_speakers_keeps_them_seen():
    table = pd.DataFrame({"speaker": np.repeat([1, 2], 10), "pitch": np.arange(20.0) ** 2, "level": np.arange(20.0)})
    normalizer = SpeakerNormalizer(FEATURES).fit(table)
    test = table.iloc[:9].assign(speaker=[1.0] * 8 + [np.nan])
    np.testing.assert_allclose(normalizer.transform(test)[:8], normalizer.transform(table)[:8])


# ---- classes of training speakers


def test_class_balanced_statistics_do_not_depend_on_the_numbers_of_clips():
    """Doubling the clips of one class of a speaker changes nothing; without the option it does."""
    rng = np.random.default_rng(0)
    y = np.tile(["anger", "fear"], 20)
    table = pd.DataFrame({"speaker": np.repeat(["A", "B"], 20), "pitch": rng.normal(3.0 * (y == "fear"))})
    again = table[(y == "fear") & (table["speaker"] == "A")]
    more, more_y = pd.concat([table, again]), np.concatenate([y, ["fear"] * len(again)])
    pitch = FunctionTransformer(lambda X: X[["pitch"]].to_numpy())
    for balanced in (True, False):
        normalizer = SpeakerNormalizer(pitch, class_balanced=balanced)
        before = normalizer.fit_transform(table, y)
        after = normalizer.fit_transform(more, more_y)[: len(table)]
        assert np.allclose(before[:20], after[:20]) == balanced
        np.testing.assert_allclose(before[20:], after[20:])


def test_class_balanced_mean_is_that_of_the_class_means():
    table = pd.DataFrame({"speaker": "A", "pitch": [0.0, 0, 0, 0, 0, 0, 6, 8]})
    y = ["neutral"] * 6 + ["anger"] * 2
    normalizer = SpeakerNormalizer(FunctionTransformer(lambda X: X[["pitch"]].to_numpy()), class_balanced=True)
    mean, scale = normalizer.fit(table, y).speakers_["A"]
    assert mean == pytest.approx(3.5)
    assert scale == pytest.approx(np.sqrt((3.5**2 + (2.5**2 + 4.5**2) / 2) / 2))


def test_class_balanced_images(tmp_path):
    """Rows of images are weighted by the class of their clip, too."""
    images = np.ones((8, 2, 5, 1)) * np.array([1.0] * 6 + [3.0] * 2).reshape(-1, 1, 1, 1)
    table = pd.DataFrame({"speaker": "A", "row": range(8)})
    extractor = FunctionTransformer(lambda X: images[X["row"]])
    normalizer = SpeakerNormalizer(extractor, class_balanced=True).fit(table, ["a"] * 6 + ["b"] * 2)
    np.testing.assert_allclose(normalizer.speakers_["A"][0], [2, 2])


def test_class_balanced_needs_the_classes():
    table = pd.DataFrame({"speaker": "A", "pitch": np.arange(8.0)})
    with pytest.raises(ValueError, match=r"SpeakerNormalizer\(class_balanced=True\) needs the classes: pass y to fit"):
        SpeakerNormalizer(FunctionTransformer(lambda X: X[["pitch"]].to_numpy()), class_balanced=True).fit(table)
