"""Compiled inner loops of ``savee_mm.signal.formants``: linear prediction."""

import numpy as np

from savee_mm.signal._jit import compiled


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
