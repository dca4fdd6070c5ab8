"""Relations between rows of clips (one clip, recording, speaker...), and relations across the sides of a split."""

import os
import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from savee_mm._validation import SEGMENT_COLUMNS, Segment, path_of, segments
from savee_mm.evaluation.leakage._sounds import Sounds, content_groups
from savee_mm.evaluation.leakage.report import Finding

# Kind of relation -> column of the table, where the names differ.
_COLUMN_OF = {"clip": "clip_id"}
# Columns that may have the clip_id of the original of a copy.
_SOURCE_COLUMNS = ("source_clip_id", "source_clip", "source")
# Usual names of modified copies of a01: a01_noise, a01-aug2, a01_time_stretch_1.1.
_SEPARATOR = re.compile(r"[\s_.\-(]+")
_COPY = re.compile(r"(?<![a-z])(aug|copy|noise|noisy|pitch|stretch|shift|gain|speed|reverb)", re.IGNORECASE)
_MEDIA = ("audio", "video")
# Columns of the clip table that are not features.
_NO_FEATURES = (*_MEDIA, "speaker", "sentence", "clip_id", *SEGMENT_COLUMNS)
# Segments of one file that overlap by less (s) touch: annotators and players round times to ms.
_TOUCH = 2e-3


class Relation(NamedTuple):
    """Groups of rows: a code for each row (-1: unknown), and a name for each code."""

    codes: np.ndarray
    names: np.ndarray


class Relations:
    """Relations between rows, each computed on first use.

    Parameters
    ----------
    data : DataFrame, ndarray, or list of paths or of 1-D arrays
        The clips.
    cache : "memory", path-like or None
        Where to keep fingerprints.
    input_sr : float
        Sample rate (Hz) of sounds that are arrays.
    verbose : bool, default=False
        Whether to show a progress bar over the sounds.
    """

    def __init__(self, data, *, cache, input_sr, verbose=False):
        self.data = data
        self.n_rows = len(data)
        self.notes = []
        self._sounds = Sounds(cache, input_sr, verbose=verbose)
        self._known = {}

    @property
    def columns(self):
        """Names of the columns of the table; empty if the data are no table."""
        return list(self.data.columns) if isinstance(self.data, pd.DataFrame) else []

    def has(self, kind):
        """Whether rows can be related by ``kind``."""
        if kind == "file" and kind not in self.columns:
            return any(isinstance(source, Segment) for column in self._media().values() for source in column)
        return kind in ("source", "audio") or _COLUMN_OF.get(kind, kind) in self.columns

    def get(self, kind):
        """Return the Relation of a kind: "clip", "source", "audio", "file" (of segments) or a column of the table."""
        if kind not in self._known:
            find = {"clip": self._by_clip, "source": self._by_source, "audio": self._by_audio}.get(kind)
            find = self._by_file if kind == "file" and kind not in self.columns else find
            self._known[kind] = find() if find else self._by_column(kind)
        return self._known[kind]

    def recordings(self, kinds=("clip", "source", "audio")):
        """Return a code for each row, equal for rows that are one recording by any of the kinds."""
        return _joined(self.n_rows, [self.get(kind).codes for kind in kinds if self.has(kind)])

    def sources(self):
        """Return the sound of each row as path, Segment, array or None; its video if it has no sound file."""
        columns = list(self._media().values()) or [[None] * self.n_rows]
        return [next((source for source in row if source is not None), None) for row in zip(*columns, strict=True)]

    def _media(self):
        """Return the sources of the rows, for "audio" and "video" as far as they are known."""
        if isinstance(self.data, pd.DataFrame):
            columns = {name: [_source(cell) for cell in self.data[name]] for name in _MEDIA if name in self.columns}
            return {name: segments(self.data, column) for name, column in columns.items()}
        if isinstance(self.data, np.ndarray) and self.data.ndim != 1:
            return {}
        return {"audio": [_source(item) for item in self.data]}

    def numbers(self):
        """Return the numeric values by name: arrays whose first axis is the rows."""
        if isinstance(self.data, pd.DataFrame):
            return _numbers_of_table(self.data)
        if isinstance(self.data, np.ndarray) and self.data.dtype.kind in "fiu" and self.data.ndim > 1:
            return {"the array": self.data}
        return {}

    def row_names(self):
        """Return a name for each row."""
        if "clip_id" in self.columns:
            return self.data["clip_id"].astype(str).to_numpy()
        names = [_row_name(source, f"row {i}") for i, source in enumerate(self.sources())]
        return np.array(names, dtype=object)

    def _by_column(self, column):
        codes, names = pd.factorize(self.data[column])
        missing = np.count_nonzero(codes < 0)
        if missing:
            self.notes.append(
                f"{missing} of {self.n_rows} rows have no value in {column!r}, and were not compared by it"
            )
        return Relation(codes, np.asarray(names).astype(str))

    def _by_clip(self):
        relation = self._by_column("clip_id")
        codes = np.where(relation.codes < 0, -1, self._of_one_speaker(relation.codes))
        if codes.max(initial=-1) > relation.codes.max(initial=-1):
            self.notes.append("some values of 'clip_id' belong to several speakers; give every clip a unique clip_id")
        names = np.empty(codes.max(initial=-1) + 1, dtype=object)
        names[codes[codes >= 0]] = relation.names[relation.codes[codes >= 0]]
        return Relation(codes, names)

    def _by_source(self):
        """Relate rows of one file, of files with equal content, of one named source, and equal rows of numbers.

        Segments of one file are related if they overlap.
        """
        relations = [_overlapping(_files_of(name, column), column) for name, column in self._media().items()]
        if not isinstance(self.data, pd.DataFrame):
            relations += [_equal_rows(values) for values in self.numbers().values()]
        relations += self._by_named_source()
        return self._named(_joined(self.n_rows, relations))

    def _by_file(self):
        """Relate the segments of one file, whether they overlap or not."""
        codes = _joined(self.n_rows, [_files_of(name, column) for name, column in self._media().items()])
        names = np.full(codes.max() + 1, "", dtype=object)
        names[codes] = [os.path.basename(path_of(source) or "") for source in self.sources()]
        return Relation(codes, names)

    def _by_named_source(self):
        if "clip_id" not in self.columns:
            return []
        missing = self.data["clip_id"].isna()
        # A row without a name is related to no other.
        names = [f"\0{i}" if missing.iloc[i] else str(name) for i, name in enumerate(self.data["clip_id"])]
        known = set(names)
        relations = [self._of_one_speaker([_source_name(name, known) for name in names])]
        for column in set(_SOURCE_COLUMNS) & set(self.columns):
            # A column "source" may also name the corpus, which is no clip.
            named = [
                str(value) if str(value) in known or (column != "source" and pd.notna(value)) else name
                for value, name in zip(self.data[column], names, strict=True)
            ]
            relations.append(self._of_one_speaker(named))
        return relations

    def _of_one_speaker(self, names):
        """Return codes of the names; equal names of two speakers are two clips."""
        speakers = pd.factorize(self.data["speaker"])[0] if "speaker" in self.columns else np.zeros(self.n_rows)
        return pd.factorize(pd.MultiIndex.from_arrays([pd.factorize(np.array(names, dtype=object))[0], speakers]))[0]

    def _by_audio(self):
        codes, notes = self._sounds.relate(self.sources(), self.row_names())
        self.notes += notes
        return self._named(codes)

    def _named(self, codes):
        """Name every code after its first row."""
        known, first = np.unique(codes, return_index=True)
        names = np.full(self.n_rows, "", dtype=object)
        names[known[known >= 0]] = self.row_names()[first[known >= 0]]
        return Relation(codes, names)


def _joined(n_rows, relations):
    """Return codes of the rows that any of the relations joins, directly or through other rows."""
    first, second = [], []
    for codes in relations:
        order = np.argsort(codes, kind="stable")
        same = (np.diff(codes[order]) == 0) & (codes[order][1:] >= 0)
        first.append(order[:-1][same])
        second.append(order[1:][same])
    if not relations:
        return np.arange(n_rows)
    first, second = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n_rows, n_rows))
    return connected_components(graph, directed=False)[1]


def _source(value):
    """Return a path as a string, an array or a Segment as it is, None for a missing cell."""
    if isinstance(value, Segment):
        return value
    if isinstance(value, str | os.PathLike):
        return os.fspath(value) or None
    return np.asarray(value) if isinstance(value, np.ndarray | list | tuple) else None


def _source_name(name, known):
    """Return the clip of which a row is a copy by its name, or the name itself."""
    for separator in _SEPARATOR.finditer(name):
        if name[: separator.start()] in known and _COPY.search(name, separator.end()):
            return name[: separator.start()]
    return name


def _real_path(source):
    path = path_of(source)
    return None if path is None else os.path.realpath(path)


def _files_of(name, sources):
    """Return codes of the sources in a column, equal for one file. Videos of equal content are one file."""
    codes = pd.factorize(np.array([_real_path(source) for source in sources], dtype=object))[0]
    if name == "video":
        contents = content_groups([path_of(source) for source in sources])
        codes = np.where(codes < 0, -1, _joined(len(codes), [codes, contents]))
    return codes


def _row_name(source, default):
    """Return the name of a file, of a segment, or the default for other clips."""
    return source.name if isinstance(source, Segment) else os.path.basename(path_of(source) or default)


def _overlapping(files, sources):
    """Return codes of rows, equal for whole files and segments of one file that overlap, directly or through others.

    Parameters
    ----------
    files : ndarray of int, shape (n_rows,)
        Code of the file of each row, -1 for none.
    sources : list of str, Segment, ndarray or None
        Sources of the rows.
    """
    spans = np.array([(s.start, s.end) if isinstance(s, Segment) else (0.0, np.inf) for s in sources]).reshape(-1, 2)
    codes, code, last, reached = np.full(len(files), -1), -1, None, 0.0
    for row in np.lexsort((spans[:, 0], files)):
        if files[row] < 0:
            continue
        if files[row] != last or spans[row, 0] > reached - _TOUCH:
            code, reached = code + 1, 0.0
        codes[row], last, reached = code, files[row], max(reached, spans[row, 1])
    return codes


def _equal_rows(values):
    """Relate exactly equal rows of continuous numbers, such as a resampler draws twice."""
    rows = np.ascontiguousarray(values.reshape(len(values), -1))
    if rows.dtype.kind != "f" or rows.shape[1] < 2:
        return np.full(len(rows), -1)
    codes = pd.factorize(np.array([row.tobytes() for row in rows], dtype=object))[0]
    # Rows of whole numbers or of one repeated value can be equal by chance.
    plain = (rows == np.round(rows)).all(axis=1) | (rows == rows[:, :1]).all(axis=1)
    return np.where(plain, -1, codes)


def _numbers_of_table(table):
    """Return the numeric columns together, and every column whose cells are arrays of one shape."""
    numeric = table.drop(columns=[c for c in _NO_FEATURES if c in table]).select_dtypes(["number"])
    found = {"the table": numeric.to_numpy(dtype=float, na_value=np.nan)} if numeric.shape[1] else {}
    for column in table.columns.difference(numeric.columns):
        cells = table[column].tolist()
        are_arrays = all(isinstance(cell, np.ndarray) and cell.dtype.kind in "fiu" for cell in cells)
        if are_arrays and len({cell.shape for cell in cells}) == 1:
            found[f"the column {column!r}"] = np.stack(cells)
    return found


_REMEDY = {
    "rows": "the two sides must not overlap",
    "clip": "keep copies on one side: split by clip (protocol 'clip', or groups=data['clip_id'])",
    "source": "give all copies of a recording its clip_id, and split by it",
    "audio": "leave the duplicates out, or give them one clip_id and split by it",
    "speaker": "split by speaker (protocol 'speaker' or 'speaker+sentence')",
    "sentence": "split by sentence (protocol 'sentence' or 'speaker+sentence')",
    "corpus": "split by corpus (protocol 'corpus')",
    "file": "segments of one file share room and microphone: give a column with the recording, and split by it",
    "groups": "use a splitter that reads groups, such as StratifiedGroupKFold",
}
_SUBJECTS = {
    "rows": "{n} row{s}",
    "clip": "copies of {n} clip{s}",
    "source": "copies of {n} recording{s} under several names",
    "audio": "copies of {n} recording{s} in several files, equal by content or by fingerprint,",
    "speaker": "clips of {n} speaker{s}",
    "sentence": "clips of {n} sentence{s}",
    "file": "segments of {n} long file{s}",
    "groups": "clips of {n} group{s}",
}


def shared_rows(folds):
    """Return the finding of rows that are both training and test rows of a fold, in a list that may be empty."""
    per_fold = [np.intersect1d(train, test) for train, test in folds]
    return _findings("rows", per_fold, None)


def shared_values(kind, relation, folds, *, known=None):
    """Find values that are on both sides of a split.

    Parameters
    ----------
    kind : str
        Kind of the relation.
    relation : Relation
        Codes and names.
    folds : list of (ndarray, ndarray)
        Positions of training and test rows.
    known : ndarray of int, default=None
        Codes of rows that an earlier finding has related: values that only they share are not reported again.

    Returns
    -------
    findings : list of Finding
        One, or none.
    """
    codes = relation.codes
    per_fold, values = [], set()
    for train, test in folds:
        both = np.intersect1d(codes[train], codes[test])
        both = both[both >= 0]
        if known is not None:
            both = _unreported(both, codes, known, train, test)
        values.update(both.tolist())
        rows = np.union1d(train, test)
        per_fold.append(rows[np.isin(codes[rows], both)])
    return _findings(kind, per_fold, [relation.names[value] for value in sorted(values)])


def _unreported(both, codes, known, train, test):
    """Return the codes whose rows on the two sides are not all related by ``known``."""
    rows = np.concatenate([train, test])
    rows = rows[np.isin(codes[rows], both)]
    pairs = np.unique(np.column_stack([codes[rows], known[rows]]), axis=0)
    values, counts = np.unique(pairs[:, 0], return_counts=True)
    return values[counts > 1]


def _findings(kind, per_fold, names):
    """Return the finding of rows by fold; ``names`` are those of the shared values, None for the rows themselves."""
    folds = tuple(number for number, rows in enumerate(per_fold) if len(rows))
    if not folds:
        return []
    rows = tuple(np.unique(np.concatenate(per_fold)).astype(int).tolist())
    names = list(rows) if names is None else names
    shown = ", ".join(map(str, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    n, default = len(names), f"clips of {{n}} value{{s}} of {kind!r}"
    subject = _SUBJECTS.get(kind, default).format(n=n, s="s" * (n != 1))
    verb = "is" if kind == "rows" and n == 1 else "are"
    where = "on both sides of the split" + (f", in {len(folds)} of {len(per_fold)} folds" if len(per_fold) > 1 else "")
    return [Finding(kind, f"{subject} {verb} {where}: {shown}; {_REMEDY.get(kind, 'split by it')}", rows, folds)]
