"""Training batches in an order of our own: Keras's shuffle does not repeat from one fit to the next."""

import numpy as np
from keras.utils import PyDataset


class ShuffledBatches(PyDataset):
    """Batches of arrays, shuffled anew for every epoch by a seeded generator.

    Parameters
    ----------
    inputs : tuple of ndarray
        One array per input of the network, first axes of equal length.
    targets : ndarray of shape (n_clips,)
        Class indices.
    weights : ndarray of shape (n_clips,)
        Sample weights.
    batch_size : int
        Clips per step; the last batch of an epoch may be smaller.
    seed : int
        Seed of the order.
    """

    def __init__(self, inputs, targets, weights, *, batch_size, seed):
        super().__init__()
        self._inputs = inputs
        self._targets = targets
        self._weights = weights
        self._batch_size = batch_size
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(len(targets))

    def __len__(self):
        return -(-len(self._targets) // self._batch_size)

    def __getitem__(self, index):
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        inputs = tuple(array[rows] for array in self._inputs)
        return inputs if len(inputs) > 1 else inputs[0], self._targets[rows], self._weights[rows]

    def on_epoch_end(self):
        """Draw the order of the next epoch."""
        self._order = self._rng.permutation(len(self._targets))
