"""What training and prediction with Keras need: batches, callbacks, and control of TensorFlow's graphs."""

import itertools
import logging
import threading
from collections import OrderedDict
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from tqdm.auto import tqdm

try:  # there are no public functions; without them, only memory is lost
    from tensorflow.python.eager.context import context as _context
    from tensorflow.python.framework.ops import dismantle_graph as _dismantle
except ImportError:
    _context = None

    def _dismantle(graph):
        """Do nothing."""


# Compiled networks that are not in use, with their graphs, least recently used first; and how many are kept.
_IDLE: OrderedDict = OrderedDict()
_N_IDLE = 8
_LOCK = threading.Lock()
# TensorFlow keeps kernels of the variables of every network, about 1 MB. They are freed only after so many trainings,
# because the next training of every idle network is slower then.
_TRAININGS, _N_TRAININGS = itertools.count(1), 32


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

    def close(self):
        """Release the arrays: TensorFlow's input pipeline keeps its source after the training."""
        self._inputs, self._targets, self._weights = (), np.empty(0), np.empty(0)


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
def reused_graph(key, network, compiled):
    """Train a network with the graph of an earlier training, if there was one of the same key.

    Tracing the graph of a training step takes seconds, and TensorFlow keeps tens of MB of every traced training until
    the process ends, with or without clear_session(): the operations of a first trace and their gradients refer to each
    other where Python's garbage collector does not look (tensorflow/tensorflow#61791). Therefore compiled networks are
    kept, the last few of them, and the weights and seeds are copied into one and back. The graphs of those that are
    dropped are freed, and so are the kernels that TensorFlow keeps for each variable of a network.

    Parameters
    ----------
    key : hashable
        Everything that the graph depends on, apart from weights and seeds.
    network : keras.Model
        The network to train; not compiled. It is trained when the context ends without an error.
    compiled : callable
        Returns another such network, compiled.

    Yields
    ------
    trainer : keras.Model
        The compiled network, in the state of ``network``, to be fitted.
    """
    with _LOCK:
        trainer, graphs = _IDLE.pop(key, (None, []))
    if trainer is None:
        trainer = compiled()
        _record_graphs(trainer, graphs)
    _copy_state(network, trainer)
    for variable in trainer.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))
    try:
        yield trainer
        _copy_state(trainer, network)
    except BaseException:
        _free(trainer, graphs)
        raise
    finally:
        if _context is not None and next(_TRAININGS) % _N_TRAININGS == 0:
            _context().clear_kernel_cache()
    with _LOCK:
        _IDLE[key] = trainer, graphs
        dropped = [_IDLE.popitem(last=False)[1] for _ in range(len(_IDLE) - _N_IDLE)]
    for old in dropped:
        _free(*old)


def _record_graphs(trainer, graphs):
    """Append to ``graphs`` every graph in which a step of a compiled network is traced."""

    def recorded(step):
        def run(data):
            if not tf.executing_eagerly():
                graphs.append(tf.compat.v1.get_default_graph())
            return step(data)

        return run

    # Variables created within the step would cost a graph each.
    trainer.optimizer.build(trainer.trainable_variables)
    trainer.train_step, trainer.test_step = recorded(trainer.train_step), recorded(trainer.test_step)


def _copy_state(source, target):
    """Copy weights and states of seeds between networks of the same structure."""
    for given, own in zip(source.variables, target.variables, strict=True):
        own.assign(given)


def _free(trainer, graphs):
    """Free the graphs of a compiled network."""
    trainer.train_function = trainer.test_function = None
    for graph in graphs:
        _dismantle(graph)


def traced(network):
    """Return a function from a list of arrays, one for each input, to the output of a network as an array.

    The function is one graph for any number of clips, created by the first call. Run layer by layer, a recurrent
    network takes ten times as long for one clip, and ``network.predict`` builds a data pipeline in every call.
    """
    signature = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in network.inputs]

    @tf.function(input_signature=[signature], autograph=False, jit_compile=False)
    def run(inputs):
        return network(inputs if len(inputs) > 1 else inputs[0], training=False)

    def forward(inputs):
        with quiet_retracing():
            return run([tf.convert_to_tensor(array) for array in inputs]).numpy()

    return forward
