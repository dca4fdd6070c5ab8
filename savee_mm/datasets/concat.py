"""concat_corpora: several corpora as one."""

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from savee_mm._validation import ClipError, segments
from savee_mm.datasets._common import bunch_or_X_y, counted, few, make_bunch
from savee_mm.datasets.labels import EKMAN, canonical_label
from savee_mm.media import read_audio
from savee_mm.signal import normalize_rms

# Names that are unique within a corpus only.
_NAMES = ("speaker", "sentence", "clip_id", "source", "source_clip_id")


def concat_corpora(
    corpora: Mapping[str, Bunch],
    labels: Literal["shared", "ekman"] | Sequence[str] | Mapping = "shared",
    *,
    n_measured: int = 20,
    verbose: bool = True,
    return_X_y: bool = False,
) -> Any:
    """Concatenate corpora, with one set of classes.

    Parameters
    ----------
    corpora : mapping of str to Bunch
        Corpora by name, as loaders return them.
    labels : {"shared", "ekman"}, sequence of str or mapping, default="shared"
        Classes of the result: those that all corpora have; anger, disgust, fear, happiness, neutral, sadness and
        surprise; those that are listed; or the class of each label, ``{"calm": "neutral", "neutral": "neutral"}``, also
        by corpus, ``{"ravdess": {"calm": "neutral"}, ...}``. Clips of other classes are left out. Other spellings of a
        class are recognised (:func:`~savee_mm.datasets.canonical_label`). Different classes, such as calm and neutral,
        are one class only by a mapping.
    n_measured : int, default=20
        Number of clips of each corpus whose sample rate and level are measured; 0 opens no file.
    verbose : bool, default=True
        Whether to print the summary.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    bunch : :class:`~sklearn.utils.Bunch`
        data : DataFrame
            The rows of the corpora in their order, with the column ``corpus``. Speakers, sentences and clips have the
            name of their corpus ahead of their own (``savee/DC``), so that they differ between corpora. A column that a
            corpus lacks is empty. ``language`` is added where the loader knows it.
        target, groups, target_names
            See :func:`~savee_mm.load_savee`.
        label_map : DataFrame
            One row for each label of each corpus: ``corpus``, ``label``, ``class`` (None if left out), ``n_clips``, and
            ``note``: "left out", "renamed", or "merged" with other labels of the corpus.
        corpora : DataFrame
            One row for each corpus: ``n_clips``, ``n_speakers``, ``n_sentences``, ``n_classes``, ``language``,
            ``sample_rate`` (of the measured clips, as text: "44100" or "16000 to 48000" Hz), ``level`` (median RMS
            level, in dB re full scale), ``level_sd`` (its standard deviation over the clips, in dB).
        summary : str
            Both tables as text.
        label_columns : list of str
            Columns with labels that loaders left out.
        DESCR : str
            The summary and the descriptions of the corpora.

    Raises
    ------
    ValueError
        If there is no corpus, no common class or an unknown label in ``labels``, if a corpus has two spellings of one
        class, if a file is in two corpora, or if a corpus was concatenated before.

    Warns
    -----
    UserWarning
        If measured clips cannot be read.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.utils import Bunch
    >>> from savee_mm import concat_corpora
    >>> def corpus(speaker, emotions):
    ...     clips = pd.DataFrame({"audio": None, "speaker": speaker, "clip_id": [f"{i}" for i in range(len(emotions))]})
    ...     return Bunch(data=clips, target=np.array(emotions))
    >>> corpora = {"one": corpus("01", ["angry", "sad", "calm"]), "two": corpus("01", ["anger", "sadness"])}
    >>> both = concat_corpora(corpora, n_measured=0, verbose=False)
    >>> both.data["speaker"].tolist(), both.target.tolist()
    (['one/01', 'one/01', 'two/01', 'two/01'], ['anger', 'sadness', 'anger', 'sadness'])
    >>> both.label_map.set_index(["corpus", "label"])["note"].to_dict()[("one", "calm")]
    'left out'
    """
    _check_corpora(corpora)
    label_map = _map_labels({name: bunch.target for name, bunch in corpora.items()}, labels)
    tables, targets = [], []
    for name, bunch in corpora.items():
        own = label_map[label_map["corpus"] == name].set_index("label")["class"]
        target = pd.Series(np.asarray(bunch.target, dtype=str)).map(own)
        kept = target.notna().to_numpy()
        tables.append(_rename(name, bunch).loc[kept])
        targets += target[kept].tolist()
    table = pd.concat(tables, ignore_index=True)
    _check_files(table)
    described = pd.DataFrame(
        [_describe(name, bunch, part, n_measured) for (name, bunch), part in zip(corpora.items(), tables, strict=True)]
    )
    described.insert(4, "n_classes", label_map.groupby("corpus")["class"].nunique()[list(corpora)].to_list())
    summary = _summarize(label_map, described)
    if verbose:
        print(summary)
    descriptions = [f"{name}\n{'=' * len(name)}\n{getattr(b, 'DESCR', '')}" for name, b in corpora.items()]
    bunch = make_bunch(table, targets, "\n".join([summary, "", *descriptions]))
    columns = [column for b in corpora.values() for column in getattr(b, "label_columns", ())]
    return bunch_or_X_y(
        Bunch(
            **bunch,
            label_map=label_map,
            corpora=described,
            summary=summary,
            label_columns=list(dict.fromkeys(columns)),
        ),
        return_X_y,
    )


def _check_corpora(corpora):
    if not isinstance(corpora, Mapping) or not corpora:
        raise ValueError(f'Expected a dict of corpora by name, {{"savee": load_savee(...), ...}}, got {corpora!r:.80}.')
    for name, bunch in corpora.items():
        if not hasattr(bunch, "data") or not hasattr(bunch, "target"):
            raise ValueError(
                f"Corpus {name!r}: expected a Bunch with data and target, as loaders return, got "
                f"{type(bunch).__name__}."
            )
        if "corpus" in bunch.data and bunch.data["corpus"].nunique() > 1:
            raise ValueError(
                f"Corpus {name!r} has several corpora in its column 'corpus'. Pass all corpora in one call, each by "
                "its own name."
            )


def _map_labels(targets, labels):
    """Return the label map: one row for each label of each corpus."""
    counts = [
        (name, label, int(number))
        for name, target in targets.items()
        for label, number in zip(*np.unique(np.asarray(target, dtype=str), return_counts=True), strict=True)
    ]
    label_map = pd.DataFrame(counts, columns=["corpus", "label", "n_clips"])
    classes = (_by_mapping if isinstance(labels, Mapping) else _by_name)(label_map, labels)
    label_map.insert(2, "class", pd.Series(classes, dtype=object))
    if label_map["class"].isna().all():
        raise ValueError(f"No clip has a class of labels={labels!r}. The corpora have {_listed(label_map)}.")
    merged = label_map.duplicated(["corpus", "class"], keep=False)
    renamed = label_map["class"] != label_map["label"]
    label_map["note"] = np.select(
        [label_map["class"].isna(), merged, renamed], ["left out", "merged", "renamed"], default=""
    )
    return label_map


def _by_name(label_map, labels):
    """Return the class of each row of a label map, for a set of classes."""
    names = label_map["label"].map(canonical_label)
    twice = label_map[pd.concat([label_map["corpus"], names], axis=1).duplicated(keep=False)]
    if len(twice):
        corpus = twice["corpus"].iloc[0]
        spellings = twice.loc[twice["corpus"] == corpus, "label"].tolist()
        raise ValueError(
            f"Labels of corpus {corpus!r} are spellings of one class: {few(spellings)}. Pass labels as a mapping from "
            "each label to its class."
        )
    of_corpora = [set(part) for _, part in names.groupby(label_map["corpus"])]
    if isinstance(labels, str):
        if labels not in ("shared", "ekman"):
            raise ValueError(f'labels must be "shared", "ekman", a list of classes or a mapping, got {labels!r}.')
        chosen = set(EKMAN) if labels == "ekman" else set.intersection(*of_corpora)
        if not chosen:
            raise ValueError(f"No class is in all corpora. They have {_listed(label_map)}. Pass labels as a mapping.")
    else:
        chosen = {canonical_label(label) for label in labels}
        if unknown := sorted(chosen - set.union(*of_corpora)):
            raise ValueError(f"No corpus has the class {few(unknown)}. The corpora have {_listed(label_map)}.")
    return [name if name in chosen else None for name in names]


def _by_mapping(label_map, labels):
    """Return the class of each row of a label map, for a mapping of labels, or of corpora to such mappings."""
    by_corpus = all(isinstance(value, Mapping) for value in labels.values())
    pairs, known, classes = _pairs(labels, by_corpus), set(), []
    for corpus, label in label_map[["corpus", "label"]].itertuples(index=False):
        own = corpus if by_corpus else None
        key = next((key for key in ((own, label), (own, canonical_label(label))) if key in pairs), None)
        known.add(key)
        classes.append(pairs.get(key))
    if unknown := [label for key in pairs if key not in known for label in key[-1:]]:
        raise ValueError(f"Labels of the mapping that no corpus has: {few(unknown)}. They have {_listed(label_map)}.")
    return classes


def _pairs(labels, by_corpus):
    """Return the class by (corpus, label), with None for any corpus."""
    if not by_corpus:
        return {(None, label): name for label, name in labels.items()}
    return {(corpus, label): name for corpus, own in labels.items() for label, name in own.items()}


def _listed(label_map):
    return "; ".join(f"{name}: {few(part, 12)}" for name, part in label_map.groupby("corpus", sort=False)["label"])


def _rename(name, bunch):
    """Return the table of a corpus with its name ahead of those of speakers, sentences and clips."""
    table = bunch.data.reset_index(drop=True)
    table = table.assign(corpus=name)
    if getattr(bunch, "language", None) and "language" not in table:
        table["language"] = bunch.language
    for column in _NAMES:
        if column in table:
            table[column] = [None if pd.isna(cell) else f"{name}/{cell}" for cell in table[column]]
    return table


def _check_files(table):
    for column in {"audio", "video"} & set(table.columns):
        of_file = table.dropna(subset=column).groupby(column)["corpus"].nunique()
        if shared := of_file.index[of_file > 1].tolist():
            raise ValueError(f"{counted(len(shared), 'file')} in more than one corpus: {few(shared, 3)}.")


def _describe(name, bunch, table, n_measured):
    """Return a row of ``corpora``."""
    return {
        "corpus": name,
        "n_clips": len(table),
        "n_speakers": table["speaker"].nunique() if "speaker" in table else None,
        "n_sentences": table["sentence"].nunique() if "sentence" in table else None,
        "language": getattr(bunch, "language", None),
        **_measure(name, table, n_measured),
    }


def _measure(name, table, n_measured):
    """Return sample rates and levels of some clips, at equal distances in the table."""
    files = [audio if audio is not None else video for audio, video in _files(table)]
    rows = np.unique(np.linspace(0, len(files) - 1, min(n_measured, len(files))).round().astype(int))
    rates, levels, failed = set(), [], []
    for row in (row for row in rows if files[row] is not None):
        try:
            (source,) = segments(table.iloc[[row]], [os.fspath(files[row])])
            y, sr = read_audio(source)
        except ClipError as error:
            failed.append(error)
            continue
        rates.add(int(sr))
        if np.any(y):
            levels.append(normalize_rms(y, sr)[1])
    if failed:
        warnings.warn(
            f"{counted(len(failed), 'measured clip')} of corpus {name!r} cannot be read: {few(failed, 2)}",
            UserWarning,
            stacklevel=4,
        )
    return {
        "sample_rate": " to ".join(f"{rate}" for rate in sorted({min(rates), max(rates)})) if rates else None,
        "level": round(float(np.median(levels)), 1) if levels else None,
        "level_sd": round(float(np.std(levels)), 1) if levels else None,
    }


def _files(table):
    """Return (audio, video) of each clip, None where missing."""
    cells = table.reindex(columns=["audio", "video"]).astype(object)
    return cells.where(cells.notna(), None).itertuples(index=False, name=None)


def _summarize(label_map, corpora):
    """Return the label map, with one column for each corpus, and the corpora as text."""
    kept = label_map["class"].notna()
    n_left_out = label_map.loc[~kept, "n_clips"].sum()
    head = (
        f"{len(corpora)} {'corpus' if len(corpora) == 1 else 'corpora'}, "
        f"{counted(label_map.loc[kept, 'n_clips'].sum(), 'clip')} in "
        f"{label_map['class'].nunique()} classes; {counted(n_left_out, 'clip')} left out."
    )
    rows = label_map.fillna({"class": "-"})
    counts = rows.pivot_table(index=["label", "class"], columns="corpus", values="n_clips", aggfunc="sum", fill_value=0)
    notes = rows.groupby(["label", "class"])["note"].agg(lambda own: ", ".join(filter(None, dict.fromkeys(own))))
    wide = counts[list(corpora["corpus"])].astype(int).assign(note=notes).reset_index()
    # By class, with those that are left out at the end.
    wide = wide.sort_values("class", key=lambda names: names.replace("-", "~"), kind="stable")
    shown = corpora.astype(object).where(corpora.notna(), "-")
    text = "\n\n".join([head, wide.to_string(index=False), shown.to_string(index=False)])
    return "\n".join(line.rstrip() for line in text.split("\n"))
