"""Smoke test of the built wheel: ``python smoke.py WHEEL``, run by ``make package``.

It is not run by pytest, but in an environment with the wheel and its dependencies only, away from the sources.
"""

import subprocess
import sys
import tempfile
import zipfile
from importlib.metadata import version
from pathlib import Path

LIMIT = 1_000_000  # bytes


def check_wheel(path):
    """Look at what is in the wheel."""
    size = path.stat().st_size
    assert size < LIMIT, f"the wheel has {size} bytes"
    names = zipfile.ZipFile(path).namelist()
    assert {"savee_mm/py.typed", "savee_mm/__init__.pyi"} <= set(names)
    expected = (".py", ".pyi", "/py.typed", ".html.jinja")
    strange = [name for name in names if not name.endswith(expected) and ".dist-info/" not in name]
    assert not strange, f"neither code nor types nor templates: {strange}"
    assert not [name for name in names if "test" in Path(name).parts[0]]
    return size, len(names)


def check_command():
    """Return the version that the installed command prints."""
    command = Path(sys.executable).with_name("savee-mm")
    printed = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
    assert version("savee-mm") in printed, printed
    return printed.strip()


def check_pipeline(folder):
    """Fit, save, load and use an audio system on the synthetic corpus."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    import savee_mm

    assert "site-packages" in savee_mm.__file__, f"not the wheel: {savee_mm.__file__}"
    corpus = savee_mm.make_talking_faces(folder / "corpus", n_speakers=2, n_sentences=2, random_state=0)
    model = make_pipeline(savee_mm.ProsodyFeatures(), StandardScaler(), LogisticRegression())
    scores = cross_val_score(model, corpus.data, corpus.target, cv=savee_mm.LeaveOneSpeakerOut(), error_score="raise")
    path = savee_mm.save_model(model.fit(corpus.data, corpus.target), folder / "voice.savee")
    probabilities = savee_mm.predict_file(savee_mm.load_model(path), corpus.data["audio"].iloc[0])
    assert abs(probabilities.sum() - 1) < 1e-9
    return scores


def check_network(folder):
    """Train the network of both modalities for one epoch."""
    import savee_mm

    corpus = savee_mm.make_talking_faces(folder / "faces", n_speakers=1, n_sentences=1, random_state=0)
    video = savee_mm.FaceFrameSampler(n_frames=2, size=(16, 16), detector="lbp")
    clf = savee_mm.FusionClassifier(video=video, n_filters=2, n_units=4, epochs=1, random_state=0)
    return clf.fit(corpus.data, corpus.target).predict_proba(corpus.data).shape


if __name__ == "__main__":
    print("wheel: {} bytes, {} files".format(*check_wheel(Path(sys.argv[1]))))
    print(f"command: {check_command()}")
    with tempfile.TemporaryDirectory() as name:
        print(f"voice, by speaker: {check_pipeline(Path(name))}")
        print(f"network: probabilities of shape {check_network(Path(name))}")
