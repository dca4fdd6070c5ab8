"""Source-filter voice synthesis with exactly known F0, jitter, shimmer, level and rate."""

import numpy as np

# Formant frequencies (Hz) of adult male vowels: G. E. Peterson, H. L. Barney, "Control methods used in a study
# of the vowels", JASA 24, 1952; the fourth and fifth are common values for all vowels.
_FORMANTS = {
    "a": (730, 1090, 2440, 3400, 4500),
    "e": (530, 1840, 2480, 3400, 4500),
    "i": (270, 2290, 3010, 3600, 4500),
    "o": (570, 840, 2410, 3300, 4500),
    "u": (300, 870, 2240, 3300, 4500),
}
_BANDWIDTHS = (70, 90, 130, 200, 250)
# Consonants: fraction of the syllable (at an average rate), voice level, noise level.
_CONSONANTS = {"m": (0.30, 0.35, 0.0), "b": (0.25, 0.0, 0.0), "s": (0.38, 0.0, 0.22), "l": (0.22, 0.6, 0.0)}
_NASAL = (250, 1000, 2200, 3300, 4500)
_VOICED = 0.3  # Level of the voice above which the vocal folds vibrate.
_FILTER_STEP = 0.005  # s; the vocal tract moves slowly, so its filter changes every 5 ms.


def synthesize_voice(
    syllables=("a",),
    *,
    duration=1.0,
    f0=120.0,
    f0_range=0.0,
    f0_slope=0.0,
    jitter=0.0,
    shimmer=0.0,
    rms=0.05,
    tilt=800.0,
    breathiness=0.0,
    formant_scale=1.0,
    edge=0.05,
    sr=22050,
    random_state=0,
):
    """Synthesise a voice: glottal pulses at exact times, filtered by the resonances of a vocal tract.

    Parameters
    ----------
    syllables : sequence of str, default=("a",)
        Each a vowel (a, e, i, o, u), or a consonant (b, l, m, s) and a vowel. All have the same duration.
    duration : float, default=1.0
        Length of the sound (s), including ``edge`` of silence at each end.
    f0 : float, default=120.0
        Mean fundamental frequency (Hz) over the voiced time.
    f0_range : float, default=0.0
        Standard deviation of F0 over the sound (semitones); the contour comes from ``random_state``.
    f0_slope : float, default=0.0
        Rise of F0 from the start of the speech to its end (semitones); negative for a fall.
    jitter, shimmer : float, default=0.0
        Local perturbation, as a fraction: the mean absolute difference of neighbouring periods (amplitudes) over
        their mean, in addition to the changes by F0 contour and envelope.
    rms : float, default=0.05
        Root mean square of the whole sound; reduced if the peak would exceed 0.98.
    tilt : float, default=800.0
        Corner frequency (Hz) of the glottal low-pass: higher is a brighter, more pressed voice.
    breathiness : float, default=0.0
        Root mean square of the breath noise, relative to that of the voice.
    formant_scale : float, default=1.0
        Factor of the formant frequencies: above 1 for a shorter vocal tract.
    edge : float, default=0.05
        Silence (s) at each end.
    sr : int, default=22050
        Sample rate (Hz).
    random_state : int, SeedSequence or Generator, default=0
        Seed.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32
        The sound, between -1 and 1.
    truth : dict
        True values, measured on the pulses: ``f0_mean``, ``f0_std`` (Hz, over voiced time), ``jitter``, ``shimmer``
        (Praat's *local*: fractions, with the changes by F0 contour and envelope, over neighbouring pulses of one
        voiced segment), ``rms``, ``duration`` (s), ``voiced_share`` of the duration, ``rate`` (syllables/s) and
        ``breathiness``.

    Raises
    ------
    ValueError
        If a syllable is unknown, or a number is out of its range.

    Notes
    -----
    Formant synthesis after D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67, 1980.
    The response to each pulse is computed from the poles of the filter, so that pulses can be between samples, and
    is damped before the next one begins. The perturbations are scaled such that their mean absolute difference is
    exactly the given value.

    Examples
    --------
    >>> from savee_mm.datasets.synthetic import synthesize_voice
    >>> y, truth = synthesize_voice(["ma", "si"], duration=1.0, f0=200.0)
    >>> y.shape, round(truth["f0_mean"])
    ((22050,), 200)
    """
    _check_voice(syllables, duration - 2 * edge, f0, jitter, shimmer, rms, sr)
    rng = np.random.default_rng(random_state)
    n = round(duration * sr)
    score = _Score(syllables, n, edge, sr)
    contour = _f0_contour(score, f0, f0_range, f0_slope, rng)
    segments = _place_pulses(contour, score.voice, jitter, shimmer, sr, rng)
    formants = score.formants * formant_scale
    sound = _excite(segments, contour, formants, tilt, n, sr)
    sound /= _root_mean_square(sound)
    if breathiness > 0:
        breath = _vocal_tract(rng.standard_normal(n) * score.voice, formants, sr)
        sound += breathiness * breath / _root_mean_square(breath)
    sound += np.diff(rng.standard_normal(n + 1)) * score.noise
    gain = min(rms / _root_mean_square(sound), 0.98 / np.abs(sound).max())
    y = (gain * sound).astype(np.float32)
    truth = _measure(segments)
    truth["rms"] = float(_root_mean_square(y.astype(float)))
    truth["duration"] = n / sr
    truth["voiced_share"] = truth.pop("voiced_time") / (n / sr)
    truth["rate"] = len(syllables) / (duration - 2 * edge)
    truth["breathiness"] = float(breathiness)
    return y, truth


def _check_voice(syllables, speech, f0, jitter, shimmer, rms, sr):
    known = [s for s in syllables if s[-1:] in _FORMANTS and (len(s) == 1 or s[:-1] in _CONSONANTS)]
    if isinstance(syllables, str) or not len(known) == len(syllables) > 0:
        raise ValueError(
            f"Expected a sequence of syllables, each a vowel of {''.join(_FORMANTS)!r}, or a consonant of "
            f"{''.join(_CONSONANTS)!r} and a vowel; got {syllables!r}."
        )
    if speech < 0.1:
        raise ValueError(f"Expected at least 0.1 s between the silent edges, got {speech:.3f} s.")
    if not 50 <= f0 <= 500:
        raise ValueError(f"Expected f0 of 50 to 500 Hz, got {f0}.")
    # Above these values neighbouring periods differ by more than Praat's factor of 1.3, and Praat ignores them.
    if not (0 <= jitter <= 0.08 and 0 <= shimmer <= 0.3):
        raise ValueError(f"Expected jitter of 0 to 0.08 and shimmer of 0 to 0.3, got {jitter} and {shimmer}.")
    if not 0 < rms < 0.5 or sr < 11000:
        raise ValueError(f"Expected rms in (0, 0.5) and sr of at least 11000 Hz, got {rms} and {sr}.")


class _Score:
    """Articulation: ``voice`` and ``noise`` levels at every sample, ``formants`` every 5 ms (Hz)."""

    def __init__(self, syllables, n, edge, sr):
        self.n, self.sr = n, sr
        voice, noise = np.zeros(n), np.zeros(n)
        self.first, self.last = round(edge * sr), n - round(edge * sr)
        bounds = np.linspace(self.first, self.last, len(syllables) + 1).astype(int)
        times, targets = [], []
        for i, syllable in enumerate(syllables):
            start, stop = bounds[i], bounds[i + 1]
            middle, vowel = start, np.array(_FORMANTS[syllable[-1]], dtype=float)
            if len(syllable) > 1:
                share, voiced, hiss = _CONSONANTS[syllable[0]]
                middle = start + round(share * (stop - start))
                voice[start:middle], noise[start:middle] = voiced, hiss
                closed = np.array(_NASAL, dtype=float) if syllable[0] == "m" else 0.8 * vowel
                times.append(0.5 * (start + middle))
                targets.append(closed)
            voice[middle:stop] = 1.0
            times += [middle + 0.3 * (stop - middle), middle + 0.7 * (stop - middle)]
            targets += [vowel, vowel]
        self.voice, self.noise = _smooth(voice, round(0.02 * sr)), _smooth(noise, round(0.02 * sr))
        knots = np.arange(0, n, round(_FILTER_STEP * sr))
        self.formants = np.column_stack([np.interp(knots, times, track) for track in np.array(targets).T])


def _smooth(x, length):
    """Return a moving average with a raised cosine of ``length`` samples, of the same length as ``x``."""
    window = np.hanning(length + 2)[1:-1]
    return np.convolve(x, window / window.sum(), mode="same")


def _f0_contour(score, f0, f0_range, f0_slope, rng):
    """Return F0 (Hz) at every sample, with mean ``f0`` over voiced time."""
    position = np.clip((np.arange(score.n) - score.first) / (score.last - score.first), 0, 1)
    waves = rng.uniform(0, 2 * np.pi, 3)
    melody = sum(np.sin(2 * np.pi * (k + 0.7) * position + waves[k]) / (k + 1) for k in range(3))
    voiced = score.voice > _VOICED
    melody = (melody - melody[voiced].mean()) / max(melody[voiced].std(), 1e-9)
    contour = 2 ** ((f0_range * melody + f0_slope * (position - 0.5)) / 12)
    return f0 * contour / contour[voiced].mean()


def _place_pulses(contour, voice, jitter, shimmer, sr, rng):
    """Return the times (s), periods (s) and amplitudes of the glottal pulses of every voiced segment.

    A segment of n pulses has n periods: the last one has no pulse at its end.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voice > _VOICED, [0]]).astype(int)))
    segments = []
    for start, stop in edges.reshape(-1, 2):
        # Without perturbation, pulses are at whole cycles of the phase.
        phase = np.cumsum(contour[start:stop]) / sr
        if phase[-1] < 4:
            continue
        instants = np.interp(np.arange(0, int(phase[-1])), phase, np.arange(start, stop) / sr)
        periods = np.diff(instants)
        periods = periods * (1 + _perturbation(len(periods), jitter, rng))
        periods *= (instants[-1] - instants[0]) / periods.sum()
        times = instants[0] + np.concatenate([[0], np.cumsum(periods)])
        envelope = np.interp(times * sr, np.arange(voice.size), voice)
        amplitudes = envelope * (1 + _perturbation(len(times), shimmer, rng))
        segments.append((times, periods, amplitudes))
    if not segments:
        raise ValueError("No part of the sound has four periods of voice: increase duration or f0.")
    return segments


def _perturbation(n, local, rng):
    """Return ``n`` deviations whose mean absolute difference between neighbours is ``local``."""
    # Uniform, not normal: neighbours then never differ so much that Praat ignores them.
    deviation = rng.uniform(-1, 1, n)
    deviation -= deviation.mean()
    spread = np.abs(np.diff(deviation)).mean() if n > 1 else 0.0
    return deviation * (local / spread) if spread > 0 else np.zeros(n)


def _excite(segments, contour, formants, tilt, n, sr):
    """Return the sum of the responses of the vocal tract to all pulses, each at its exact time."""
    times, _, amplitudes = (np.concatenate(part) for part in zip(*segments, strict=True))
    sound = np.zeros(n + sr)
    first = np.ceil(times * sr).astype(int)
    length = int(sr / contour.min()) + 1
    samples = first[:, None] + np.arange(length)
    # The opening glottis damps the resonances: a response ends before the next one begins, so that the periods of the
    # sound differ only as much as the pulses.
    share = (samples / sr - times[:, None]) * contour[np.minimum(first, n - 1)][:, None] / 0.94
    window = np.where(share < 1, np.cos(0.5 * np.pi * np.clip(2 * share - 1, 0, 1)) ** 2, 0.0)
    tracks = formants[np.minimum(first // round(_FILTER_STEP * sr), len(formants) - 1)]
    response = window * _response(samples / sr - times[:, None], tracks, tilt)
    response -= window * (response.sum(axis=1) / window.sum(axis=1))[:, None]
    response *= (amplitudes / np.sqrt(np.mean(response**2, axis=1)))[:, None]
    np.add.at(sound, samples, response)
    return sound[:n]


def _response(time, formants, tilt):
    """Return the response of glottis, vocal tract and lips at ``time`` (s), one row for each row of ``formants``.

    The sum over the poles of residue times exponential, exact at any time.
    """
    resonances = -np.pi * np.array(_BANDWIDTHS) + 2j * np.pi * formants
    glottis = np.broadcast_to(-2 * np.pi * np.array([80.0, tilt]), (len(formants), 2))
    poles = np.concatenate([glottis, resonances, resonances.conj()], axis=1) / 1e4
    gaps = poles[:, :, None] - poles[:, None, :] + np.eye(poles.shape[1])
    residues = poles / gaps.prod(axis=2)
    sound = np.zeros_like(time)
    for k in range(2 + len(_BANDWIDTHS)):
        part = np.exp(1e4 * poles[:, k, None] * time) * residues[:, k, None]
        sound += part.real if k < 2 else 2 * part.real
    return sound


def _vocal_tract(source, formants, sr):
    """Filter noise by the time-varying formants."""
    from scipy.signal import sosfilt

    sound, state = np.empty_like(source), np.zeros((formants.shape[1], 2))
    step = round(_FILTER_STEP * sr)
    for i, frequencies in enumerate(formants):
        block = slice(i * step, (i + 1) * step)
        sound[block], state = sosfilt(_resonators(frequencies, sr), source[block], zi=state)
    return sound


def _resonators(frequencies, sr):
    """Return one second-order section for each formant, with gain 1 at 0 Hz."""
    radius = np.exp(-np.pi * np.array(_BANDWIDTHS) / sr)
    # A formant that a short vocal tract moves above the Nyquist frequency stays below it.
    angle = 2 * np.pi * np.minimum(frequencies, 0.46 * sr) / sr
    sections = np.zeros((len(frequencies), 6))
    sections[:, 3] = 1.0
    sections[:, 4] = -2 * radius * np.cos(angle)
    sections[:, 5] = radius**2
    sections[:, 0] = sections[:, 3:].sum(axis=1)
    return sections


def _measure(segments):
    """Return F0, jitter, shimmer and the voiced time (s) of the pulses."""
    periods = np.concatenate([s[1] for s in segments])
    amplitudes = np.concatenate([s[2] for s in segments])
    mean = periods.size / periods.sum()
    variance = np.average((1 / periods - mean) ** 2, weights=periods)
    return {
        "f0_mean": float(mean),
        "f0_std": float(np.sqrt(variance)),
        "jitter": _local_change([s[1] for s in segments], 1.3) / float(periods.mean()),
        "shimmer": _local_change([s[2] for s in segments], 1.6) / float(amplitudes.mean()),
        "voiced_time": float(periods.sum()),
    }


def _local_change(runs, factor):
    """Return the mean absolute difference of neighbours; as in Praat, without ratios above ``factor``."""
    before, after = (np.concatenate(part) for part in zip(*((r[:-1], r[1:]) for r in runs), strict=True))
    counted = np.maximum(before, after) <= factor * np.minimum(before, after)
    return float(np.abs(after - before)[counted].mean()) if counted.any() else 0.0


def _root_mean_square(x):
    return np.sqrt(np.mean(np.square(x)))
