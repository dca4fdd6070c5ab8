"""The Teager-Kaiser energy operator."""

import numpy as np

from savee_mm.signal._frames import check_sound


def teager_energy(y: np.ndarray) -> np.ndarray:
    """Teager-Kaiser energy of a sound: ``psi[n] = y[n]**2 - y[n-1] * y[n+1]``.

    A sinusoid ``A sin(w n + phase)`` has ``A**2 sin(w)**2`` at every sample: the operator weighs amplitude
    with frequency, and follows both from one sample to the next.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound.

    Returns
    -------
    psi : ndarray of shape (max(n_samples - 2, 0),), float64
        Squared units of ``y``; ``psi[0]`` belongs to ``y[1]``. May be negative.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional.

    References
    ----------
    J. F. Kaiser, "On a simple algorithm to calculate the 'energy' of a signal", ICASSP 1990, pp. 381-384.

    Examples
    --------
    >>> import numpy as np
    >>> from savee_mm.signal import teager_energy
    >>> teager_energy(np.array([0.0, 1.0, 0.0, -1.0, 0.0]))
    array([1., 1., 1.])
    """
    # In double precision: at low frequencies the two products nearly cancel.
    y = check_sound(y).astype(np.float64, copy=False)
    psi = y[1:-1] * y[1:-1]
    psi -= y[:-2] * y[2:]
    return psi
