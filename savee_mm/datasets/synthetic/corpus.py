"""make_talking_faces: a small synthetic corpus in SAVEE's layout."""

import numbers
import os
from pathlib import Path
from typing import Any

import numpy as np

from savee_mm.datasets._common import bunch_or_X_y
from savee_mm.datasets.synthetic.acting import EMOTIONS, act_face, act_voice, cast_speaker
from savee_mm.datasets.synthetic.face import draw_face
from savee_mm.datasets.synthetic.voice import synthesize_voice

SR = 22050  # Hz
FRAME_RATE = 25  # frames/s
_HEIGHT, _WIDTH = 256, 320
_CODES = {
    "anger": "a",
    "disgust": "d",
    "fear": "f",
    "happiness": "h",
    "neutral": "n",
    "sadness": "sa",
    "surprise": "su",
}
# In SAVEE, numbers 1, 2 and 3 are the same text in all emotions, and a speaker reads 15 texts per emotion.
_COMMON_TEXTS, _MAX_SENTENCES = 3, 15
# Keys of the random streams: speakers, texts and clips have separate ones, so the size of the corpus has no effect.
_SPEAKER, _TEXT, _CLIP = range(3)
_DESCR = """Talking faces: drawn faces and synthesised voices in SAVEE's layout

Results on them show that the code runs. They say nothing about people.
"""


def make_talking_faces(
    root: str | os.PathLike[str],
    n_speakers: int = 4,
    n_sentences: int = 3,
    random_state: int | np.random.RandomState | np.random.Generator | None = 0,
    *,
    verbose: bool = False,
    return_X_y: bool = False,
) -> Any:
    """Write a small corpus of synthetic talking faces in SAVEE's layout, and load it.

    Voices come from a source-filter synthesiser with known F0, jitter and shimmer. Faces are drawn and shaded so that
    face detectors find them. Each speaker has a register, a vocal tract, a level, a tempo, a face and an individual
    expression of each emotion, so that an unseen speaker is harder than a seen one. The corpus replaces real
    recordings in demonstrations and tests; a result on it says nothing about people.

    Parameters
    ----------
    root : path-like
        Folder to write to: ``AudioData/<speaker>/<emotion><nn>.wav`` (mono, 16 bit, 22,050 Hz) and
        ``AudioVisualClip/<speaker>/<emotion><n>.avi`` (MPEG-4, 320 x 256, 25 frames/s, with the same sound).
        Speakers are called S1, S2, ... Existing clips of the same names are replaced.
    n_speakers : int, default=4
        Number of speakers. The clips of a speaker do not depend on it.
    n_sentences : int, default=3
        Number of sentences in each of the seven emotions, 1 to 15. The first three are the same text in all
        emotions and for all speakers, as in SAVEE; the others belong to one emotion.
    random_state : int, RandomState, Generator or None, default=0
        Seed. The same int gives the same samples and the same frames.
    verbose : bool, default=False
        Whether to show a progress bar.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` in place of a Bunch.

    Returns
    -------
    corpus : Bunch
        The result of `load_savee` for ``root`` (``data``, ``target``, ``groups``, ``target_names``), with its own
        ``DESCR``, and ``truth``, a DataFrame with the rows of ``data``: the true values of each voice, measured by
        `synthesize_voice` on its pulses: ``f0_mean``, ``f0_std`` (Hz), ``jitter``, ``shimmer`` (fractions, Praat's
        *local*), ``rms``, ``duration`` (s), ``voiced_share``, ``rate`` (syllables/s), ``breathiness``.

    Raises
    ------
    ValueError
        If a number is out of its range, or ``root`` has recordings that are not part of this corpus.

    Examples
    --------
    >>> from savee_mm import make_talking_faces
    >>> corpus = make_talking_faces("talking_faces", n_speakers=1, n_sentences=1)  # doctest: +SKIP
    >>> corpus.data.shape, corpus.truth.shape  # doctest: +SKIP
    ((7, 5), (7, 9))
    """
    _check_size(n_speakers, n_sentences)
    root = Path(root)
    plan = [
        (i, emotion, number) for i in range(n_speakers) for emotion in EMOTIONS for number in range(1, n_sentences + 1)
    ]
    _check_folder(root, plan)
    seed = _check_seed(random_state)
    speakers = [cast_speaker(i, _rng(seed, _SPEAKER, i)) for i in range(n_speakers)]
    truth = {}
    for i, emotion, number in _with_bar(plan, verbose):
        audio, video = _paths(root, i, emotion, number)
        audio.parent.mkdir(parents=True, exist_ok=True)
        video.parent.mkdir(parents=True, exist_ok=True)
        truth[audio] = _record(speakers[i], i, emotion, number, seed, audio, video)
    return bunch_or_X_y(_load(root, truth), return_X_y)


def _check_size(n_speakers, n_sentences):
    for name, value, most in (("n_speakers", n_speakers, 1000), ("n_sentences", n_sentences, _MAX_SENTENCES)):
        if not isinstance(value, numbers.Integral) or not 1 <= value <= most:
            raise ValueError(f"Expected {name} to be an integer from 1 to {most}, got {value!r}.")


def _check_folder(root, plan):
    """Raise if a folder has other recordings: they would be loaded as part of the corpus."""
    own = {path for clip in plan for path in _paths(root, *clip)}
    found = [path for part in ("AudioData", "AudioVisualClip") for path in sorted((root / part).glob("*/*"))]
    foreign = [path for path in found if path not in own]
    if foreign:
        raise ValueError(
            f"{root} has {len(foreign)} files that are not part of this corpus, such as "
            f"{foreign[0].relative_to(root)}. Name an empty or new folder."
        )


def _check_seed(random_state):
    """Return an integer seed, without use of the global generators."""
    if random_state is None:
        return np.random.SeedSequence().entropy
    if isinstance(random_state, numbers.Integral) and random_state >= 0:
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31))
    raise ValueError(
        f"Expected random_state to be None, an integer from 0, a Generator or a RandomState, got {random_state!r}."
    )


def _rng(seed, *key):
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def _with_bar(plan, verbose):
    if not verbose:
        return plan
    from tqdm import tqdm

    return tqdm(plan, desc="talking faces", unit="clip")


def _paths(root, speaker, emotion, number):
    name, code = f"S{speaker + 1}", _CODES[emotion]
    return (
        root / "AudioData" / name / f"{code}{number:02d}.wav",
        root / "AudioVisualClip" / name / f"{code}{number}.avi",
    )


def _record(speaker, index, emotion, number, seed, audio, video):
    """Write one clip and return the truth about its voice."""
    import soundfile

    take = EMOTIONS.index(emotion)
    voice_rng, face_rng, grain_rng = (_rng(seed, _CLIP, index, take, number, part) for part in range(3))
    syllables = _text(seed, emotion, number)
    manner = act_voice(speaker, emotion, voice_rng)
    edge = 0.06
    duration = len(syllables) / manner.pop("rate") + 2 * edge
    y, truth = synthesize_voice(syllables, duration=duration, edge=edge, sr=SR, random_state=voice_rng, **manner)
    samples = np.round(y * 32767).astype(np.int16)
    soundfile.write(audio, samples, SR, subtype="PCM_16")
    frames = act_face(speaker, emotion, _loudness(y), face_rng, rate=FRAME_RATE)
    _write_video(video, _film(speaker.identity, frames, grain_rng), samples)
    return truth


def _text(seed, emotion, number):
    """Return the syllables of one sentence."""
    common = number <= _COMMON_TEXTS
    rng = _rng(seed, _TEXT, 0 if common else 1 + EMOTIONS.index(emotion), number)
    consonants, vowels = ["b", "l", "m", "s", ""], list("aeiou")
    return [rng.choice(consonants) + rng.choice(vowels) for _ in range(rng.integers(5, 8))]


def _loudness(y):
    """Return the envelope of a sound at each video frame, between 0 and 1."""
    n_frames = int(np.ceil(len(y) * FRAME_RATE / SR))
    padded = np.zeros(n_frames * SR // FRAME_RATE)
    padded[: len(y)] = y[: padded.size]
    envelope = np.sqrt(np.mean(padded.reshape(n_frames, -1) ** 2, axis=1))
    return np.clip(envelope / np.quantile(envelope, 0.9), 0, 1)


def _film(identity, frames, rng):
    """Yield the frames of a clip, with camera noise."""
    # One noise field per clip, at another offset in every frame: new noise costs as much time as a face.
    grain = 1.5 * rng.standard_normal((_HEIGHT + 64, _WIDTH + 64, 1), dtype=np.float32)
    for expression, pose in frames:
        image = draw_face(identity, expression, pose, height=_HEIGHT, width=_WIDTH)
        down, across = rng.integers(64, size=2)
        noisy = image + grain[down : down + _HEIGHT, across : across + _WIDTH]
        yield np.minimum(np.maximum(noisy, 0), 255).astype(np.uint8)


def _write_video(path, images, samples):
    """Write images and 16-bit samples as an AVI, with the sound interleaved."""
    import av

    chunk = SR // FRAME_RATE
    with av.open(str(path), "w", format="avi") as container:
        video = container.add_stream("mpeg4", rate=FRAME_RATE)
        video.width, video.height, video.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        video.bit_rate = 1_000_000
        # With several threads the slices, and so the bytes, depend on the machine.
        video.codec_context.thread_count = 1
        sound = container.add_stream("pcm_s16le", rate=SR, layout="mono")
        for i, image in enumerate(images):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            piece = samples[None, i * chunk : (i + 1) * chunk]
            if piece.size:
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="s16", layout="mono")
                frame.sample_rate, frame.pts = SR, i * chunk
                container.mux(sound.encode(frame))
        container.mux(video.encode())
        container.mux(sound.encode())


def _load(root, truth):
    import pandas as pd

    from savee_mm.datasets.savee import load_savee

    corpus = load_savee(root)
    corpus.DESCR = _DESCR
    by_clip = {(path.parent.name, path.stem): values for path, values in truth.items()}
    rows = [by_clip[Path(audio).parent.name, Path(audio).stem] for audio in corpus.data["audio"]]
    corpus.truth = pd.DataFrame(rows, index=corpus.data.index)
    return corpus
