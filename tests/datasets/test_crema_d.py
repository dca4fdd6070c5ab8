"""load_crema_d: fields of file names, and warnings about incomplete folders."""

import warnings
from pathlib import Path

import pytest

from savee_mm.datasets.crema_d import load_crema_d


def touch(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def load_part(root):
    """Load an incomplete corpus; return it and all warnings, of which the first is about that."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bunch = load_crema_d(root)
    messages = [str(w.message) for w in caught]
    assert messages[0].startswith("CREMA-D has 7442 clips by 91 speakers")
    return bunch, messages


def test_fields(tmp_path):
    touch(tmp_path, "AudioWAV/1001_IEO_ANG_HI.wav", "VideoFlash/1001_IEO_ANG_HI.flv")
    corpus, messages = load_part(tmp_path)
    assert len(messages) == 1
    assert corpus.data.loc[0].to_dict() == {
        "audio": f"{tmp_path}/AudioWAV/1001_IEO_ANG_HI.wav",
        "video": f"{tmp_path}/VideoFlash/1001_IEO_ANG_HI.flv",
        "speaker": "1001",
        "sentence": "IEO",
        "clip_id": "1001_IEO_ANG_HI",
        "actor": 1001,
        "level": "high",
    }
    assert list(corpus.data.columns[:5]) == ["audio", "video", "speaker", "sentence", "clip_id"]
    assert corpus.target.tolist() == ["anger"]
    assert corpus.groups.tolist() == ["1001"]
    assert "github.com/CheyneyComputerScience/CREMA-D" in corpus.DESCR


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("ANG", "anger"), ("DIS", "disgust"), ("FEA", "fear"),
        ("HAP", "happiness"), ("NEU", "neutral"), ("SAD", "sadness"),
    ],
)  # fmt: skip
def test_emotions(tmp_path, code, name):
    touch(tmp_path, f"1091_WSI_{code}_XX.mp4")
    corpus, _ = load_part(tmp_path)
    assert corpus.target_names == [name]
    assert corpus.data["audio"].tolist() == [None]


@pytest.mark.parametrize(
    ("code", "name"),
    [("LO", "low"), ("MD", "medium"), ("HI", "high"), ("XX", "unspecified"), ("X", "unspecified")],
)
def test_levels(tmp_path, code, name):
    touch(tmp_path, f"1040_ITH_SAD_{code}.wav")
    assert load_part(tmp_path)[0].data["level"].tolist() == [name]


def test_all_7442_clips_need_no_warning(tmp_path):
    sentences = ("DFA", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
    emotions = ("ANG", "DIS", "FEA", "HAP", "SAD")
    names = [f"{s}_{e}_XX" for s in sentences for e in (*emotions, "NEU")] + ["IEO_NEU_XX"]
    names += [f"IEO_{e}_{level}" for e in emotions for level in ("LO", "MD", "HI")]
    assert len(names) == 82
    folder = tmp_path / "AudioWAV"
    folder.mkdir()
    # Twenty of 91 * 82 recordings were not published; here the last ones of actor 1091 are missing.
    for name in [f"{actor}_{name}.wav" for actor in range(1001, 1092) for name in names][:7442]:
        (folder / name).touch()
    corpus = load_crema_d(tmp_path)
    assert len(corpus.data) == 7442
    assert corpus.data["speaker"].nunique() == 91
    assert corpus.data["sentence"].nunique() == 12
    assert corpus.data["clip_id"].is_unique
    (folder / "1001_IEO_NEU_XX.wav").unlink()
    with pytest.warns(UserWarning, match=r"found 7441 by 91 speakers .*fewest first: 1091 62, 1001 81"):
        load_crema_d(tmp_path)


def test_mp3_copies_are_not_reported(tmp_path):
    touch(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "AudioMP3/1001_DFA_ANG_XX.mp3")
    touch(tmp_path, "AudioMP3/1002_DFA_ANG_XX.mp3")
    corpus, messages = load_part(tmp_path)
    assert len(messages) == 1
    assert [Path(path).name for path in corpus.data["audio"]] == [
        "1001_DFA_ANG_XX.wav",
        "1002_DFA_ANG_XX.mp3",
    ]


def test_clone_of_the_repository_has_other_files(tmp_path):
    touch(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "readTabulatedVotes.R", "processedResults/summaryTable.csv")
    touch(tmp_path, ".git/config", "LICENSE.txt")
    assert len(load_part(tmp_path)[1]) == 1


def test_missing_modalities_and_foreign_files(tmp_path):
    touch(
        tmp_path,
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioWAV/1001_DFA_NEU_XX.wav",
        "AudioWAV/1001_DFA_JOY_XX.wav",
    )
    touch(tmp_path, "VideoFlash/1001_DFA_ANG_XX.flv")
    corpus, messages = load_part(tmp_path)
    assert len(corpus.data) == 2
    assert len(messages) == 3
    assert "1 clip without video (1001_DFA_NEU_XX)" in messages[1]
    assert "AudioWAV/1001_DFA_JOY_XX.wav" in messages[2]


def test_missing_empty_and_foreign_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*1001_DFA_ANG_XX\.wav"):
        load_crema_d(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"No clip of CREMA-D .* the folder is empty"):
        load_crema_d(tmp_path)
    touch(tmp_path, "1000_DFA_ANG_XX.wav", "1092_DFA_ANG_XX.wav")
    with pytest.raises(ValueError, match=r"Found 2 files \(1000_DFA_ANG_XX\.wav, 1092_DFA_ANG_XX\.wav\)"):
        load_crema_d(tmp_path)
