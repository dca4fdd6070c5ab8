"""Acted emotions of synthetic speakers: changes of voice and face, and differences between speakers."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from savee_mm.datasets.synthetic.face import FaceExpression, FaceIdentity, FacePose, random_identity

EMOTIONS = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")


class VoiceManner(NamedTuple):
    """Change of a voice by an emotion, relative to the neutral voice of the speaker.

    The directions are those of K. R. Scherer, "Vocal communication of emotion", Speech Communication 40, 2003.
    """

    pitch: float = 0.0  # semitones
    pitch_range: float = 1.6  # semitones, standard deviation
    pitch_slope: float = -2.0  # semitones from the first to the last syllable
    rate: float = 0.0  # log2 of the factor on the speaking rate
    level: float = 0.0  # dB
    roughness: float = 0.0  # log2 of the factor on jitter and shimmer
    brightness: float = 0.0  # log2 of the factor on the glottal corner frequency
    breath: float = 0.0  # added to the breathiness


_VOICES = {
    "anger": VoiceManner(4.0, 3.2, -1.0, 0.2, 6.0, 0.9, 1.0, 0.02),
    "disgust": VoiceManner(-2.0, 2.2, -3.0, -0.25, -0.5, 0.6, 0.2, 0.05),
    "fear": VoiceManner(6.0, 1.8, 1.5, 0.35, 0.5, 0.6, 0.3, 0.05),
    "happiness": VoiceManner(4.0, 4.2, 1.0, 0.05, 3.0, -0.2, 0.6, 0.0),
    "neutral": VoiceManner(),
    "sadness": VoiceManner(-1.5, 0.8, -3.5, -0.4, -6.0, 0.2, -0.7, 0.08),
    "surprise": VoiceManner(5.0, 4.5, 6.0, -0.05, 2.0, 0.0, 0.2, 0.01),
}
# Standard deviations between speakers, and the fraction of them between clips of one speaker: speakers differ more
# from each other than the clips of one speaker.
_VOICE_SPREAD = VoiceManner(1.4, 0.45, 1.2, 0.1, 1.35, 0.26, 0.26, 0.015)
_VOICE_TAKE = 0.15
_FACE_SPREAD, _FACE_TAKE = 0.2, 0.1
_RESTING_SPREAD = 0.1  # of a speaker's resting face from the neutral one

_FACES = {
    "anger": FaceExpression(frown=1.0, squint=0.4, lip_press=0.8, teeth=0.35, smile=-0.3),
    "disgust": FaceExpression(frown=0.5, squint=0.5, nose_wrinkle=1.0, upper_lip_raise=0.9, smile=-0.3),
    "fear": FaceExpression(
        brow_raise=0.6, inner_brow_raise=0.8, frown=0.4, eye_widen=1.0, mouth_stretch=0.8, mouth_open=0.25
    ),
    "happiness": FaceExpression(smile=1.0, squint=0.5, teeth=0.6),
    "neutral": FaceExpression(),
    "sadness": FaceExpression(inner_brow_raise=1.0, frown=0.2, squint=0.2, smile=-0.9),
    "surprise": FaceExpression(brow_raise=1.0, eye_widen=0.9, mouth_open=0.8, mouth_stretch=-0.2),
}
_SIGNED = {"smile", "mouth_stretch"}


@dataclass(frozen=True)
class Speaker:
    """One synthetic person: a voice, a face, and an individual expression of each emotion."""

    f0: float  # Hz
    formant_scale: float
    rms: float
    rate: float  # syllables/s
    jitter: float
    shimmer: float
    tilt: float  # Hz
    breathiness: float
    expressivity: float
    identity: FaceIdentity
    light_x: float
    light_y: float
    voices: dict  # emotion -> VoiceManner
    faces: dict  # emotion -> FaceExpression
    resting: FaceExpression


def cast_speaker(index, rng):
    """Draw the ``index``-th speaker at random; even indices have a low register, odd ones a high one.

    Parameters
    ----------
    index : int
    rng : numpy.random.Generator

    Returns
    -------
    speaker : Speaker
    """
    low = index % 2 == 0
    resting = _vary(FaceExpression(), _RESTING_SPREAD, rng)
    return Speaker(
        f0=rng.uniform(95, 135) if low else rng.uniform(175, 220),
        formant_scale=rng.uniform(0.94, 1.04) if low else rng.uniform(1.10, 1.20),
        rms=0.05 * 10 ** (rng.uniform(-5, 5) / 20),
        rate=rng.uniform(3.9, 5.0),
        jitter=rng.uniform(0.004, 0.009),
        shimmer=rng.uniform(0.02, 0.05),
        tilt=rng.uniform(600, 1100),
        breathiness=rng.uniform(0.01, 0.05),
        expressivity=rng.uniform(0.75, 1.1),
        identity=random_identity(rng),
        light_x=rng.uniform(-0.5, 0.5),
        light_y=rng.uniform(-0.6, -0.2),
        voices={emotion: _vary(_VOICES[emotion], np.array(_VOICE_SPREAD), rng) for emotion in EMOTIONS},
        faces={emotion: _vary(_FACES[emotion], _FACE_SPREAD, rng) for emotion in EMOTIONS},
        resting=resting,
    )


def act_voice(speaker, emotion, rng):
    """Return the arguments of `synthesize_voice` for one clip of a speaker and an emotion.

    Returns
    -------
    arguments : dict
        All except the syllables, the duration and the random state; ``rate`` is in syllables/s.
    """
    manner = _vary(speaker.voices[emotion], _VOICE_TAKE * np.array(_VOICE_SPREAD), rng)
    neutral = np.array(_VOICES["neutral"])
    manner = VoiceManner(*(neutral + speaker.expressivity * (np.array(manner) - neutral)))
    rough = 2**manner.roughness
    return {
        "f0": float(np.clip(speaker.f0 * 2 ** (manner.pitch / 12), 70, 360)),
        "f0_range": max(0.3, manner.pitch_range),
        "f0_slope": manner.pitch_slope,
        "jitter": min(0.025, speaker.jitter * rough),
        "shimmer": min(0.12, speaker.shimmer * rough),
        "rms": speaker.rms * 10 ** (manner.level / 20),
        "tilt": speaker.tilt * 2**manner.brightness,
        "breathiness": max(0.0, speaker.breathiness + manner.breath),
        "formant_scale": speaker.formant_scale,
        "rate": speaker.rate * 2**manner.rate,
    }


def act_face(speaker, emotion, loudness, rng, *, rate=25):
    """Return the expression and the pose of a speaker in every frame of one clip.

    The face moves from rest to the emotion in the first half of the clip and stays there; the mouth follows the sound.

    Parameters
    ----------
    speaker : Speaker
    emotion : str
    loudness : ndarray of shape (n_frames,)
        Envelope of the sound, between 0 and 1.
    rng : numpy.random.Generator
    rate : float, default=25
        Frames per second.

    Returns
    -------
    frames : list of (FaceExpression, FacePose)
    """
    n = len(loudness)
    apex = np.array(_vary(speaker.faces[emotion], _FACE_TAKE, rng)) * speaker.expressivity * rng.uniform(0.65, 1.1)
    position = np.arange(n) / max(n - 1, 1)
    onset, rise = rng.uniform(0.03, 0.12), rng.uniform(0.2, 0.4)
    weight = 0.5 - 0.5 * np.cos(np.pi * np.clip((position - onset) / rise, 0, 1))
    blink = np.clip(1 - np.abs(np.arange(n) / rate - rng.uniform(0, n / rate)) / 0.1, 0, 1)
    sway = _sway(n / rate, n, 6, rng)
    light = rng.normal(0, 0.08, 2)
    frames = []
    for i in range(n):
        shown = FaceExpression(*(np.array(speaker.resting) + weight[i] * apex))
        shown = shown._replace(blink=blink[i], mouth_open=shown.mouth_open + 0.35 * loudness[i])
        x, y, roll, yaw, pitch, size = sway[i]
        pose = FacePose(
            0.06 * x, 0.05 * y, 0.025 * roll, 0.2 * yaw, 0.15 * pitch, 1 + 0.03 * size,
            speaker.light_x + light[0], speaker.light_y + light[1],
        )  # fmt: skip
        frames.append((shown, pose))
    return frames


def _vary(manner, spread, rng):
    """Return ``manner`` with normal deviations; movements of the face in one direction stay between 0 and 1.3."""
    values = np.array(manner) + spread * rng.standard_normal(len(manner))
    varied = type(manner)(*values)
    if isinstance(manner, FaceExpression):
        sided = {k: v if k in _SIGNED else float(np.clip(v, 0, 1.3)) for k, v in varied._asdict().items()}
        varied = FaceExpression(**sided)._replace(blink=0.0)
    return varied


def _sway(duration, n_frames, n_tracks, rng):
    """Return slow movements with amplitudes of about 1, shape (n_frames, n_tracks)."""
    time = np.linspace(0, duration, n_frames)[:, None]
    start, slow, quick = rng.normal(0, 0.7, n_tracks), rng.uniform(0.2, 0.5, n_tracks), rng.uniform(0.8, 1.6, n_tracks)
    turn = rng.uniform(0, 2 * np.pi, (2, n_tracks))
    return start + 0.5 * np.sin(2 * np.pi * slow * time + turn[0]) + 0.2 * np.sin(2 * np.pi * quick * time + turn[1])
