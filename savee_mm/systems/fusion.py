"""The systems that read voice and face."""

from savee_mm.classifiers import FusionClassifier


def fusion(*, speaker_normalized):
    """Return the reference's joint network."""
    if speaker_normalized:
        raise ValueError("The system 'fusion' has no speaker-normalised form; leave speaker_normalized out.")
    return FusionClassifier()
