"""The CREMA-D corpus."""

import os
import re
from collections import Counter

from sklearn.utils import Bunch

from savee_mm.datasets._common import (
    Survey,
    check_root,
    counted,
    few,
    make_bunch,
    media_kind,
    missing_modalities,
    nothing_found,
    walk_folders,
    warn_each,
)

_EMOTIONS = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
# One file of the corpus has a single X in its name.
_LEVELS = {"LO": "low", "MD": "medium", "HI": "high", "XX": "unspecified", "X": "unspecified"}
_SENTENCES = ("DFA", "IEO", "IOM", "ITH", "ITS", "IWL", "IWW", "MTI", "TAI", "TIE", "TSI", "WSI")
_N_CLIPS, _N_ACTORS = 7442, 91
_NAME = re.compile(
    rf"(?P<actor>10(?:0[1-9]|[1-8]\d|9[01]))_(?P<sentence>{'|'.join(_SENTENCES)})"
    rf"_(?P<emotion>{'|'.join(_EMOTIONS)})_(?P<level>{'|'.join(_LEVELS)})"
)
_LOOKED_FOR = "files named as 1001_DFA_ANG_XX.wav (or .flac, .flv, .mp4), in AudioWAV, VideoFlash or any other folders"

DESCR = """\
CREMA-D: Crowd-sourced Emotional Multimodal Actors Dataset
----------------------------------------------------------
91 actors (48 men, 43 women, 20 to 74 years old, of several ethnic backgrounds; American English) say twelve
sentences with anger, disgust, fear, happiness, sadness and neutral, one of the sentences at three levels of
intensity: 7442 clips. The class is the intended emotion, not the perceived one. All actors say the same
sentences, so a split by speaker has the same texts in training and test; `sentence` is the code in the file
name. The recording 1076_MTI_SAD_XX has no sound.

Licence: Open Database License (ODbL) 1.0.
How to obtain: from https://github.com/CheyneyComputerScience/CREMA-D (with git-lfs); AudioWAV and
VideoFlash are the folders that are read.
Source: H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma, "CREMA-D: Crowd-sourced
emotional multimodal actors dataset", IEEE Transactions on Affective Computing 5(4), 2014, pp. 377-390.
"""


def load_crema_d(root: str | os.PathLike[str]) -> Bunch:
    """Load the CREMA-D corpus as a clip table.

    Only file names are read; no media file is opened. The files are found in ``root`` and in all folders
    below it. Files with the same name and different suffixes are one clip.

    Parameters
    ----------
    root : str or path-like
        Folder that holds files such as ``AudioWAV/1001_DFA_ANG_XX.wav`` and
        ``VideoFlash/1001_DFA_ANG_XX.flv`` (or ``.flac``, ``.mp4``); sound or video alone is enough.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : DataFrame, shape (n_clips, 7)
            One row per clip, sorted by name: ``audio`` and ``video`` (paths; None where there is no file),
            ``speaker`` (``1001``), ``sentence`` (the code, ``DFA``), ``clip_id`` (the file's stem,
            ``1001_DFA_ANG_XX``), ``actor`` (1001 to 1091), ``level`` ("low", "medium", "high",
            "unspecified"). The ``.mp3`` copies of the corpus are used for clips without ``.wav`` or ``.flac``.
        target : ndarray of str, shape (n_clips,)
            The intended emotion: anger, disgust, fear, happiness, neutral or sadness.
        groups : ndarray of str, shape (n_clips,)
            The speaker.
        target_names : list of str
            Sorted classes.
        DESCR : str
            Description, licence and source of the corpus.
        language : str
            "English".

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If ``root`` is not a folder.
    ValueError
        If it has no clip.

    Warns
    -----
    UserWarning
        Once for each of these: clips of the corpus are missing (with counts by speaker); clips have only audio or
        only video in a corpus that has both; files are not named as clips; several files are one clip, of which
        ``.wav`` is preferred to ``.flac``.

    Notes
    -----
    To read the sound of the videos: ``bunch.data["audio"] = bunch.data["video"]``.

    References
    ----------
    H. Cao et al., IEEE Transactions on Affective Computing 5(4), 2014, pp. 377-390.

    Examples
    --------
    >>> from savee_mm import load_crema_d
    >>> crema_d = load_crema_d("CREMA-D/")  # doctest: +SKIP
    >>> crema_d.data.loc[crema_d.data["level"] == "high", "clip_id"]  # doctest: +SKIP
    """
    root = check_root(root, "CREMA-D", _LOOKED_FOR)
    survey = Survey(root)
    for folder in walk_folders(root):
        survey.scan(folder, _parse)
    rows = [_row(survey, clip) for clip in survey.keys]
    if not rows:
        raise nothing_found(survey, "CREMA-D", _LOOKED_FOR)
    warn_each([_missing(rows, root), missing_modalities(rows, root), *survey.messages()])
    return make_bunch(rows, [_EMOTIONS[_fields(clip)["emotion"]] for clip in survey.keys], DESCR, "English")


def _parse(stem, suffix):
    """Return (clip, kind) of a file name."""
    kind = "mp3" if suffix == ".mp3" else media_kind(suffix)
    return (stem, kind) if kind and _NAME.fullmatch(stem) else None


def _fields(clip):
    """Return the fields of a clip's name by their names."""
    match = _NAME.fullmatch(clip)
    assert match is not None  # by _parse
    return match


def _row(survey, clip):
    fields = _fields(clip)
    return {
        "audio": survey.first(clip, "audio", "mp3"),
        "video": survey.first(clip, "video"),
        "speaker": fields["actor"],
        "sentence": fields["sentence"],
        "clip_id": clip,
        "actor": int(fields["actor"]),
        "level": _LEVELS[fields["level"]],
    }


def _missing(rows, root):
    """Return a warning that the corpus is incomplete, or None."""
    # Actors do not all have the same clips (91 * 82 is 20 more than 7442), so only the total is checked.
    if len(rows) >= _N_CLIPS:
        return None
    counts = Counter(row["speaker"] for row in rows)
    fewest = [f"{speaker} {number}" for speaker, number in sorted(counts.items(), key=lambda item: item[1])]
    return (
        f"CREMA-D has {_N_CLIPS} clips by {_N_ACTORS} speakers; found {len(rows)} by "
        f"{counted(len(counts), 'speaker')} in {root!r} (fewest first: {few(fewest, 8)})."
    )
