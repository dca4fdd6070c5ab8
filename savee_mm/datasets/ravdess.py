"""The RAVDESS corpus of speech and song."""

import os
import re
from typing import Any, Literal

from savee_mm.datasets._common import (
    Survey,
    bunch_or_X_y,
    check_root,
    incomplete,
    make_bunch,
    media_kind,
    missing_modalities,
    nothing_found,
    walk_folders,
    warn_each,
)

_CHANNELS = {"01": "speech", "02": "song"}
_EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
_INTENSITIES = {"01": "normal", "02": "strong"}
_STATEMENTS = {"01": "kids", "02": "dogs"}
_ACTORS = tuple(f"Actor_{actor:02d}" for actor in range(1, 25))
_NAME = re.compile(r"(?P<modality>0[123])-(?P<clip>0[12]-0[1-8]-0[12]-0[12]-0[12]-(?:0[1-9]|1[0-9]|2[0-4]))")
# Content of a file by its modality: 01 sound and video, 02 video, 03 sound.
_KINDS = {"01": ("audio", "video"), "02": ("video",), "03": ("audio",)}
_LOOKED_FOR = (
    "files named as 03-01-05-01-02-01-12.wav (or .flac; .mp4 for modalities 01 and 02), "
    "in Actor_01 to Actor_24 or any other folders"
)

DESCR = """\
RAVDESS: Ryerson Audio-Visual Database of Emotional Speech and Song
-------------------------------------------------------------------
24 professional actors (12 women, 12 men; North American English) say two statements, "Kids are talking by
the door" and "Dogs are sitting by the door", twice each, with neutral, calm, happiness, sadness, anger, fear,
disgust and surprise, all except neutral at two intensities: 1440 clips of speech. 23 of them sing the same
statements in six of these classes: 1012 clips of song. Every clip has a file with sound and video, one with
video alone and one with sound alone. There are only two texts, so every split has both in training and test.
The speech clip 03-01-03-01-02-02-07 is a byte-identical duplicate of another one.

Licence: CC BY-NC-SA 4.0.
How to obtain: from Zenodo, https://zenodo.org/records/1188976 (Audio_Speech_Actors_01-24.zip, and for the
videos Video_Speech_Actor_01.zip to _24.zip); unpack all into one folder.
Source: S. R. Livingstone and F. A. Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song",
PLoS ONE 13(5): e0196391, 2018.
"""


def load_ravdess(
    root: str | os.PathLike[str],
    *,
    vocal_channel: Literal["speech", "song", "all"] = "speech",
    return_X_y: bool = False,
) -> Any:
    """Load the RAVDESS corpus as a clip table.

    Only file names are read; no media file is opened. The files are found in ``root`` and in all folders
    below it. Files that differ only in the modality are one clip.

    Parameters
    ----------
    root : str or path-like
        Folder that holds files such as ``Actor_12/03-01-05-01-02-01-12.wav`` (or ``.flac``, ``.mp4``).
    vocal_channel : {"speech", "song", "all"}, default="speech"
        Clips to load.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : DataFrame, shape (n_clips, 11)
            One row per clip, sorted by actor and then by the other fields: ``audio`` (path of the audio-only
            file, or, if missing, of the file with sound and video, which has the same sound), ``video`` (path of
            the file with sound and video, or, if missing, of the video-only one), ``speaker`` (``Actor_12``),
            ``sentence`` (as ``statement``), ``clip_id`` (the six fields of the name after the modality,
            ``01-05-01-02-01-12``), ``vocal_channel`` ("speech", "song"), ``intensity`` ("normal", "strong"),
            ``statement`` ("kids", "dogs"), ``repetition`` (1, 2), ``actor`` (1 to 24), ``sex`` ("male",
            "female"). A path is None if there is no file.
        target : ndarray of str, shape (n_clips,)
            anger, calm, disgust, fear, happiness, neutral, sadness or surprise.
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
        If it has no clip of this vocal channel, or ``vocal_channel`` is not one of the three.

    Warns
    -----
    UserWarning
        Once for each of these: clips of the corpus are missing (with counts by speaker); clips have only audio or
        only video in a corpus that has both; files are not named as clips; several files are one clip, of which
        ``.wav`` is preferred to ``.flac``.

    References
    ----------
    S. R. Livingstone and F. A. Russo, PLoS ONE 13(5): e0196391, 2018.

    Examples
    --------
    >>> from savee_mm import load_ravdess
    >>> ravdess = load_ravdess("RAVDESS/", vocal_channel="song")  # doctest: +SKIP
    >>> ravdess.target_names  # doctest: +SKIP
    ['anger', 'calm', 'fear', 'happiness', 'neutral', 'sadness']
    """
    if vocal_channel not in ("speech", "song", "all"):
        raise ValueError(f'vocal_channel must be "speech", "song" or "all", got {vocal_channel!r}.')
    root = check_root(root, "RAVDESS", _LOOKED_FOR)
    survey = Survey(root)
    for folder in walk_folders(root):
        survey.scan(folder, _parse)
    rows = [_row(survey, clip) for clip in sorted(survey.keys, key=lambda clip: (clip[-2:], clip))]
    if not rows:
        raise nothing_found(survey, "RAVDESS", _LOOKED_FOR)
    n_all = len(rows)
    rows = [row for row in rows if vocal_channel in ("all", row["vocal_channel"])]
    if not rows:
        raise ValueError(f"No clip of {vocal_channel} in {root!r}: the {n_all} found are of another channel.")
    speakers = [row["speaker"] for row in rows]
    warn_each(
        [
            incomplete(f"RAVDESS ({vocal_channel})", root, speakers, _expected(vocal_channel)),
            missing_modalities(rows, root),
            *survey.messages(),
        ]
    )
    return bunch_or_X_y(
        make_bunch(rows, [_EMOTIONS[row["clip_id"].split("-")[1]] for row in rows], DESCR, "English"), return_X_y
    )


def _parse(stem, suffix):
    """Return (clip, (modality, kind)) of a file name."""
    match = _NAME.fullmatch(stem)
    kind = media_kind(suffix)
    if match is None or kind not in _KINDS[match["modality"]]:
        return None
    return match["clip"], (match["modality"], kind)


def _row(survey, clip):
    channel, _, intensity, statement, repetition, actor = clip.split("-")
    return {
        "audio": survey.first(clip, ("03", "audio"), ("01", "audio"), ("01", "video")),
        "video": survey.first(clip, ("01", "video"), ("02", "video")),
        "speaker": f"Actor_{actor}",
        "sentence": _STATEMENTS[statement],
        "clip_id": clip,
        "vocal_channel": _CHANNELS[channel],
        "intensity": _INTENSITIES[intensity],
        "statement": _STATEMENTS[statement],
        "repetition": int(repetition),
        "actor": int(actor),
        "sex": "male" if int(actor) % 2 else "female",
    }


def _expected(vocal_channel):
    """Return the number of clips in the complete corpus, by speaker."""
    speech = dict.fromkeys(_ACTORS, 60)
    song = {actor: 44 for actor in _ACTORS if actor != "Actor_18"}  # Actor 18 did not sing.
    if vocal_channel == "all":
        return {actor: speech[actor] + song.get(actor, 0) for actor in _ACTORS}
    return speech if vocal_channel == "speech" else song
