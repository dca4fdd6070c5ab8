"""The public names, loaded on first use."""

from .acted import load_emodb, load_emovo, load_enterface, load_tess
from .annotations import load_annotations, read_annotations, write_annotations
from .concat import concat_corpora
from .crema_d import load_crema_d
from .dialogues import load_iemocap, load_meld, load_msp_improv
from .interchange import join_face_tables, load_audformat, load_bids, load_huggingface, to_audformat
from .labels import canonical_label
from .ravdess import load_ravdess
from .savee import load_savee
from .synthetic import make_talking_faces
from .table import load_table
from .votes import expand_votes

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
