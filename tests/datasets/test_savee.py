"""load_savee: layouts of SAVEE, equal texts, and warnings about incomplete folders."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from savee_mm.datasets.savee import load_savee

CODES = ("a", "d", "f", "h", "n", "sa", "su")
SPEAKERS = ("DC", "JE", "JK", "KL")


def list_of_one_speaker():
    return [(code, number) for code in CODES for number in range(1, 31 if code == "n" else 16)]


def touch(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write_savee(root, speakers=SPEAKERS, *, audio=".wav", video=".avi", clips=None):
    for speaker in speakers:
        for code, number in clips or list_of_one_speaker():
            if audio:
                touch(root, f"AudioData/{speaker}/{code}{number:02d}{audio}")
            if video:
                touch(root, f"AudioVisualClip/{speaker}/{code}{number}{video}")
    return root


def write_flat(root, speakers=SPEAKERS):
    touch(root, *(f"{s}_{code}{number:02d}.wav" for s in speakers for code, number in list_of_one_speaker()))
    return root


def messages_of(root):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bunch = load_savee(root)
    assert all(w.category is UserWarning and w.filename == __file__ for w in caught)
    return bunch, [str(w.message) for w in caught]


def test_whole_corpus(tmp_path):
    savee = load_savee(write_savee(tmp_path))
    assert list(savee.data.columns) == ["audio", "video", "speaker", "sentence", "clip_id"]
    assert list(savee.data.index) == list(range(480))
    names, counts = np.unique(savee.target, return_counts=True)
    assert dict(zip(names, counts, strict=True)) == {
        "anger": 60, "disgust": 60, "fear": 60, "happiness": 60, "neutral": 120, "sadness": 60,
        "surprise": 60,
    }  # fmt: skip
    assert savee.target_names == list(names)
    assert all(type(name) is str for name in savee.target_names)
    assert np.unique(savee.groups, return_counts=True)[1].tolist() == [120] * 4
    assert (savee.groups == savee.data["speaker"]).all()
    assert savee.data["clip_id"].is_unique
    assert "Surrey" in savee.DESCR


def test_audio_and_video_of_a_row_are_one_clip(tmp_path):
    data = load_savee(write_savee(tmp_path)).data.set_index("clip_id")
    assert data.loc["JK_sa04", "audio"] == f"{tmp_path}/AudioData/JK/sa04.wav"
    assert data.loc["JK_sa04", "video"] == f"{tmp_path}/AudioVisualClip/JK/sa4.avi"
    assert data.loc["KL_n30", "video"] == f"{tmp_path}/AudioVisualClip/KL/n30.avi"


def test_rows_are_sorted_by_speaker_code_number(tmp_path):
    savee = load_savee(write_savee(tmp_path))
    expected = [f"{s}_{code}{number:02d}" for s in SPEAKERS for code, number in list_of_one_speaker()]
    assert savee.data["clip_id"].tolist() == expected


@pytest.mark.parametrize(("audio", "video"), [(".flac", None), (None, ".avi"), (".WAV", ".mp4")])
def test_one_modality_and_other_suffixes(tmp_path, audio, video):
    data = load_savee(write_savee(tmp_path, audio=audio, video=video)).data
    assert len(data) == 480
    assert data["audio"].isna().all() == (audio is None)
    assert data["video"].isna().all() == (video is None)
    assert data.dtypes.eq(object).all()


def test_flat_mirror_is_the_same_table(tmp_path):
    flat = load_savee(write_flat(tmp_path / "flat"))
    folders = load_savee(write_savee(tmp_path / "folders"))
    same = ["speaker", "sentence", "clip_id"]
    assert flat.data[same].equals(folders.data[same])
    assert (flat.target == folders.target).all()
    assert flat.data["audio"][0] == f"{tmp_path}/flat/DC_a01.wav"
    assert flat.data["video"].isna().all()


def test_paths_begin_with_root_as_given(tmp_path, monkeypatch):
    write_savee(tmp_path / "SAVEE")
    monkeypatch.chdir(tmp_path)
    assert load_savee("SAVEE").data["audio"][0] == "SAVEE/AudioData/DC/a01.wav"
    assert load_savee("SAVEE/").data["audio"][0] == "SAVEE/AudioData/DC/a01.wav"


class TestSentences:
    """The table in the README of the shared recordings."""

    @pytest.fixture(scope="class")
    @staticmethod
    def data(tmp_path_factory):
        return load_savee(write_savee(tmp_path_factory.mktemp("savee"))).data

    def test_87_texts_in_120_clips_of_every_speaker(self, data):
        assert (data.groupby("speaker")["sentence"].nunique() == 87).all()
        assert data["sentence"].nunique() == 87  # one list for all speakers

    def test_equal_numbers_are_equal_texts_between_speakers(self, data):
        texts = [group["sentence"].tolist() for _, group in data.groupby("speaker")]
        assert all(text == texts[0] for text in texts)

    def test_three_texts_are_common_to_all_classes(self, data):
        sentence = data.set_index("clip_id")["sentence"]
        for number in (1, 2, 3):
            clips = [f"DC_{code}{number:02d}" for code in CODES] + [f"DC_n{number + 15}"]
            assert set(sentence[clips]) == {f"common{number:02d}"}
            assert (sentence == f"common{number:02d}").sum() == 8 * 4

    @pytest.mark.parametrize(
        ("neutral", "emotional"),
        [
            ("n19", "a04"), ("n20", "a05"), ("n21", "d04"), ("n22", "d05"), ("n23", "f04"), ("n24", "f05"),
            ("n25", "su04"), ("n26", "su05"), ("n27", "sa04"), ("n28", "sa05"),
            ("n29", "h04"), ("n30", "h05"),
        ],
    )  # fmt: skip
    def test_neutral_repeats(self, data, neutral, emotional):
        same = data["clip_id"][data["sentence"] == emotional]
        assert set(same) == {f"{s}_{name}" for s in SPEAKERS for name in (neutral, emotional)}

    def test_other_texts_are_read_once(self, data):
        counts = data[data["speaker"] == "KL"]["sentence"].value_counts().value_counts()
        assert counts.to_dict() == {1: 72, 2: 12, 8: 3}


class TestOtherSpeakers:
    """A corpus in SAVEE's layout, such as the synthetic one."""

    CLIPS = tuple((code, number) for code in CODES for number in (1, 2, 3))

    def test_any_name_and_no_warning(self, tmp_path):
        corpus = load_savee(write_savee(tmp_path, ("S1", "speaker_two"), clips=self.CLIPS))
        assert len(corpus.data) == 42
        assert set(corpus.groups) == {"S1", "speaker_two"}
        assert corpus.data["sentence"].nunique() == 3

    def test_prefix_in_a_speaker_folder_must_agree(self, tmp_path):
        touch(tmp_path, "AudioData/S1/S1_a01.wav", "AudioData/S1/S2_a02.wav")
        corpus, messages = messages_of(tmp_path)
        assert corpus.data["clip_id"].tolist() == ["S1_a01"]
        assert len(messages) == 1
        assert "S2_a02.wav" in messages[0]

    def test_speakers_with_different_clips(self, tmp_path):
        write_savee(tmp_path, ("S1", "S2"), clips=self.CLIPS)
        for folder, name in (("AudioData", "su03.wav"), ("AudioVisualClip", "su3.avi")):
            (tmp_path / folder / "S2" / name).unlink()
        corpus, messages = messages_of(tmp_path)
        assert len(corpus.data) == 41
        assert len(messages) == 1
        assert "S1 21, S2 20" in messages[0]
        assert "S2_su03" in messages[0]


class TestIncomplete:
    """Each kind of problem is reported once, with what was expected, the folder, and what is in it."""

    def test_missing_folder(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"no folder '.*nowhere'.*AudioData/<speaker>/a01.wav"):
            load_savee(tmp_path / "nowhere")

    def test_missing_relative_folder_names_the_working_directory(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(FileNotFoundError, match=f"'SAVEE' in '{tmp_path}'"):
            load_savee("SAVEE")

    def test_file_in_place_of_a_folder(self, tmp_path):
        touch(tmp_path, "AudioData.zip")
        with pytest.raises(NotADirectoryError, match=r"AudioData.zip' is a file"):
            load_savee(tmp_path / "AudioData.zip")

    def test_empty_folder(self, tmp_path):
        with pytest.raises(ValueError, match=r"Expected AudioData/.*AudioVisualClip/.*the folder is empty"):
            load_savee(tmp_path)

    def test_content_of_a_foreign_folder_is_named(self, tmp_path):
        touch(tmp_path, "holiday.mp4", "notes.txt", "pictures/a.jpg")
        with pytest.raises(ValueError, match=r"1 folder \(pictures/\) and 2 files \(holiday.mp4, notes.txt\)"):
            load_savee(tmp_path)

    @pytest.mark.parametrize("inside", ["AudioData", "AudioData/DC"])
    def test_one_folder_too_deep(self, tmp_path, inside):
        write_savee(tmp_path)
        with pytest.raises(ValueError, match="Pass the folder that holds AudioData and AudioVisualClip"):
            load_savee(tmp_path / inside)

    def test_one_folder_too_high(self, tmp_path):
        write_savee(tmp_path / "SAVEE")
        with pytest.raises(ValueError, match=r"Pass '.*/SAVEE'"):
            load_savee(tmp_path)

    def test_one_real_speaker_of_four(self, tmp_path):
        corpus, messages = messages_of(write_savee(tmp_path, ("JK",)))
        assert len(corpus.data) == 120
        assert len(messages) == 1
        assert "480 clips by 4 speakers; found 120" in messages[0]
        assert "none of DC, JE, KL" in messages[0]
        assert "whole: JK 120" in messages[0]

    def test_half_of_a_speaker(self, tmp_path):
        write_flat(tmp_path)
        for path in sorted(tmp_path.glob("KL_*"))[:60]:
            path.unlink()
        corpus, messages = messages_of(tmp_path)
        assert len(corpus.data) == 420
        assert len(messages) == 1
        assert "in part: KL 60 of 120" in messages[0]

    def test_half_of_the_videos(self, tmp_path):
        write_savee(tmp_path)
        for path in (tmp_path / "AudioVisualClip" / "DC").iterdir():
            path.unlink()
        (tmp_path / "AudioData" / "KL" / "n30.wav").unlink()
        corpus, messages = messages_of(tmp_path)
        assert len(corpus.data) == 480
        assert corpus.data["video"].isna().sum() == 120
        assert len(messages) == 2
        assert "AudioVisualClip/DC" in messages[0]
        assert "1 clip without audio (KL_n30) and 120 clips without video (DC_a01, " in messages[1]

    def test_empty_modality_folder(self, tmp_path):
        write_savee(tmp_path, video=None)
        (tmp_path / "AudioVisualClip").mkdir()
        _, messages = messages_of(tmp_path)
        assert len(messages) == 1
        assert "without a clip: AudioVisualClip" in messages[0]

    def test_foreign_files_are_named_once(self, tmp_path):
        write_savee(tmp_path)
        touch(tmp_path, *(f"AudioData/DC/take{i}.wav" for i in range(9)), "AudioVisualClip/KL/a1.docx")
        corpus, messages = messages_of(tmp_path)
        assert len(corpus.data) == 480
        assert len(messages) == 1
        assert "10 files" in messages[0]
        assert "AudioData/DC/take0.wav" in messages[0]
        assert "5 more" in messages[0]

    def test_other_files_of_an_unpacked_corpus_are_ignored(self, tmp_path):
        write_savee(tmp_path)
        touch(tmp_path, "AudioData/Info.txt", "AudioData/DC/.DS_Store", "AudioData/DC/._a01.wav")
        touch(tmp_path, "README.md", "AudioVisualClip/labels.csv", "FacialMarkers/DC/a1.mat", "AudioData.zip")
        assert len(load_savee(tmp_path).data) == 480

    def test_two_files_for_one_clip(self, tmp_path):
        write_savee(tmp_path)
        touch(tmp_path, "AudioData/DC/a01.flac", "AudioVisualClip/DC/a01.avi")
        corpus, messages = messages_of(tmp_path)
        assert len(corpus.data) == 480
        assert corpus.data["audio"][0].endswith("DC/a01.wav")
        assert corpus.data["video"][0].endswith("DC/a1.avi")
        assert len(messages) == 1
        assert "AudioData/DC/a01.wav over AudioData/DC/a01.flac" in messages[0]


def test_shared_chimera(shared):
    savee = load_savee(shared / "data" / "savee_chimera")
    assert len(savee.data) == 480
    assert savee.data["sentence"].nunique() == 87
    assert np.unique(savee.groups, return_counts=True)[1].tolist() == [120] * 4
    assert all(Path(path).is_file() for column in ("audio", "video") for path in savee.data[column])
