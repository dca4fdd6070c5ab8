"""A folder of finished folds: no fold is trained twice, and no outdated fold is used."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Bunch

from savee_mm import EvaluationReport, evaluate
from savee_mm._files import claim
from savee_mm.evaluation import _folds


class Diary(ClassifierMixin, BaseEstimator):
    """Predict the class frequencies, and log each fit in a file; a file ``stop`` in its folder stops the fit."""

    def __init__(self, diary, C=1.0, n_jobs=None, verbose=False, cache=None, random_state=None):
        self.diary = diary
        self.C = C
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.cache = cache
        self.random_state = random_state

    def fit(self, X, y):
        stop = Path(self.diary).with_name("stop")
        if stop.exists() and fits(self.diary) >= int(stop.read_text()):
            raise KeyboardInterrupt
        with open(self.diary, "a") as file:
            file.write(f"{len(X)}\n")
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares_ = counts / counts.sum()
        return self

    def predict_proba(self, X):
        return np.tile(self.shares_.astype(np.float32), (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Colleague(Diary):
    """A Diary during whose first fit another process finishes all folds: those in a folder ``done``."""

    def fit(self, X, y):
        done = Path(self.diary).with_name("done")
        if done.exists():
            shutil.copytree(done, done.with_name("folds"), dirs_exist_ok=True)
        return super().fit(X, y)


def fits(diary):
    path = Path(diary)
    return len(path.read_text().splitlines()) if path.exists() else 0


# Pickled by value: worker processes cannot import the tests.
for item in (Diary, fits):
    item.__module__ = "__main__"


@pytest.fixture
def diary(tmp_path):
    return str(tmp_path / "diary")


@pytest.fixture
def corpus(corpus):
    """The synthetic clips with two labels: every class has clips for four folds."""
    return Bunch(data=corpus.data, target=np.resize(["calm", "loud"], len(corpus.data)), groups=corpus.groups)


@pytest.fixture
def run(diary, tmp_path, corpus):
    """Evaluate a Diary with a folder; return the report and the number of folds that were trained."""

    def evaluate_diary(data=None, target=None, name="diary", seeds=(0,), **params):
        before = fits(diary)
        today = Bunch(data=corpus.data if data is None else data, target=corpus.target if target is None else target)
        systems = {name: Diary(diary, **params)}
        report = evaluate(systems, today, ("clip", "speaker"), seeds, folder=tmp_path / "folds")
        return report, fits(diary) - before

    return evaluate_diary


N_FOLDS = 4 + 3


def test_second_run_trains_nothing_and_gives_the_same(run, diary, corpus, tmp_path):
    first, n_first = run()
    second, n_second = run()
    assert (n_first, n_second) == (N_FOLDS, 0)
    pd.testing.assert_frame_equal(first.predictions, second.predictions)
    assert len(list((tmp_path / "folds").iterdir())) == N_FOLDS
    plain = evaluate({"diary": Diary(diary)}, corpus, ("clip", "speaker"))
    columns = plain.predictions.columns.drop("fit_seconds")
    pd.testing.assert_frame_equal(first.predictions[columns], plain.predictions[columns])


def test_interrupted_run_continues(run, diary, tmp_path):
    (tmp_path / "stop").write_text("3")
    with pytest.raises(KeyboardInterrupt):
        run()
    assert fits(diary) == 3
    (tmp_path / "stop").unlink()
    resumed, n_fits = run()
    assert n_fits == N_FOLDS - 3
    shutil.rmtree(tmp_path / "folds")
    whole, _ = run()
    columns = whole.predictions.columns.drop("fit_seconds")
    pd.testing.assert_frame_equal(resumed.predictions[columns], whole.predictions[columns])


def test_fold_that_another_process_has_finished_is_not_trained(diary, tmp_path, corpus):
    first = evaluate({"d": Colleague(diary)}, corpus, "clip", folder=tmp_path / "folds")
    (tmp_path / "folds").rename(tmp_path / "done")
    second = evaluate({"d": Colleague(diary)}, corpus, "clip", folder=tmp_path / "folds")
    assert fits(diary) == 4 + 1
    columns = first.predictions.columns.drop("fit_seconds")
    pd.testing.assert_frame_equal(first.predictions[columns], second.predictions[columns])


def test_two_processes_train_each_fold_once(diary, tmp_path):
    table, y = (
        pd.DataFrame({"clip_id": range(24), "speaker": np.repeat(list("abcdefgh"), 3)}),
        np.resize(["x", "y"], 24),
    )
    folder = tmp_path / "folds"
    reports = Parallel(n_jobs=2)(
        delayed(evaluate)({"d": Diary(diary)}, (table, y), "speaker", folder=folder, leakage="ignore") for _ in range(2)
    )
    assert fits(diary) == 8
    pd.testing.assert_frame_equal(reports[0].predictions, reports[1].predictions)
    assert {path.suffix for path in folder.iterdir()} == {".json"}


def test_fold_of_a_process_that_ended_is_taken_over(diary, tmp_path, corpus):
    folds, reports = tmp_path / "folds", []
    evaluate({"d": Diary(diary)}, corpus, "speaker", folder=folds)
    path = sorted(folds.glob("*.json"))[0]
    path.unlink()
    call = {"systems": {"d": Diary(diary)}, "corpus": corpus, "protocols": "speaker", "folder": folds}
    with claim(path.with_suffix(".claim")):
        waiting = threading.Thread(target=lambda: reports.append(evaluate(**call)))
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive()
        assert fits(diary) == 3
    waiting.join()
    assert fits(diary) == 4
    assert len(reports[0].folds()) == 3


def test_killed_process_leaves_its_finished_folds(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, sys
            import numpy as np, pandas as pd
            from sklearn.dummy import DummyClassifier
            from sklearn.utils import Bunch
            from savee_mm import EvaluationReport, evaluate

            class Fragile(DummyClassifier):
                def fit(self, X, y):
                    with open("diary", "a") as file:
                        file.write(".")
                    if os.path.getsize("diary") == int(sys.argv[1]):
                        os._exit(9)
                    return super().fit(X, y)

            table = pd.DataFrame({"speaker": list("aabbccdd"), "clip_id": range(8)})
            corpus = Bunch(data=table, target=np.array(["x", "y"] * 4))
            print(evaluate({"fragile": Fragile()}, corpus, "speaker", folder="folds").folds()["fold"].tolist())
            """
        )
    )
    killed, resumed = (
        subprocess.run([sys.executable, script, at], cwd=tmp_path, capture_output=True, text=True) for at in "30"
    )
    assert killed.returncode == 9
    assert resumed.stdout == "[0, 1, 2, 3]\n", resumed.stderr
    assert (tmp_path / "diary").read_text() == "." * (3 + 2)  # the process was killed in the third fit


@pytest.mark.parametrize("params", [{"verbose": True}, {"n_jobs": 2}, {"cache": "folder"}, {"random_state": 7}])
def test_parameters_without_effect_on_results_invalidate_no_fold(run, params):
    run()
    assert run(**params)[1] == 0


def test_changed_parameter_name_or_version_is_trained_again(run, monkeypatch):
    run()
    assert run(C=2.0)[1] == N_FOLDS
    assert run(name="other")[1] == N_FOLDS
    monkeypatch.setattr(_folds, "KERNEL_VERSION", 99)
    assert run()[1] == N_FOLDS
    monkeypatch.setattr(_folds, "__version__", "99")
    assert run()[1] == N_FOLDS


def test_new_seed_is_trained_and_the_old_one_kept(run):
    run()
    report, n_fits = run(seeds=(0, 1))
    assert n_fits == N_FOLDS
    assert report.folds()["seed"].value_counts().to_dict() == {0: N_FOLDS, 1: N_FOLDS}


def test_changed_label_invalidates_its_folds(run, corpus):
    run()
    target = corpus.target.copy()
    target[0], target[1] = target[1], target[0]
    assert run(target=target)[1] == N_FOLDS


def test_changed_clip_invalidates_only_its_folds(diary, tmp_path):
    table = pd.DataFrame({"speaker": np.repeat(["a", "b"], 10), "sentence": list("1122334455") * 2, "loudness": 0.0})
    corpus = Bunch(data=table.assign(clip_id=range(20)), target=np.array(["x", "y"] * 10))
    # Speaker a with sentence 1 is tested in one fold, and in training in four folds of b with other sentences.
    for loudness, expected in ((0.0, 10), (1.0, 1 + 4)):
        before = fits(diary)
        corpus.data.loc[0, "loudness"] = loudness
        evaluate({"d": Diary(diary)}, corpus, "speaker+sentence", folder=tmp_path / "folds")
        assert fits(diary) - before == expected


def test_moved_corpus_is_the_same_and_changed_files_are_not(run, corpus, tmp_path):
    run()
    moved = corpus.data.copy()
    for column in ("audio", "video"):
        folder = tmp_path / column
        folder.mkdir()
        moved[column] = [shutil.copy(path, folder / f"{n}_{Path(path).name}") for n, path in enumerate(moved[column])]
    assert run(data=moved)[1] == N_FOLDS  # other file names: the clips may differ
    before = moved.copy()
    for column in ("audio", "video"):
        (tmp_path / "new").mkdir(exist_ok=True)
        shutil.move(tmp_path / column, tmp_path / "new" / column)
        moved[column] = [str(tmp_path / "new" / column / Path(path).name) for path in before[column]]
    assert run(data=moved)[1] == 0
    with open(moved["audio"].iloc[0], "ab") as file:
        file.write(b"more")
    assert run(data=moved)[1] == N_FOLDS


def without_a_row(text):
    content = json.loads(text)
    content["columns"] = {name: column[1:] for name, column in content["columns"].items()}
    return json.dumps(content)


DAMAGE = {
    "half": lambda text: text[: len(text) // 2],
    "empty": lambda text: "",
    "a list": lambda text: "[]",
    "deep": lambda text: "[" * 10_000,
    "zeros": lambda text: "\0" * len(text),
    "a changed value": lambda text: re.sub(r"0\.\d", "0.0", text),
    "another label": lambda text: text.replace('"calm"', '"loud"'),
    "another seed": lambda text: text.replace('"seed": 0', '"seed": 1'),
    "another fold": lambda text: text.replace('"fold": 0', '"fold": 9'),
    "a row less": without_a_row,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_file_is_ignored_and_replaced(run, tmp_path, damage):
    whole, _ = run()
    path = sorted((tmp_path / "folds").iterdir())[0]
    before = path.read_text()
    path.write_text(damage(before))
    assert path.read_text() != before
    (tmp_path / "folds" / f"{path.name}.abc.part").write_text('{"key"')  # a draft that a killed process leaves
    repaired, n_fits = run()
    assert n_fits == 1
    assert repaired.folds()["accuracy"].equals(whole.folds()["accuracy"])
    assert run()[1] == 0


def test_files_are_json_with_a_key(run, tmp_path):
    run(name="odd/name: *")
    path = sorted((tmp_path / "folds").glob("odd_name_*-speaker-seed0-fold2-*.json"))[0]
    key = json.loads(path.read_text())["key"]
    assert (key["system"], key["protocol"], key["seed"], key["fold"]) == ("odd/name: *", "speaker", 0, 2)
    assert key["estimator"]["params"]["C"] == 1.0


def test_file_in_place_of_the_folder_is_refused_before_training(run, diary, tmp_path):
    (tmp_path / "folds").write_text("")
    with pytest.raises(FileExistsError):
        run()
    assert fits(diary) == 0


def test_bar_starts_at_the_kept_folds(diary, tmp_path, corpus, capsys):
    for _ in range(2):
        evaluate({"d": Diary(diary)}, corpus, ("speaker",), folder=tmp_path / "folds", verbose=True)
    assert "3/3" in capsys.readouterr().err.splitlines()[-1]


def test_report_is_read_from_finished_folds(run, tmp_path):
    whole, _ = run(seeds=(0, 1))
    read = EvaluationReport.from_folds(tmp_path / "folds")
    pd.testing.assert_frame_equal(read.folds(), whole.folds())
    pd.testing.assert_frame_equal(read.predictions[whole.predictions.columns], whole.predictions)


def test_folds_of_two_versions_of_a_system_are_not_mixed(run, tmp_path):
    run(C=1.0)
    run(C=2.0)
    with pytest.raises(ValueError, match="folds of 'diary', protocol 'clip', seed 0, that were made in different ways"):
        EvaluationReport.from_folds(tmp_path / "folds")
    for path in (tmp_path / "folds").glob("*-fold0-*"):
        if json.loads(path.read_text())["key"]["estimator"]["params"]["C"] == 2.0:
            path.unlink()
    with pytest.raises(ValueError, match="made in different ways"):
        EvaluationReport.from_folds(tmp_path / "folds")


def test_folder_without_folds_is_refused(tmp_path):
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(ValueError, match="holds no finished folds"):
        EvaluationReport.from_folds(tmp_path)


def test_folds_of_an_earlier_version_stay_usable(run, corpus, tmp_path):
    data = corpus.data.assign(sex=np.where(corpus.groups == "S1", "f", "m"))
    whole, _ = run(data)
    for path in (tmp_path / "folds").iterdir():
        content = json.loads(path.read_text())
        content["columns"] = {n: c for n, c in content["columns"].items() if n not in ("sex", "train_log_loss")}
        del content["checksum"]
        path.write_text(json.dumps(content))
    old, n_fits = run(data)
    assert n_fits == 0
    pd.testing.assert_series_equal(old.predictions["sex"], whole.predictions["sex"])
    pd.testing.assert_series_equal(old.folds()["log_loss"], whole.folds()["log_loss"])
    assert old.folds()["train_log_loss"].isna().all()
    assert old.to_html(tmp_path / "page.html").stat().st_size > 1000
