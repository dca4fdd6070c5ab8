"""Shared paragraphs of docstrings, written once and substituted at import."""

import re
from typing import TypeVar

_Documented = TypeVar("_Documented")

_PARAGRAPHS = {
    "augment": """
augment : AudioAugmenter, default=None
    Makes modified copies of the training clips, but not of the inner validation clips: any object with
    ``fit_resample(table, y) -> (table, y)``. It uses this estimator's ``random_state`` unless it has its own.
""",
    "batch_size": """
batch_size : int, default=16
    Clips per step.
""",
    "cache": """
cache : "memory", path-like or None, default="memory"
    Where to keep the values extracted from each clip: in this process, in a folder, or not at all.
""",
    "class_weight": """
class_weight : "balanced", dict or None, default="balanced"
    Weights of the classes in the loss.
""",
    "early_stopping": """
early_stopping : bool, default=False
    Whether to stop training when the loss on ``validation_data`` has not decreased for ``patience`` epochs, and to
    restore the weights of the best epoch.
patience : int, default=10
    Number of epochs without improvement.
""",
    "f0_range": """
fmin, fmax : float, default=75, 600
    Range in which F0 is searched (Hz).
""",
    "frame_augmentation": """
augment_frames : bool, default=True
    Whether to augment the frames of the training clips at random, by the six parameters that follow. All frames of a
    clip are changed in the same way.
flip : bool, default=True
    Whether to mirror half of the training clips left to right. The prediction is then the mean over a clip and its
    mirror image. Set it to False if left and right have a meaning.
shift : float, default=0.06
    Maximum shift, as a fraction of height and width.
rotation : float, default=6
    Maximum rotation (degrees).
zoom : float, default=0.08
    Maximum relative change of size.
brightness : float, default=0.2
    Maximum relative change of contrast, and maximum change of brightness in standard deviations of the clip's gray
    values: of the whole image, and from one side to the other.
occlusion : float, default=0.25
    Side of a square that hides a part of every second clip, as a fraction of height and width.
""",
    "inner_split": """
early_stopping : bool, default=False
    Whether to split off inner validation clips, to stop training when their loss has not decreased for ``patience``
    epochs, and to restore the weights of the best epoch.
patience : int, default=10
    Number of epochs without improvement.
inner_groups : str, default="clip_id"
    Column of the table with the groups of the inner split. With ``"speaker"``, the loss is that of unseen speakers.
validation_fraction : float, default=0.15
    Approximate fraction of the training clips that is split off for early stopping.
""",
    "input_sr": """
input_sr : int, default=None
    Sample rate (Hz) of clips passed as arrays. None assumes ``sr``, with a warning.
""",
    "label_smoothing": """
label_smoothing : float, default=0.1
    Fraction of a training clip's label that is spread evenly over all classes.
""",
    "loader_bunch": """
Also ``groups`` (the speakers), ``target_names`` (sorted), ``language`` and ``DESCR``, as in
:func:`~savee_mm.load_savee`.
""",
    "loader_problems": """
Raises
------
FileNotFoundError, NotADirectoryError
    If ``root`` is not a folder.
ValueError
    If it has no clip, or no label of one.

Warns
-----
UserWarning
    Once for each of these: clips, labels or modalities are missing; files are not named as clips; several files are one
    clip, of which the one with the shorter path is used (``.wav`` is preferred to ``.flac``).
""",
    "max_norm": """
max_norm : float, default=None
    Maximum norm of the incoming weights of a unit.
""",
    "n_jobs": """
n_jobs : int, default=None
    Number of worker processes. None means 1 unless in a :obj:`joblib.parallel_backend` context.
""",
    "on_error_medians": """
on_error : {"raise", "fill"}, default="raise"
    What to do with a clip that cannot be used: raise a :class:`~savee_mm.ClipError`, or issue a
    :class:`~savee_mm.ClipWarning` and fill its row with the training medians.
""",
    "on_error_zeros": """
on_error : {"raise", "fill"}, default="raise"
    What to do with a clip that cannot be used: raise a :class:`~savee_mm.ClipError`, or issue a
    :class:`~savee_mm.ClipWarning` and fill its images with zeros.
""",
    "network_fit": """
sample_weight : array-like of shape (n_clips,), default=None
    Weight of each clip in the loss.
validation_data : tuple (X, y), default=None
    Clips on which early stopping computes its loss. Neither a training clip nor a copy of one may be among them.
""",
    "network_fit_raises": """
ValueError
    If arrays have other shapes, contain NaN or differ in length, if labels are invalid, if training diverges, or if
    ``early_stopping`` is set without ``validation_data``.
""",
    "network_state": """
random_state : int, RandomState instance or None, default=None
    Seed of weights, dropout and order. Probabilities are reproducible for a given seed and number of threads.
verbose : bool or int, default=False
    Whether to show a progress bar over the epochs.
""",
    "failed_clips_": """
failed_clips_ : DataFrame
    ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.
""",
    "sr": """
sr : int or None, default=22050
    Working sample rate (Hz), to which files are resampled. None keeps the recorded rate.
""",
    "trained_network": """
classes_ : ndarray of shape (n_classes,)
    Class labels.
model_ : keras.Model
    Trained network.
history_ : dict of list
    Loss and accuracy of each epoch, also on the validation clips if there are any.
n_epochs_ : int
    Number of epochs trained.
""",
    "verbose": """
verbose : bool or int, default=False
    Whether to show a progress bar.
""",
}


def shared_docs(documented: _Documented) -> _Documented:
    """Replace each line ``%(name)s`` in a docstring by the shared paragraph of that name.

    Parameters
    ----------
    documented : class or function
        Its docstring is changed in place. Python run with ``-OO`` has none.

    Returns
    -------
    documented : class or function

    Raises
    ------
    KeyError
        If no shared paragraph has that name.
    """
    if documented.__doc__:
        documented.__doc__ = re.sub(r"^( *)%\((\w+)\)s$", _paragraph, documented.__doc__, flags=re.MULTILINE)
    return documented


def _paragraph(line):
    indent, name = line.groups()
    return "\n".join(indent + text for text in _PARAGRAPHS[name].strip().splitlines())
