"""Names of emotion classes."""

import pytest

from savee_mm.datasets import canonical_label
from savee_mm.datasets.crema_d import _EMOTIONS as CREMA_D
from savee_mm.datasets.labels import EKMAN
from savee_mm.datasets.ravdess import _EMOTIONS as RAVDESS
from savee_mm.datasets.savee import _EMOTIONS as SAVEE


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("angry", "anger"), ("Fearful", "fear"), ("DISGUSTED", "disgust"), ("sad", "sadness"), ("joy", "happiness"),
        ("surprised", "surprise"), ("ps", "pleasant surprise"), ("pleasant_surprised", "pleasant surprise"),
        (" Bored ", "boredom"), ("neu", "neutral"),
    ],
)  # fmt: skip
def test_spellings(label, name):
    assert canonical_label(label) == name


def test_other_classes_keep_their_name():
    """Calm is not neutral, pleasant surprise is no surprise, and an unknown label is kept as written."""
    kept = ["calm", "pleasant surprise", "contempt", "boredom", "frustration", "excitement", "Thoughtful mood"]
    assert [canonical_label(label) for label in kept] == kept


@pytest.mark.parametrize("emotions", [CREMA_D, RAVDESS, SAVEE], ids=["crema_d", "ravdess", "savee"])
def test_loaders_use_the_usual_names(emotions):
    assert all(canonical_label(name) == name for name in emotions.values())
    assert set(emotions.values()) - set(EKMAN) <= {"calm"}
