"""Train-only resampling of the clip table: more rows for the same recordings, each with a recipe for its sound.

Nothing is read and nothing is written here; an extractor makes the sound of a copy when it reads the clip.
"""

from savee_mm.augmentation.audio import AudioAugmenter

__all__ = ["AudioAugmenter"]
