"""Vision: pure kernels on pictures. Face detectors behind one interface, the choice among faces, the crop.

Pictures are arrays ``(height, width, 3)`` of uint8 RGB, as :func:`savee_mm.media.read_frames` gives them.
"""

from savee_mm.vision.crop import crop_face
from savee_mm.vision.detectors import available_detectors, make_detector, resolve_detector
from savee_mm.vision.faces import Faces, choose_face

__all__ = ["Faces", "available_detectors", "choose_face", "crop_face", "make_detector", "resolve_detector"]
