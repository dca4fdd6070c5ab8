"""Corpora of conversations, whose labels are in text files: MELD, IEMOCAP and MSP-IMPROV."""

import csv
import io
import os
import re
from typing import Any

from savee_mm._docstrings import shared_docs
from savee_mm.datasets._common import bunch_or_X_y, walk_folders
from savee_mm.datasets._scheme import Scheme, load_scheme, read_text

_SPLITS = ("train", "dev", "test")
_IEMOCAP_EMOTIONS = {
    "ang": "anger",
    "dis": "disgust",
    "exc": "excitement",
    "fea": "fear",
    "fru": "frustration",
    "hap": "happiness",
    "neu": "neutral",
    "sad": "sadness",
    "sur": "surprise",
    "oth": "other",
    "xxx": "no agreement",
}
_MSP_EMOTIONS = {
    "A": "anger",
    "H": "happiness",
    "N": "neutral",
    "S": "sadness",
    "O": "other",
    "X": "no agreement",
}
_MSP_RECORDINGS = {"R": "read", "T": "target sentence", "S": "improvised", "P": "natural"}
_SEXES = {"F": "female", "M": "male"}
_NUMBER = r"(\d+(?:\.\d+)?|NaN)"
_IEMOCAP_LABEL = re.compile(
    rf"^\[[\d.]+ - [\d.]+\]\s+(Ses\w+)\s+(\w+)\s+\[{_NUMBER}, {_NUMBER}, {_NUMBER}\]", re.MULTILINE
)
_IEMOCAP_TEXT = re.compile(r"^(Ses\w+) \[[\d.]+-[\d.]+\]:\s*(.*?)\s*$", re.MULTILINE)
_MSP_LABEL = re.compile(
    rf"^(?:UTD|MSP)-IMPROV-(\S+?)\.avi;\s*([A-Z])\s*;\s*A:{_NUMBER}\s*;\s*V:{_NUMBER}\s*;\s*D:{_NUMBER}", re.MULTILINE
)


def _describe_meld(match):
    return {"clip_id": match[0]}


def _describe_iemocap(match):
    return {
        "clip_id": match[0],
        "speaker": f"Ses{match['session']}{match['speaker']}",
        "sentence": None,
        "session": int(match["session"]),
        "dialog": match["dialog"],
        "scripted": "script" in match["dialog"],
        "sex": _SEXES[match["speaker"]],
    }


def _describe_msp_improv(match):
    with_text = match["recording"] in "RT"
    return {
        "clip_id": f"MSP-IMPROV-{match['name']}",
        "speaker": match["speaker"],
        # The texts of the other turns are free.
        "sentence": match["sentence"] if with_text else None,
        "session": int(match["speaker"][1:]),
        "recording": _MSP_RECORDINGS[match["recording"]],
        "sex": _SEXES[match["speaker"][0]],
    }


_MELD = Scheme(
    corpus="MELD",
    language="English",
    looked_for="train_sent_emo.csv, dev_sent_emo.csv or test_sent_emo.csv, and dia0_utt0.mp4 in folders whose names "
    "have train, dev or test",
    pattern=re.compile(r"dia\d+_utt\d+"),
    describe=_describe_meld,
    has_sound=True,
    descr="""\
MELD: Multimodal EmotionLines Dataset
-------------------------------------
Utterances of the television series Friends (American English) with anger, disgust, fear, joy, neutral, sadness and
surprise by three raters: 13708 clips of video with sound in 1433 dialogues, in a given split (column `split`). The
classes are very unequal: about half of the clips are neutral. Clips have laughter of the audience, and other people in
the picture. The sentence is the transcript. Speakers are the characters.

Licence: GPL-3.0 for the annotations; the recordings are those of the series.
How to obtain: from https://github.com/declare-lab/MELD (MELD.Raw.tar.gz, and the three CSV files).
Source: S. Poria, D. Hazarika, N. Majumder, G. Naik, E. Cambria and R. Mihalcea, "MELD: a multimodal multi-party dataset
for emotion recognition in conversations", ACL 2019, pp. 527-536.
""",
)
_IEMOCAP = Scheme(
    corpus="IEMOCAP",
    language="English",
    looked_for="Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav and the labels in "
    "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt",
    pattern=re.compile(
        r"Ses(?P<session>0[1-5])[FM]_(?P<dialog>(?:impro|script)\w*?)_(?P<speaker>[FM])(?P<turn>(?:XX)?\d{1,3})"
    ),
    describe=_describe_iemocap,
    descr="""\
IEMOCAP: interactive emotional dyadic motion capture database
-------------------------------------------------------------
Ten actors (five women, five men; American English) in five sessions of two, in improvised scenes and scripted plays:
10039 turns. Three or more raters chose among anger, disgust, excitement, fear, frustration, happiness, neutral, sadness
and surprise; the class is that of most raters, "no agreement" where there is none, and "other". Most publications
use anger, happiness (with excitement), neutral and sadness: select them by the labels of `concat_corpora`. All
sessions play the same scripts. `ratings` are the mean ratings of valence, activation and dominance (1 to 5).

Licence: for research, by agreement.
How to obtain: on request, https://sail.usc.edu/iemocap
Source: C. Busso, M. Bulut, C.-C. Lee, A. Kazemzadeh, E. Mower, S. Kim, J. N. Chang, S. Lee and S. S. Narayanan,
"IEMOCAP: interactive emotional dyadic motion capture database", Language Resources and Evaluation 42, 2008, pp.
335-359.
""",
)
_MSP_IMPROV = Scheme(
    corpus="MSP-IMPROV",
    language="English",
    looked_for="session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav and the labels in Evalution.txt (or Evaluation.txt)",
    pattern=re.compile(
        r"(?:MSP|UTD)-IMPROV-(?P<name>(?P<sentence>S\d\d)[AHNS]-(?P<speaker>[FM]0[1-6])-(?P<recording>[RTSP])-[FM]{1,2}\d+)"
    ),
    describe=_describe_msp_improv,
    descr="""\
MSP-IMPROV: acted corpus of dyadic interactions
-----------------------------------------------
Twelve actors (six women, six men; American English) in six sessions of two improvise scenes in which 20 sentences have
to occur with anger, happiness, sadness or neutral: 8438 turns. `recording` is "target sentence" (within a scene),
"read" (the same sentences alone), "improvised" (other turns of the scenes) or "natural" (between the scenes). The class
is that of most raters, "no agreement" where there is none, and "other". `ratings` are the mean ratings of activation,
valence and dominance (1 to 5).

Licence: for research, by agreement.
How to obtain: on request, https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html
Source: C. Busso, S. Parthasarathy, A. Burmania, M. AbdelWahab, N. Sadoughi and E. Mower Provost, "MSP-IMPROV: an acted
corpus of dyadic interactions to study emotion perception", IEEE Transactions on Affective Computing 8(1), 2017, pp.
67-80.
""",
)  # fmt: skip


@shared_docs
def load_meld(root: str | os.PathLike[str], *, return_X_y: bool = False) -> Any:
    """Load the MELD corpus as a clip table.

    Parameters
    ----------
    root : str or path-like
        Folder with ``train_sent_emo.csv``, ``dev_sent_emo.csv`` and ``test_sent_emo.csv``, or some of them, and files
        such as ``train_splits/dia0_utt0.mp4``, at any depth. The split is in the name of the folder.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` with ``audio`` and ``video`` (both the path of the video, which has sound), ``speaker`` (the
        character), ``sentence`` (the transcript), ``clip_id`` ("train_dia0_utt0"), ``split`` and ``dialog``;
        ``target``: anger, disgust, fear, joy, neutral, sadness or surprise.
        %(loader_bunch)s

    %(loader_problems)s

    Notes
    -----
    The given split: ``evaluate(systems, meld, test=meld.data["split"] == "test")``.

    References
    ----------
    S. Poria et al., "MELD: a multimodal multi-party dataset for emotion recognition in conversations", ACL 2019.
    """
    above = os.path.basename(os.path.abspath(root))

    def prefix(folder):
        path = os.path.join(above, os.path.relpath(folder, root)).lower()
        split = next((split for part in reversed(path.split(os.sep)) for split in _SPLITS if split in part), None)
        return None if split is None else f"{split}_"

    return bunch_or_X_y(load_scheme(root, _MELD, _read_meld, prefix), return_X_y)


@shared_docs
def load_iemocap(root: str | os.PathLike[str], *, return_X_y: bool = False) -> Any:
    """Load the IEMOCAP corpus as a clip table.

    Parameters
    ----------
    root : str or path-like
        Folder with ``Session1`` to ``Session5``, or some of them.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` with ``audio``, ``video`` (None: the videos are of whole dialogues), ``speaker`` ("Ses01F"),
        ``sentence`` (the transcript, None without ``dialog/transcriptions``), ``clip_id`` ("Ses01F_impro01_F000"),
        ``session``, ``dialog``, ``scripted`` and ``sex``; ``target``: anger, disgust, excitement, fear, frustration,
        happiness, neutral, sadness, surprise, other or no agreement; ``ratings``: DataFrame with the mean ``valence``,
        ``activation`` and ``dominance`` of each clip.
        %(loader_bunch)s

    %(loader_problems)s

    References
    ----------
    C. Busso et al., "IEMOCAP: interactive emotional dyadic motion capture database", Language Resources and Evaluation
    42, 2008.
    """
    return bunch_or_X_y(load_scheme(root, _IEMOCAP, _read_iemocap), return_X_y)


@shared_docs
def load_msp_improv(root: str | os.PathLike[str], *, return_X_y: bool = False) -> Any:
    """Load the MSP-IMPROV corpus as a clip table.

    Parameters
    ----------
    root : str or path-like
        Folder with files such as ``session1/S01A/P/MSP-IMPROV-S01A-F01-P-FM01.wav`` and the labels in ``Evalution.txt``
        (so named in the corpus) or ``Evaluation.txt``.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        ``data`` with ``audio`` and ``video``, ``speaker`` ("F01"), ``sentence`` ("S01" for the target sentences, else
        None), ``clip_id`` ("MSP-IMPROV-S01A-F01-P-FM01"), ``session``, ``recording`` ("read", "target sentence",
        "improvised", "natural") and ``sex``; ``target``: anger, happiness, neutral, sadness, other or no agreement;
        ``ratings``: DataFrame with the mean ``activation``, ``valence`` and ``dominance`` of each clip.
        %(loader_bunch)s

    %(loader_problems)s

    References
    ----------
    C. Busso et al., "MSP-IMPROV: an acted corpus of dyadic interactions to study emotion perception", IEEE Transactions
    on Affective Computing 8(1), 2017.
    """
    return bunch_or_X_y(load_scheme(root, _MSP_IMPROV, _read_msp_improv), return_X_y)


def _read_meld(root):
    labels = {}
    for path, name in _text_files(root):
        match = re.fullmatch(r"(train|dev|test)_sent_emo\.csv", name)
        if not match:
            continue
        rows = csv.DictReader(io.StringIO(read_text(path)))
        needed = {"Dialogue_ID", "Utterance_ID", "Emotion", "Speaker", "Utterance"}
        if missing := needed - set(rows.fieldnames or ()):
            raise ValueError(f"{path!r} lacks the columns {', '.join(sorted(missing))}. Download it again.")
        for row in rows:
            labels[f"{match[1]}_dia{row['Dialogue_ID']}_utt{row['Utterance_ID']}"] = {
                "speaker": row["Speaker"],
                "sentence": row["Utterance"],
                "split": match[1],
                "dialog": f"{match[1]}_{row['Dialogue_ID']}",
                "target": row["Emotion"],
            }
    return _checked(labels, root, "train_sent_emo.csv, dev_sent_emo.csv or test_sent_emo.csv")


def _read_iemocap(root):
    labels, texts = {}, {}
    for path, _ in _text_files(root):
        content = read_text(path)
        for clip, code, *numbers in _IEMOCAP_LABEL.findall(content):
            valence, activation, dominance = map(float, numbers)
            labels[clip] = {
                "target": _IEMOCAP_EMOTIONS.get(code, "other"),
                "_valence": valence,
                "_activation": activation,
                "_dominance": dominance,
            }
        texts |= dict(_IEMOCAP_TEXT.findall(content))
    for clip in labels.keys() & texts.keys():
        labels[clip]["sentence"] = texts[clip]
    return _checked(labels, root, "Session1/dialog/EmoEvaluation/*.txt")


def _read_msp_improv(root):
    labels = {}
    for path, name in _text_files(root):
        if name in ("Evalution.txt", "Evaluation.txt"):
            for clip, code, *numbers in _MSP_LABEL.findall(read_text(path)):
                activation, valence, dominance = map(float, numbers)
                labels[f"MSP-IMPROV-{clip}"] = {
                    "target": _MSP_EMOTIONS.get(code, "other"),
                    "_activation": activation,
                    "_valence": valence,
                    "_dominance": dominance,
                }
    return _checked(labels, root, "Evalution.txt")


def _checked(labels, root, looked_for):
    if not labels:
        raise ValueError(f"No labels in {root!r}. Expected them in {looked_for}, which may be another download.")
    return labels


def _text_files(root):
    """Yield path and name of the text and CSV files in a folder and below it."""
    for folder in walk_folders(os.fspath(root)):
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_file() and entry.name[0] != ".")
        yield from ((os.path.join(folder, name), name) for name in names if name.lower().endswith((".txt", ".csv")))
