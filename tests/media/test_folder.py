"""Recordings in a folder: suffixes from FFmpeg, links, hidden files and resource forks."""

import os

import pytest

from savee_mm.media import list_recordings, recording_suffixes

AUDIO = [
    "wav",
    "wave",
    "bwf",
    "weba",
    "flac",
    "ogg",
    "oga",
    "opus",
    "mp3",
    "m4a",
    "aac",
    "aif",
    "aiff",
    "aifc",
    "au",
    "caf",
    "w64",
    "wma",
    "amr",
    "mka",
    "ac3",
    "spx",
    "wv",
    "tta",
]
VIDEO = [
    "avi",
    "mp4",
    "m4v",
    "mov",
    "mkv",
    "webm",
    "mpg",
    "mpeg",
    "flv",
    "3gp",
    "3g2",
    "wmv",
    "asf",
    "mts",
    "m2ts",
    "ts",
    "vob",
    "ogv",
    "f4v",
    "dv",
    "mxf",
]


@pytest.mark.parametrize("suffix", AUDIO + VIDEO)
def test_suffix_of_a_recording(suffix):
    assert f".{suffix}" in recording_suffixes()


@pytest.mark.parametrize(
    "suffix",
    [
        "txt",
        "csv",
        "json",
        "xml",
        "pdf",
        "srt",
        "vtt",
        "sub",
        "idx",
        "dat",
        "js",
        "png",
        "jpg",
        "gif",
        "webp",
        "heic",
        "tif",
        "m3u8",
        "mpd",
    ],
)
def test_suffix_of_other_files(suffix):
    assert f".{suffix}" not in recording_suffixes()


@pytest.fixture
def touch(tmp_path):
    """Return a function that makes empty files in a folder, and returns the folder."""

    def make(*names):
        for name in names:
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path / "in"

    return make


def relative(paths, root):
    return [os.path.relpath(path, root) for path in paths]


def test_recordings_of_all_folders_are_sorted(touch):
    root = touch("b.wav", "a.MP4", "c/d/e.wma", "notes.txt", "no_suffix")
    content = list_recordings(root)
    assert relative(content.recordings, root) == ["a.MP4", "b.wav", "c/d/e.wma"]
    assert relative(content.others, root) == ["no_suffix", "notes.txt"]
    assert content.unreadable == []


def test_hidden_files_and_resource_forks_are_left_out(touch):
    root = touch("a.wav", "._a.wav", ".hidden.wav", ".trash/b.wav", "__MACOSX/c.wav", ".DS_Store")
    content = list_recordings(root)
    assert relative(content.recordings, root) == ["a.wav"]
    assert content.others == []


def test_linked_folders_are_searched_once(touch, tmp_path):
    root = touch("a.wav")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.wav").touch()
    (root / "link").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "c.wav").symlink_to(outside / "b.wav")
    assert relative(list_recordings(root).recordings, root) == ["a.wav", "c.wav", "link/b.wav"]


def test_broken_links_are_named(touch):
    root = touch("a.wav")
    (root / "gone.wav").symlink_to("nowhere.wav")
    (root / "folder").symlink_to("nowhere")
    content = list_recordings(root)
    assert relative(content.recordings, root) == ["a.wav"]
    (folder, _), (file, reason) = content.unreadable
    assert relative([folder, file], root) == ["folder", "gone.wav"]
    assert reason.startswith("broken link to nowhere.wav")


def test_names_that_are_not_utf8(touch):
    root = touch()
    root.mkdir(exist_ok=True)
    with open(os.path.join(os.fsencode(root), b"caf\xe9.wav"), "w"):
        pass
    (path,) = list_recordings(root).recordings
    assert os.fsencode(os.path.basename(path)) == b"caf\xe9.wav"
    assert os.path.isfile(path)


def test_missing_folder_is_named(tmp_path):
    ((path, reason),) = list_recordings(tmp_path / "nowhere").unreadable
    assert path == str(tmp_path / "nowhere")
    assert "cannot be listed" in reason
