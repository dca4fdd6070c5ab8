"""The contact sheet of one clip."""

from _faces import show, surprise

from savee_mm import FaceFrameSampler

with surprise() as path:
    # The detector that needs no weights, so that the page is the same everywhere.
    show(FaceFrameSampler(detector="lbp").fit([path]).plot_clip(path))
