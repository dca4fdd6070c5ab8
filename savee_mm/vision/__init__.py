"""Vision: pure functions on images. Detect, choose and track faces, crop or align them, and describe the crops.

Images are arrays ``(height, width, 3)`` of uint8 RGB, as :func:`~savee_mm.read_frames` returns them.
"""

from savee_mm.vision.align import align_face, map_points, steady_eyes
from savee_mm.vision.crop import crop_face, crop_transform
from savee_mm.vision.descriptors import GEOMETRY, hog, landmark_geometry, lbp_histograms, mirror_hog
from savee_mm.vision.detectors import (
    WITH_LANDMARKS,
    available_detectors,
    detector_files,
    make_detector,
    resolve_detector,
)
from savee_mm.vision.faces import Faces, choose_face
from savee_mm.vision.mouth import face_thumbnail, voice_agreement
from savee_mm.vision.track import follow_face, link_faces

__all__ = [
    "GEOMETRY",
    "WITH_LANDMARKS",
    "Faces",
    "align_face",
    "available_detectors",
    "choose_face",
    "crop_face",
    "crop_transform",
    "detector_files",
    "face_thumbnail",
    "follow_face",
    "hog",
    "landmark_geometry",
    "lbp_histograms",
    "link_faces",
    "make_detector",
    "map_points",
    "mirror_hog",
    "resolve_detector",
    "steady_eyes",
    "voice_agreement",
]
