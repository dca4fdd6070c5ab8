"""BIDS datasets with behavioural audio and video: runs, events, offsets of recordings, participants."""

import pytest

from savee_mm import load_bids


@pytest.fixture
def dataset(tmp_path):
    """Write text files and empty recordings by their paths: ``dataset({path: content})``."""

    def write(files):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(content.replace(" ", "\t"))
        return tmp_path

    return write


PEOPLE = {"participants.tsv": "participant_id age sex\nsub-01 23 F\nsub-02 n/a M\n"}
EVENTS = "onset duration trial_type stim\n0.5 2 joy s1\n3 1.25 n/a s2\n10 0.5 anger s1\n"


def test_events_are_segments_of_the_recordings(dataset):
    run = "sub-01/ses-a/beh/sub-01_ses-a_task-talk_run-1"
    root = dataset({**PEOPLE, f"{run}_audio.wav": "x", f"{run}_video.mp4": "x", f"{run}_events.tsv": EVENTS})
    bunch = load_bids(root, target="trial_type", columns={"sentence": "stim"})
    assert bunch.target.tolist() == ["joy", "anger"]
    assert bunch.data[["start", "end"]].to_numpy().tolist() == [[0.5, 2.5], [10.0, 10.5]]
    assert bunch.data["audio"].tolist() == [f"{root}/{run}_audio.wav"] * 2
    assert bunch.data["video"].tolist() == [f"{root}/{run}_video.mp4"] * 2
    properties = bunch.data[["speaker", "session", "task", "run", "sentence", "age", "sex"]]
    assert properties.to_numpy().tolist() == [["01", "a", "talk", "1", "s1", "23", "F"]] * 2
    assert bunch.groups.tolist() == ["01", "01"]
    assert bunch.data["clip_id"][0] == "sub-01_ses-a_task-talk_run-1_audio_0.500-2.500"


def test_whole_recordings_have_the_class_of_the_scans(dataset):
    scans = "filename acq_time emotion\nbeh/sub-01_task-x_audiovideo.mkv 2026-01-01T10:00:00 fear\n"
    files = {"sub-01/beh/sub-01_task-x_audiovideo.mkv": "x", "sub-01/sub-01_scans.tsv": scans}
    bunch = load_bids(dataset(files))
    assert bunch.target.tolist() == ["fear"]
    assert bunch.data["audio"].tolist() == bunch.data["video"].tolist()
    assert not {"start", "end", "acq_time"} & set(bunch.data.columns)


def test_events_are_on_the_clock_of_the_first_recording_of_a_run(dataset):
    run = "sub-01/beh/sub-01_task-x"
    scans = (
        "filename acq_time\nbeh/sub-01_task-x_audio.wav 2026-01-01T10:00:00.250\n"
        "beh/sub-01_task-x_recording-face_video.mp4 2026-01-01T10:00:00\n"
    )
    files = {f"{run}_audio.wav": "x", f"{run}_recording-face_video.mp4": "x", f"{run}_events.tsv": EVENTS}
    root = dataset({**files, "sub-01/sub-01_scans.tsv": scans})
    with pytest.warns(UserWarning, match="start at different times; the video is left out"):
        bunch = load_bids(root, target="trial_type")
    assert bunch.data["start"].tolist() == [0.25, 9.75]
    assert bunch.data["video"].tolist() == [None, None]


def test_one_of_several_cameras(dataset):
    run = "sub-01/beh/sub-01_task-x"
    files = {f"{run}_recording-{name}_video.mp4": "x" for name in ("body", "face")}
    root = dataset({**files, f"{run}_events.tsv": EVENTS})
    for recording, expected in ((None, "body"), ("face", "face")):
        videos = load_bids(root, target="trial_type", recording=recording).data["video"]
        assert all(f"recording-{expected}_" in video for video in videos)


def test_datasets_without_recordings_or_classes(dataset):
    root = dataset({"sub-01/beh/sub-01_task-x_events.tsv": EVENTS})
    with pytest.raises(ValueError, match="No recording in"):
        load_bids(root)
    dataset({"sub-01/beh/sub-01_task-x_audio.wav": "x"})
    with pytest.raises(ValueError, match="expected a column 'emotion' in the events"):
        load_bids(root)
    dataset({"sub-01/beh/sub-01_task-x_events.tsv": "onset duration emotion\n1 n/a joy\n"})
    with pytest.raises(ValueError, match="has no onset or duration"):
        load_bids(root)
