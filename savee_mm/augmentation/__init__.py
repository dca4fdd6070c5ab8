"""Augmentation of the clip table: additional rows for training clips, each with a recipe for its sound.

No file is read or written here; extractors apply the recipe when they read the clip.
"""

from savee_mm.augmentation.audio import AudioAugmenter

__all__ = ["AudioAugmenter"]
