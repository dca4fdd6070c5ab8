"""Temperature scaling: the log loss of scores, and the divisor under which it is smallest."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax


def fit_temperature(scores, codes, sample_weight, bounds):
    """Return the temperature under which the softmax of scores has the smallest log loss.

    Parameters
    ----------
    scores : ndarray of shape (n_clips, n_classes)
        Log-probabilities, or other scores, of clips that were not in training.
    codes : ndarray of int of shape (n_clips,)
        True classes.
    sample_weight : ndarray of shape (n_clips,)
        Weights of the clips.
    bounds : tuple of two floats
        Smallest and largest temperature; both positive.

    Returns
    -------
    temperature : float
        Divisor of the scores: above 1 where they are overconfident.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural networks", ICML 2017.
    """

    def loss(log_temperature):
        return log_loss(log_softmax(np.exp(-log_temperature) * scores, axis=1), codes, sample_weight)

    found = minimize_scalar(loss, bounds=np.log(bounds), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def log_loss(log_proba, codes, sample_weight):
    """Return the weighted mean of the negative log-probability of the true class.

    Parameters
    ----------
    log_proba : ndarray of shape (n_clips, n_classes)
        Log-probabilities.
    codes : ndarray of int of shape (n_clips,)
        True classes.
    sample_weight : ndarray of shape (n_clips,)
        Weights of the clips.

    Returns
    -------
    loss : float
    """
    return float(-sample_weight @ log_proba[np.arange(len(codes)), codes] / sample_weight.sum())
