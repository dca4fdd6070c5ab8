"""Behaviour that all extractors share: names, shapes, errors, reports, cache and worker processes."""

import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from savee_mm import (
    AudioFeatures,
    ClipError,
    ClipWarning,
    FaceFrameSampler,
    MFCCImage,
    ProsodyFeatures,
    Segment,
    SpectralFeatures,
)
from savee_mm._missing import DARK, SILENT, is_missing
from savee_mm.features import _base
from savee_mm.features._tabular import TabularTransformer
from savee_mm.media import read_audio
from savee_mm.signal import add_noise, invert_polarity, pitch_shift

EXTRACTORS = [ProsodyFeatures(), MFCCImage(n_frames=50), FaceFrameSampler(n_frames=2, size=(8, 8), detector="lbp")]
AUDIO = EXTRACTORS[:2]
AUGMENTED = [*AUDIO, SpectralFeatures(), AudioFeatures()]
ids = [type(extractor).__name__ for extractor in EXTRACTORS]


@pytest.fixture
def broken(corpus, tmp_path):
    """Three clips, of which the second is not a media file."""
    table = corpus.data.iloc[:3].copy()
    path = tmp_path / "broken.wav"
    path.write_bytes(b"not a recording")
    table.loc[table.index[1], ["audio", "video", "clip_id"]] = [str(path), str(path), "the_broken_one"]
    return table


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_output_is_finite_with_one_row_per_clip_in_order(extractor, corpus):
    X = clone(extractor).fit_transform(corpus.data)
    assert len(X) == len(corpus.data)
    assert np.isfinite(X).all()
    order = np.random.default_rng(0).permutation(len(X))
    np.testing.assert_array_equal(clone(extractor).fit(corpus.data).transform(corpus.data.iloc[order]), X[order])


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_table_and_list_of_paths_agree(extractor, corpus):
    table = corpus.data.iloc[:2]
    paths = table[extractor._column].tolist()
    np.testing.assert_array_equal(clone(extractor).fit_transform(table), clone(extractor).fit_transform(paths))


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_each_row_depends_on_its_clip_only(extractor, corpus):
    fitted = clone(extractor).fit(corpus.data)
    np.testing.assert_array_equal(fitted.transform(corpus.data.iloc[[4]]), fitted.transform(corpus.data)[[4]])


@pytest.mark.parametrize("extractor", AUDIO, ids=ids[:2])
def test_array_of_samples_equals_its_file(extractor, corpus):
    path = corpus.data["audio"].iloc[0]
    y, sr = soundfile.read(path, dtype="float32")
    from_array = clone(extractor).set_params(input_sr=sr).fit_transform([y])
    np.testing.assert_array_equal(from_array, clone(extractor).fit_transform([path]))


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_broken_clip_raises_with_its_name(extractor, broken):
    with pytest.raises(ClipError, match="the_broken_one") as caught:
        clone(extractor).fit_transform(broken)
    assert caught.value.clip_id == "the_broken_one"
    assert caught.value.path.endswith("broken.wav")


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_on_error_fill_fills_and_reports_a_broken_clip(extractor, broken):
    filling = clone(extractor).set_params(on_error="fill")
    with pytest.warns(ClipWarning, match="1 of 3 clips"):
        X = filling.fit_transform(broken)
    assert filling.failed_clips_["clip_id"].tolist() == ["the_broken_one"]
    assert np.isfinite(X).all()
    if X.ndim == 2:
        np.testing.assert_allclose(X[1], np.median(X[[0, 2]], axis=0))
    else:
        assert not X[1].any()
    filling.transform(broken.iloc[[0]])
    assert filling.failed_clips_.empty


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_a_single_broken_clip_is_filled_by_transform_but_not_by_fit(extractor, broken):
    filling = clone(extractor).set_params(on_error="fill")
    with pytest.raises(ClipError):
        filling.fit_transform(broken.iloc[[1]])
    with pytest.raises(NotFittedError):
        filling.transform(broken)
    whole = filling.fit(broken.iloc[[0, 2]]).transform(broken.iloc[[0]])
    with pytest.warns(ClipWarning, match="1 of 1 clips"):
        X = filling.transform(broken.iloc[[1]])
    assert X.shape == whole.shape
    assert np.isfinite(X).all()


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_missing_path_is_a_clip_error(extractor, corpus):
    table = corpus.data.iloc[:2].copy()
    table.loc[table.index[1], ["audio", "video"]] = None
    with pytest.raises(ClipError, match=f"no path in the column '{extractor._column}'"):
        clone(extractor).fit_transform(table)


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_table_without_the_column_is_an_error(extractor, corpus):
    with pytest.raises(ValueError, match=f"no column '{extractor._column}'"):
        clone(extractor).fit(corpus.data.drop(columns=extractor._column))


@pytest.mark.parametrize("extractor", EXTRACTORS, ids=ids)
def test_folder_cache_keeps_the_other_clips_after_an_error(extractor, broken, tmp_path):
    folder = tmp_path / "cache"
    cached = clone(extractor).set_params(cache=folder)
    with pytest.raises(ClipError):
        cached.fit_transform(broken)
    # An entry that is written again is a new file.
    kept = {path: path.stat().st_ino for path in folder.iterdir()}
    assert len(kept) == 2
    X = cached.fit_transform(broken.iloc[[0, 2]])
    assert {path: path.stat().st_ino for path in folder.iterdir()} == kept
    np.testing.assert_array_equal(X, clone(extractor).set_params(cache=None).fit_transform(broken.iloc[[0, 2]]))


def test_cache_distinguishes_parameters(corpus, tmp_path):
    paths = corpus.data["audio"].tolist()[:1]
    coarse, fine = (MFCCImage(n_frames=50, hop_length=hop, cache=tmp_path) for hop in (512, 256))
    assert not np.array_equal(coarse.fit_transform(paths), fine.fit_transform(paths))
    assert len(list(tmp_path.iterdir())) == 2


def test_normalizations_share_cache_entries(corpus, tmp_path):
    paths = corpus.data["audio"].tolist()[:2]
    for normalize in ("clip", "training", None):
        MFCCImage(n_frames=50, normalize=normalize, cache=tmp_path).fit_transform(paths)
    assert len(list(tmp_path.iterdir())) == 2


def test_clips_of_equal_content_have_equal_rows(corpus, tmp_path):
    path = corpus.data["audio"].iloc[0]
    X = MFCCImage(n_frames=50, cache=tmp_path).fit_transform([path, path])
    np.testing.assert_array_equal(X[0], X[1])


def test_workers_return_the_values_of_one_process(corpus):
    one, two = (ProsodyFeatures(n_jobs=n_jobs, cache=None) for n_jobs in (1, np.int64(2)))
    np.testing.assert_array_equal(one.fit_transform(corpus.data.iloc[:4]), two.fit_transform(corpus.data.iloc[:4]))


def test_error_of_a_worker_names_the_clip(broken):
    with pytest.raises(ClipError, match="the_broken_one"):
        ProsodyFeatures(n_jobs=2, cache=None).fit_transform(broken)


def test_extra_columns_are_ignored(corpus):
    table = corpus.data.assign(age=31)
    np.testing.assert_array_equal(
        MFCCImage(n_frames=50).fit_transform(table), MFCCImage(n_frames=50).fit_transform(corpus.data)
    )


# ---- any exception of a kernel


class Quotient(TabularTransformer):
    """1 divided by the first sample. Some arrays have errors that are no ClipError."""

    def __init__(self, *, input_sr=16000, n_jobs=None, cache=None, on_error="raise", verbose=False):
        self.input_sr = input_sr
        self.n_jobs = n_jobs
        self.cache = cache
        self.on_error = on_error
        self.verbose = verbose

    def _kernel(self):
        return partial(divide)

    def _output_columns(self):
        return [("quotient", "1")]


def divide(y):
    if len(y) > 10:
        raise MemoryError
    return np.array([np.inf if y[0] < 0 else 1 / float(y[0])])


divide.__module__ = "__main__"  # pickled by value: worker processes cannot import the tests


FAILING = {
    "MemoryError()": np.ones(11),
    "ZeroDivisionError('float division by zero')": np.zeros(2),
    "some values are infinite": -np.ones(2),
}


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("reason", FAILING)
def test_any_exception_and_infinite_values_are_a_clip_error(reason, n_jobs):
    with pytest.raises(ClipError, match=re.escape(reason)) as caught:
        Quotient(n_jobs=n_jobs).fit_transform([np.ones(2), FAILING[reason]])
    assert caught.value.clip_id == "1"


def test_exception_is_the_cause_of_the_clip_error():
    with pytest.raises(ClipError) as caught:
        Quotient().fit([FAILING["MemoryError()"]])
    assert isinstance(caught.value.__cause__, MemoryError)


@pytest.mark.parametrize("reason", FAILING)
def test_on_error_fill_fills_any_exception(reason):
    extractor = Quotient(on_error="fill")
    with pytest.warns(ClipWarning, match="1 of 3 clips"):
        X = extractor.fit_transform([np.full(2, 0.5), FAILING[reason], np.full(2, 0.25)])
    assert X.ravel().tolist() == [2, 3, 4]
    assert reason in extractor.failed_clips_["reason"].iloc[0]


# ---- silence and black frames


NOTHING = {
    "silence": np.zeros(8000, np.float32),
    "constant": np.full(8000, 0.03, np.float32),
    "dither": np.random.default_rng(0).choice([-1, 0, 1], 8000).astype(np.float32) / 2**15,
}


@pytest.mark.parametrize("kind", NOTHING)
@pytest.mark.parametrize("extractor", AUGMENTED, ids=lambda extractor: type(extractor).__name__)
def test_silent_file_is_missing_audio(extractor, kind, tmp_path):
    """Its rate differs from the working rate, so that resampling a constant rings at its ends."""
    soundfile.write(tmp_path / "silent.wav", NOTHING[kind], 16000, subtype="PCM_16")
    with pytest.raises(ClipError, match="missing audio: the recording is silent") as caught:
        clone(extractor).fit([tmp_path / "silent.wav"]).transform([tmp_path / "silent.wav"])
    assert caught.value.reason == SILENT
    assert caught.value.clip_id == "silent"


@pytest.mark.parametrize("extractor", AUGMENTED, ids=lambda extractor: type(extractor).__name__)
def test_on_error_fill_fills_and_reports_silence(extractor, tone):
    filling = clone(extractor).set_params(on_error="fill", input_sr=22050)
    with pytest.warns(ClipWarning, match="1 of 3 clips .*: clip '1': missing audio"):
        X = filling.fit_transform([tone(150), np.zeros(22050), tone(250)])
    assert np.isfinite(X).all()
    assert filling.failed_clips_["clip_id"].tolist() == ["1"]
    assert filling.failed_clips_["reason"].tolist() == [SILENT]


@pytest.mark.parametrize("extractor", AUDIO, ids=ids[:2])
def test_muted_video_is_missing_audio(extractor, corpus, write_video, tmp_path):
    frames = np.zeros((3, 32, 32, 3), np.uint8)
    for path, sound in ((tmp_path / "track.mkv", np.zeros(16000)), (tmp_path / "none.mkv", None)):
        write_video(path, frames, sound=sound)
        with pytest.raises(ClipError) as caught:
            clone(extractor).fit(corpus.data).transform([path])
        assert is_missing(caught.value.reason)


def test_black_video_is_missing_video(corpus, write_video, tmp_path):
    path = write_video(tmp_path / "black.mp4", np.zeros((3, 64, 64, 3), np.uint8))
    fitted = clone(EXTRACTORS[2]).set_params(on_error="fill").fit(corpus.data)
    with pytest.warns(ClipWarning, match="missing video: all sampled frames are black"):
        assert not fitted.transform([path]).any()
    assert fitted.failed_clips_["reason"].tolist() == [DARK]


def test_grey_video_without_a_face_is_not_missing(corpus, write_video, tmp_path):
    path = write_video(tmp_path / "grey.mp4", np.full((3, 64, 64, 3), 60, np.uint8))
    with pytest.raises(ClipError, match="no face found") as caught:
        clone(EXTRACTORS[2]).fit(corpus.data).transform([path])
    assert not is_missing(caught.value.reason)


# ---- augmented copies


@pytest.fixture
def copies(corpus):
    """Three clips, each as recorded, with a recipe of two steps, and inverted."""
    table = corpus.data.iloc[[0, 1, 2] * 3].reset_index(drop=True)
    recipes = [
        None,
        np.nan,
        "",
        *["pitch_shift(n_steps=3.0) add_noise(snr=10.0, seed=5)"] * 3,
        *["invert_polarity()"] * 3,
    ]
    return table.assign(augmentation=pd.Series(recipes, dtype=object))


@pytest.mark.parametrize("extractor", AUGMENTED, ids=lambda extractor: type(extractor).__name__)
def test_recipe_equals_its_kernels_applied_to_the_samples(extractor, copies):
    # At one rate, so that recorded and working rate do not differ.
    extractor = clone(extractor).set_params(sr=None, input_sr=read_audio(copies["audio"].iloc[0])[1])
    X = clone(extractor).fit_transform(copies)
    np.testing.assert_array_equal(
        X[:3], clone(extractor).fit(copies).transform(copies.drop(columns="augmentation")[:3])
    )
    for i, path in enumerate(copies["audio"][:3]):
        y, sr = read_audio(path)
        expected = [add_noise(pitch_shift(y, sr, 3.0), 10.0, seed=5), invert_polarity(y)]
        np.testing.assert_array_equal(X[[3 + i, 6 + i]], clone(extractor).fit(copies).transform(expected))
    assert not np.array_equal(X[:3], X[3:6])


def test_recipe_does_not_change_video(copies):
    X = clone(EXTRACTORS[2]).fit_transform(copies)
    np.testing.assert_array_equal(X[3:], np.concatenate([X[:3], X[:3]]))


def test_cache_distinguishes_recipes_and_reuses_recordings(copies, tmp_path):
    extractor = MFCCImage(n_frames=50, cache=tmp_path)
    extractor.fit_transform(copies.drop(columns="augmentation")[:3])
    recorded = {path.name for path in tmp_path.iterdir()}
    assert len(recorded) == 3
    X = extractor.fit_transform(copies)
    kept = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    assert recorded < set(kept)
    assert len(kept) == 9
    np.testing.assert_array_equal(extractor.fit_transform(copies), X)
    assert {path.name: path.stat().st_ino for path in tmp_path.iterdir()} == kept
    np.testing.assert_array_equal(MFCCImage(n_frames=50, cache=None).fit_transform(copies), X)


def test_workers_apply_recipes(copies):
    one, two = (MFCCImage(n_frames=50, n_jobs=n_jobs, cache=None) for n_jobs in (1, 2))
    np.testing.assert_array_equal(one.fit_transform(copies), two.fit_transform(copies))


@pytest.mark.parametrize("extractor", AUDIO, ids=ids[:2])
@pytest.mark.parametrize(
    ("recipe", "message"),
    [("reverb(room=3)", "unknown step 'reverb'"), ("pitch_shift(n_steps=99)", "n_steps must be"), (3.5, "got 3.5")],
)
def test_bad_recipe_is_an_error_that_names_the_clip(extractor, copies, recipe, message):
    copies.loc[4, ["augmentation", "clip_id"]] = [recipe, "the_odd_one"]
    with pytest.raises(ClipError, match=message) as caught:
        clone(extractor).fit_transform(copies)
    assert caught.value.clip_id == "the_odd_one"


def test_on_error_fill_fills_and_reports_a_bad_recipe(copies):
    copies.loc[4, ["augmentation", "clip_id"]] = ["reverb()", "the_odd_one"]
    filling = ProsodyFeatures(on_error="fill")
    with pytest.warns(ClipWarning, match="1 of 9 clips"):
        assert np.isfinite(filling.fit_transform(copies)).all()
    assert filling.failed_clips_["clip_id"].tolist() == ["the_odd_one"]


def test_verbose_shows_a_progress_bar_after_a_delay(corpus, capsys, monkeypatch):
    MFCCImage(n_frames=50, cache=None, verbose=True).fit_transform(corpus.data.iloc[:1])
    assert not capsys.readouterr().err
    monkeypatch.setattr(_base, "_BAR_DELAY", 0)
    MFCCImage(n_frames=50, cache=None, verbose=True).fit_transform(corpus.data.iloc[:2])
    assert "MFCCImage" in capsys.readouterr().err
    MFCCImage(n_frames=50, cache=None).fit_transform(corpus.data.iloc[:2])
    assert not capsys.readouterr().err


@pytest.mark.parametrize(
    ("extractor", "parameter"),
    [
        (ProsodyFeatures(on_error="ignore"), "on_error"),
        (ProsodyFeatures(sr=0), "sr"),
        (MFCCImage(normalize="speaker"), "normalize"),
        (MFCCImage(n_frames=0), "n_frames"),
        (FaceFrameSampler(detector="haar"), "detector"),
        (FaceFrameSampler(size=(64, 0)), "size"),
        (FaceFrameSampler(size=64), "size"),
    ],
)
def test_bad_parameter_is_an_error_that_names_it(extractor, parameter, corpus):
    with pytest.raises(ValueError, match=f"'{parameter}' parameter"):
        extractor.fit(corpus.data)


def test_report_of_a_call_without_failures_is_empty(corpus):
    fitted = MFCCImage(n_frames=50).fit(corpus.data)
    pd.testing.assert_frame_equal(
        fitted.failed_clips_, pd.DataFrame(columns=["clip_id", "path", "reason"], dtype=object), check_index_type=False
    )


# ---- segments of long files


@pytest.fixture
def long_and_short(corpus, tmp_path):
    """Four clips as segments of one long file, and as files of their own with the same samples."""
    sounds = [read_audio(path) for path in corpus.data["audio"][:4]]
    sr = sounds[0][1]
    soundfile.write(tmp_path / "long.wav", np.concatenate([y for y, _ in sounds]), sr, subtype="FLOAT")
    limits = np.cumsum([0, *(len(y) for y, _ in sounds)]) / sr
    long = pd.DataFrame({"audio": str(tmp_path / "long.wav"), "start": limits[:-1], "end": limits[1:]})
    return long, corpus.data[:4]


@pytest.mark.parametrize("extractor", AUGMENTED)
def test_segments_of_a_long_file_equal_files_of_their_own(extractor, long_and_short):
    long, short = long_and_short
    np.testing.assert_array_equal(clone(extractor).fit_transform(long), clone(extractor).fit_transform(short))


def test_faces_of_a_segment_are_those_at_its_times(corpus):
    path = corpus.data["video"].iloc[0]
    halves = pd.DataFrame({"video": path, "start": [0.0, 0.5, None], "end": [0.5, 1.0, None]})
    sampler = clone(EXTRACTORS[2])
    X = sampler.fit_transform(halves)
    times = sampler.diagnose(halves)["time"].to_numpy().reshape(3, 2)
    assert times[0, 0] < times[0, 1] < 0.5 <= times[1, 0] < times[1, 1] < 1.0
    np.testing.assert_array_equal(X[2], clone(sampler).fit_transform([path])[0])
    segment = Segment(path, 0.5, 1.0)
    np.testing.assert_array_equal(X[1], clone(sampler).fit_transform([segment])[0])


def test_each_segment_has_its_own_cache_entry_and_name(long_and_short, tmp_path):
    long, _ = long_and_short
    extractor = ProsodyFeatures(cache=tmp_path / "cache")
    X = extractor.fit_transform(long)
    assert len(list((tmp_path / "cache").iterdir())) == 4
    np.testing.assert_array_equal(extractor.transform(long.iloc[::-1]), X[::-1])
    shifted = long.assign(end=long["end"] - 0.1)
    assert not np.array_equal(extractor.transform(shifted), X)
    broken = long.assign(start=[0.0, 500.0, 0.1, 0.2], end=[1.0, 501.0, 1.1, 1.2])
    with pytest.raises(ClipError, match=r"clip 'long_500.000-501.000' .*the segment starts at 500 s"):
        extractor.transform(broken)


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ({"start": [0.0, 3.0], "end": [1.0, 2.0]}, "expected a segment with 0 <= start < end"),
        ({"start": [0.0, 3.0], "end": [1.0, np.nan]}, "expected 'end' of a segment to be a number of seconds, got nan"),
    ],
)
def test_invalid_times_of_a_clip_name_the_clip(times, message):
    table = pd.DataFrame({"audio": "long.wav", "clip_id": ["good", "bad"], **times})
    with pytest.raises(ClipError, match=f"clip 'bad' .*{message}"):
        ProsodyFeatures().fit(table)


def test_one_column_of_times_is_refused():
    with pytest.raises(ValueError, match="has a column 'start', but not both"):
        ProsodyFeatures().fit(pd.DataFrame({"audio": ["long.wav"], "start": [1.0]}))
