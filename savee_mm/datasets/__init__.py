"""Loaders of corpora as clip tables: ten corpora, a table of your own, and a synthetic corpus.

Every loader returns a :class:`~sklearn.utils.Bunch` with ``data`` (the clip table: ``audio``, ``video``,
``speaker``, ``sentence``, ``clip_id`` and other properties in the file names), ``target`` (the classes, as
strings), ``groups`` (the speakers), ``target_names`` and ``DESCR``. Loaders read file names and never open
a media file. :func:`~savee_mm.concat_corpora` makes one corpus of several.
"""

from savee_mm.datasets.acted import load_emodb, load_emovo, load_enterface, load_tess
from savee_mm.datasets.annotations import load_annotations, read_annotations, write_annotations
from savee_mm.datasets.concat import concat_corpora
from savee_mm.datasets.crema_d import load_crema_d
from savee_mm.datasets.dialogues import load_iemocap, load_meld, load_msp_improv
from savee_mm.datasets.interchange import join_face_tables, load_audformat, load_bids, load_huggingface, to_audformat
from savee_mm.datasets.labels import canonical_label
from savee_mm.datasets.ravdess import load_ravdess
from savee_mm.datasets.savee import load_savee
from savee_mm.datasets.synthetic import make_talking_faces
from savee_mm.datasets.table import load_table
from savee_mm.datasets.votes import expand_votes

__all__ = [
    "canonical_label",
    "concat_corpora",
    "expand_votes",
    "join_face_tables",
    "load_annotations",
    "load_audformat",
    "load_bids",
    "load_crema_d",
    "load_emodb",
    "load_emovo",
    "load_enterface",
    "load_huggingface",
    "load_iemocap",
    "load_meld",
    "load_msp_improv",
    "load_ravdess",
    "load_savee",
    "load_table",
    "load_tess",
    "make_talking_faces",
    "read_annotations",
    "to_audformat",
    "write_annotations",
]
