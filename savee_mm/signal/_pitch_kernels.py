"""Compiled inner loops of ``savee_mm.signal.f0``: frames, maxima of the autocorrelation, best path."""

import math

import numpy as np

from savee_mm._jit import compiled, inlined

# Frames of less energy (a loud frame has some hundreds) would lose precision in float32.
FAINTEST = 1e-25


@inlined
def _peak(piece, mean, window):
    """Return the largest absolute value of ``(piece - mean) * window``; unrolled by hand, which numba does not do."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    i = 0
    while i + 4 <= len(piece):
        a = max(a, abs(piece[i] - mean) * window[i])
        b = max(b, abs(piece[i + 1] - mean) * window[i + 1])
        c = max(c, abs(piece[i + 2] - mean) * window[i + 2])
        d = max(d, abs(piece[i + 3] - mean) * window[i + 3])
        i += 4
    while i < len(piece):
        a = max(a, abs(piece[i] - mean) * window[i])
        i += 1
    return max(max(a, b), max(c, d))


@compiled
def measure_frames(y, rights, window, half_mean, half_peak, means, peaks):
    """Fill ``means`` and ``peaks`` of the frames whose right halves begin at samples ``rights``.

    The mean is that of ``half_mean`` samples on either side, the peak that of ``half_peak`` samples on either side,
    without the mean and after the window.
    """
    half = len(window) // 2
    half_peak = min(half, half_peak)
    for t in range(len(rights)):
        right = rights[t]
        low, high = max(0, right - half_mean), min(len(y), right + half_mean)
        total = 0.0
        for i in range(low, high):
            total += y[i]
        mean = total / (high - low)
        means[t] = mean
        middle = window[half - half_peak : half + half_peak]
        peaks[t] = _peak(y[right - half_peak : right + half_peak], mean, middle)


@compiled
def cut_frames(y, rights, means, scale, window, frames):
    """Fill the beginning of each of ``frames`` with its samples of ``y`` minus their mean, times scale and window."""
    half = len(window) // 2
    for t in range(len(rights)):
        start = rights[t] - half
        mean = means[t]
        for j in range(2 * half):
            frames[t, j] = (y[start + j] - mean) * scale * window[j]


@compiled
def power(spectra, powers):
    """Fill ``powers`` with the squared magnitudes of ``spectra``, whose rows are pairs of real and imaginary parts."""
    for t in range(spectra.shape[0]):
        for k in range(powers.shape[1]):
            real, imag = spectra[t, 2 * k], spectra[t, 2 * k + 1]
            powers[t, k] = real * real + imag * imag


@inlined
def _refine(r, middle, lag, offset, tables):
    """Find the maximum of the band-limited function ``r`` near sample ``middle + offset`` by Newton's method.

    Value, slope and curvature are sinc sums on a grid of fractions of a sample. One or two steps suffice: the error
    is of third order in the distance of the grid.
    """
    n_fractions = tables.shape[0] - 1
    depth = tables.shape[2] // 2
    position = middle + offset
    value = r[lag + middle]
    for _ in range(4):
        whole = math.floor(position)
        fraction = round((position - whole) * n_fractions)
        first = lag + whole - depth + 1
        value, slope, curvature = 0.0, 0.0, 0.0
        for k in range(2 * depth):
            sample = r[first + k]
            value += sample * tables[fraction, 0, k]
            slope += sample * tables[fraction, 1, k]
            curvature += sample * tables[fraction, 2, k]
        grid = whole + fraction / n_fractions
        if curvature >= 0.0:
            return position, value
        step = -slope / curvature
        position = min(max(grid + step, middle - 0.99), middle + 0.99)
        step = position - grid
        value += slope * step + 0.5 * curvature * step * step
        if abs(step) * n_fractions < 1.0:
            break
    return position, value


@inlined
def _weakest(strengths, freqs, n, octave_cost):
    """Return the index of the weakest voiced candidate, and its strength including the octave cost."""
    weakest, least = -1, 2.0
    for c in range(1, n):
        strength = strengths[c] + octave_cost * math.log2(freqs[c])
        if strength < least or weakest < 0:
            weakest, least = c, strength
    return weakest, least


@compiled
def find_candidates(ac, rows, gains, tables, sr, max_lag, threshold, octave_cost, freqs, strengths, counts):
    """Fill ``rows`` of ``freqs, strengths, counts`` with the maxima of each row of the autocorrelation ``ac``.

    Candidate 0, the unvoiced one, and rows without energy are not changed. If there are too many maxima, the weakest
    are dropped.
    """
    depth = tables.shape[2] // 2
    n_lags = len(gains)
    r = np.zeros(n_lags + 2 * depth, np.float32)
    for b in range(len(rows)):
        t = rows[b]
        row = ac[b]
        if row[0] <= FAINTEST:
            continue
        scale = 1.0 / row[0]
        for k in range(n_lags):
            r[depth + k] = row[k] * scale * gains[k]
        for k in range(1, depth + 1):
            r[depth - k] = r[depth + min(k, n_lags - 1)]
        n = 1
        for i in range(2, max_lag):
            left, here, right = r[depth + i - 1], r[depth + i], r[depth + i + 1]
            if not (here > threshold and here > left and here >= right):
                continue
            offset = 0.5 * (right - left) / (2.0 * here - left - right)
            lag, strength = _refine(r, i, depth, offset, tables)
            if strength > 1.0:
                strength = 1.0 / strength
            slot = n
            if n == freqs.shape[1]:
                slot, least = _weakest(strengths[t], freqs[t], n, octave_cost)
                if strength + octave_cost * math.log2(sr / lag) <= least:
                    continue
            else:
                n += 1
            freqs[t, slot] = sr / lag
            strengths[t, slot] = strength
        counts[t] = n


@inlined
def _best_origin(is_voiced, octave, scores, voiced, octaves, n, jump_cost, voicing_cost):
    """Return the best predecessor among ``n`` candidates of the previous frame, and its score."""
    best, origin = 0.0, -1
    for b in range(n):
        score = scores[b]
        if is_voiced != voiced[b]:
            score -= voicing_cost
        elif is_voiced:
            score -= jump_cost * abs(octave - octaves[b])
        if origin < 0 or score > best:
            best, origin = score, b
    return origin, best


@compiled
def best_path(freqs, strengths, counts, fmax, octave_cost, jump_cost, voicing_cost, f0, winners):
    """Fill ``f0`` with the candidates on the path of the highest strengths minus costs (Viterbi), 0 if unvoiced.

    ``winners`` receives the strengths of these candidates without costs, 0 if unvoiced.
    """
    n_frames, n_candidates = freqs.shape
    origins = np.zeros((n_frames, n_candidates), np.int64)
    octaves = np.zeros((2, n_candidates))
    scores = np.zeros((2, n_candidates))
    voiced = np.zeros((2, n_candidates), np.bool_)
    n_before = 0
    for t in range(n_frames):
        now, before = t % 2, (t + 1) % 2
        for c in range(counts[t]):
            voiced[now, c] = 0.0 < freqs[t, c] <= fmax
            own = strengths[t, 0]
            if voiced[now, c]:
                octaves[now, c] = math.log2(freqs[t, c] / fmax)
                own = strengths[t, c] + octave_cost * octaves[now, c]
            origins[t, c], best = _best_origin(
                voiced[now, c],
                octaves[now, c],
                scores[before],
                voiced[before],
                octaves[before],
                n_before,
                jump_cost,
                voicing_cost,
            )
            scores[now, c] = best + own
        n_before = counts[t]
    c = np.argmax(scores[(n_frames - 1) % 2, :n_before])
    for t in range(n_frames - 1, -1, -1):
        if 0.0 < freqs[t, c] <= fmax:
            f0[t], winners[t] = freqs[t, c], strengths[t, c]
        else:
            f0[t], winners[t] = 0.0, 0.0
        c = origins[t, c]
