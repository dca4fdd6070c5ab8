"""What happens around the epochs: a bar, the decision to stop, quiet; then the call. Imported once Keras is loaded."""

import logging
from contextlib import contextmanager

import keras
import tensorflow as tf
from tqdm.auto import tqdm

try:
    from tensorflow.python.framework.ops import dismantle_graph as _dismantle
except ImportError:  # no public name does it; without, no more than memory is lost

    def _dismantle(graph):
        """Leave the graph to TensorFlow."""


class EpochBar(keras.callbacks.Callback):
    """A progress bar over epochs.

    Parameters
    ----------
    title : str
        What is being trained.
    """

    def __init__(self, title):
        super().__init__()
        self._title = title

    def on_train_begin(self, logs=None):
        """Open the bar."""
        self._bar = tqdm(total=self.params["epochs"], desc=self._title, unit="epoch", leave=False)

    def on_epoch_end(self, epoch, logs=None):
        """Move the bar."""
        self._bar.set_postfix({name: f"{value:.2f}" for name, value in (logs or {}).items()})
        self._bar.update()

    def on_train_end(self, logs=None):
        """Close the bar."""
        self._bar.close()


def early_stopping(patience):
    """Return the callback that stops when the validation loss has not fallen for ``patience`` epochs.

    The weights of the best epoch are put back.
    """
    return keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)


@contextmanager
def quiet_retracing():
    """Keep TensorFlow from warning that every fit of a cross-validation traces a graph: each has its own network."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


@contextmanager
def freed_graphs(trainer):
    """Free the graphs of a training, which TensorFlow would keep until the process ends.

    The operations of a first trace and their gradients refer to each other where Python's garbage collector does not
    look (tensorflow/tensorflow#61791): tens of MB for each fit of a cross-validation, clear_session() or not.

    Parameters
    ----------
    trainer : keras.Model
        Compiled, not yet trained; of no use afterwards.
    """
    graphs = []

    def recorded(step):
        def run(data):
            if not tf.executing_eagerly():
                graphs.append(tf.compat.v1.get_default_graph())
            return step(data)

        return run

    # Variables that are made within the step would cost a graph each.
    trainer.optimizer.build(trainer.trainable_variables)
    trainer.train_step, trainer.test_step = recorded(trainer.train_step), recorded(trainer.test_step)
    try:
        yield
    finally:
        trainer.train_function = trainer.test_function = None
        for graph in graphs:
            _dismantle(graph)


def traced(network):
    """Return a function from a list of arrays, one per input, to the network's output as an array.

    It is one graph for any number of clips, made at the first call: run layer by layer, a recurrent network takes ten
    times as long for one clip; and ``network.predict`` builds a data pipeline for every call.
    """
    signature = [tf.TensorSpec((None, *tensor.shape[1:]), tensor.dtype) for tensor in network.inputs]

    @tf.function(input_signature=[signature], jit_compile=False)
    def run(inputs):
        return network(inputs if len(inputs) > 1 else inputs[0], training=False)

    def ask(inputs):
        with quiet_retracing():
            return run([tf.convert_to_tensor(array) for array in inputs]).numpy()

    return ask
