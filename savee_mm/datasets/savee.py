"""The SAVEE corpus, and other corpora in its layout."""

import os
import re
from collections import Counter
from functools import partial
from typing import Any

from savee_mm.datasets._common import (
    Survey,
    bunch_or_X_y,
    check_root,
    counted,
    few,
    incomplete,
    make_bunch,
    media_kind,
    missing_modalities,
    nothing_found,
    subfolders,
    warn_each,
)

_EMOTIONS = {
    "a": "anger",
    "d": "disgust",
    "f": "fear",
    "h": "happiness",
    "n": "neutral",
    "sa": "sadness",
    "su": "surprise",
}
_SPEAKERS = ("DC", "JE", "JK", "KL")
_CLIPS_OF_ONE_SPEAKER = {(code, number) for code in _EMOTIONS for number in range(1, 31 if code == "n" else 16)}
_FOLDERS = ("AudioData", "AudioVisualClip")
_NAME = re.compile(r"(?:(?P<speaker>\w+?)_)?(?P<code>a|d|f|h|n|sa|su)(?P<number>\d{1,2})", re.IGNORECASE)
_LOOKED_FOR = (
    "AudioData/<speaker>/a01.wav (or .flac), AudioVisualClip/<speaker>/a1.avi, "
    "or files <speaker>_a01.wav in the folder itself"
)
# Neutral texts 19 to 30 are texts 4 and 5 of the emotions, read without emotion.
_NEUTRAL_REPEATS = dict(
    zip(
        range(19, 31),
        (f"{code}{number:02d}" for code in ("a", "d", "f", "su", "sa", "h") for number in (4, 5)),
        strict=True,
    )
)

DESCR = """\
SAVEE: Surrey Audio-Visual Expressed Emotion
--------------------------------------------
Four male native English speakers (DC, JE, JK, KL) read 120 sentences each, 480 clips in all, and display
one of seven emotions: anger, disgust, fear, happiness, sadness and surprise (15 clips each per speaker) and
neutral (30). All four read one list of 87 texts: three texts are common to all seven classes, and the
neutral clips repeat them and twelve more. Clips of one text have the same id in the column `sentence`; a
split by clip or by speaker has the same texts in training and test.

Licence: free for research, no redistribution.
How to obtain: register with the University of Surrey at http://kahlan.eps.surrey.ac.uk/savee/ and unpack
AudioData and AudioVisualClip side by side into one folder.
Source: S. Haq and P. J. B. Jackson, "Multimodal emotion recognition", in W. Wang (ed.), Machine Audition:
Principles, Algorithms and Systems, IGI Global, 2010, pp. 398-423.
"""


def load_savee(root: str | os.PathLike[str], *, return_X_y: bool = False) -> Any:
    """Load the SAVEE corpus as a clip table.

    Only file names are read; no media file is opened. Any corpus in the same layout is accepted, with
    any names of speakers.

    Parameters
    ----------
    root : str or path-like
        Folder that holds ``AudioData/<speaker>/a01.wav`` (or ``.flac``) or
        ``AudioVisualClip/<speaker>/a1.avi`` or both, or the files ``<speaker>_a01.wav`` (the flat audio-only
        mirror). Numbers may be padded with a zero.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : DataFrame, shape (n_clips, 5)
            One row per clip, sorted by speaker, emotion code and number: ``audio`` and ``video`` (paths,
            starting with ``root`` as given; None if there is no file), ``speaker``, ``sentence``, ``clip_id``
            (``DC_a01``).
        target : ndarray of str, shape (n_clips,)
            anger, disgust, fear, happiness, neutral, sadness or surprise.
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
        Once for each of these: clips of SAVEE are missing (with counts by speaker); speakers of another corpus do
        not have the same clips; the folder of a speaker has no clip; clips have only audio or only video in a
        corpus that has both; files are not named as clips (hidden files and ``.txt``, ``.md``, ``.csv``,
        ``.json`` are ignored); several files are one clip, of which ``.wav`` is preferred to ``.flac`` and
        ``.avi`` to other containers.

    Notes
    -----
    ``sentence`` is one id per text, the same for all speakers: numbers 1 to 3 of every class are ``common01`` to
    ``common03``, n16 to n18 repeat them, n19 to n30 repeat a04, a05, d04, d05, f04, f05, su04, su05, sa04, sa05,
    h04 and h05, and the others are read once (``a06``): 87 texts in 120 clips. Equal texts were found by alignment
    of all pairs of clips of a speaker (dynamic time warping on MFCC).

    To read the sound of the videos: ``bunch.data["audio"] = bunch.data["video"]``.

    References
    ----------
    S. Haq and P. J. B. Jackson, "Multimodal emotion recognition", Machine Audition, IGI Global, 2010.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from savee_mm import load_savee
    >>> folder = tempfile.TemporaryDirectory()
    >>> speaker = pathlib.Path(folder.name, "AudioData", "S1")
    >>> speaker.mkdir(parents=True)
    >>> for name in ("a01.wav", "n01.wav", "n19.wav"):
    ...     (speaker / name).touch()
    >>> corpus = load_savee(folder.name)
    >>> corpus.data["sentence"].tolist()
    ['common01', 'common01', 'a04']
    >>> corpus.target.tolist()
    ['anger', 'neutral', 'neutral']
    >>> folder.cleanup()
    """
    root = check_root(root, "SAVEE", _LOOKED_FOR)
    survey = Survey(root)
    empty = _scan(survey)
    clips = survey.keys
    if not clips:
        raise nothing_found(survey, "SAVEE", _LOOKED_FOR, _hint(root))
    rows = [_row(survey, *clip) for clip in clips]
    warn_each([_uneven(clips, root), _empty(empty, root), missing_modalities(rows, root), *survey.messages()])
    return bunch_or_X_y(make_bunch(rows, [_EMOTIONS[code] for _, code, _ in clips], DESCR, "English"), return_X_y)


def _scan(survey):
    """Add all folders of the layout to the survey; return those without a clip."""
    survey.scan(survey.root, partial(_parse, None))
    empty = []
    for name in _FOLDERS:
        folder = os.path.join(survey.root, name)
        if not os.path.isdir(folder):
            continue
        n_clips = survey.scan(folder, partial(_parse, None))
        speakers = subfolders(folder)
        for speaker in speakers:
            if not survey.scan(os.path.join(folder, speaker), partial(_parse, speaker)):
                empty.append(os.path.join(name, speaker))
        if not n_clips and not speakers:
            empty.append(name)
    return empty


def _parse(speaker, stem, suffix):
    """Return ((speaker, code, number), kind); ``speaker`` is the name of the folder, None outside one."""
    match = _NAME.fullmatch(stem)
    kind = media_kind(suffix)
    if match is None or kind is None:
        return None
    named = match["speaker"]
    if (named or speaker) is None or (named and speaker and named != speaker):
        return None
    return (speaker or named, match["code"].lower(), int(match["number"])), kind


def _row(survey, speaker, code, number):
    key = (speaker, code, number)
    return {
        "audio": survey.first(key, "audio"),
        "video": survey.first(key, "video"),
        "speaker": speaker,
        "sentence": _sentence(code, number),
        "clip_id": f"{speaker}_{code}{number:02d}",
    }


def _sentence(code, number):
    """Return the id of the text of a clip."""
    if number in (1, 2, 3):
        return f"common{number:02d}"
    if code == "n" and number in (16, 17, 18):
        return f"common{number - 15:02d}"
    if code == "n" and number in _NEUTRAL_REPEATS:
        return _NEUTRAL_REPEATS[number]
    return f"{code}{number:02d}"


def _uneven(clips, root):
    """Return a warning about missing clips of SAVEE, or unequal speakers of another corpus, or None."""
    of_speaker = {}
    for speaker, code, number in clips:
        of_speaker.setdefault(speaker, set()).add((code, number))
    if set(of_speaker) <= set(_SPEAKERS):
        known = [clip[0] for clip in clips if clip[1:] in _CLIPS_OF_ONE_SPEAKER]
        return incomplete("SAVEE", root, known, dict.fromkeys(_SPEAKERS, len(_CLIPS_OF_ONE_SPEAKER)))
    everything = set.union(*of_speaker.values())
    if all(found == everything for found in of_speaker.values()):
        return None
    counts = Counter(speaker for speaker, _, _ in clips)
    absent = [
        f"{speaker}_{code}{number:02d}"
        for speaker, found in of_speaker.items()
        for code, number in sorted(everything - found)
    ]
    return (
        f"The speakers in {root!r} do not have the same clips: "
        f"{few([f'{speaker} {number}' for speaker, number in counts.items()], 8)} of {len(everything)}; "
        f"missing: {few(absent)}."
    )


def _empty(folders, root):
    """Return a warning about folders of the layout without clips, or None."""
    if not folders:
        return None
    return f"{counted(len(folders), 'folder')} in {root!r} without a clip: {few(folders)}."


def _hint(root):
    """Return a hint at the folder that was probably meant."""
    above, name = os.path.split(os.path.abspath(root))
    if name in _FOLDERS or os.path.basename(above) in _FOLDERS:
        return f" Pass the folder that holds {' and '.join(_FOLDERS)}."
    for inner in subfolders(root):
        names = subfolders(os.path.join(root, inner))
        if any(folder in names for folder in _FOLDERS):
            return f" Pass {os.path.join(root, inner)!r}: it has these folders."
    return ""
