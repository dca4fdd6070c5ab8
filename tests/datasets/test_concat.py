"""concat_corpora: names that are unique, a map of labels, and the properties of the corpora."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.utils import Bunch

from savee_mm.datasets import concat_corpora, load_ravdess, load_savee


def make(emotions, *, speakers=("01",), **columns):
    """A corpus of clips without files; its speakers take turns."""
    n = len(emotions)
    data = pd.DataFrame({"audio": [None] * n, "video": None, "speaker": np.resize(speakers, n).tolist()})
    data = data.assign(sentence="s1", clip_id=[f"c{i}" for i in range(n)], **columns)
    return Bunch(data=data, target=np.array(emotions))


def concat(corpora, *args, **options):
    return concat_corpora(corpora, *args, **{"n_measured": 0, "verbose": False} | options)


def test_speakers_sentences_and_clips_differ_between_corpora():
    both = concat({"a": make(["anger", "fear"]), "b": make(["fear", "anger"])})
    assert both.data["corpus"].tolist() == ["a", "a", "b", "b"]
    assert both.data["speaker"].tolist() == both.groups.tolist() == ["a/01"] * 2 + ["b/01"] * 2
    assert both.data["sentence"].unique().tolist() == ["a/s1", "b/s1"]
    assert both.data["clip_id"].is_unique
    assert both.target.tolist() == ["anger", "fear", "fear", "anger"]
    assert both.target_names == ["anger", "fear"]


def test_corpora_are_not_changed():
    corpus = make(["anger"])
    concat({"a": corpus})
    assert list(corpus.data["speaker"]) == ["01"]
    assert "corpus" not in corpus.data


def test_columns_of_one_corpus_are_empty_in_the_other():
    both = concat({"a": make(["anger"], sex="male"), "b": make(["anger"], age=31)})
    assert both.data["sex"].isna().tolist() == [False, True]
    assert both.data["age"].isna().tolist() == [True, False]


def test_missing_speakers_stay_missing():
    assert concat({"a": make(["anger", "anger"], speakers=("x", None))}).data["speaker"].tolist() == ["a/x", None]


def test_shared_classes_in_several_spellings():
    both = concat({"a": make(["angry", "sad", "calm"]), "b": make(["Anger", "sadness", "boredom"])})
    assert both.target_names == ["anger", "sadness"]
    label_map = both.label_map.set_index(["corpus", "label"])
    assert label_map.loc[("a", "angry"), ["class", "n_clips", "note"]].tolist() == ["anger", 1, "renamed"]
    assert label_map.loc[("a", "calm"), ["class", "note"]].tolist() == [None, "left out"]
    assert label_map.loc[("b", "boredom"), "note"] == "left out"
    assert label_map["n_clips"].sum() == 6


def test_every_clip_of_each_corpus_is_in_the_map():
    corpora = {"a": make(["anger"] * 3 + ["calm"] * 2), "b": make(["anger"] * 4 + ["ps"])}
    both = concat(corpora)
    assert both.label_map.groupby("corpus")["n_clips"].sum().to_dict() == {"a": 5, "b": 5}
    assert both.label_map.dropna(subset="class")["n_clips"].sum() == len(both.data)


def test_ekman_leaves_out_calm_and_pleasant_surprise():
    both = concat({"a": make(["surprise", "calm", "neutral"]), "b": make(["ps", "joy", "neutral"])}, "ekman")
    assert both.target.tolist() == ["surprise", "neutral", "happiness", "neutral"]


def test_list_of_classes():
    both = concat({"a": make(["angry", "calm", "sad"]), "b": make(["anger"])}, ["anger", "sad"])
    assert both.target.tolist() == ["anger", "sadness", "anger"]
    with pytest.raises(ValueError, match=r"No corpus has the class horror\. The corpora have a: angry"):
        concat({"a": make(["angry"])}, ["anger", "horror"])


def test_mapping_merges_and_says_so():
    both = concat(
        {"a": make(["calm", "neutral", "anger"])}, {"calm": "neutral", "neutral": "neutral", "anger": "anger"}
    )
    assert both.target.tolist() == ["neutral", "neutral", "anger"]
    assert both.label_map.set_index("label")["note"].to_dict() == {"anger": "", "calm": "merged", "neutral": "merged"}
    assert "merged" in both.summary


def test_mapping_by_corpus():
    labels = {"a": {"calm": "low"}, "b": {"calm": "other", "sad": "low"}}
    both = concat({"a": make(["calm", "sad"]), "b": make(["calm", "sad"])}, labels)
    assert both.target.tolist() == ["low", "other", "low"]


def test_mapping_knows_other_spellings():
    assert concat({"a": make(["angry"])}, {"anger": "negative"}).target.tolist() == ["negative"]


def test_bad_labels():
    corpora = {"a": make(["anger", "calm"]), "b": make(["fear"])}
    with pytest.raises(ValueError, match=r"No class is in all corpora. They have a: anger, calm; b: fear"):
        concat(corpora)
    with pytest.raises(ValueError, match=r'"shared", "ekman", a list of classes or a mapping, got \'plutchik\''):
        concat(corpora, "plutchik")
    with pytest.raises(ValueError, match="Labels of the mapping that no corpus has: clam"):
        concat(corpora, {"clam": "neutral", "anger": "anger"})
    with pytest.raises(ValueError, match="No clip has a class"):
        concat({"a": make(["calm"])}, "ekman")


def test_two_spellings_in_one_corpus_are_not_merged():
    corpora = {"a": make(["joy", "happiness", "anger"])}
    with pytest.raises(ValueError, match=r"'a' are spellings of one class: happiness, joy\. Pass labels as a mapping"):
        concat(corpora)
    assert concat(corpora, {"joy": "joy", "happiness": "happiness"}).target_names == ["happiness", "joy"]


def test_bad_corpora():
    with pytest.raises(ValueError, match="Expected a dict of corpora by name"):
        concat([make(["anger"])])
    with pytest.raises(ValueError, match=r"'a': expected a Bunch with data and target.* got DataFrame"):
        concat({"a": pd.DataFrame()})
    once = concat({"a": make(["anger"]), "b": make(["anger"])})
    with pytest.raises(ValueError, match=r"'ab' has several corpora in its column 'corpus'"):
        concat({"ab": once, "c": make(["anger"])})


def test_one_file_in_two_corpora(tmp_path):
    one = make(["anger"])
    one.data["audio"] = "take.wav"
    with pytest.raises(ValueError, match=r"1 file in more than one corpus: take\.wav"):
        concat({"a": one, "b": one})


def test_sample_rates_and_levels(tmp_path, tone, capsys):
    """A sine of amplitude .5 has an RMS level of -9.03 dB re full scale, one of amplitude .05 has -29.03 dB."""
    corpora = {}
    for name, sr, amplitude in (("loud", 16000, 0.5), ("soft", 8000, 0.05)):
        corpora[name] = make(["anger", "fear"])
        corpora[name].data["audio"] = [str(tmp_path / f"{name}{i}.wav") for i in range(2)]
        for path in corpora[name].data["audio"]:
            soundfile.write(path, tone(f0=400, sr=sr, amplitude=amplitude), sr)
    corpora["loud"].language = "Italian"
    both = concat(corpora, n_measured=5, verbose=True)
    table = both.corpora.set_index("corpus")
    assert table["sample_rate"].to_dict() == {"loud": "16000", "soft": "8000"}
    # The high-pass of 60 Hz and its onset cost less than .1 dB at 400 Hz.
    np.testing.assert_allclose(table["level"], [-9.03, -29.03], atol=0.1)
    assert table["n_classes"].tolist() == table["n_clips"].tolist() == [2, 2]
    assert table["language"].tolist()[0] == "Italian"
    assert both.data["language"].tolist()[:2] == ["Italian", "Italian"]
    assert capsys.readouterr().out == both.summary + "\n"
    assert both.summary.startswith("2 corpora, 4 clips in 2 classes; 0 clips left out.")


def test_levels_of_segments_are_those_of_their_parts(tmp_path, tone):
    y = tone(f0=400, sr=16000, amplitude=0.5)[:16000]
    soundfile.write(tmp_path / "long.wav", np.concatenate([y, 0.1 * y]), 16000)
    corpus = make(["anger", "fear"], start=[1.0, 1.5], end=[1.5, 2.0])
    corpus.data["audio"] = tmp_path / "long.wav"
    both = concat({"a": corpus}, n_measured=2)
    assert both.corpora["level"][0] == pytest.approx(-29.03, abs=0.2)
    assert both.corpora["level_sd"][0] < 0.2


def test_clips_that_cannot_be_read_are_not_measured(tmp_path):
    corpus = make(["anger"])
    corpus.data["audio"] = str(tmp_path / "gone.wav")
    with pytest.warns(UserWarning, match=r"1 measured clip of corpus 'a' cannot be read: clip 'gone'"):
        both = concat({"a": corpus}, n_measured=3)
    assert both.corpora["level"].isna().all()


@pytest.mark.filterwarnings("ignore:.* clips by .* speakers; found:UserWarning")
def test_loaders(tmp_path):
    for name in ("savee/AudioData/DC/a01.wav", "ravdess/03-01-05-01-02-01-12.wav", "ravdess/03-01-02-01-02-01-12.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    both = concat({"savee": load_savee(tmp_path / "savee"), "ravdess": load_ravdess(tmp_path / "ravdess")})
    assert both.target.tolist() == ["anger", "anger"]
    assert both.groups.tolist() == ["savee/DC", "ravdess/Actor_12"]
    assert both.data["language"].tolist() == ["English", "English"]
    assert "SAVEE: Surrey" in both.DESCR
    assert both.label_map.query("label == 'calm'")["note"].tolist() == ["left out"]
