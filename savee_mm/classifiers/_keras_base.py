"""Base of the network classifiers: seeded training, class weights, early stopping, prediction."""

from contextlib import closing, nullcontext
from numbers import Integral, Real

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_consistent_length, check_is_fitted

from savee_mm.classifiers._network_file import (
    is_for_prediction,
    network_from_bytes,
    network_to_bytes,
    open_network,
    to_onnx,
)

# Clips per step of a prediction; larger batches need more memory and are not faster on a CPU.
_PREDICT_BATCH = 64


def check_finite(X):
    """Check that all pixels of all clips are finite, a few clips at a time: X may be larger than memory.

    Parameters
    ----------
    X : ndarray or RowFile of shape (n_clips, ...)
        Floats; may be a :class:`numpy.memmap`.

    Raises
    ------
    ValueError
        If some are not; it names up to five of the clips.
    """
    for start in range(0, len(X), _PREDICT_BATCH):
        finite = np.isfinite(np.asarray(X[start : start + _PREDICT_BATCH])).all(axis=tuple(range(1, X.ndim)))
        if not finite.all():
            bad = start + np.flatnonzero(~finite)
            raise ValueError(f"Clips {bad[:5].tolist()} contain NaN or infinite pixels; leave them out or fill them.")


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """Base of the classifiers that train a Keras network.

    A subclass implements ``_build(shapes, n_classes, rules)``, converts its X to a tuple of arrays, one for each input
    of the network, and calls ``_fit_network`` and ``_predict_network``.
    """

    # Names of layers whose outputs predict, stacked along the second axis; None for the output of the network.
    _outputs: tuple[str, ...] | None = None
    _not_in_graph = {"cache", "class_weight", "early_stopping", "patience", "random_state", "verbose"}

    _parameter_constraints = {
        "n_filters": [Interval(Integral, 2, None, closed="left")],
        "n_units": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "l2": [Interval(Real, 0, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "max_norm": [Interval(Real, 0, None, closed="neither"), None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "early_stopping": ["boolean"],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _fit_network(self, inputs, y, sample_weight, validation):
        """Build and train the network.

        Parameters
        ----------
        inputs : tuple of ndarray or RowFile
            Training arrays, one for each input; batches of them are read.
        y : ndarray of shape (n_clips,)
            Class labels, checked by ``check_labels``.
        sample_weight : array-like of shape (n_clips,) or None
            Sample weights, multiplied with ``class_weight``.
        validation : tuple (inputs, y) or None
            Clips on which early stopping computes its loss.
        """
        from savee_mm.networks import Batches
        from savee_mm.networks.training import quiet_retracing, reused_graph

        self.classes_, targets = np.unique(y, return_inverse=True)
        weights = _check_sample_weight(sample_weight, targets, dtype=np.float32, ensure_non_negative=True)
        weights = weights * compute_sample_weight(self.class_weight, y)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        shapes = [array.shape[1:] for array in inputs]
        n_steps = -(-len(targets) // self.batch_size)
        self.model_, network, rules = self._new_networks(shapes, seed)
        self._graph = _Graph(self.model_)
        key = (type(self), tuple(shapes), len(self.classes_), n_steps, *self._graph_parameters())
        batches = Batches(
            inputs,
            self._encode(targets),
            weights.astype(np.float32),
            batch_size=self.batch_size,
            seed=rules.next_seed(),
        )
        watched = None if validation is None else self._validation_batches(*validation)
        with (
            closing(batches),
            nullcontext() if watched is None else closing(watched),
            quiet_retracing(),
            reused_graph(key, network, lambda: self._compiled(self._new_networks(shapes, seed)[1], n_steps)) as trainer,
        ):
            history = trainer.fit(
                batches,
                epochs=self.epochs,
                validation_data=watched,
                callbacks=self._callbacks(validation is not None),
                shuffle=False,
                verbose=0,
            )
        if not np.isfinite(history.history["loss"]).all():
            del self.model_
            raise ValueError(
                f"The training diverged: the loss was not finite in epoch {len(history.epoch)}. Lower learning_rate "
                f"(it was {self.learning_rate:g}), or check the inputs for extreme values."
            )
        self.history_ = {name: [float(value) for value in values] for name, values in history.history.items()}
        self.n_epochs_ = len(history.epoch)

    def _check_validation(self, validation_data, check):
        """Return ``validation_data`` of an array network as ((X,), y) with checked X, or None without it."""
        if validation_data is None:
            if self.early_stopping:
                raise ValueError(
                    "early_stopping=True needs validation_data=(X, y): an array has no clip or speaker names by which "
                    "validation clips could be split off."
                )
            return None
        X, y = validation_data
        check_consistent_length(X, y)
        return (check(X),), np.asarray(y)

    def _new_networks(self, shapes, seed):
        """Return a new network, the network that trains its layers, and the seeds that are left."""
        from savee_mm.networks import Regularization

        rules = Regularization(l2=self.l2, dropout=self.dropout, max_norm=self.max_norm, seed=seed)
        model = self._build(shapes, len(self.classes_), rules)
        return model, self._trainer(model, rules), rules

    def _trainer(self, model, rules):
        """Return the network that is trained: the layers of ``model``, possibly with others before or after them."""
        import keras

        return keras.Model(model.inputs, model.outputs)

    def _compiled(self, trainer, n_steps):
        """Compile the network that is trained."""
        import keras

        # With a rate that decays to zero, no best epoch needs to be selected.
        rate = keras.optimizers.schedules.CosineDecay(self.learning_rate, n_steps * self.epochs)
        trainer.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss=self._loss(),
            weighted_metrics=[self._accuracy()],
            jit_compile=False,
        )
        return trainer

    def _graph_parameters(self):
        """Return the parameters that the graph of a training step may depend on."""
        params = self.get_params(deep=False)
        return [f"{name}={params[name]!r}" for name in sorted(params) if name not in self._not_in_graph]

    def _loss(self):
        import keras

        return keras.losses.CategoricalCrossentropy(label_smoothing=getattr(self, "label_smoothing", 0))

    def _accuracy(self):
        return "accuracy"

    def _encode(self, targets):
        """Return the targets of the loss for class indices: one-hot labels."""
        return np.eye(len(self.classes_), dtype=np.float32)[targets]

    def _callbacks(self, has_validation):
        from savee_mm.networks.training import EpochBar, early_stopping

        callbacks = [early_stopping(self.patience)] if self.early_stopping and has_validation else []
        return [*callbacks, EpochBar(type(self).__name__)] if self.verbose else callbacks

    def _validation_batches(self, inputs, y):
        from savee_mm.networks import Batches

        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(f"The validation clips have classes that are not in training: {unknown.tolist()}.")
        return Batches(inputs, self._encode(np.searchsorted(self.classes_, y)), batch_size=_PREDICT_BATCH)

    def _predict_network(self, inputs, *, mirror=False):
        """Return class probabilities of shape (n_clips, n_classes) as float64 rows that sum to 1."""
        probabilities = self._forward(inputs, mirror=mirror)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def _forward(self, inputs, *, mirror=False):
        """Return the output of the network for prediction, as float64; ``mirror`` flips the first input sideways."""
        network = vars(self).get("model_")
        if network is not None and self._graph.network is not network:
            self._graph = _Graph(network)
        parts = []
        for start in range(0, len(inputs[0]), _PREDICT_BATCH):
            first, *others = (np.asarray(array[start : start + _PREDICT_BATCH]) for array in inputs)
            batch = [first[..., ::-1, :] if mirror else first, *others]
            parts.append(self._graph.run(self._output_network, batch))
        return np.concatenate(parts).astype(np.float64)

    def _output_network(self):
        """Return the network for prediction, made of layers of ``model_``."""
        return self.model_

    def predict(self, X: pd.DataFrame | ArrayLike) -> np.ndarray:
        """Predict the most probable class of each clip.

        Parameters
        ----------
        X : same as in fit
            The clips.

        Returns
        -------
        y : ndarray of shape (n_clips,)
        """
        check_is_fitted(self)
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def __sklearn_is_fitted__(self):
        return "model_" in vars(self) or "_archive" in vars(self)

    def __getattr__(self, name):
        # Keras loads a stored network on the first access. From then on Keras predicts, because the network may
        # be changed.
        archive = vars(self).get("_archive") if name == "model_" else None
        if archive is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.model_ = network_from_bytes(archive)
        del self._archive
        return self.model_

    def _onnx(self):
        """Return the network as a serialised ONNX graph, with its own output."""
        archive = vars(self).get("_archive")
        return to_onnx(network_to_bytes(self.model_) if archive is None else archive)

    def __getstate__(self):
        state = {name: value for name, value in super().__getstate__().items() if name not in ("_graph", "_archive")}
        if self.__sklearn_is_fitted__():
            archive = vars(self).get("_archive")
            state["model_"] = network_to_bytes(self.model_) if archive is None else archive
        return state

    def __setstate__(self, state):
        state = dict(state)
        archive = state.pop("model_", None)
        super().__setstate__(state)
        if archive is None:
            return
        self._graph = open_network(archive, self._outputs) if is_for_prediction() else None
        if self._graph is None:
            self.model_ = network_from_bytes(archive)
            self._graph = _Graph(self.model_)
        else:
            self._archive = archive


class _Graph:
    """Forward pass of a Keras network, traced at the first call. Prediction changes nothing else in the estimator."""

    def __init__(self, network):
        self.network = network
        self._run = None

    def run(self, build, inputs):
        """Return the output for a list of arrays; ``build`` returns the network if it is not yet traced."""
        if self._run is None:
            from savee_mm.networks.training import traced

            self._run = traced(build())
        return self._run(inputs)
