"""Systems that read voice and face: the joint network of the reference, and the recommended one."""

from savee_mm.classifiers import FusionClassifier, LateFusionClassifier
from savee_mm.features import VoiceFunctionals
from savee_mm.systems import audio, face


def fusion():
    """Return the joint network of the reference with features of the voice, calibrated on a speaker left out."""
    return FusionClassifier(video=face.face_frames(), features=VoiceFunctionals(), calibration_groups="speaker")


def best_fusion(*, speaker_normalized):
    """Return the recommended system: best_audio and best_face, weighted by their predictions for left-out speakers.

    With speaker normalisation it also adapts to unseen speakers. Both use the other clips of the table.
    """
    voice = audio.audio_branches(speaker_normalized)
    return LateFusionClassifier(
        [*voice, ("face", face.best_face(speaker_normalized=speaker_normalized))],
        adapt_speakers=speaker_normalized,
        unseen_texts=len(voice) > 1,
    )
