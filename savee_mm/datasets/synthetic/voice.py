"""A source-filter voice whose F0, jitter, shimmer, level and rate are known exactly."""

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
# How each consonant is made: share of its syllable (at a common rate), voice level, noise level.
_CONSONANTS = {"m": (0.30, 0.35, 0.0), "b": (0.25, 0.0, 0.0), "s": (0.38, 0.0, 0.22), "l": (0.22, 0.6, 0.0)}
_NASAL = (250, 1000, 2200, 3300, 4500)
_VOICED = 0.3  # Level of the voice above which the vocal folds swing.
_FILTER_STEP = 0.005  # The vocal tract moves slowly: its filter is set anew every 5 ms.


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
    """Synthesise a voice: glottal pulses, placed exactly, through the resonances of a vocal tract.

    Parameters
    ----------
    syllables : sequence of str, default=("a",)
        Each a vowel (a, e, i, o, u), or a consonant (b, l, m, s) and a vowel. They share the time evenly.
    duration : float, default=1.0
        Length of the sound (s), of which ``edge`` at either end is silent.
    f0 : float, default=120.0
        Mean fundamental frequency (Hz) over the voiced time.
    f0_range : float, default=0.0
        Standard deviation of F0 over the sound (semitones); its melody comes from ``random_state``.
    f0_slope : float, default=0.0
        Rise of F0 from the first voice to the last (semitones); negative falls.
    jitter, shimmer : float, default=0.0
        Local perturbation, as a fraction: the mean absolute difference of neighbouring periods (amplitudes) over
        their mean, added to what the melody and the envelope bring.
    rms : float, default=0.05
        Root mean square of the whole sound; lowered where the peak would pass 0.98.
    tilt : float, default=800.0
        Corner frequency (Hz) of the glottal low-pass: higher is a brighter, more pressed voice.
    breathiness : float, default=0.0
        Root mean square of the breath noise over that of the pulses' sound.
    formant_scale : float, default=1.0
        Factor on the formants: above 1 for a shorter vocal tract.
    edge : float, default=0.05
        Silence (s) at each end.
    sr : int, default=22050
        Sampling rate (Hz).
    random_state : int, SeedSequence or Generator, default=0
        Source of chance.

    Returns
    -------
    y : ndarray of shape (n_samples,), float32
        The sound, between -1 and 1.
    truth : dict
        What was made, measured on the pulses themselves: ``f0_mean``, ``f0_std`` (Hz, over voiced time), ``jitter``,
        ``shimmer`` (Praat's *local*: fractions, with what melody and envelope add, over neighbouring pulses of one
        voiced stretch), ``rms``, ``duration`` (s), ``voiced_share`` of the duration, ``rate`` (syllables/s)
        and ``breathiness``.

    Raises
    ------
    ValueError
        Where a syllable is unknown, or a number out of its range.

    Notes
    -----
    Formant synthesis after D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67, 1980.
    The response to each pulse is computed from the poles of the filter, so that pulses lie between samples where
    they must, and is damped before the next one begins. The perturbations are scaled such that their mean
    absolute difference is exactly what was asked for.

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
    stretches = _place_pulses(contour, score.voice, jitter, shimmer, sr, rng)
    formants = score.formants * formant_scale
    sound = _sing(stretches, contour, formants, tilt, n, sr)
    sound /= _root_mean_square(sound)
    if breathiness > 0:
        breath = _vocal_tract(rng.standard_normal(n) * score.voice, formants, sr)
        sound += breathiness * breath / _root_mean_square(breath)
    sound += np.diff(rng.standard_normal(n + 1)) * score.noise
    gain = min(rms / _root_mean_square(sound), 0.98 / np.abs(sound).max())
    y = (gain * sound).astype(np.float32)
    truth = _measure(stretches)
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
    # Beyond these, neighbouring periods differ by more than Praat's factor of 1.3 and it ceases to count them.
    if not (0 <= jitter <= 0.08 and 0 <= shimmer <= 0.3):
        raise ValueError(f"Expected jitter of 0 to 0.08 and shimmer of 0 to 0.3, got {jitter} and {shimmer}.")
    if not 0 < rms < 0.5 or sr < 11000:
        raise ValueError(f"Expected rms in (0, 0.5) and sr of at least 11000 Hz, got {rms} and {sr}.")


class _Score:
    """What the mouth does at every sample: ``voice`` and ``noise`` levels; ``formants`` every 5 ms (Hz)."""

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
    """Return a moving average of ``length`` samples (a raised cosine), of the same length as ``x``."""
    window = np.hanning(length + 2)[1:-1]
    return np.convolve(x, window / window.sum(), mode="same")


def _f0_contour(score, f0, f0_range, f0_slope, rng):
    """Return F0 (Hz) at every sample, whose mean over voiced time is ``f0``."""
    position = np.clip((np.arange(score.n) - score.first) / (score.last - score.first), 0, 1)
    waves = rng.uniform(0, 2 * np.pi, 3)
    melody = sum(np.sin(2 * np.pi * (k + 0.7) * position + waves[k]) / (k + 1) for k in range(3))
    voiced = score.voice > _VOICED
    melody = (melody - melody[voiced].mean()) / max(melody[voiced].std(), 1e-9)
    contour = 2 ** ((f0_range * melody + f0_slope * (position - 0.5)) / 12)
    return f0 * contour / contour[voiced].mean()


def _place_pulses(contour, voice, jitter, shimmer, sr, rng):
    """Return, for every voiced stretch, the times (s), periods (s) and amplitudes of its glottal pulses.

    A stretch of n pulses has n periods: the last one has no pulse at its end.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], voice > _VOICED, [0]]).astype(int)))
    stretches = []
    for start, stop in edges.reshape(-1, 2):
        # The phase of an unperturbed voice, read at whole cycles, gives the instants of its pulses.
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
        stretches.append((times, periods, amplitudes))
    if not stretches:
        raise ValueError("No stretch of the sound holds four periods of voice: make it longer or f0 higher.")
    return stretches


def _perturbation(n, local, rng):
    """Return ``n`` deviations whose mean absolute difference between neighbours is ``local``."""
    # Uniform, not normal: no two neighbours can then differ by so much that Praat leaves them out.
    deviation = rng.uniform(-1, 1, n)
    deviation -= deviation.mean()
    spread = np.abs(np.diff(deviation)).mean() if n > 1 else 0.0
    return deviation * (local / spread) if spread > 0 else np.zeros(n)


def _sing(stretches, contour, formants, tilt, n, sr):
    """Return the sum of the vocal tract's responses to all pulses, each begun exactly where its pulse lies."""
    times, _, amplitudes = (np.concatenate(part) for part in zip(*stretches, strict=True))
    sound = np.zeros(n + sr)
    first = np.ceil(times * sr).astype(int)
    length = int(sr / contour.min()) + 1
    samples = first[:, None] + np.arange(length)
    # Opening, the glottis damps what rings: a response has died when the next one begins, so that the sound's
    # periods are as alike as its pulses.
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

    The sum over the poles of residue times exponential: exact at any time between samples.
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
    """Filter noise by the formants' moving resonators."""
    from scipy.signal import sosfilt

    sound, state = np.empty_like(source), np.zeros((formants.shape[1], 2))
    step = round(_FILTER_STEP * sr)
    for i, frequencies in enumerate(formants):
        block = slice(i * step, (i + 1) * step)
        sound[block], state = sosfilt(_resonators(frequencies, sr), source[block], zi=state)
    return sound


def _resonators(frequencies, sr):
    """Return one second-order section for each formant, of gain 1 at 0 Hz."""
    radius = np.exp(-np.pi * np.array(_BANDWIDTHS) / sr)
    # A formant that a short vocal tract moves beyond the band is held under it.
    angle = 2 * np.pi * np.minimum(frequencies, 0.46 * sr) / sr
    sections = np.zeros((len(frequencies), 6))
    sections[:, 3] = 1.0
    sections[:, 4] = -2 * radius * np.cos(angle)
    sections[:, 5] = radius**2
    sections[:, 0] = sections[:, 3:].sum(axis=1)
    return sections


def _measure(stretches):
    """Return the truth that lies in the pulses: F0, jitter, shimmer and the voiced time (s)."""
    periods = np.concatenate([s[1] for s in stretches])
    amplitudes = np.concatenate([s[2] for s in stretches])
    mean = periods.size / periods.sum()
    variance = np.average((1 / periods - mean) ** 2, weights=periods)
    return {
        "f0_mean": float(mean),
        "f0_std": float(np.sqrt(variance)),
        "jitter": _local_change([s[1] for s in stretches], 1.3) / float(periods.mean()),
        "shimmer": _local_change([s[2] for s in stretches], 1.6) / float(amplitudes.mean()),
        "voiced_time": float(periods.sum()),
    }


def _local_change(runs, factor):
    """Return the mean absolute difference of neighbours, leaving out, as Praat does, those over ``factor`` apart."""
    before, after = (np.concatenate(part) for part in zip(*((r[:-1], r[1:]) for r in runs), strict=True))
    counted = np.maximum(before, after) <= factor * np.minimum(before, after)
    return float(np.abs(after - before)[counted].mean()) if counted.any() else 0.0


def _root_mean_square(x):
    return np.sqrt(np.mean(np.square(x)))
