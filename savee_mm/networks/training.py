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


class Batches(keras.utils.PyDataset):
    """Batches of arrays, of which only the clips of a batch are read.

    With a seed, each epoch has a new random order: Keras's own is not reproducible from one fit to the next.

    Parameters
    ----------
    inputs : tuple of ndarray or RowFile
        One array for each input of the network, first axes of equal length.
    targets : ndarray of shape (n_clips,) or (n_clips, n_classes)
        Targets of the loss.
    weights : ndarray of shape (n_clips,), default=None
        Sample weights.
    batch_size : int
        Clips per step; the last batch of an epoch may be smaller.
    seed : int, default=None
        Seed of the order; None for the order of the arrays.
    """

    def __init__(self, inputs, targets, weights=None, *, batch_size, seed=None):
        super().__init__()
        self._arrays = tuple(inputs), targets, np.ones(len(targets), np.float32) if weights is None else weights
        self._batch_size = batch_size
        self._rng = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self._order) // self._batch_size)

    def __getitem__(self, index):
        rows = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        inputs, targets, weights = self._arrays
        inputs = tuple(np.asarray(array[rows]) for array in inputs)
        return inputs if len(inputs) > 1 else inputs[0], targets[rows], weights[rows]

    def on_epoch_end(self):
        """Draw the order of the next epoch."""
        n_clips = len(self._arrays[1])
        self._order = np.arange(n_clips) if self._rng is None else self._rng.permutation(n_clips)

    def close(self):
        """Release the arrays: TensorFlow's input pipeline keeps its source after the training."""
        self._arrays = (), np.empty(0), np.empty(0)


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
