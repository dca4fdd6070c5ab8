"""EmoDB, TESS, EMOVO and eNTERFACE'05: trees of clips in the real naming schemes."""

import warnings
from pathlib import Path

import pytest

from savee_mm.datasets import load_emodb, load_emovo, load_enterface, load_tess

# 200 words, as many as in TESS.
WORDS = [f"{a}{b}{c}t" for a in "bcdfghjklm" for b in "aeiou" for c in "lmnr"]


def emodb():
    """Some texts and versions of every speaker, in the numbers of the corpus."""
    counts = {"03": 49, "08": 58, "09": 43, "10": 38, "11": 55, "12": 35, "13": 61, "14": 69, "15": 56, "16": 71}
    texts = ["a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10"]
    names = [f"{text}{emotion}{version}" for version in "ab" for text in texts for emotion in "WLEAFTN"]
    return [f"wav/{speaker}{name}.wav" for speaker, n in counts.items() for name in names[:n]]


def tess():
    emotions = ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
    return [f"{s}_{e}/{s}_{word}_{e}.wav" for s in ("OAF", "YAF") for e in emotions for word in WORDS]


def emovo():
    texts = ["b1", "b2", "b3", "l1", "l2", "l3", "l4", "n1", "n2", "n3", "n4", "n5", "d1", "d2"]
    emotions = ("dis", "gio", "neu", "pau", "rab", "sor", "tri")
    return [f"{s}/{e}-{s}-{t}.wav" for s in ("f1", "f2", "f3", "m1", "m2", "m3") for e in emotions for t in texts]


def enterface():
    emotions = {"anger": "an", "disgust": "di", "fear": "fe", "happiness": "ha", "sadness": "sa", "surprise": "su"}
    return [
        f"subject {s}/{name}/sentence {t}/s{s}_{code}_{t}.avi"
        for s in range(1, 45)
        for name, code in emotions.items()
        for t in range(1, 6)
    ]


CORPORA = {
    "EmoDB": (load_emodb, emodb, 535, 10, 10, "German"),
    "TESS": (load_tess, tess, 2800, 2, 200, "English"),
    "EMOVO": (load_emovo, emovo, 588, 6, 14, "Italian"),
    "eNTERFACE'05": (load_enterface, enterface, 1320, 44, 30, "English"),
}
every_corpus = pytest.mark.parametrize("name", CORPORA)


def touch(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def load(loader, root):
    """Load an incomplete corpus; return it and the warnings other than that it is incomplete."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bunch = loader(root)
    assert {w.filename for w in caught} <= {__file__}
    return bunch, [str(w.message) for w in caught if " clips by " not in str(w.message)]


@every_corpus
def test_complete_corpora(tmp_path, name):
    """The complete corpus has its numbers of clips, speakers and texts, and needs no warning."""
    loader, make, n_clips, n_speakers, n_texts, language = CORPORA[name]
    touch(tmp_path, *make())
    bunch = loader(tmp_path)
    assert len(bunch.data) == len(bunch.target) == n_clips
    assert bunch.data["speaker"].nunique() == n_speakers
    assert bunch.data["sentence"].nunique() == n_texts
    assert bunch.data["clip_id"].is_unique
    assert bunch.language == language
    assert list(bunch.data.columns[:5]) == ["audio", "video", "speaker", "sentence", "clip_id"]
    assert bunch.DESCR.startswith(name)
    assert "How to obtain" in bunch.DESCR
    assert "Licence" in bunch.DESCR


@every_corpus
def test_foreign_files_are_left_out(tmp_path, name):
    loader, make, *_ = CORPORA[name]
    first = make()[0]
    touch(tmp_path, first, "notes.txt", ".DS_Store", f"{Path(first).parent}/take two.wav", "._" + Path(first).name)
    bunch, messages = load(loader, tmp_path)
    assert len(bunch.data) == 1
    assert len(messages) == 1
    assert "take two.wav" in messages[0]


@every_corpus
def test_a_copy_of_the_corpus_within_itself_is_reported(tmp_path, name):
    loader, make, *_ = CORPORA[name]
    touch(tmp_path, *make()[:3], *(f"again/{path}" for path in make()[:3]))
    bunch, messages = load(loader, tmp_path)
    assert len(bunch.data) == 3
    assert not any("/again/" in path for path in bunch.data[["audio", "video"]].stack().dropna())
    assert "3 clips in" in messages[-1]
    assert "with more than one file" in messages[-1]


@every_corpus
def test_folders_without_clips(tmp_path, name):
    loader = CORPORA[name][0]
    with pytest.raises(FileNotFoundError, match=f"Expected {name}: files named as"):
        loader(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=f"No clip of {name} .* the folder is empty"):
        loader(tmp_path)
    touch(tmp_path, "a01.wav")
    with pytest.raises(ValueError, match=r"Media files with other names: a01\.wav"):
        loader(tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("EmoDB", "EmoDB has 535 clips by 10 speakers; found 1 .*in part: 03 1 of 49"),
        ("TESS", "TESS has 2800 clips by 2 speakers; found 1 .*none of YAF"),
        ("EMOVO", "EMOVO has 588 clips by 6 speakers; found 1 .*in part: f1 1 of 98"),
    ],
)
def test_incomplete_corpora(tmp_path, name, message):
    loader, make, *_ = CORPORA[name]
    touch(tmp_path, make()[0])
    with pytest.warns(UserWarning, match=message):
        loader(tmp_path)


def test_emodb_fields(tmp_path):
    touch(tmp_path, "wav/03a01Fa.wav", "wav/16b10Td.wav")
    bunch, _ = load(load_emodb, tmp_path)
    assert bunch.data.loc[0].to_dict() == {
        "audio": f"{tmp_path}/wav/03a01Fa.wav",
        "video": None,
        "speaker": "03",
        "sentence": "a01",
        "clip_id": "03a01Fa",
        "version": "a",
        "sex": "male",
        "age": 31,
    }
    assert bunch.target.tolist() == ["happiness", "sadness"]


@pytest.mark.parametrize(
    ("loader", "path", "emotion"),
    [
        *((load_emodb, f"08a02{code}b.wav", emotion) for code, emotion in zip(
            "WLEAFTN", ("anger", "boredom", "disgust", "fear", "happiness", "sadness", "neutral"), strict=True)),
        *((load_emovo, f"{code}-m2-l4.wav", emotion) for code, emotion in zip(
            ("rab", "dis", "pau", "gio", "neu", "tri", "sor"),
            ("anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"), strict=True)),
        *((load_tess, f"YAF_youth_{code}.wav", emotion) for code, emotion in zip(
            ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad"),
            ("anger", "disgust", "fear", "happiness", "neutral", "pleasant surprise", "sadness"), strict=True)),
        *((load_enterface, f"s44_{code}_5.avi", emotion) for code, emotion in zip(
            ("an", "di", "fe", "ha", "sa", "su"),
            ("anger", "disgust", "fear", "happiness", "sadness", "surprise"), strict=True)),
    ],
)  # fmt: skip
def test_emotions(tmp_path, loader, path, emotion):
    touch(tmp_path, path)
    assert load(loader, tmp_path)[0].target.tolist() == [emotion]


def test_tess_files_of_the_older_actress_with_two_letters(tmp_path):
    touch(tmp_path, "OAF_neutral/OA_bite_neutral.wav")
    row = load(load_tess, tmp_path)[0].data.loc[0]
    assert row[["speaker", "sentence", "clip_id", "age"]].tolist() == ["OAF", "bite", "OAF_bite_neutral", 64]


def test_enterface_videos_have_sound(tmp_path):
    """Both columns name the video; a few names have another underscore, and a few clips no folder of their sentence."""
    touch(tmp_path, "subject 3/happiness/sentence 1/s_3_ha_1.avi", "subject 6/anger/s6_an_2.avi")
    data = load(load_enterface, tmp_path)[0].data
    assert data["clip_id"].tolist() == ["s3_ha_1", "s6_an_2"]
    assert data["speaker"].tolist() == ["03", "06"]
    assert data["sentence"].tolist() == ["ha_1", "an_2"]
    assert data["audio"].tolist() == data["video"].tolist()
