"""check_leakage finds and names deliberate leaks, and no leaks in clean set-ups."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, LeaveOneGroupOut, ShuffleSplit, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.utils import Bunch

from savee_mm import (
    AudioAugmenter,
    FusionClassifier,
    LeakageError,
    LeakageWarning,
    LeaveOneSpeakerOut,
    MFCCImage,
    ProsodyFeatures,
    Segment,
    SpeakerNormalizer,
    check_leakage,
    check_split,
    evaluate,
    load_ravdess,
    load_savee,
    read_audio,
    systems,
)
from savee_mm.signal import apply_recipe

SVM = make_pipeline(ProsodyFeatures(), StandardScaler(), SVC())
SHUFFLED = KFold(4, shuffle=True, random_state=0)


def kinds(*args, **kwargs):
    return [finding.kind for finding in check_leakage(*args, **kwargs)]


@pytest.fixture
def clips(corpus):
    """The synthetic clips with two labels: every class has clips for four folds."""
    return Bunch(data=corpus.data, target=np.resize(["calm", "loud"], len(corpus.data)), groups=corpus.groups)


@pytest.fixture
def dialogue(tmp_path):
    """Eight segments of 1 s, one after the other, of each of two files of noise."""
    rng = np.random.default_rng(0)
    for name in "ab":
        soundfile.write(tmp_path / f"{name}.wav", rng.normal(scale=0.1, size=8 * 8000), 8000)
    table = pd.DataFrame({"audio": [str(tmp_path / f"{name}.wav") for name in "ab" for _ in range(8)]})
    return table.assign(start=np.tile(np.arange(8.0), 2), end=np.tile(np.arange(1.0, 9.0), 2))


@pytest.fixture
def copies(clips):
    """Every clip and two augmented copies of it."""
    data = AudioAugmenter(n_copies=2, random_state=0).augment(clips.data)
    return Bunch(data=data, target=np.tile(clips.target, 3), groups=np.tile(clips.groups, 3))


def with_duplicates(clips, folder, alter, n=6):
    """Return the clips and altered duplicates of ``n`` of them, in new files and under new names."""
    more = clips.data.iloc[:n].reset_index(drop=True)
    for row, path in enumerate(more["audio"]):
        y, sr = read_audio(path)
        more.loc[row, "audio"] = str(folder / f"new{row}.wav")
        more.loc[row, "clip_id"] = f"new{row}"
        soundfile.write(more.loc[row, "audio"], *alter(y, sr), subtype="FLOAT")
    more["video"] = None
    data = pd.concat([clips.data, more], ignore_index=True)
    return Bunch(data=data, target=np.r_[clips.target, clips.target[:n]])


def numbers(n=60, n_columns=5, seed=0):
    return np.random.default_rng(seed).gamma(2.0, size=(n, n_columns)), np.resize(["a", "b", "c"], n)


# ---- leaks


def test_copies_of_one_clip_on_both_sides(copies):
    report = check_leakage(SVM, copies.data, copies.target, SHUFFLED)
    (finding,) = report
    assert finding.kind == "clip"
    # The rows are those of clips that a fold splits.
    ids = copies.data["clip_id"].to_numpy()
    split = {
        i
        for train, test in SHUFFLED.split(ids)
        for i in (*train, *test)
        if ids[i] in set(ids[train]) and ids[i] in set(ids[test])
    }
    assert set(finding.rows) == split
    assert finding.folds == (0, 1, 2, 3)
    assert ids[finding.rows[0]] in finding.message


def test_copies_under_new_names_share_their_file(copies):
    data = copies.data.assign(clip_id=[f"x{i}" for i in range(len(copies.data))])
    assert kinds(SVM, data, copies.target, "clip") == ["source"]


def test_copies_are_known_by_their_names():
    names = [f"DC_a{i:02d}" for i in range(20)]
    y = np.tile(np.resize(["x", "y"], 20), 2)
    by_name = pd.DataFrame({"clip_id": names + [f"{name}_time_stretch_1.1" for name in names]})
    assert kinds(None, by_name, y, SHUFFLED) == ["source"]


def test_copies_are_known_by_a_column():
    y = np.tile(np.resize(["x", "y"], 20), 2)
    by_column = pd.DataFrame(
        {"clip_id": [f"c{i}" for i in range(40)], "source_clip_id": [f"a{i}" for i in range(20)] * 2}
    )
    assert kinds(None, by_column, y, SHUFFLED) == ["source"]


def test_column_source_may_name_the_corpus():
    y = np.tile(np.resize(["x", "y"], 20), 2)
    corpora = pd.DataFrame({"clip_id": [f"c{i}" for i in range(40)], "source": ["SAVEE", "RAVDESS"] * 20})
    assert kinds(None, corpora, y, SHUFFLED) == []


def test_one_recording_in_two_files_of_equal_content(clips, tmp_path):
    data = clips.data.copy()
    data.loc[20, "audio"] = shutil.copy(data["audio"][0], tmp_path / "again.wav")
    report = check_leakage(SVM, data, clips.target, "clip")
    assert [finding.kind for finding in report] == ["audio"]
    assert report.findings[0].rows == (0, 20)


ALTERED = {
    "quieter": lambda y, sr: (0.2 * y, sr),
    "inverted and cut": lambda y, sr: (-y[round(0.009 * sr) :], sr),
    "other rate": lambda y, sr: (np.interp(np.arange(0, len(y) - 1, sr / 16000), np.arange(len(y)), y), 16000),
    "noisy": lambda y, sr: (apply_recipe(y, sr, "add_noise(snr=25, seed=0)"), sr),
}


@pytest.mark.parametrize("how", list(ALTERED))
def test_one_recording_in_files_that_are_nearly_equal(clips, tmp_path, how):
    duplicated = with_duplicates(clips, tmp_path, ALTERED[how])
    splitter = KFold(2)  # the duplicates are in the second half
    report = check_leakage(SVM, duplicated.data, duplicated.target, splitter)
    assert [finding.kind for finding in report] == ["audio"]
    assert report.findings[0].rows == (*range(6), *range(21, 27))


def test_nearly_equal_arrays_of_samples(clips):
    sounds = [read_audio(path, sr=16000)[0] for path in clips.data["audio"][:10]]
    y = np.resize(["x", "y"], 20)
    assert kinds(None, sounds + [0.5 * sound[40:] for sound in sounds], y, KFold(2)) == ["audio"]
    assert kinds(None, sounds, y[:10], KFold(2)) == []


def test_one_video_under_two_names(clips, tmp_path):
    data = clips.data.drop(columns="audio")
    data.loc[20, "video"] = shutil.copy(data["video"][0], tmp_path / "again.avi")
    report = check_leakage(FusionClassifier(), data, clips.target, "clip")
    assert [(finding.kind, finding.rows) for finding in report] == [("source", (0, 20))]


def test_forbidden_speakers_and_sentences_on_both_sides(clips):
    data, y = clips.data, clips.target
    assert kinds(SVM, data, y, "clip", forbid=("clip", "source", "audio", "speaker")) == ["speaker"]
    assert kinds(SVM, data, y, "speaker", forbid=("clip", "sentence")) == ["sentence"]


def test_splitter_of_a_protocol_forbids_its_column(clips):
    random_groups = np.arange(21) % 3
    assert kinds(SVM, clips.data, clips.target, LeaveOneSpeakerOut(), groups=random_groups) == ["speaker"]


def test_any_column_can_be_forbidden(clips):
    table = clips.data.assign(room=np.resize(["large", "small"], 21))
    assert kinds(SVM, table, clips.target, SHUFFLED, forbid=("room",)) == ["room"]


def test_groups_that_the_splitter_ignores(clips):
    assert kinds(SVM, clips.data, clips.target, StratifiedKFold(3, shuffle=True, random_state=0), clips.groups) == [
        "groups"
    ]


def test_rows_on_both_sides(clips):
    rows = np.arange(21)
    report = check_leakage(SVM, clips.data, clips.target, [(rows[:12], rows[10:]), (rows[10:], rows[:10])])
    assert [finding.kind for finding in report] == ["rows"]
    assert report.findings[0].rows == (10, 11)
    assert report.findings[0].folds == (0,)


FITTED = {
    "whole": lambda data: clone(SVM).fit(data, np.resize(["a", "b"], len(data))),
    "one step": lambda data: make_pipeline(ProsodyFeatures(), StandardScaler().fit(np.eye(34)), SVC()),
    "in a search": lambda data: GridSearchCV(
        make_pipeline(SpeakerNormalizer(ProsodyFeatures().fit(data)), SVC()), {"svc__C": [1, 2]}
    ),
    "in a grid": lambda data: GridSearchCV(
        make_pipeline(ProsodyFeatures(), StandardScaler(), SVC()),
        {"standardscaler": [None, StandardScaler().fit(np.eye(34))]},
    ),
    "part of fusion": lambda data: FusionClassifier(audio=MFCCImage().fit(data)),
    "frozen": lambda data: make_pipeline(ProsodyFeatures(), FrozenEstimator(StandardScaler().fit(np.eye(34))), SVC()),
    "method": lambda data: make_pipeline(
        ProsodyFeatures(), FunctionTransformer(StandardScaler().fit(np.eye(34)).transform), SVC()
    ),
}


@pytest.mark.parametrize("how", list(FITTED))
def test_estimator_that_is_fitted_in_part(clips, how):
    report = check_leakage(FITTED[how](clips.data), clips.data, clips.target, "clip")
    assert [finding.kind for finding in report] == ["fitted"]
    kept = how in ("frozen", "method")
    assert ("clones remain fitted" in report.findings[0].message) == kept


SCALED = {
    "standardised": lambda X: StandardScaler().fit_transform(X),
    "in single precision": lambda X: StandardScaler().fit_transform(X).astype(np.float32),
    "with three decimals": lambda X: StandardScaler().fit_transform(X).round(4),
    "between 0 and 1": lambda X: MinMaxScaler().fit_transform(X),
    "robust": lambda X: RobustScaler().fit_transform(X),
    "whitened": lambda X: PCA(3, whiten=True).fit_transform(X),
    "rotated": lambda X: PCA(3).fit_transform(X),
    "centred": lambda X: X - X.mean(axis=0),
    "images": lambda X: ((X - X.mean()) / X.std()).reshape(-1, 5, 1, 1),
}


@pytest.mark.parametrize("how", list(SCALED))
def test_columns_scaled_over_all_rows(how):
    X, y = numbers()
    report = check_leakage(SVC(), SCALED[how](X), y, SHUFFLED)
    assert [finding.kind for finding in report] == ["standardised"]
    assert report.findings[0].folds


def test_columns_of_a_table_and_cells_that_are_arrays(clips):
    X, _ = numbers(21)
    X = StandardScaler().fit_transform(X)
    assert kinds(SVM, clips.data.assign(energy=X[:, 0]), clips.target, "speaker") == ["standardised"]
    assert kinds(SVM, clips.data.assign(embedding=list(X)), clips.target, "speaker") == ["standardised"]


def test_rows_drawn_twice_before_the_split():
    X, y = numbers()
    drawn = np.r_[np.arange(60), np.arange(12)]
    report = check_leakage(SVC(), X[drawn], y[drawn], KFold(3))
    assert [finding.kind for finding in report] == ["source"]
    assert set(report.findings[0].rows) == {*range(12), *range(60, 72)}


def test_class_among_the_columns():
    X, y = numbers()
    coded = np.unique(y, return_inverse=True)[1] * 1.5
    report = check_leakage(SVC(), np.column_stack([X, coded]), y, SHUFFLED)
    assert [finding.kind for finding in report] == ["class"]
    assert "column 5" in report.findings[0].message


def test_copies_are_found_by_shuffled_classes():
    """Names, files and numbers differ; only the common class of copies is left."""
    rng = np.random.default_rng(0)
    X, y = np.repeat(rng.normal(size=(40, 5)), 2, axis=0), np.repeat(np.resize(["a", "b"], 40), 2)
    table = pd.DataFrame(X + 1e-3 * rng.normal(size=X.shape)).add_prefix("f")
    table["clip_id"] = np.repeat([f"c{i}" for i in range(40)], 2)
    read = FunctionTransformer(lambda table: table.filter(like="f").to_numpy())
    nearest = make_pipeline(read, KNeighborsClassifier(1))
    found = check_leakage(nearest, table, y, SHUFFLED, forbid=(), permutation=True)
    assert [finding.kind for finding in found] == ["permutation"]
    clean = check_leakage(nearest, table, y, "clip", permutation=2)
    assert len(clean) == 0
    assert any("shuffled classes" in note for note in clean.notes)


# ---- clean set-ups


@pytest.mark.parametrize("protocol", ["clip", "speaker"])
def test_protocols_are_clean_also_with_copies(copies, protocol):
    assert len(check_leakage(SVM, copies.data, copies.target, protocol)) == 0


CLEAN = {
    "no estimator": None,
    "pipeline": SVM,
    "search": GridSearchCV(make_pipeline(ProsodyFeatures(), SVC()), {"svc__C": [1, 2]}),
    "stateless": make_pipeline(ProsodyFeatures(), FunctionTransformer(np.log1p), SVC()),
    "fusion": FusionClassifier(augment=AudioAugmenter()),
    "weights by path": systems.make("yamnet"),
    "recommended": systems.make("best_audio", speaker_normalized=True),
}


@pytest.mark.parametrize("what", list(CLEAN))
def test_estimators_that_are_not_fitted(clips, what):
    report = check_leakage(CLEAN[what], clips.data, clips.target, LeaveOneGroupOut(), clips.groups)
    assert len(report) == 0
    assert not report
    assert str(report).startswith("No leak was found.")


def test_features_of_the_split_clips_are_clean(clips):
    X = ProsodyFeatures().fit_transform(clips.data)
    assert kinds(SVC(), X, clips.target, GroupKFold(3), clips.groups) == []
    assert kinds(SVC(), MFCCImage().fit_transform(clips.data), clips.target, ShuffleSplit(2, random_state=0)) == []


def test_natural_proportions_and_counts_are_clean():
    rng = np.random.default_rng(0)
    X, y = numbers(90)
    share = rng.random(90)
    share[:6] = [0, 1, 0, 1, 0, 1]
    counts = rng.integers(0, 2, 90)
    assert kinds(SVC(), np.column_stack([X, share, counts, np.zeros(90)]), y, SHUFFLED) == []


def test_standardised_within_speakers_is_transductive_and_a_leak_by_clip(clips):
    X = SpeakerNormalizer(ProsodyFeatures(), min_clips=2).fit_transform(clips.data)
    report = check_leakage(SVC(), X, clips.target, LeaveOneGroupOut(), clips.groups)
    assert len(report) == 0
    assert any("transductive" in note for note in report.notes)
    assert kinds(SVC(), X, clips.target, SHUFFLED) == ["standardised"]


def test_speakers_and_sentences_that_may_be_shared_are_notes(clips):
    report = check_leakage(SVM, clips.data, clips.target, "clip")
    assert [note.split(" are on both sides")[0] for note in report.notes] == [
        "clips of 3 speakers",
        "clips of 1 sentence",
    ]


def test_union_of_extractors_is_not_fitted(clips):
    union = FeatureUnion([("prosody", ProsodyFeatures()), ("all", ProsodyFeatures())])
    assert kinds(make_pipeline(union, SVC()), clips.data, clips.target, "clip") == []


def test_class_in_a_column_of_the_table_is_a_note(clips):
    report = check_leakage(SVM, clips.data.assign(emotion=clips.target), clips.target, "clip")
    assert len(report) == 0
    assert any("read from 'emotion'" in note for note in report.notes)


def test_clips_of_several_speakers_may_have_one_name():
    table = pd.DataFrame({"clip_id": [f"a{i:02d}" for i in range(6)] * 3, "speaker": np.repeat(["A", "B", "C"], 6)})
    report = check_leakage(None, table, np.resize(["x", "y"], 18), "speaker")
    assert len(report) == 0
    assert any("several speakers" in note for note in report.notes)


def test_clips_that_cannot_be_compared_are_notes(clips, tmp_path):
    data = clips.data.assign(video=None)
    data.loc[0, "audio"] = None
    Path(tmp_path / "empty.wav").touch()
    data.loc[1, "audio"] = str(tmp_path / "empty.wav")
    data.loc[2, "audio"] = str(tmp_path / "nowhere.wav")
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    data.loc[3, "audio"] = str(tmp_path / "silence.wav")
    data.loc[4, "sentence"] = None
    data.loc[[5, 15], "clip_id"] = None
    report = check_leakage(SVM, data, clips.target, SHUFFLED)
    assert len(report) == 0
    notes = "\n".join(report.notes)
    assert "1 of 21 rows have no sound" in notes
    assert f"{data['clip_id'][1]}, {data['clip_id'][2]} could not be read" in notes
    assert "1 sounds are silent" in notes
    assert "1 of 21 rows have no value in 'sentence'" in notes
    assert "2 of 21 rows have no value in 'clip_id'" in notes


@pytest.mark.parametrize("protocol", ["clip", "speaker", "sentence", "speaker+sentence"])
def test_savee_is_clean_in_every_protocol(shared, protocol):
    savee = load_savee(shared / "data" / "savee_chimera")
    assert kinds(systems.make("knn"), savee.data, savee.target, protocol) == []


def test_ravdess_is_clean_and_its_duplicate_is_found(shared, tmp_path):
    """The loader leaves out a byte-identical duplicate of the corpus; here it is restored."""
    with pytest.warns(UserWarning, match="RAVDESS"):
        ravdess = load_ravdess(shared / "data" / "ravdess")
    own = (ravdess.data["actor"] == 2).to_numpy()
    few, y = ravdess.data[own].reset_index(drop=True), ravdess.target[own]
    assert kinds(None, few, y, "clip") == []
    duplicate = few.iloc[[20]].assign(clip_id="03-01-03-01-02-02-07", actor=7, speaker="Actor_07")
    duplicate["audio"] = shutil.copy(few["audio"][20], tmp_path / "03-01-03-01-02-02-07.flac")
    report = check_leakage(None, pd.concat([few, duplicate], ignore_index=True), np.append(y, y[20]), "speaker")
    assert [(finding.kind, finding.rows) for finding in report] == [("audio", (20, len(few)))]


# ---- input


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"groups": ["a", "b"]}, "groups has 2 entries for 21 rows"),
        ({"y": ["a", "b"]}, "y has 2 entries for 21 rows"),
        ({"splitter": "room"}, "no protocol 'room'"),
        ({"forbid": ("room",)}, "forbid has 'room'"),
        ({"splitter": [([0, 1], [21])]}, "positions of rows from 0 to 20"),
        ({"splitter": [([0, 1], [])]}, "at least one each; got 0 values"),
        ({"splitter": [([0.0, 1.0], [2.0])]}, "values of type float64"),
        ({"splitter": []}, "yields no fold"),
        ({"splitter": GroupKFold(2), "groups": [None, *range(20)]}, "groups is missing for 1 of 21 rows"),
        ({"estimator": None, "permutation": True}, "permutation trains the estimator"),
    ],
)
def test_wrong_input_is_refused(clips, wrong, message):
    given = {"estimator": SVM, "data": clips.data, "y": clips.target, "splitter": "clip", **wrong}
    with pytest.raises(ValueError, match=message):
        check_leakage(**given)


def test_folds_may_be_masks_a_number_or_pairs(clips):
    mask = np.arange(21) < 10
    assert kinds(SVM, clips.data, clips.target, [(mask, ~mask)]) == []
    assert kinds(SVM, clips.data, clips.target, 3) == []


def test_paths_in_a_list(clips):
    paths = clips.data["audio"].tolist()
    assert kinds(SVM, paths, clips.target, KFold(3)) == []
    assert kinds(SVM, [*paths, *map(Path, paths)], np.tile(clips.target, 2), KFold(2)) == ["source"]


def test_fingerprints_are_kept_in_a_folder(clips, tmp_path):
    first = check_leakage(SVM, clips.data, clips.target, "clip", cache=tmp_path)
    # Reading changes the time of an entry; an entry that is written again is a new file.
    kept = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    assert len(kept) == 21 + 1  # the clips, and the pairs of similar ones
    assert check_leakage(SVM, clips.data, clips.target, "clip", cache=tmp_path).notes == first.notes
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == kept


def test_data_are_not_changed(copies):
    before = copies.data.copy()
    check_leakage(SVM, copies.data, copies.target, SHUFFLED, permutation=True)
    pd.testing.assert_frame_equal(copies.data, before)


# ---- a given split

CREMA_D = "{speaker}_{sentence}_{emotion}_XX.wav"


def names(speakers, sentences, form=CREMA_D, emotion="ANG"):
    return [form.format(speaker=s, sentence=t, emotion=emotion) for s in speakers for t in sentences]


@pytest.mark.parametrize(
    ("form", "speakers", "sentences"),
    [
        (CREMA_D, ("1001", "1002"), ("DFA", "IEO")),
        ("wav/{speaker}{sentence}Fa.wav", ("03", "16"), ("a01", "b10")),
        ("s_{speaker}_{sentence}.avi", ("1", "43"), ("an_1", "an_2")),
        ("subject {speaker}/{sentence}/s.avi", ("1", "43"), ("anger/sentence 1", "fear/sentence 1")),
        ("Actor/03-01-05-01-{sentence}-01-{speaker}.wav", ("01", "24"), ("01", "02")),
    ],
    ids=["CREMA-D", "EmoDB", "eNTERFACE", "eNTERFACE folders", "RAVDESS"],
)
def test_speakers_and_sentences_are_read_from_file_names(form, speakers, sentences):
    (one, other), (first, second) = speakers, sentences
    split = names([one], [first], form), names([other], [second], form)
    assert len(check_split(*split)) == 0
    for test, kinds in ((names([one], [second], form), ["speaker"]), (names([other], [first], form), ["sentence"])):
        assert [finding.kind for finding in check_split(split[0], test)] == kinds


def test_counts_and_names_of_what_two_file_lists_share():
    train = names(range(1001, 1011), ["DFA", "IEO"])
    test = names(range(1006, 1016), ["IEO", "TIE"], emotion="SAD")
    speaker, sentence = check_split(train, test)
    assert speaker.message.startswith(
        "clips of 5 speakers are on both sides of the split: 1006, 1007, 1008, 1009, 1010;"
    )
    assert speaker.rows == (*range(10, 20), *range(20, 30))
    assert "clips of 1 sentence are on both sides of the split: IEO;" in sentence.message


def test_one_file_in_two_lists(clips, tmp_path):
    paths = clips.data["audio"].tolist()
    copied = shutil.copy(paths[0], tmp_path / "again.wav")
    assert [finding.kind for finding in check_split(paths[:10], paths[9:])] == ["source"]
    assert [finding.kind for finding in check_split(paths[:10], [*paths[10:], copied])] == ["audio"]
    assert len(check_split(paths[:10], paths[10:])) == 0


def test_two_tables(clips):
    train, test = clips.data.iloc[:10], clips.data.iloc[10:]
    report = check_split(train, test)
    assert [finding.kind for finding in report] == ["speaker", "sentence"]
    assert len(check_split(train, test, forbid=("clip", "source", "audio"))) == 0


def test_pattern_names_any_group():
    train, test = ["lab/anna_01.wav"], ["home/anna_02.wav"]
    pattern = r"(?P<room>\w+)/(?P<speaker>\w+)_(?P<take>\d+)"
    assert [finding.kind for finding in check_split(train, test, pattern=pattern)] == ["speaker"]
    with pytest.raises(ValueError, match=r"does not match 'other\.wav'"):
        check_split(train, ["other.wav"], pattern=pattern)


def test_sides_are_of_one_type_and_not_empty(clips):
    with pytest.raises(ValueError, match="two tables or two lists, got DataFrame and list"):
        check_split(clips.data, ["a.wav"])
    with pytest.raises(ValueError, match="got 1 training and 0 test clips"):
        check_split(["a.wav"], [])


# ---- within evaluate

DUMMY = {"dummy": DummyClassifier()}


@pytest.fixture
def duplicated(clips, tmp_path):
    """The clips, the last of which is the first under another name and speaker."""
    data = clips.data.copy()
    data.loc[20, "audio"] = shutil.copy(data["audio"][0], tmp_path / "again.wav")
    return Bunch(data=data, target=clips.target)


def test_evaluate_warns_and_keeps_the_leaks(duplicated):
    with pytest.warns(LeakageWarning, match="copies of 1 recording in several files") as caught:
        report = evaluate(DUMMY, duplicated, ("clip", "speaker"), seeds=(0, 1))
    assert len(caught) == 1
    assert caught[0].filename == __file__
    # By speaker every seed has the same folds.
    where = [finding.where for finding in report.leakage]
    assert where == ["protocol 'clip', seed 0", "protocol 'clip', seed 1", "protocol 'speaker', seed 0"]
    assert {finding.kind for finding in report.leakage} == {"audio"}


def test_evaluate_raises_before_it_trains(duplicated, tmp_path):
    with pytest.raises(LeakageError, match="1 leak between training and test") as caught:
        evaluate(DUMMY, duplicated, "clip", leakage="raise", folder=tmp_path / "folds")
    assert [finding.kind for finding in caught.value.report] == ["audio"]
    assert not (tmp_path / "folds").exists()


def test_evaluate_without_the_check(duplicated):
    assert evaluate(DUMMY, duplicated, "clip", leakage="ignore").leakage is None
    with pytest.raises(ValueError, match="leakage must be one of 'warn', 'raise', 'ignore', got 'stop'"):
        evaluate(DUMMY, duplicated, "clip", leakage="stop")


def test_evaluate_refuses_only_systems_whose_clones_are_fitted(clips):
    fitted = DummyClassifier().fit(clips.data, clips.target)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(evaluate({"dummy": fitted}, clips, "clip", leakage="raise").leakage) == 0
    with pytest.raises(LeakageError, match=r"fitted \(system 'frozen'\): DummyClassifier"):
        evaluate({"frozen": FrozenEstimator(fitted)}, clips, "clip", leakage="raise")


# ---- segments of long files

Y_SEGMENTS = np.tile(["calm", "loud"], 8)


def test_segments_that_do_not_overlap_are_noted_not_found(dialogue):
    report = check_leakage(None, dialogue, Y_SEGMENTS, KFold(4))
    assert list(report) == []
    assert any("segments of 2 long files are on both sides" in note for note in report.notes)
    assert kinds(None, dialogue, Y_SEGMENTS, KFold(4), forbid=("source", "file")) == ["file"]
    assert not check_leakage(None, dialogue, Y_SEGMENTS, KFold(2)).notes


def test_overlapping_segments_on_both_sides_are_one_source(dialogue):
    later = dialogue.assign(start=dialogue["start"] + 0.25, end=dialogue["end"] + 0.25)[:7]
    table = pd.concat([dialogue, later], ignore_index=True)
    y = np.r_[Y_SEGMENTS, Y_SEGMENTS[:7]]
    (finding,) = check_leakage(None, table, y, [(np.arange(16), np.arange(16, 23))])
    assert finding.kind == "source"
    assert "b.wav" not in finding.message


def test_segment_and_its_whole_file_are_one_source(dialogue):
    table = pd.concat([dialogue[:4], pd.DataFrame({"audio": dialogue["audio"].iloc[:1]})], ignore_index=True)
    assert "source" in kinds(None, table, Y_SEGMENTS[:5], [([0, 1, 2, 3], [4])])
    assert "source" in kinds(None, table, Y_SEGMENTS[:5], [([4], [0, 1, 2, 3])])


def test_segments_in_a_list_are_compared(dialogue):
    clips = [Segment(*row) for row in dialogue[:4].itertuples(index=False)]
    assert kinds(None, clips, Y_SEGMENTS[:4], [([0, 1], [2, 3])]) == []
    overlapping = [*clips, Segment(clips[0].path, 0.5, 1.5)]
    assert kinds(None, overlapping, Y_SEGMENTS[:5], [([0, 1, 2, 3], [4])]) == ["source"]


def test_predictions_of_segments_keep_their_times(dialogue):
    report = evaluate({"dummy": DummyClassifier()}, (dialogue, Y_SEGMENTS), {"halves": KFold(2)})
    pd.testing.assert_frame_equal(
        report.predictions[["start", "end"]].reset_index(drop=True), dialogue[["start", "end"]], check_names=False
    )
