"""Teager energy: the law of the sinusoid, what it is blind to, and its edges."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from savee_mm.signal import teager_energy


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("amplitude", "omega"), [(1.0, 0.5), (0.3, 0.01), (1e-3, 2.5)])
def test_sinusoid_has_its_energy_at_every_sample(amplitude, omega, dtype):
    y = (amplitude * np.sin(omega * np.arange(3000) + 0.7)).astype(dtype)
    psi = teager_energy(y)
    expected = amplitude**2 * np.sin(omega) ** 2
    # The samples are rounded to their own precision, relative to the square of the amplitude.
    assert_allclose(psi, expected, atol=4 * amplitude**2 * np.finfo(dtype).eps, rtol=1e-9)


def test_definition_on_random_samples():
    y = np.random.default_rng(0).standard_normal(50)
    expected = [y[n] ** 2 - y[n - 1] * y[n + 1] for n in range(1, 49)]
    assert_allclose(teager_energy(y), expected, rtol=1e-12, atol=1e-14)


def test_single_precision_samples_are_multiplied_in_double():
    # A slow sinusoid: the products agree in all but their last digits of single precision.
    y = np.sin(0.002 * np.arange(5000)).astype(np.float32)
    assert_array_equal(teager_energy(y), teager_energy(y.astype(np.float64)))


@pytest.mark.parametrize("growth", [0.9, 1.0, 1.1])
def test_constant_and_exponential_have_none(growth):
    y = 0.5 * growth ** np.arange(40)
    # Two equal products, each rounded.
    assert_allclose(teager_energy(y), 0, atol=2 * np.finfo(float).eps * y.max() ** 2)


def test_polarity_does_not_matter_and_gain_counts_twice():
    y = np.random.default_rng(1).standard_normal(1000).astype(np.float32)
    psi = teager_energy(y)
    assert_array_equal(teager_energy(-y), psi)
    # A power of two changes no digit.
    assert_array_equal(teager_energy(4 * y), 16 * psi)


def test_time_reversal_reverses_it():
    y = np.random.default_rng(2).standard_normal(1000)
    assert_array_equal(teager_energy(y[::-1]), teager_energy(y)[::-1])


@pytest.mark.parametrize(("n_samples", "n_psi"), [(0, 0), (1, 0), (2, 0), (3, 1), (100, 98)])
def test_length(n_samples, n_psi):
    assert_array_equal(teager_energy(np.zeros(n_samples)), np.zeros(n_psi))


def test_integers_do_not_overflow():
    assert_array_equal(teager_energy(np.array([0, 30000, 0], dtype=np.int16)), [9e8])


def test_input_is_left_alone():
    y = np.random.default_rng(3).standard_normal(100)
    before = y.copy()
    y.flags.writeable = False
    teager_energy(y)
    assert_array_equal(y, before)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match=r"one channel.*\(2, 100\)"):
        teager_energy(np.zeros((2, 100)))
