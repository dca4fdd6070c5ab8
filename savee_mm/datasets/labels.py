"""Names of emotion classes: spellings of one name in different corpora."""

import re
from types import MappingProxyType

EKMAN = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""The six basic emotions of Ekman, and neutral."""

# Class -> other names of the same class. Classes that corpora distinguish, or that have another meaning, such as calm
# and neutral or surprise and pleasant surprise, are entries of their own.
_NAMES = {
    "amusement": ("amused",),
    "anger": ("angry", "ang"),
    "anxiety": ("anxious",),
    "boredom": ("bored",),
    "calm": ("calmness",),
    "contempt": ("contemptuous",),
    "disgust": ("disgusted", "dis"),
    "excitement": ("excited", "exc"),
    "fear": ("fearful", "fea"),
    "frustration": ("frustrated", "fru"),
    "happiness": ("happy", "hap", "joy", "joyful"),
    "neutral": ("neu",),
    "pleasant surprise": ("ps", "pleasant surprised", "pleasantly surprised"),
    "pride": ("proud",),
    "relief": ("relieved",),
    "sadness": ("sad",),
    "shame": ("ashamed",),
    "surprise": ("surprised", "sur"),
}
_CLASS_OF = MappingProxyType({name: label for label, names in _NAMES.items() for name in (label, *names)})


def canonical_label(label: str) -> str:
    """Return the usual name of an emotion class: one name for all spellings.

    Parameters
    ----------
    label : str
        Label of a corpus: ``"angry"``, ``"Fearful"``, ``"ps"``.

    Returns
    -------
    name : str
        A noun for the labels that are known; any other label as it is. Only other names of one class have one name:
        joy is happiness, but calm is not neutral, and pleasant surprise is not surprise.

    Examples
    --------
    >>> from savee_mm.datasets import canonical_label
    >>> [canonical_label(label) for label in ("Angry", "ps", "calm", "joy", "thoughtful")]
    ['anger', 'pleasant surprise', 'calm', 'happiness', 'thoughtful']
    """
    return _CLASS_OF.get(re.sub(r"[\s_-]+", " ", label).strip().lower(), label)
