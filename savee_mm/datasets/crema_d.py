"""The CREMA-D corpus, with the votes of its raters."""

import os
import re
import warnings
from collections import Counter
from typing import Any, Literal

import numpy as np
import pandas as pd

from savee_mm.datasets._common import (
    Survey,
    bunch_or_X_y,
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
_LETTERS = {name[0].upper(): name for name in _EMOTIONS.values()}
# Code of what raters saw and heard.
_RATERS = {"voice": 1, "face": 2, "both": 3}
_VOTES_FILE, _ACTORS_FILE = "finishedResponses.csv", "VideoDemographics.csv"
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
intensity: 7442 clips. Each was rated by about ten people for each of voice, face and both. All actors say the same
sentences, so a split by speaker has the same texts in training and test; `sentence` is the code in the file
name. The recording 1076_MTI_SAD_XX has no sound.

Licence: Open Database License (ODbL) 1.0.
How to obtain: from https://github.com/CheyneyComputerScience/CREMA-D (with git-lfs); AudioWAV and
VideoFlash are the folders that are read.
Source: H. Cao, D. G. Cooper, M. K. Keutmann, R. C. Gur, A. Nenkova and R. Verma, "CREMA-D: Crowd-sourced
emotional multimodal actors dataset", IEEE Transactions on Affective Computing 5(4), 2014, pp. 377-390.
"""


def load_crema_d(
    root: str | os.PathLike[str],
    *,
    label: Literal["acted", "perceived", "votes"] = "acted",
    raters: Literal["voice", "face", "both"] | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load the CREMA-D corpus as a clip table.

    No media file is opened. The files are found in ``root`` and in all folders
    below it. Files with the same name and different suffixes are one clip.

    Parameters
    ----------
    root : str or path-like
        Folder that holds files such as ``AudioWAV/1001_DFA_ANG_XX.wav`` and
        ``VideoFlash/1001_DFA_ANG_XX.flv`` (or ``.flac``, ``.mp4``); sound or video alone is enough. Votes are read from
        ``finishedResponses.csv``, properties of the actors from ``VideoDemographics.csv`` if it is there.
    label : {"acted", "perceived", "votes"}, default="acted"
        The class: the intended emotion; the emotion with most votes, without the clips with a tie; or the same with all
        clips, where the intended emotion, or else the first of the alphabet, decides a tie. Use ``votes`` as soft
        labels, see :func:`~savee_mm.datasets.expand_votes`.
    raters : {"voice", "face", "both"}, default=None
        Whose votes are read: those of raters who heard the voice, saw the face, or both. None for "both", and for no
        votes with ``label="acted"``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : DataFrame, shape (n_clips, 7)
            One row per clip, sorted by name: ``audio`` and ``video`` (paths; None where there is no file),
            ``speaker`` (``1001``), ``sentence`` (the code, ``DFA``), ``clip_id`` (the file's stem,
            ``1001_DFA_ANG_XX``), ``actor`` (1001 to 1091), ``level`` ("low", "medium", "high",
            "unspecified"). The ``.mp3`` copies of the corpus are used for clips without ``.wav`` or ``.flac``. With
            ``VideoDemographics.csv`` also ``age`` (years), ``sex``, ``race`` and ``ethnicity``; with votes
            ``rater_agreement``, the share of the votes for the class.
        target : ndarray of str, shape (n_clips,)
            anger, disgust, fear, happiness, neutral or sadness, see ``label``.
        votes : DataFrame, shape (n_clips, 6)
            With votes: number of votes of each clip for each class.
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
        If it has no clip, for an unknown ``label`` or ``raters``, or where votes are needed and missing.

    Warns
    -----
    UserWarning
        Once for each of these: clips are left out, because they have no votes or a tie; clips of the corpus are
        missing (with counts by speaker); clips have only audio or only video in a corpus that has both; files are not
        named as clips; several files are one clip, of which ``.wav`` is preferred to ``.flac``.

    Notes
    -----
    To read the sound of the videos: ``bunch.data["audio"] = bunch.data["video"]``.

    The mean of ``rater_agreement`` is the accuracy of a single rater. Reports of :func:`~savee_mm.evaluate` have it
    next to the accuracy of the systems.

    References
    ----------
    H. Cao et al., IEEE Transactions on Affective Computing 5(4), 2014, pp. 377-390.

    Examples
    --------
    >>> from savee_mm import load_crema_d
    >>> crema_d = load_crema_d("CREMA-D/")  # doctest: +SKIP
    >>> crema_d.data.loc[crema_d.data["level"] == "high", "clip_id"]  # doctest: +SKIP
    """
    if label not in ("acted", "perceived", "votes"):
        raise ValueError(f'label must be "acted", "perceived" or "votes", got {label!r}.')
    if raters not in (None, *_RATERS):
        raise ValueError(f'raters must be "voice", "face", "both" or None, got {raters!r}.')
    if raters is None and label != "acted":
        raters = "both"
    root = check_root(root, "CREMA-D", _LOOKED_FOR)
    survey = Survey(root)
    folders = list(walk_folders(root))
    for folder in folders:
        survey.scan(folder, _parse)
    actors = _read_actors(_find(folders, _ACTORS_FILE))
    rows = [_row(survey, clip) | actors.get(clip[:4], {}) for clip in survey.keys]
    if not rows:
        raise nothing_found(survey, "CREMA-D", _LOOKED_FOR)
    warn_each([_missing(rows, root), missing_modalities(rows, root), *survey.messages()])
    target = np.array([_EMOTIONS[_fields(clip)["emotion"]] for clip in survey.keys])
    if raters is None:
        return bunch_or_X_y(make_bunch(rows, target, DESCR, "English"), return_X_y)
    votes = _read_votes(_find(folders, _VOTES_FILE), root, raters).reindex(survey.keys, fill_value=0)
    voted, tied = _most_voted(votes, target)
    without = votes.sum(axis=1).to_numpy() == 0
    left_out = without | (tied & (label == "perceived"))
    if left_out.any():
        warnings.warn(
            f"{counted(np.count_nonzero(left_out), 'clip')} left out: {np.count_nonzero(without)} without votes, "
            f"{np.count_nonzero(left_out & ~without)} with a tie ({few(votes.index[left_out])}).",
            UserWarning,
            stacklevel=2,
        )
    target = target if label == "acted" else voted
    votes, target = votes[~left_out], target[~left_out]
    agreement = votes.to_numpy()[np.arange(len(votes)), votes.columns.get_indexer(target)] / votes.sum(axis=1)
    rows = [row for row, out in zip(rows, left_out, strict=True) if not out]
    bunch = make_bunch(pd.DataFrame(rows).assign(rater_agreement=agreement.to_numpy()), target, DESCR, "English")
    bunch.votes = votes.reset_index(drop=True)
    return bunch_or_X_y(bunch, return_X_y)


def _find(folders, name):
    """Return the path of the first file of this name in folders, None if there is none."""
    return next((path for folder in folders if os.path.isfile(path := os.path.join(folder, name))), None)


def _read_actors(path):
    """Return age, sex, race and ethnicity by actor."""
    if path is None:
        return {}
    table = pd.read_csv(path, dtype={"ActorID": str}, skipinitialspace=True)
    return {
        row["ActorID"]: {
            "age": int(row["Age"]),
            "sex": row["Sex"].lower(),
            "race": row["Race"],
            "ethnicity": row["Ethnicity"],
        }
        for row in table.to_dict("records")
    }


def _read_votes(path, root, raters):
    """Return the number of votes by clip and class."""
    if path is None:
        raise ValueError(f"There is no {_VOTES_FILE} in {root!r}, which has the votes. Download it with the corpus.")
    table = pd.read_csv(path, usecols=["clipName", "queryType", "respEmo"], dtype=str)
    table = table[(table["queryType"] == str(_RATERS[raters])) & table["respEmo"].isin(list(_LETTERS))]
    votes = pd.crosstab(table["clipName"], table["respEmo"].map(_LETTERS))
    return votes.reindex(columns=sorted(_LETTERS.values()), fill_value=0).rename_axis(index=None, columns=None)


def _most_voted(votes, acted):
    """Return the class with most votes of each clip, by the acted one in a tie, and which clips have a tie."""
    counts = votes.to_numpy()
    is_top = counts == counts.max(axis=1, keepdims=True)
    place = votes.columns.get_indexer(acted)
    best = np.where(is_top[np.arange(len(votes)), place], place, is_top.argmax(axis=1))
    return votes.columns.to_numpy(dtype=str)[best], is_top.sum(axis=1) > 1


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
