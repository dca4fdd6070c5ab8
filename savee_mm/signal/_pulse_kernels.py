"""Compiled inner loops of ``savee_mm.signal.pulses``: pitch marks by correlation, and amplitudes."""

import math

import numpy as np

from savee_mm._jit import compiled, inlined

# A mark is kept above this correlation with the period around its neighbour, and above this peak (relative to the
# largest sample). One mark may be outside the voiced segment; its limits are higher.
INNER = (0.3, 0.01)
OUTER = (0.7, 0.023333)
# Range of the search for the next mark (parts of the expected period).
SHORTEST, LONGEST = 0.8, 1.25


@inlined
def _value_at(f0, first, step, time):
    """Interpolate ``f0`` (Hz) linearly between voiced frames; 0 where the nearest frame is unvoiced."""
    place = (time - first) / step
    near = math.floor(place + 0.5)
    if near < 0 or near >= len(f0) or f0[near] == 0.0:
        return 0.0
    far = near + 1 if place > near else near - 1
    if far < 0 or far >= len(f0) or f0[far] == 0.0:
        return f0[near]
    return f0[near] + abs(place - near) * (f0[far] - f0[near])


@inlined
def _extremum(y, sr, start, stop):
    """Return the time (s) of the largest absolute value from ``start`` to ``stop`` (s).

    Interpolated by a parabola except at the ends. Of equal values the first one is taken, maxima before minima.
    """
    low = max(0, math.floor(start * sr - 0.5))
    high = min(len(y) - 1, math.ceil(stop * sr - 0.5))
    best = bottom = low
    for i in range(low, high + 1):
        if y[i] > y[best]:
            best = i
        if y[i] < y[bottom]:
            bottom = i
    if abs(y[bottom]) > abs(y[best]):
        best = bottom
    place = float(best)
    if low < best < high:
        bend = 2.0 * y[best] - y[best - 1] - y[best + 1]
        if bend != 0.0:
            place += 0.5 * (y[best + 1] - y[best - 1]) / bend
    return (place + 0.5) / sr


@inlined
def _products(y, left, length, lowest, products):
    """Fill ``products`` with inner products of one segment and those at ``lowest, ...``, all within the sound."""
    n = len(products)
    piece = y[left : left + length]
    m = 0
    # Unrolled by four: each sample of the segment is loaded once for four products.
    while m + 4 <= n:
        others = y[lowest + m : lowest + m + length + 3]
        p0, p1, p2, p3 = 0.0, 0.0, 0.0, 0.0
        for i in range(length):
            p0 += piece[i] * others[i]
            p1 += piece[i] * others[i + 1]
            p2 += piece[i] * others[i + 2]
            p3 += piece[i] * others[i + 3]
        products[m], products[m + 1], products[m + 2], products[m + 3] = p0, p1, p2, p3
        m += 4
    while m < n:
        p0 = 0.0
        for i in range(length):
            p0 += piece[i] * y[lowest + m + i]
        products[m] = p0
        m += 1


@inlined
def _correlate(y, energy, left, length, lowest, products):
    """Fill ``products`` with correlations of ``y[left : left + length]`` and the segments at ``lowest, ...``.

    ``energy[i]`` is the energy of all samples before ``i``. Samples outside the sound are ignored.
    """
    n = len(products)
    inside = min(left, lowest) >= 0 and max(left, lowest + n) + length <= len(y)
    if inside:
        _products(y, left, length, lowest, products)
    for m in range(n):
        other = lowest + m
        low = max(0, -left, -other)
        high = min(length, len(y) - left, len(y) - other)
        if not inside:
            product = 0.0
            for i in range(low, high):
                product += y[left + i] * y[other + i]
            products[m] = product
        norm = 0.0
        if high > low:
            norm = (energy[left + high] - energy[left + low]) * (energy[other + high] - energy[other + low])
        products[m] = products[m] / math.sqrt(norm) if norm > 0.0 else 0.0


@inlined
def _next_mark(y, energy, sr, time, period, start, stop, products):
    """Return the mark from ``start`` to ``stop`` (s) whose period correlates best with that around ``time``.

    Returns its time (s), the correlation (-1 if it has no maximum there) and the largest sample of its period.
    """
    half = 0.5 * period
    left = math.floor((time - half) * sr)
    right = math.floor((time + half) * sr)
    length = right - left + 1
    # As in Praat, two zeros precede the first correlation, so that it can be a maximum.
    lowest = math.floor((start - half) * sr - 0.5) - 2
    highest = math.ceil((stop - half) * sr - 0.5)
    products = products[: highest - lowest + 1]
    products[:2] = 0.0
    _correlate(y, energy, left, length, lowest + 2, products[2:])
    best, most = -1, -1.0
    for m in range(1, len(products) - 1):
        r = products[m]
        if r > most and r >= products[m - 1] and r >= products[m + 1]:
            best, most = m, r
    if best < 0:
        return time, -1.0, 0.0
    other = lowest + best
    peak = 0.0
    for i in range(max(0, other), min(len(y), other + length)):
        peak = max(peak, abs(y[i]))
    shift = float(other - left)
    bend = 2.0 * most - products[best - 1] - products[best + 1]
    if bend != 0.0:
        slope = 0.5 * (products[best + 1] - products[best - 1])
        shift += slope / bend
        most += 0.5 * slope * slope / bend
    return time + shift / sr, most, peak


@inlined
def _is_mark(correlation, peak, loudest, limits):
    return correlation > limits[0] and (peak > limits[1] * loudest)


@inlined
def _walk(y, energy, sr, f0, first, step, origin, edge, direction, latest, loudest, products, marks, n):
    """Add marks from ``origin`` to ``edge`` (s), leftwards (-1) or rightwards (1); return the number of marks."""
    time = origin
    while n < len(marks):
        freq = _value_at(f0, first, step, time)
        if freq == 0.0:
            break
        period = 1.0 / freq
        near, far = time + direction * SHORTEST * period, time + direction * LONGEST * period
        new, correlation, peak = _next_mark(y, energy, sr, time, period, min(near, far), max(near, far), products)
        # Without a correlation maximum the period is skipped. So is a new mark less than half a period away (periods of
        # few samples), so that the walk always ends.
        time = new if direction * (new - time) > 0.5 * period else time + direction * period
        is_free = direction > 0 or latest < 0.0 or time - latest > SHORTEST * period
        if direction * (time - edge) > 0.0:
            if 0.0 <= time * sr <= len(y) and is_free and _is_mark(correlation, peak, loudest, OUTER):
                marks[n] = time
                n += 1
            break
        if is_free and _is_mark(correlation, peak, loudest, INNER):
            marks[n] = time
            n += 1
    return n


@compiled
def find_marks(y, sr, f0, first, step, marks):
    """Fill ``marks`` (s, not sorted) for every voiced segment of ``f0``; return their number."""
    loudest = 0.0
    energy = np.zeros(len(y) + 1)
    for i in range(len(y)):
        loudest = max(loudest, abs(y[i]))
        energy[i + 1] = energy[i] + y[i] * y[i]
    longest = 0.0
    for t in range(len(f0)):
        if f0[t] > 0.0:
            longest = max(longest, 1.0 / f0[t])
    products = np.empty(math.ceil((LONGEST - SHORTEST) * longest * sr) + 6)
    n, t, latest = 0, 0, -1.0
    while t < len(f0) and n < len(marks):
        if f0[t] == 0.0:
            t += 1
            continue
        begin = t
        while t < len(f0) and f0[t] > 0.0:
            t += 1
        left = max(0.0, first + (begin - 0.5) * step)
        right = min(len(y) / sr, first + (t - 0.5) * step)
        middle = 0.5 * (left + right)
        half = 0.5 / _value_at(f0, first, step, middle)
        origin = _extremum(y, sr, middle - half, middle + half)
        marks[n] = origin
        n = _walk(y, energy, sr, f0, first, step, origin, left, -1, latest, loudest, products, marks, n + 1)
        before = n
        n = _walk(y, energy, sr, f0, first, step, origin, right, 1, latest, loudest, products, marks, n)
        if n > before:
            latest = marks[n - 1]
    return n


@compiled
def measure_amplitudes(y, sr, marks, shortest, longest, max_ratio, amplitudes):
    """Fill ``amplitudes`` of all marks except the first and last: Hann-windowed RMS over a fifth of either period.

    0 where an adjacent period is outside its limits (s), or the ratio of both is above ``max_ratio``.
    """
    for k in range(1, len(marks) - 1):
        before, after = marks[k] - marks[k - 1], marks[k + 1] - marks[k]
        amplitudes[k] = 0.0
        if (
            min(before, after) < shortest
            or max(before, after) > longest
            or max(before, after) > max_ratio * min(before, after)
        ):
            continue
        left, right = 0.2 * before, 0.2 * after
        low = max(0, math.ceil((marks[k] - left) * sr - 0.5))
        high = min(len(y) - 1, math.floor((marks[k] + right) * sr - 0.5))
        total, weight = 0.0, 0.0
        for i in range(low, high + 1):
            distance = (i + 0.5) / sr - marks[k]
            window = 0.5 + 0.5 * math.cos(math.pi * distance / (left if distance < 0.0 else right))
            total += (window * y[i]) ** 2
            weight += window * window
        if weight > 0.0:
            amplitudes[k] = math.sqrt(total / weight)
