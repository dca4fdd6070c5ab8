"""Crops of the face from the video of each clip, and their descriptors."""

from savee_mm.features.faces.descriptor import FaceDescriptor
from savee_mm.features.faces.sampler import FaceFrameSampler

__all__ = ["FaceDescriptor", "FaceFrameSampler"]
