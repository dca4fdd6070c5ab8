"""SpeechEmbedding: statistics over the clip's own frames, windows, names, files that are refused."""

import pickle
import subprocess
import sys

import numpy as np
import onnx
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import ClipError, ClipWarning, KernelRidgeClassifier, SpeechEmbedding, save_model

SR, N_VALUES = 16000, 3


def embedding(model, **parameters):
    return SpeechEmbedding(model, input_sr=SR, cache=None, **parameters)


def test_mean_and_deviation_of_the_frames(frame_model, frames_of, clips):
    X = embedding(frame_model).fit_transform(clips)
    expected = [np.concatenate([frames_of(y).mean(axis=0), frames_of(y).std(axis=0)]) for y in clips]
    np.testing.assert_allclose(X, expected, atol=1e-4)


@pytest.mark.parametrize("pad", ["none", "left", "right"])
def test_statistics_do_not_depend_on_windows_or_padding(frame_model, clips, pad):
    """The frames of this encoder do not see each other, so windows must change nothing."""
    whole = embedding(frame_model).fit_transform(clips)
    windows = embedding(frame_model, window=0.7, pad=pad).fit_transform(clips)
    np.testing.assert_allclose(windows, whole, atol=1e-4)


def test_overlapping_windows_count_every_frame_once(frame_model, clips):
    whole = embedding(frame_model).fit_transform(clips)
    np.testing.assert_allclose(embedding(frame_model, window=0.7, hop=0.3).fit_transform(clips), whole, atol=1e-4)


def test_inner_tensor_as_output(frame_model, frames_of, clips):
    X = embedding(frame_model, outputs=["half"], pool=["max"]).fit_transform(clips)
    np.testing.assert_allclose(X, [frames_of(y).max(axis=0) / 2 for y in clips], atol=1e-4)


def test_output_without_time_axis_is_pooled_over_windows(frame_model, clips):
    X = embedding(frame_model, outputs=["embedding"], window=1.0, pool=["mean", "std"]).fit_transform(clips)
    assert X.shape == (3, 2 * N_VALUES)
    assert not X[:2, N_VALUES:].any()  # one window each


def test_column_names(frame_model, clips):
    fitted = embedding(frame_model, outputs=["hidden", "embedding"], pool=["std"]).fit(clips)
    assert fitted.get_feature_names_out().tolist() == [
        f"frames_{output}_{i:04d}_std" for output in ("hidden", "embedding") for i in range(N_VALUES)
    ]


def test_callable_front_end(frame_model, frames_of, clips):
    X = embedding(frame_model, front_end=np.abs, pool=["mean"]).fit_transform(clips)
    np.testing.assert_allclose(X, [frames_of(np.abs(y)).mean(axis=0) for y in clips], atol=1e-4)


def test_standardized_front_end_ignores_level_and_offset(frame_model, clips):
    extractor = embedding(frame_model, front_end="standardized", pool=["mean"])
    np.testing.assert_allclose(
        extractor.fit_transform([0.1 * y + 0.2 for y in clips]), extractor.fit_transform(clips), atol=1e-3
    )


def test_cache_separates_outputs(frame_model, clips, tmp_path):
    cached = {"input_sr": SR, "cache": tmp_path / "cache", "pool": ["mean"]}
    hidden = SpeechEmbedding(frame_model, outputs=["hidden"], **cached).fit_transform(clips)
    half = SpeechEmbedding(frame_model, outputs=["half"], **cached).fit_transform(clips)
    np.testing.assert_allclose(half, hidden / 2, atol=1e-6)
    np.testing.assert_array_equal(
        SpeechEmbedding(frame_model, outputs=["hidden"], **cached).fit_transform(clips), hidden
    )


def test_clone_and_pickle(frame_model, clips):
    extractor = embedding(frame_model).fit(clips)
    expected = extractor.transform(clips)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(extractor)).transform(clips), expected)
    np.testing.assert_array_equal(clone(extractor).fit_transform(clips), expected)


def test_other_file_at_prediction_is_refused(frame_model, clips):
    extractor = embedding(frame_model).fit(clips)
    model = onnx.load(frame_model)
    model.doc_string = "another file"
    onnx.save_model(model, frame_model)
    with pytest.raises(ValueError, match="not the one of the fit"):
        extractor.transform(clips)


def test_model_file_predicts_the_same_in_another_process(frame_model, clips, tmp_path, monkeypatch):
    y = np.array(["anger", "joy", "joy"])
    pipeline = make_pipeline(embedding(frame_model), StandardScaler(), KernelRidgeClassifier()).fit(clips, y)
    save_model(pipeline, tmp_path / "model.savee")
    np.savez(tmp_path / "clips.npz", *clips)
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(frame_model.parent))
    code = """
import sys, numpy as np
from savee_mm import load_model
clips = list(np.load(sys.argv[2]).values())
np.save(sys.argv[3], load_model(sys.argv[1]).predict_proba(clips))
assert "tensorflow" not in sys.modules and "torch" not in sys.modules
"""
    files = [str(tmp_path / name) for name in ("model.savee", "clips.npz", "proba.npy")]
    subprocess.run([sys.executable, "-c", code, *files], check=True)
    np.testing.assert_allclose(np.load(files[2]), pipeline.predict_proba(clips), atol=1e-6)


def test_missing_output_lists_those_that_exist(frame_model, clips):
    with pytest.raises(ValueError, match=r"no output 'hidden_7'.*embedding, hidden.*half"):
        embedding(frame_model, outputs=["hidden_7"]).fit(clips)


def test_missing_file(tmp_path, clips):
    with pytest.raises(FileNotFoundError, match="no ONNX file"):
        embedding(tmp_path / "none.onnx").fit(clips)


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\x08\x07"])
def test_file_that_is_no_onnx(tmp_path, clips, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ValueError, match="not an ONNX model"):
        embedding(tmp_path / "x.onnx").fit(clips)


def test_custom_operators_are_refused(custom_model, clips):
    with pytest.raises(ValueError, match=r"custom operators \(somewhere.else\)"):
        embedding(custom_model).fit(clips)


def external(model, location):
    """Move the weights of a model to another file, and name ``location`` as their file."""
    loaded = onnx.load(model)
    onnx.save_model(loaded, model, save_as_external_data=True, location="weights.bin", size_threshold=100)
    if location != "weights.bin":
        loaded = onnx.load(model, load_external_data=False)
        for tensor in loaded.graph.initializer:
            for entry in tensor.external_data:
                entry.value = location if entry.key == "location" else entry.value
        model.write_bytes(loaded.SerializeToString())
    return model


def test_external_weights_in_the_folder_are_part_of_the_digest(frame_model, clips):
    plain = embedding(frame_model).fit_transform(clips)
    extractor = embedding(external(frame_model, "weights.bin")).fit(clips)
    np.testing.assert_array_equal(extractor.transform(clips), plain)
    weights = frame_model.parent / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:-4] + np.float32(0.25).tobytes())
    with pytest.raises(ValueError, match="not the one of the fit"):
        extractor.transform(clips)


def test_external_weights_outside_the_folder_are_refused(frame_model, clips):
    with pytest.raises(ValueError, match="outside its folder"):
        embedding(external(frame_model, "../weights.bin")).fit(clips)


def test_front_end_of_another_rate(frame_model, clips):
    with pytest.raises(ValueError, match="needs sr=16000, got sr=8000"):
        embedding(frame_model, front_end="whisper", sr=8000).fit(clips)


def test_front_end_of_another_shape(frame_model, clips):
    with pytest.raises(ValueError, match=r"shape \(1, 80, 100\)"):
        embedding(frame_model, front_end="whisper").fit(clips)


def test_clip_that_the_encoder_does_not_accept_is_named(frame_model, clips):
    short = [*clips, np.linspace(-0.1, 0.1, 100, dtype=np.float32)]  # less than a frame
    with pytest.raises(ClipError, match=r"encoder does not accept an input of shape \(1, 100\)"):
        embedding(frame_model).fit(short)
    with pytest.warns(ClipWarning, match="1 of 4 clips"):
        X = embedding(frame_model, on_error="fill").fit_transform(short)
    np.testing.assert_array_equal(X[3], np.median(X[:3], axis=0))


@pytest.mark.parametrize("pool", [[], ["median"]])
def test_unknown_statistic(frame_model, clips, pool):
    with pytest.raises(ValueError, match="'pool' parameter"):
        embedding(frame_model, pool=pool).fit(clips)


def test_registered_encoder_without_its_file(monkeypatch, tmp_path, clips):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"whisper-base.onnx.*export-encoder"):
        SpeechEmbedding("whisper-base", input_sr=SR).fit(clips)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_package_that_is_not_installed(frame_model, clips, package):
    code = f"""
import sys
sys.modules["{package}"] = None
import numpy as np
from savee_mm import SpeechEmbedding
try:
    SpeechEmbedding(sys.argv[1], input_sr=16000).fit([np.ones(1600, np.float32)])
except ImportError as error:
    assert "pip install 'savee-mm[encoders]'" in str(error), error
else:
    raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code, str(frame_model)], check=True)
