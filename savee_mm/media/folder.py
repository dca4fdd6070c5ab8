"""Recordings in a folder: the suffixes of the formats that FFmpeg reads, and the files that have them."""

import functools
import os
from dataclasses import dataclass

import av
from av.format import ContainerFormat

# Formats of FFmpeg that hold no audio or video: text, subtitles, images, playlists, raw data.
_OTHER_FORMATS = {
    *("tty", "bin", "xbin", "adf", "idf", "luodat", "ffmetadata", "sbg", "sdp", "rcwt", "fits", "nc", "bit", "sga"),
    *("aqtitle", "ass", "jacosub", "lrc", "mcc", "microdvd", "mpl2", "mpsub", "pjs", "realtext", "sami", "scc", "srt"),
    *("stl", "subviewer", "subviewer1", "sup", "tedcaptions", "ttml", "vobsub", "vplayer", "webvtt"),
    *("apng", "gif", "ico", "image2", "image2pipe", "webp", "avif", "jpegxl_anim", "mjpeg_2000"),
    *("dash", "hls", "webm_dash_manifest", "imf"),
}
_IMAGE_SUFFIXES = {"heic", "heif", "mpo"}  # of images in containers of video
# Suffixes of these formats that FFmpeg does not state.
_MORE_SUFFIXES = ("3ga", "awb", "bwf", "divx", "mpga", "qt", "rf64", "snd", "wave", "weba")
# Folders in which macOS and its file servers keep resource forks.
_FORK_FOLDERS = {"__MACOSX"}


@functools.cache
def recording_suffixes() -> frozenset[str]:
    """Return the usual suffixes of audio and video files that FFmpeg can read.

    Returns
    -------
    suffixes : frozenset of str
        In lower case, with the dot: ``".wav"``, ``".mp4"``, ``".wma"``, ``".mts"`` ...

    Examples
    --------
    >>> from savee_mm.media import recording_suffixes
    >>> {".wav", ".m4a", ".mp4"} <= recording_suffixes(), ".txt" in recording_suffixes()
    (True, False)
    """
    found: set[str] = set(_MORE_SUFFIXES)
    other = set(_IMAGE_SUFFIXES)
    for name in av.formats_available:
        # Many formats state their suffixes only for writing.
        for mode in ("r", "w"):
            try:
                suffixes = ContainerFormat(name, mode).extensions
            except ValueError:
                continue
            (other if name in _OTHER_FORMATS else found).update(suffix.strip().lower() for suffix in suffixes)
    return frozenset(f".{suffix}" for suffix in found - other)


@dataclass(frozen=True)
class FolderContent:
    """Content of a folder and of all folders below it; lists are sorted by path.

    Attributes
    ----------
    recordings : list of str
        Files with a suffix of :func:`recording_suffixes`.
    unreadable : list of tuple (str, str)
        Broken links and folders that cannot be listed, each with the reason.
    others : list of str
        Other files.
    """

    recordings: list
    unreadable: list
    others: list


def list_recordings(folder: str | os.PathLike[str]) -> FolderContent:
    """Find the recordings in a folder and in all folders below it.

    Parameters
    ----------
    folder : path-like
        Links are followed, each folder is searched once. Hidden files and resource forks (``._name``) are left out.

    Returns
    -------
    content : FolderContent
        Names that are not UTF-8 have surrogate escapes, as in ``os.listdir``.
    """
    content = FolderContent([], [], [])
    seen, waiting = set(), [os.fspath(folder)]
    while waiting:
        folder = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen:
            continue
        seen.add(real)
        try:
            names = [name for name in os.listdir(folder) if name[0] != "." and name not in _FORK_FOLDERS]
        except OSError as error:
            reason = f"the folder cannot be listed ({error.strerror}); check its permissions"
            content.unreadable.append((folder, reason))
            continue
        for path in sorted(os.path.join(folder, name) for name in names):
            if os.path.isdir(path):
                waiting.append(path)
            elif not os.path.exists(path):
                reason = f"broken link to {_target(path)}; restore the file, or remove the link"
                content.unreadable.append((path, reason))
            elif os.path.splitext(path)[1].lower() in recording_suffixes():
                content.recordings.append(path)
            else:
                content.others.append(path)
    return FolderContent(*map(sorted, (content.recordings, content.unreadable, content.others)))


def _target(path):
    return os.readlink(path) if os.path.islink(path) else "a file"
