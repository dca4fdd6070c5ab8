"""export_onnx: the network of a fitted estimator for other programs."""

import os
from pathlib import Path

from sklearn.base import BaseEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from savee_mm._composition import chosen
from savee_mm._files import write_atomically


def export_onnx(estimator: BaseEstimator, path: str | os.PathLike[str]) -> Path:
    """Write the network of a fitted estimator as an ONNX file.

    Parameters
    ----------
    estimator : estimator
        Fitted :class:`FusionClassifier`, :class:`AudioCNNClassifier`, :class:`ConvLSTMClassifier` or
        :class:`DenseClassifier`, or a Pipeline or a search that ends in one.
    path : path-like
        File to write.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it does not end in a network.
    ValueError
        If the network has a layer without a conversion.

    Notes
    -----
    The graph maps the arrays of the extractors (float32, any number of clips) to class probabilities in the order of
    ``classes_``, equal to those of Keras to 1e-5. What the estimator does around its network is not in the graph:
    extraction, scaling by earlier steps, the mean over a clip and its mirror image, ``calibration_groups``.
    """
    check_is_fitted(estimator)
    network = chosen(estimator)
    while isinstance(network, Pipeline):
        network = chosen(network[-1])
    if not hasattr(network, "_onnx"):
        raise TypeError(
            f"export_onnx writes networks, and {type(network).__name__} is none; save_model writes any estimator."
        )
    graph, path = network._onnx(), Path(path)
    with write_atomically(path) as file:
        file.write(graph)
    return path
