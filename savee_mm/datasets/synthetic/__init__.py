"""The synthetic corpus: voices and faces whose properties are known because they are generated.

`make_talking_faces` writes a corpus in SAVEE's layout; `synthesize_voice` and `draw_face` are its two kernels.
"""

from savee_mm.datasets.synthetic.corpus import make_talking_faces
from savee_mm.datasets.synthetic.face import FaceExpression, FaceIdentity, FacePose, draw_face, random_identity
from savee_mm.datasets.synthetic.voice import synthesize_voice

__all__ = [
    "FaceExpression",
    "FaceIdentity",
    "FacePose",
    "draw_face",
    "make_talking_faces",
    "random_identity",
    "synthesize_voice",
]
