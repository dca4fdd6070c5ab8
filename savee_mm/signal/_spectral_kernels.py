"""Compiled loops over one block of frames; imported when the first descriptor is computed.

Arrays are C-contiguous and, except for the transform, in single precision. Results are written into an array of the
caller, one row per frame. Sums may be reordered, which permits vector instructions; inputs are finite. Loops run over
indices because loops over elements are not vectorised.
"""

import math

import numpy as np

from savee_mm._jit import compiled, inlined

# Smaller samples count as zero for zero crossings: librosa's threshold.
_NO_SIGN = np.float32(1e-10)
# The product of this many mantissas, each below 2, does not overflow a float32.
_LANES = 16
_MAX_MANTISSAS = 64 * _LANES
# Bits of a float32: the exponent is above the mantissa; with the exponent of 1, a mantissa is in [1, 2).
_MANTISSA_BITS = 23
_MANTISSA = np.int32(0x7FFFFF)
_EXPONENT_OF_ONE = np.int32(0x3F800000)
_EXPONENT_BIAS = 127
# The largest int32: above the bits of every finite number.
_TOP = np.int32(0x7FFFFFFF)
# Values per step of a vectorised and unrolled loop.
_STRIDE = 32


@inlined
def _segment_sums(samples, first, last, length, stride, out):
    """Compute for each segment: squares, peak, crossings, the crossing into its first sample, Teager energy.

    ``samples[first:last]`` is sound, the rest padding; segment ``j`` begins at ``1 + j * stride``. Crossings and
    Teager energies that would involve padding are not counted.
    """
    bits = samples.view(np.int32)
    # One number, viewed as float and as bits.
    cell = np.empty(1, np.float32)
    cell_bits = cell.view(np.int32)
    for j in range(out.shape[0]):
        begin = 1 + j * stride
        end = begin + length
        segment = samples[begin:end]
        squares = np.float32(0)
        for i in range(segment.size):
            squares += segment[i] * segment[i]
        # The bits of non-negative floats, read as integers, have the order of the floats.
        segment_bits = bits[begin:end]
        peak = np.int32(0)
        for i in range(segment.size):
            peak = max(peak, segment_bits[i] & _TOP)
        start = max(begin, first + 1)
        now = samples[start : max(start, min(end, last))]
        before = samples[start - 1 : start - 1 + now.size]
        crossings = np.int32(0)
        for i in range(now.size):
            crossings += np.int32((now[i] < -_NO_SIGN) != (before[i] < -_NO_SIGN))
        after = samples[start + 1 : max(start + 1, min(end + 1, last))]
        teager = 0.0
        # In double precision: at low frequencies the two products nearly cancel.
        for i in range(after.size):
            teager += np.float64(now[i]) * np.float64(now[i]) - np.float64(before[i]) * np.float64(after[i])
        out[j, 0] = squares
        cell_bits[0] = peak
        out[j, 1] = cell[0]
        out[j, 2] = crossings
        out[j, 3] = 0
        if now.size and start == begin:
            out[j, 3] = (now[0] < -_NO_SIGN) != (before[0] < -_NO_SIGN)
        out[j, 4] = teager


@compiled
def temporal(samples, first, last, length, stride, n_segments, step, out):
    """Mean square, peak, crossing rate and mean Teager energy of frames of ``n_segments`` segments each."""
    sums = np.empty(((out.shape[0] - 1) * step + n_segments, 5))
    _segment_sums(samples, first, last, length, stride, sums)
    frame_length = n_segments * length
    for t in range(out.shape[0]):
        begin = t * step
        squares = 0.0
        peak = 0.0
        # The crossing into the first sample is not within the frame.
        crossings = -sums[begin, 3]
        teager = 0.0
        for j in range(begin, begin + n_segments):
            squares += sums[j, 0]
            peak = max(peak, sums[j, 1])
            crossings += sums[j, 2]
            teager += sums[j, 4]
        out[t, 0] = squares / frame_length
        out[t, 1] = peak
        out[t, 2] = crossings / frame_length
        out[t, 3] = teager / frame_length


@compiled
def window_frames(samples, hop_length, window, out):
    """Extract and window frames, in the precision of the window; frame ``t`` begins at ``1 + t * hop_length``."""
    for t in range(out.shape[0]):
        begin = 1 + t * hop_length
        frame = samples[begin : begin + window.size]
        for i in range(window.size):
            out[t, i] = frame[i] * window[i]


@compiled
def magnitude_and_power(spectrum, magnitude, power):
    """Compute magnitude and power of complex numbers, given as pairs of real numbers."""
    for t in range(power.shape[0]):
        for k in range(power.shape[1]):
            real = spectrum[t, 2 * k]
            imaginary = spectrum[t, 2 * k + 1]
            power[t, k] = real * real + imaginary * imaginary
        for k in range(power.shape[1]):
            magnitude[t, k] = math.sqrt(power[t, k])


@inlined
def _moments(row):
    """Mean and standard deviation of the position in a row of weights (bins); 0 and 0 where all are zero."""
    total = np.float32(0)
    moment = np.float32(0)
    for k in range(row.size):
        total += row[k]
        moment += row[k] * np.float32(np.int32(k))
    if total == 0:
        return 0.0, 0.0
    mean = moment / total
    spread = np.float32(0)
    for k in range(row.size):
        distance = np.float32(np.int32(k)) - mean
        spread += row[k] * distance * distance
    return mean, math.sqrt(spread / total)


@inlined
def _sum_log2(values, mantissas):
    """Sum of binary logarithms of positive numbers: sum of exponents plus logarithms of products of mantissas."""
    bits = values.view(np.int32)
    mantissa_bits = mantissas.view(np.int32)
    exponents = np.int32(0)
    for k in range(bits.size):
        exponents += bits[k] >> _MANTISSA_BITS
        mantissa_bits[k] = (bits[k] & _MANTISSA) | _EXPONENT_OF_ONE
    logs = 0.0
    products = np.empty(_LANES, dtype=np.float32)
    for begin in range(0, values.size, _MAX_MANTISSAS):
        part = mantissas[begin : min(begin + _MAX_MANTISSAS, values.size)]
        whole = part.size // _LANES * _LANES
        products[:] = 1
        for k in range(0, whole, _LANES):
            for lane in range(_LANES):
                products[lane] *= part[k + lane]
        for k in range(whole, part.size):
            products[k - whole] *= part[k]
        for product in products:
            logs += math.log2(product)
    return logs + exponents - _EXPONENT_BIAS * values.size


@inlined
def _flatness(power, floor, values, mantissas):
    """Geometric over arithmetic mean of ``max(power, floor)``."""
    total = np.float32(0)
    for k in range(power.size):
        value = max(power[k], floor)
        values[k] = value
        total += value
    mean_log2 = _sum_log2(values, mantissas) / power.size
    return min(1.0, 2.0**mean_log2 * power.size / total)


@inlined
def _root_mean_square_difference(now, before):
    squares = np.float32(0)
    for k in range(now.size):
        difference = now[k] - before[k]
        squares += difference * difference
    return math.sqrt(squares / now.size)


@inlined
def _sum(row):
    total = np.float32(0)
    for k in range(row.size):
        total += row[k]
    return total


@compiled
def shape(magnitude, power, bin_width, split, floor, out):
    """Centroid, bandwidth, flatness, flux, power below bin ``split`` and from it on.

    ``magnitude`` has one row more, for the frame before the first.
    """
    values = np.empty(power.shape[1], np.float32)
    mantissas = np.empty(power.shape[1], np.float32)
    for t in range(out.shape[0]):
        mean, deviation = _moments(magnitude[t + 1])
        out[t, 0] = mean * bin_width
        out[t, 1] = deviation * bin_width
        out[t, 2] = _flatness(power[t], floor, values, mantissas)
        out[t, 3] = _root_mean_square_difference(magnitude[t + 1], magnitude[t])
        out[t, 4] = _sum(power[t, :split])
        out[t, 5] = _sum(power[t, split:])


@compiled
def weighted_bands(power, begins, sizes, weights, out):
    """Sum bins into bands: ``sizes[b]`` bins from ``begins[b]`` on; ``weights`` are those of all bands in a row."""
    for t in range(power.shape[0]):
        row = power[t]
        offset = 0
        for b in range(begins.size):
            bins = row[begins[b] : begins[b] + sizes[b]]
            factors = weights[offset : offset + sizes[b]]
            total = np.float32(0)
            for k in range(bins.size):
                total += bins[k] * factors[k]
            out[t, b] = total
            offset += sizes[b]


@compiled
def band_power(power, begin, end, out):
    """Sum of a range of bins."""
    for t in range(out.size):
        out[t] = _sum(power[t, begin:end])


@compiled
def band_peak(power, begin, end, out):
    """Largest value in a range of bins; 0 if the range is empty."""
    for t in range(out.size):
        band = power[t, begin:end]
        largest = np.float32(0)
        for k in range(band.size):
            largest = max(largest, band[k])
        out[t] = largest


@inlined
def _count_up_to(bits, limit):
    count = np.int32(0)
    for i in range(bits.size):
        count += np.int32(bits[i] <= limit)
    return count


@inlined
def _limit(bits, n_values, k, below, top):
    """Find a limit with ``k`` values up to it, by bisection; return it and the number of values up to it.

    ``below`` is smaller than all values, ``top`` the largest. Where ties permit no such limit, it is the k-th smallest
    value, and more than ``k`` values are up to it. The bits of non-negative floats, read as integers, have the order
    of the floats. Counting is vectorised, so that a few counts are faster than a sort.
    """
    count_top = n_values
    while top - below > 1:
        limit = np.int32(below + (top - below) // 2)
        count = _count_up_to(bits, limit)
        if count == k:
            return limit, count
        if count < k:
            below = limit
        else:
            top = limit
            count_top = count
    return np.int32(top), count_top


@inlined
def _sum_up_to(values, bits, limit):
    total = np.float32(0)
    for i in range(values.size):
        total += values[i] if bits[i] <= limit else np.float32(0)
    return total


@inlined
def _sum_above(values, bits, limit):
    total = np.float32(0)
    for i in range(values.size):
        total += values[i] if bits[i] > limit else np.float32(0)
    return total


@inlined
def _sum_of_lowest(values, bits, n_values, k, lowest, highest, cell, cell_bits):
    limit, count = _limit(bits, n_values, k, lowest - 1, highest)
    cell_bits[0] = limit
    return _sum_up_to(values, bits, limit) - (count - k) * cell[0]


@inlined
def _sum_of_highest(values, bits, n_values, k, lowest, highest, cell, cell_bits):
    limit, count = _limit(bits, n_values, n_values - k, lowest - 1, highest)
    cell_bits[0] = limit
    return _sum_above(values, bits, limit) + (k - n_values + count) * cell[0]


@compiled
def valleys_and_peaks(magnitude, begins, ends, counts, out):
    """Means of the ``counts[b]`` smallest, then of the largest magnitudes of each band; 0 in an empty band."""
    n_bands = begins.size
    all_bits = magnitude.view(np.int32)
    out_bits = out.view(np.int32)
    # One number, viewed as float and as bits.
    cell = np.empty(1, np.float32)
    cell_bits = cell.view(np.int32)
    # Padded to whole strides (zeros whose bits are above every limit): remainders would not be vectorised.
    padded_values = np.empty(magnitude.shape[1] + _STRIDE, np.float32)
    padded_bits = np.empty(magnitude.shape[1] + _STRIDE, np.int32)
    for b in range(n_bands):
        k = counts[b]
        n_values = ends[b] - begins[b]
        padded = (n_values + _STRIDE - 1) // _STRIDE * _STRIDE
        values = padded_values[:padded]
        bits = padded_bits[:padded]
        values[n_values:] = 0
        bits[n_values:] = _TOP
        for t in range(out.shape[0]):
            band_bits = all_bits[t, begins[b] : ends[b]]
            lowest = _TOP if n_values else np.int32(0)
            highest = np.int32(0)
            for i in range(n_values):
                lowest = min(lowest, band_bits[i])
                highest = max(highest, band_bits[i])
            if k == 1:
                out_bits[t, b] = lowest
                out_bits[t, n_bands + b] = highest
                continue
            values[:n_values] = magnitude[t, begins[b] : ends[b]]
            bits[:n_values] = band_bits
            out[t, b] = _sum_of_lowest(values, bits, n_values, k, lowest, highest, cell, cell_bits) / k
            out[t, n_bands + b] = _sum_of_highest(values, bits, n_values, k, lowest, highest, cell, cell_bits) / k


@compiled
def slopes(rows, half_width, out):
    """Slope of the least-squares line through ``2 * half_width + 1`` columns around each column.

    The first and last ``half_width`` columns get the slope of the nearest whole window.
    """
    n_columns = rows.shape[1]
    scale = np.float32(3.0 / (half_width * (half_width + 1.0) * (2.0 * half_width + 1.0)))
    for r in range(rows.shape[0]):
        inner = out[r, half_width : n_columns - half_width]
        inner[:] = 0
        for i in range(1, half_width + 1):
            weight = scale * np.float32(i)
            after = rows[r, half_width + i : n_columns - half_width + i]
            before = rows[r, half_width - i : n_columns - half_width - i]
            for t in range(inner.size):
                inner[t] += weight * (after[t] - before[t])
        out[r, :half_width] = out[r, half_width]
        out[r, n_columns - half_width :] = out[r, n_columns - half_width - 1]
