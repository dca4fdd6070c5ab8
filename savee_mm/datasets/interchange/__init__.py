"""Corpora in the formats of others: audformat, BIDS, Hugging Face datasets, and tables of OpenFace and py-feat."""

from savee_mm.datasets.interchange.audformat import load_audformat, to_audformat
from savee_mm.datasets.interchange.bids import load_bids
from savee_mm.datasets.interchange.face_tables import join_face_tables
from savee_mm.datasets.interchange.huggingface import load_huggingface

__all__ = ["join_face_tables", "load_audformat", "load_bids", "load_huggingface", "to_audformat"]
