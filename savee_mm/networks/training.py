"""What training and prediction with Keras need: batches, callbacks, and control of TensorFlow's graphs."""

import logging
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

try:
    from tensorflow.python.framework.ops import dismantle_graph as _dismantle
except ImportError:  # there is no public function; without it, only memory is lost

    def _dismantle(graph):
        """Do nothing."""


class ShuffledBatches(keras.utils.PyDataset):
    """Batches of arrays, in a new random order in every epoch.

    Keras's own shuffling is not reproducible from one fit to the next.

    Parameters
    ----------
    inputs : tuple of ndarray
        One array for each input of the network, first axes of equal length.
    targets : ndarray of shape (n_clips,) or (n_clips, n_classes)
        Targets of the loss.
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


class EpochBar(keras.callbacks.Callback):
    """Progress bar over the epochs.

    Parameters
    ----------
    title : str
        Name of the estimator.
    """

    def __init__(self, title):
        super().__init__()
        self._title = title

    def on_train_begin(self, logs=None):
        """Open the bar."""
        self._bar = tqdm(total=self.params["epochs"], desc=self._title, unit="epoch", leave=False)

    def on_epoch_end(self, epoch, logs=None):
        """Advance the bar."""
        self._bar.set_postfix({name: f"{value:.2f}" for name, value in (logs or {}).items()})
        self._bar.update()

    def on_train_end(self, logs=None):
        """Close the bar."""
        self._bar.close()


def early_stopping(patience):
    """Return a callback that stops training when the validation loss has not decreased for ``patience`` epochs.

    The weights of the best epoch are restored.
    """
    return keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)


@contextmanager
def quiet_retracing():
    """Suppress TensorFlow's warning that every fit of a cross-validation traces a graph: each has its own network."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def freed_graphs(trainer):
    """Free the graphs of a training, which TensorFlow otherwise keeps until the process ends.

    The operations of a first trace and their gradients refer to each other where Python's garbage collector does not
    look (tensorflow/tensorflow#61791): tens of MB for each fit of a cross-validation, with or without clear_session().

    Parameters
    ----------
    trainer : keras.Model
        Compiled, not yet trained; not usable afterwards.
    """
    graphs = []

    def recorded(step):
        def run(data):
            if not tf.executing_eagerly():
                graphs.append(tf.compat.v1.get_default_graph())
            return step(data)

        return run

    # Variables created within the step would cost a graph each.
    trainer.optimizer.build(trainer.trainable_variables)
    trainer.train_step, trainer.test_step = recorded(trainer.train_step), recorded(trainer.test_step)
    try:
        yield
    finally:
        trainer.train_function = trainer.test_function = None
        for graph in graphs:
            _dismantle(graph)


def traced(network):
    """Return a function from a list of arrays, one for each input, to the output of a network as an array.

    The function is one graph for any number of clips, created by the first call. Run layer by layer, a recurrent
    network takes ten times as long for one clip, and ``network.predict`` builds a data pipeline in every call.
    """
    signature = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in network.inputs]

    @tf.function(input_signature=[signature], jit_compile=False)
    def run(inputs):
        return network(inputs if len(inputs) > 1 else inputs[0], training=False)

    def forward(inputs):
        with quiet_retracing():
            return run([tf.convert_to_tensor(array) for array in inputs]).numpy()

    return forward
