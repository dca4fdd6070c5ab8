"""The systems that read voice and face: the joint network of the reference, and the recommended one."""

from savee_mm.classifiers import FusionClassifier, LateFusionClassifier
from savee_mm.features import VoiceFunctionals
from savee_mm.systems import audio, face


def fusion(*, speaker_normalized):
    """Return the reference's joint network, with features of the voice, weighed by a speaker left out."""
    if speaker_normalized:
        raise ValueError("The system 'fusion' has no speaker-normalised form; leave speaker_normalized out.")
    return FusionClassifier(video=face.face_frames(), features=VoiceFunctionals(), calibration_groups="speaker")


def best_fusion(*, speaker_normalized):
    """Return the recommended system: best_audio and best_face, weighed by what they tell of speakers left out.

    Speaker-normalised, it also adapts to new speakers: both go by the other clips of the table.
    """
    branches = {"audio": audio.best_audio, "face": face.best_face}
    return LateFusionClassifier(
        [(name, make(speaker_normalized=speaker_normalized)) for name, make in branches.items()],
        adapt_speakers=speaker_normalized,
    )
