"""One face at four positions, cropped around its box and aligned by its eyes."""

import matplotlib.pyplot as plt
import numpy as np

from savee_mm.datasets.synthetic import FaceIdentity, FacePose, draw_face
from savee_mm.vision import align_face, crop_face, make_detector

POSES = [FacePose(), FacePose(roll=0.25, x=0.4), FacePose(roll=-0.2, size=0.75), FacePose(size=1.2, y=-0.1)]
HEIGHT, WIDTH = 256, 320


def eyes(pose):
    """Return the positions of the eyes (x, y; pixels): the person's right eye, then the left."""
    unit = 0.225 * HEIGHT * pose.size
    middle = np.array([WIDTH / 2 + pose.x * unit, 0.49 * HEIGHT + pose.y * unit])
    half = FaceIdentity().eye_distance * unit * np.array([np.cos(pose.roll), np.sin(pose.roll)])
    return np.array([middle - half, middle + half])


detector = make_detector("lbp")
figure, axes = plt.subplots(3, len(POSES), figsize=(9, 6), layout="constrained")
for column, pose in zip(axes.T, POSES, strict=True):
    picture = draw_face(pose=pose)
    box = detector.detect(picture).boxes[0]
    crops = (picture, crop_face(picture, box, margin=0.1), align_face(picture, eyes(pose), margin=0.1)[0])
    for ax, crop in zip(column, crops, strict=True):
        ax.imshow(crop)
        ax.set(xticks=[], yticks=[])
    column[0].plot(*eyes(pose).T, ".", color="cyan")
for ax, name in zip(axes[:, 0], ("picture", "center", "eyes"), strict=True):
    ax.set_ylabel(name)
