"""Acted corpora whose file names have the class: EmoDB, TESS, EMOVO and eNTERFACE'05."""

import os
import re
from typing import Any

from savee_mm._docstrings import shared_docs
from savee_mm.datasets._common import bunch_or_X_y
from savee_mm.datasets._scheme import Scheme, by_speaker, load_scheme

_EMODB_EMOTIONS = {
    "W": "anger",  # Wut (Ärger)
    "L": "boredom",  # Langeweile
    "E": "disgust",  # Ekel
    "A": "fear",  # Angst
    "F": "happiness",  # Freude
    "T": "sadness",  # Trauer
    "N": "neutral",
}
# Sex and age (years).
_EMODB_SPEAKERS = {
    "03": ("male", 31), "08": ("female", 34), "09": ("female", 21), "10": ("male", 32), "11": ("male", 26),
    "12": ("male", 30), "13": ("female", 32), "14": ("female", 35), "15": ("male", 25), "16": ("female", 31),
}  # fmt: skip
_TESS_EMOTIONS = {
    "angry": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "neutral": "neutral",
    "ps": "pleasant surprise",
    "sad": "sadness",
}
_TESS_AGES = {"OAF": 64, "YAF": 26}
_EMOVO_EMOTIONS = {
    "rab": "anger",  # rabbia
    "dis": "disgust",  # disgusto
    "pau": "fear",  # paura
    "gio": "joy",  # gioia
    "neu": "neutral",
    "tri": "sadness",  # tristezza
    "sor": "surprise",  # sorpresa
}
_ENTERFACE_EMOTIONS = {
    "an": "anger",
    "di": "disgust",
    "fe": "fear",
    "ha": "happiness",
    "sa": "sadness",
    "su": "surprise",
}
_SEXES = {"f": "female", "m": "male"}


def _describe_emodb(match):
    sex, age = _EMODB_SPEAKERS[match["speaker"]]
    return {
        "clip_id": match[0],
        "speaker": match["speaker"],
        "sentence": match["text"],
        "version": match["version"],
        "sex": sex,
        "age": age,
        "target": _EMODB_EMOTIONS[match["emotion"]],
    }


def _describe_tess(match):
    # A few files of the older actress begin with OA.
    speaker = "YAF" if match["speaker"] == "YAF" else "OAF"
    return {
        "clip_id": f"{speaker}_{match['word']}_{match['emotion']}",
        "speaker": speaker,
        "sentence": match["word"].lower(),
        "sex": "female",
        "age": _TESS_AGES[speaker],
        "target": _TESS_EMOTIONS[match["emotion"]],
    }


def _describe_emovo(match):
    return {
        "clip_id": match[0],
        "speaker": match["speaker"],
        "sentence": match["text"],
        "sex": _SEXES[match["speaker"][0]],
        "target": _EMOVO_EMOTIONS[match["emotion"]],
    }


def _describe_enterface(match):
    subject, emotion, sentence = int(match["subject"]), match["emotion"], match["sentence"]
    return {
        "clip_id": f"s{subject}_{emotion}_{sentence}",
        "speaker": f"{subject:02d}",
        "sentence": f"{emotion}_{sentence}",
        "target": _ENTERFACE_EMOTIONS[emotion],
    }


_EMODB = Scheme(
    corpus="EmoDB",
    language="German",
    looked_for="files named as wav/03a01Fa.wav (speaker, text, emotion, version)",
    pattern=re.compile(rf"(?P<speaker>{'|'.join(_EMODB_SPEAKERS)})(?P<text>[ab]\d\d)(?P<emotion>[WLEAFTN])(?P<version>[a-z])"),
    describe=_describe_emodb,
    expected=by_speaker("03 49, 08 58, 09 43, 10 38, 11 55, 12 35, 13 61, 14 69, 15 56, 16 71"),
    descr="""\
EmoDB: Berlin Database of Emotional Speech
------------------------------------------
Ten actors (five women, five men; German) say ten sentences with anger, boredom, disgust, fear, happiness, sadness and
neutral. The 535 clips that listeners recognised and found natural were published, so that the numbers of clips differ
between speakers and classes. All actors say the same sentences, each with every emotion.

Licence: free for research.
How to obtain: from http://emodb.bilderbar.info (wav.zip).
Source: F. Burkhardt, A. Paeschke, M. Rolfes, W. Sendlmeier and B. Weiss, "A database of German emotional speech",
Interspeech 2005, pp. 1517-1520.
""",
)  # fmt: skip
_TESS = Scheme(
    corpus="TESS",
    language="English",
    looked_for="files named as OAF_angry/OAF_back_angry.wav (actress, word, emotion)",
    pattern=re.compile(rf"(?P<speaker>OAF|OA|YAF)_(?P<word>[A-Za-z]+)_(?P<emotion>{'|'.join(_TESS_EMOTIONS)})"),
    describe=_describe_tess,
    expected={"OAF": 1400, "YAF": 1400},
    descr="""\
TESS: Toronto emotional speech set
----------------------------------
Two actresses (64 and 26 years old; Canadian English) say 200 words in the phrase "Say the word ..." with anger,
disgust, fear, happiness, neutral, pleasant surprise (`ps`) and sadness: 2800 clips. Both say the same words. Two
speakers are too few for scores on unseen speakers: use the corpus with others. Pleasant surprise is not the surprise of
other corpora, and remains a class of its own.

Licence: CC BY-NC-ND 4.0.
How to obtain: from the University of Toronto's Dataverse, https://doi.org/10.5683/SP2/E8H2MF
Source: M. K. Pichora-Fuller and K. Dupuis, "Toronto emotional speech set (TESS)", Borealis, 2020.
""",
)  # fmt: skip
_EMOVO = Scheme(
    corpus="EMOVO",
    language="Italian",
    looked_for="files named as f1/dis-f1-b1.wav (emotion, speaker, sentence)",
    pattern=re.compile(rf"(?P<emotion>{'|'.join(_EMOVO_EMOTIONS)})-(?P<speaker>[fm][123])-(?P<text>[a-z]\d)"),
    describe=_describe_emovo,
    expected=dict.fromkeys(("f1", "f2", "f3", "m1", "m2", "m3"), 98),
    descr="""\
EMOVO: Italian emotional speech
-------------------------------
Six actors (three women, three men; Italian) say 14 sentences with anger, disgust, fear, joy, neutral, sadness and
surprise: 588 clips. All actors say the same sentences, each with every emotion.

Licence: free for research.
How to obtain: from the Fondazione Ugo Bordoni, http://voice.fub.it/activities/corpora/emovo/index.html
Source: G. Costantini, I. Iaderola, A. Paoloni and M. Todisco, "EMOVO corpus: an Italian emotional speech database",
LREC 2014, pp. 3501-3504.
""",
)
_ENTERFACE = Scheme(
    corpus="eNTERFACE'05",
    language="English",
    looked_for="files named as subject 1/anger/sentence 1/s1_an_1.avi",
    pattern=re.compile(rf"s_?(?P<subject>\d{{1,2}})_(?P<emotion>{'|'.join(_ENTERFACE_EMOTIONS)})_(?P<sentence>[1-5])"),
    describe=_describe_enterface,
    # A few subjects lack some of the 30 clips, so that only whole subjects are missed.
    expected=None,
    has_sound=True,
    descr="""\
eNTERFACE'05 audio-visual emotion database
------------------------------------------
44 people of 14 nationalities (most of them men; English, not their first language) listen to a short story and react
with anger, disgust, fear, happiness, sadness or surprise, each with five sentences of the emotion: about 1290 videos
with sound. Every sentence belongs to one emotion, and all speakers say the same ones, so that a model that recognises
the sentence knows the class. `sentence` is the emotion's code and the number (`an_1`).

Licence: free for research.
How to obtain: from http://www.enterface.net/enterface05 (project 2).
Source: O. Martin, I. Kotsia, B. Macq and I. Pitas, "The eNTERFACE'05 audio-visual emotion database", ICDE Workshops
2006.
""",
)


@shared_docs
def load_emodb(root: str | os.PathLike[str], *, return_X_y: bool = False) -> Any:
    """Load the EmoDB corpus (German) as a clip table.

    Only file names are read; no media file is opened.

    Parameters
    ----------
    root : str or path-like
        Folder with files such as ``wav/03a01Fa.wav``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` with ``audio``, ``video`` (None), ``speaker`` ("03"), ``sentence`` ("a01"), ``clip_id`` ("03a01Fa"),
        ``version``, ``sex`` and ``age`` (years); ``target``: anger, boredom, disgust, fear, happiness, neutral or
        sadness.
        %(loader_bunch)s

    %(loader_problems)s

    References
    ----------
    F. Burkhardt et al., "A database of German emotional speech", Interspeech 2005.
    """
    return bunch_or_X_y(load_scheme(root, _EMODB), return_X_y)


@shared_docs
def load_tess(root: str | os.PathLike[str], *, return_X_y: bool = False) -> Any:
    """Load the TESS corpus as a clip table.

    Only file names are read; no media file is opened.

    Parameters
    ----------
    root : str or path-like
        Folder with files such as ``OAF_angry/OAF_back_angry.wav``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` with ``audio``, ``video`` (None), ``speaker`` ("OAF", "YAF"), ``sentence`` (the word), ``clip_id``
        ("OAF_back_angry"), ``sex`` and ``age`` (years); ``target``: anger, disgust, fear, happiness, neutral, pleasant
        surprise or sadness.
        %(loader_bunch)s

    %(loader_problems)s

    References
    ----------
    M. K. Pichora-Fuller, K. Dupuis, "Toronto emotional speech set (TESS)", Borealis, 2020.
    """
    return bunch_or_X_y(load_scheme(root, _TESS), return_X_y)


@shared_docs
def load_emovo(root: str | os.PathLike[str], *, return_X_y: bool = False) -> Any:
    """Load the EMOVO corpus (Italian) as a clip table.

    Only file names are read; no media file is opened.

    Parameters
    ----------
    root : str or path-like
        Folder with files such as ``f1/dis-f1-b1.wav``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` with ``audio``, ``video`` (None), ``speaker`` ("f1"), ``sentence`` ("b1"), ``clip_id`` ("dis-f1-b1")
        and ``sex``; ``target``: anger, disgust, fear, joy, neutral, sadness or surprise.
        %(loader_bunch)s

    %(loader_problems)s

    References
    ----------
    G. Costantini et al., "EMOVO corpus: an Italian emotional speech database", LREC 2014.
    """
    return bunch_or_X_y(load_scheme(root, _EMOVO), return_X_y)


@shared_docs
def load_enterface(root: str | os.PathLike[str], *, return_X_y: bool = False) -> Any:
    """Load the eNTERFACE'05 corpus as a clip table.

    Only file names are read; no media file is opened.

    Parameters
    ----------
    root : str or path-like
        Folder with files such as ``subject 1/anger/sentence 1/s1_an_1.avi``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` with ``audio`` and ``video`` (both the path of the video, which has sound), ``speaker`` ("01"),
        ``sentence`` ("an_1"), ``clip_id`` ("s1_an_1"); ``target``: anger, disgust, fear, happiness, sadness or
        surprise.
        %(loader_bunch)s

    %(loader_problems)s

    References
    ----------
    O. Martin et al., "The eNTERFACE'05 audio-visual emotion database", ICDE Workshops 2006.
    """
    return bunch_or_X_y(load_scheme(root, _ENTERFACE), return_X_y)
