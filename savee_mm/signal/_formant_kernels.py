"""Compiled inner loops of ``savee_mm.signal.formants``: linear prediction, poles, interpolation."""

import math

import numpy as np

from savee_mm._jit import compiled, inlined

# The search for poles stops when no pole moves further, or after so many steps.
TOLERANCE, MAX_ITERATIONS = 1e-12, 50


@compiled
def burg(frames, predictors):
    """Fill ``predictors`` with the coefficients ``a`` of ``y[n] ~ sum(a[i] y[n - 1 - i])`` of each frame.

    By Burg's method; 0 in silence.
    """
    n_frames, n = frames.shape
    order = predictors.shape[1]
    forward, backward, before = np.empty(n - 1), np.empty(n - 1), np.empty(order)
    for t in range(n_frames):
        a = predictors[t]
        a[:] = 0.0
        product, energy = 0.0, 0.0
        for k in range(n - 1):
            forward[k], backward[k] = frames[t, k + 1], frames[t, k]
            product += forward[k] * backward[k]
            energy += forward[k] * forward[k] + backward[k] * backward[k]
        for m in range(order):
            if energy <= 0.0:
                break
            reflection = 2.0 * product / energy
            before[:m] = a[:m]
            for i in range(m):
                a[i] = before[i] - reflection * before[m - 1 - i]
            a[m] = reflection
            product, energy = 0.0, 0.0
            for k in range(n - 2 - m):
                ahead = forward[k + 1] - reflection * backward[k + 1]
                behind = backward[k] - reflection * forward[k]
                forward[k], backward[k] = ahead, behind
                product += ahead * behind
                energy += ahead * ahead + behind * behind


@compiled
def interpolate(y, begins, step, weights, out):
    """Fill ``out[m * n_phases + j]`` with ``weights[j]`` times the samples from ``begins[j] + m * step`` on, summed."""
    n_phases, n_weights = weights.shape
    for i in range(len(out)):
        j = i % n_phases
        samples = y[begins[j] + i // n_phases * step :][:n_weights]
        total = 0.0
        for k in range(n_weights):
            total += weights[j, k] * samples[k]
        out[i] = total


@inlined
def _inverse(z):
    """Return ``1 / z``, but no number above 5e49."""
    scale = 1.0 / (z.real * z.real + z.imag * z.imag + 1e-100)
    return complex(z.real * scale, -z.imag * scale)


@compiled
def find_poles(predictors, poles, is_found):
    """Fill ``poles`` with the roots of ``z**n - a[0] z**(n-1) - ...`` of each predictor, by Aberth's method.

    ``is_found`` is False where the roots have not converged, as multiple roots may not.
    """
    n = predictors.shape[1]
    z = np.empty(n, np.complex128)
    for t in range(len(predictors)):
        a = predictors[t]
        # Not symmetrical about the real axis, where pairs of starting points would stay conjugate.
        for i in range(n):
            angle = 2.0 * math.pi * (i + 0.35) / n
            z[i] = complex(0.9 * math.cos(angle), 0.9 * math.sin(angle))
        is_found[t] = False
        for _ in range(MAX_ITERATIONS):
            largest = 0.0
            for i in range(n):
                value, slope, others = complex(1.0, 0.0), complex(0.0, 0.0), complex(0.0, 0.0)
                for k in range(n):
                    slope = slope * z[i] + value
                    value = value * z[i] - a[k]
                for j in range(n):
                    if j != i:
                        others += _inverse(z[i] - z[j])
                step = value * _inverse(slope - value * others)
                size = step.real * step.real + step.imag * step.imag
                # Poles are within the unit circle: longer steps only lead away.
                factor = 1.0 / math.sqrt(max(size, 1.0))
                z[i] -= complex(step.real * factor, step.imag * factor)
                largest = max(largest, size)
            if largest < TOLERANCE**2:
                is_found[t] = True
                break
        poles[t] = z
