"""Regularization: the settings and seeds that all layers of a network share."""

from dataclasses import dataclass, field

import numpy as np
from keras import constraints, initializers, layers, regularizers


@dataclass
class Regularization:
    """Regularisation of a network, and the seeds of its layers.

    Parameters
    ----------
    l2 : float
        Weight of the squared kernels in the loss.
    dropout : float
        Fraction of the units dropped in a training step, before the dense layers.
    max_norm : float or None
        Maximum norm of the incoming weights of a unit.
    seed : int
        Seed from which the seed of every layer is drawn, so that a fit is reproducible without global generators.
    """

    l2: float = 0.0
    dropout: float = 0.0
    max_norm: float | None = None
    seed: int = 0
    _seeds: np.random.Generator = field(init=False, repr=False)

    def __post_init__(self):
        self._seeds = np.random.default_rng(self.seed)

    def next_seed(self):
        """Return a new seed."""
        return int(self._seeds.integers(2**31 - 1))

    def kernel(self):
        """Return the keyword arguments of a layer with a kernel."""
        return {
            "kernel_initializer": initializers.GlorotUniform(self.next_seed()),
            "kernel_regularizer": regularizers.L2(self.l2) if self.l2 else None,
            "kernel_constraint": None if self.max_norm is None else constraints.MaxNorm(self.max_norm),
        }

    def drop(self, x):
        """Apply dropout to a tensor."""
        return layers.Dropout(self.dropout, seed=self.next_seed())(x) if self.dropout else x

    def softmax(self, x, n_classes):
        """Apply the output layer to a tensor of shape (batch, n_features)."""
        return layers.Dense(n_classes, activation="softmax", name="probabilities", **self.kernel())(x)
