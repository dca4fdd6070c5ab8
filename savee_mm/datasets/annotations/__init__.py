"""Timelines of emotions as files of annotation tools: Praat, ELAN, WebVTT and Label Studio."""

from savee_mm.datasets.annotations.annotations import load_annotations, read_annotations, write_annotations

__all__ = ["load_annotations", "read_annotations", "write_annotations"]
