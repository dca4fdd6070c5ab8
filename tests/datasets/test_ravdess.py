"""load_ravdess: fields of file names, and the choice of files for audio and video."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from savee_mm.datasets.ravdess import load_ravdess


def touch(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names_of(channel):
    """Yield the names, without the modality, of all clips of one vocal channel, as in the paper of the corpus."""
    emotions = range(1, 9) if channel == "01" else range(1, 7)
    for actor in range(1, 25):
        for emotion in emotions if (channel, actor) != ("02", 18) else ():
            for intensity in ("01", "02") if emotion != 1 else ("01",):
                for rest in ("01-01", "01-02", "02-01", "02-02"):
                    yield f"{channel}-{emotion:02d}-{intensity}-{rest}-{actor:02d}"


def write_ravdess(root, *, modality="03", suffix=".wav", channels=("01", "02")):
    touch(
        root,
        *(f"Actor_{name[-2:]}/{modality}-{name}{suffix}" for channel in channels for name in names_of(channel)),
    )
    return root


def load_part(root, **kwargs):
    """Load an incomplete corpus; return it and all warnings except the first, which is about that."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bunch = load_ravdess(root, **kwargs)
    messages = [str(w.message) for w in caught]
    assert messages[0].startswith("RAVDESS (")
    return bunch, messages


@pytest.mark.parametrize(
    ("channel", "n_clips", "n_speakers"), [("speech", 1440, 24), ("song", 1012, 23), ("all", 2452, 24)]
)
def test_whole_corpus(tmp_path, channel, n_clips, n_speakers):
    corpus = load_ravdess(write_ravdess(tmp_path), vocal_channel=channel)
    assert len(corpus.data) == n_clips
    assert len(np.unique(corpus.groups)) == n_speakers
    assert corpus.data["clip_id"].is_unique
    assert corpus.data["sentence"].nunique() == 2
    assert "Zenodo" in corpus.DESCR
    classes = {"neutral", "calm", "happiness", "sadness", "anger", "fear"}
    assert corpus.target_names == sorted(classes if channel == "song" else classes | {"disgust", "surprise"})


def test_fields(tmp_path):
    touch(tmp_path, "Actor_12/03-01-05-01-02-01-12.wav")
    corpus, _ = load_part(tmp_path)
    assert corpus.data.loc[0].to_dict() == {
        "audio": f"{tmp_path}/Actor_12/03-01-05-01-02-01-12.wav",
        "video": None,
        "speaker": "Actor_12",
        "sentence": "dogs",
        "clip_id": "01-05-01-02-01-12",
        "vocal_channel": "speech",
        "intensity": "normal",
        "statement": "dogs",
        "repetition": 1,
        "actor": 12,
        "sex": "female",
    }
    assert list(corpus.data.columns[:5]) == ["audio", "video", "speaker", "sentence", "clip_id"]
    assert corpus.target.tolist() == ["anger"]
    assert corpus.groups.tolist() == ["Actor_12"]


@pytest.mark.parametrize(
    ("files", "audio", "video"),
    [
        (("01.mp4",), "01.mp4", "01.mp4"),
        (("02.mp4",), None, "02.mp4"),
        (("03.flac",), "03.flac", None),
        (("01.mp4", "02.mp4", "03.wav"), "03.wav", "01.mp4"),
        (("02.mp4", "03.wav"), "03.wav", "02.mp4"),
        (("01.wav", "01.mp4"), "01.wav", "01.mp4"),
    ],
)
def test_files_of_one_clip(tmp_path, files, audio, video):
    def path(name):
        return f"{name[:2]}-01-08-02-01-02-03{name[2:]}" if name else None

    touch(tmp_path, *map(path, files))
    corpus, messages = load_part(tmp_path)
    assert len(messages) == 1
    assert len(corpus.data) == 1
    expected = [name and f"{tmp_path}/{name}" for name in (path(audio), path(video))]
    assert [corpus.data["audio"][0], corpus.data["video"][0]] == expected


def test_found_in_any_depth_and_sorted_by_actor(tmp_path):
    touch(tmp_path, "speech/b/Actor_02/03-01-01-01-01-01-02.wav", "03-01-08-01-01-01-01.wav")
    corpus, _ = load_part(tmp_path)
    assert corpus.data["actor"].tolist() == [1, 2]
    assert corpus.data["sex"].tolist() == ["male", "female"]


def test_linked_folders_are_followed_once(tmp_path):
    touch(tmp_path, "disk/Actor_01/03-01-01-01-01-01-01.wav")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "circle").symlink_to(tmp_path / "root")
    corpus, messages = load_part(root)
    assert len(corpus.data) == 1
    assert len(messages) == 1


def test_copies_of_a_file_are_reported(tmp_path):
    name = "Actor_01/03-01-01-01-01-01-01.wav"
    touch(tmp_path, name, f"audio_speech_actors_01-24/{name}")
    corpus, messages = load_part(tmp_path)
    assert corpus.data["audio"].tolist() == [f"{tmp_path}/{name}"]
    assert f"{name} over audio_speech_actors_01-24/{name}" in messages[1]


def test_incomplete_corpus_is_reported_by_speaker(tmp_path):
    write_ravdess(tmp_path, channels=("01",))
    (tmp_path / "Actor_07" / "03-01-03-01-02-02-07.wav").unlink()
    corpus, messages = load_part(tmp_path)
    assert len(corpus.data) == 1439
    assert messages == [m for m in messages if "found 1439" in m and "in part: Actor_07 59 of 60" in m]


def test_clips_without_video_are_reported(tmp_path):
    touch(tmp_path, "01-01-01-01-01-01-01.mp4", "03-01-01-01-01-02-01.wav")
    _, messages = load_part(tmp_path)
    assert "1 clip without video (01-01-01-01-02-01)" in messages[1]


@pytest.mark.parametrize(
    "name",
    [
        "03-01-09-01-01-01-01.wav",  # no ninth emotion
        "03-01-01-01-01-01-25.wav",  # no 25th actor
        "02-01-01-01-01-01-01.wav",  # modality 02 has no sound
        "03-01-01-01-01-01-01.mp4",  # modality 03 has no video
        "03-01-01-01-01-01.wav",
        "song.mp3",
    ],
)
def test_foreign_media_are_named(tmp_path, name):
    touch(tmp_path, "03-01-01-01-01-02-01.wav", name, "notes.txt", "labels.csv")
    corpus, messages = load_part(tmp_path)
    assert len(corpus.data) == 1
    assert len(messages) == 2
    assert name in messages[1]
    assert "notes" not in messages[1]


def test_missing_empty_and_foreign_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*03-01-05-01-02-01-12\.wav"):
        load_ravdess(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"No clip of RAVDESS .* the folder is empty"):
        load_ravdess(tmp_path)
    touch(tmp_path, "AudioData/DC/a01.wav")
    with pytest.raises(ValueError, match=r"Found 1 folder \(AudioData/\).*other names: AudioData/DC/a01\.wav"):
        load_ravdess(tmp_path)


def test_other_vocal_channel(tmp_path):
    touch(tmp_path, "03-01-01-01-01-02-01.wav")
    with pytest.raises(ValueError, match=r"No clip of song .* the 1 found"):
        load_ravdess(tmp_path, vocal_channel="song")
    with pytest.raises(ValueError, match="'speach'"):
        load_ravdess(tmp_path, vocal_channel="speach")


def test_shared_actors(shared):
    with pytest.warns(UserWarning, match=r"found 719 .*none of Actor_13.*in part: Actor_07 59 of 60"):
        corpus = load_ravdess(shared / "data" / "ravdess")
    assert len(corpus.data) == 719
    assert corpus.data["video"].isna().all()
    assert all(Path(path).is_file() for path in corpus.data["audio"])
    assert len(np.unique(corpus.groups)) == 12
    assert len(corpus.target_names) == 8
