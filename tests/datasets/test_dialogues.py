"""MELD, IEMOCAP and MSP-IMPROV: clips joined with the labels in text files."""

import warnings
from pathlib import Path

import pytest

from savee_mm.datasets import load_iemocap, load_meld, load_msp_improv

MELD_HEADER = "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"


def write(root, files):
    for name, content in files.items():
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def load(loader, root):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bunch = loader(root)
    return bunch, [str(w.message) for w in caught]


@pytest.fixture
def meld(tmp_path):
    train = (
        MELD_HEADER
        + '1,"Well, hi",Joey,joy,positive,0,0,1,1,"0:00:01,0","0:00:02,0"\n2,No.,Ross,anger,negative,0,1,1,1,,\n'
    )
    return write(
        tmp_path,
        {
            "train_sent_emo.csv": train,
            # The second line has an apostrophe in the encoding of Windows.
            "test_sent_emo.csv": MELD_HEADER.encode() + b"1,It\x92s me,Monica,surprise,positive,0,0,1,1,,\n",
            "train_splits/dia0_utt0.mp4": "",
            "train_splits/dia0_utt1.mp4": "",
            "output_repeated_splits_test/dia0_utt0.mp4": "",
        },
    )


@pytest.fixture
def iemocap(tmp_path):
    evaluation = (
        "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
        "[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.5000, 2.5000]\n"
        "C-E2:\tNeutral;\t()\nA-E3:\tval 3; act 2; dom  2;\t()\n\n"
        "[10.0100 - 11.3925]\tSes01F_impro01_M001\texc\t[4.5000, 3.0000, 2.0000]\n"
    )
    folder = "Session1/sentences/wav/Ses01F_impro01"
    return write(
        tmp_path,
        {
            "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt": evaluation,
            "Session1/dialog/transcriptions/Ses01F_impro01.txt": "Ses01F_impro01_F000 [6.2901-8.2357]: Excuse me.\n",
            f"{folder}/Ses01F_impro01_F000.wav": "",
            f"{folder}/Ses01F_impro01_M001.wav": "",
            f"{folder}/._Ses01F_impro01_M001.wav": "",
        },
    )


@pytest.fixture
def msp_improv(tmp_path):
    evaluation = (
        "UTD-IMPROV-S01A-F01-P-FM01.avi; A; A:1.857143; V:2.142857; D:4.200000 ; N:3.8;\n"
        "WORKER00000001; Angry; Angry,Frustrated; A:1.0; V:2.0; D:4.0 ; N:4.0;\n"
        "UTD-IMPROV-S02H-M06-R-MF02.avi; H; A:3.0; V:4.0; D:NaN ; N:NaN;\n"
    )
    return write(
        tmp_path,
        {
            "Evalution.txt": evaluation,
            "session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav": "",
            "session6/S02H/R/MSP-IMPROV-S02H-M06-R-MF02.wav": "",
        },
    )


def test_meld(meld):
    bunch, messages = load(load_meld, meld)
    assert messages == []
    assert bunch.data.loc[1].to_dict() == {
        "audio": f"{meld}/train_splits/dia0_utt0.mp4",
        "video": f"{meld}/train_splits/dia0_utt0.mp4",
        "speaker": "Joey",
        "sentence": "Well, hi",
        "clip_id": "train_dia0_utt0",
        "split": "train",
        "dialog": "train_0",
    }
    assert bunch.data["clip_id"].tolist() == ["test_dia0_utt0", "train_dia0_utt0", "train_dia0_utt1"]
    assert bunch.data["sentence"][0] == "It’s me"
    assert bunch.target.tolist() == ["surprise", "joy", "anger"]


def test_meld_of_one_split(meld):
    """The name of the folder that is passed may have the split."""
    write(meld, {"train_splits/train_sent_emo.csv": (meld / "train_sent_emo.csv").read_text()})
    bunch, messages = load(load_meld, meld / "train_splits")
    assert bunch.data["clip_id"].tolist() == ["train_dia0_utt0", "train_dia0_utt1"]
    assert messages == []


def test_meld_without_the_files_of_a_split(meld):
    (meld / "output_repeated_splits_test/dia0_utt0.mp4").unlink()
    bunch, messages = load(load_meld, meld)
    assert len(bunch.data) == 2
    assert messages == ["1 label of MELD without a file (3 in all): test_dia0_utt0."]


def test_meld_bad_table(meld):
    write(meld, {"train_sent_emo.csv": "Utterance,Speaker\nHi,Joey\n"})
    with pytest.raises(ValueError, match="lacks the columns Dialogue_ID, Emotion, Utterance_ID"):
        load_meld(meld)


def test_iemocap(iemocap):
    bunch, messages = load(load_iemocap, iemocap)
    assert messages == []
    row = bunch.data.loc[0]
    assert row[["speaker", "sentence", "clip_id"]].tolist() == ["Ses01F", "Excuse me.", "Ses01F_impro01_F000"]
    assert row[["session", "dialog", "scripted", "sex", "video"]].tolist() == [1, "impro01", False, "female", None]
    assert bunch.data.loc[1, ["speaker", "sentence", "sex"]].tolist() == ["Ses01M", None, "male"]
    assert bunch.target.tolist() == ["neutral", "excitement"]
    assert bunch.ratings.to_dict("list") == {
        "valence": [2.5, 4.5],
        "activation": [2.5, 3.0],
        "dominance": [2.5, 2.0],
    }


@pytest.mark.parametrize(
    "name", ["Ses05M_script03_2_M041", "Ses02F_impro05a_F000", "Ses04M_script01_1b_F012", "Ses03F_script02_2_FXX0"]
)
def test_iemocap_names(tmp_path, name):
    label = f"[1.0 - 2.0]\t{name}\txxx\t[1.0, 2.0, 3.0]\n"
    write(tmp_path, {f"wav/{name}.wav": "", "EmoEvaluation/a.txt": label})
    bunch, _ = load(load_iemocap, tmp_path)
    assert bunch.data["clip_id"].tolist() == [name]
    assert bunch.target.tolist() == ["no agreement"]
    assert bunch.data["scripted"].tolist() == ["script" in name]


def test_msp_improv(msp_improv):
    bunch, messages = load(load_msp_improv, msp_improv)
    assert messages == []
    columns = ["speaker", "sentence", "clip_id", "session", "recording", "sex"]
    assert bunch.data.loc[0, columns].tolist() == ["F01", None, "MSP-IMPROV-S01A-F01-P-FM01", 1, "natural", "female"]
    assert bunch.data.loc[1, columns].tolist() == ["M06", "S02", "MSP-IMPROV-S02H-M06-R-MF02", 6, "read", "male"]
    assert bunch.target.tolist() == ["anger", "happiness"]
    assert bunch.ratings["activation"].tolist() == [1.857143, 3.0]
    assert bunch.ratings["dominance"].isna().tolist() == [False, True]


def test_clip_without_a_label_is_left_out(iemocap):
    write(iemocap, {"Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F002.wav": ""})
    bunch, messages = load(load_iemocap, iemocap)
    assert len(bunch.data) == 2
    assert messages == ["1 clip of IEMOCAP without a label, left out: Ses01F_impro01_F002."]


@pytest.mark.parametrize(
    ("loader", "clip"),
    [
        (load_meld, "train_splits/dia0_utt0.mp4"),
        (load_iemocap, "Ses01F_impro01_F000.wav"),
        (load_msp_improv, "MSP-IMPROV-S01A-F01-P-FM01.wav"),
    ],
)
def test_missing_labels_and_clips(tmp_path, loader, clip):
    with pytest.raises(ValueError, match=r"No clip of .* the folder is empty"):
        loader(tmp_path)
    write(tmp_path, {clip: ""})
    with pytest.raises(ValueError, match=r"No labels in .* may be another download"):
        loader(tmp_path)


def test_no_clip_has_a_label(msp_improv, tmp_path):
    for path in msp_improv.rglob("*.wav"):
        path.unlink()
    write(msp_improv, {"MSP-IMPROV-S09N-M01-T-MF03.wav": ""})
    with pytest.raises(ValueError, match=r"None of the 1 clips of MSP-IMPROV in .* has a label"):
        load_msp_improv(msp_improv)
