"""export_onnx: the classifier of a fitted system for other programs."""

import os
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted

from savee_mm._composition import steps
from savee_mm._files import write_atomically

# Largest difference of probabilities from those of scikit-learn, and number of random rows on which it is measured.
_TOLERANCE, _N_ROWS = 1e-5, 256
# Operators that every onnxruntime since 1.12 (2022) has.
_OPSETS = {"": 17, "ai.onnx.ml": 3}


def export_onnx(estimator: BaseEstimator, path: str | os.PathLike[str]) -> Path:
    """Write the network, or the scikit-learn steps, of a fitted estimator as an ONNX file.

    Parameters
    ----------
    estimator : estimator
        Fitted :class:`FusionClassifier`, :class:`AudioCNNClassifier`, :class:`ConvLSTMClassifier` or
        :class:`DenseClassifier`, or another classifier that skl2onnx converts (extra ``export``), or a Pipeline or a
        search that ends in one.
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
        If a step has no conversion to ONNX.
    ValueError
        If the network has a layer without a conversion, or the probabilities of the graph differ from those of the
        estimator by more than 1e-5.
    ImportError
        If the estimator ends in no network and skl2onnx is not installed.

    Notes
    -----
    The graph of a network maps the arrays of the extractors (float32, any number of clips) to class probabilities in
    the order of ``classes_``, equal to those of Keras to 1e-5. What the estimator does around its network is not in the
    graph: extraction, scaling by earlier steps, the mean over a clip and its mirror image, ``calibration_groups``.

    The graph of other classifiers maps the features of the extractor (``features``, float32, one row for each clip) to
    ``label`` and ``probabilities``; all steps after the extractor are in it.
    """
    check_is_fitted(estimator)
    own = steps(estimator)
    graph, path = own[-1]._onnx() if hasattr(own[-1], "_onnx") else _convert(own), Path(path)
    with write_atomically(path) as file:
        file.write(graph)
    return path


def _convert(own):
    """Return the graph of the steps of a system after its extractor, by skl2onnx."""
    try:
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType
        from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator
    except ImportError as error:
        raise ImportError(
            "Export of an estimator without a network needs skl2onnx: pip install 'savee-mm[export]'."
        ) from error
    pipeline = make_pipeline(*(step for step in own if not hasattr(type(step), "failed_clips_")))
    if not len(pipeline) or not hasattr(pipeline, "predict_proba"):
        raise TypeError(_refusal(own, "predicts no probabilities from features"))
    if isinstance(pipeline[-1], KNeighborsClassifier) and pipeline[-1].weights != "uniform":
        # In graphs of skl2onnx 1.20, the probabilities of training samples, at distance 0, are wrong.
        raise TypeError(
            _refusal(own, f"has neighbours with weights={pipeline[-1].weights!r}, which have no exact graph")
        )
    try:
        inputs = [("features", FloatTensorType([None, pipeline.n_features_in_]))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # deprecated attributes of scikit-learn that it reads
            model = to_onnx(pipeline, initial_types=inputs, options={"zipmap": False}, target_opset=_OPSETS)
    except (MissingConverter, MissingShapeCalculator, NotImplementedError, AttributeError) as error:
        raise TypeError(_refusal(own, f"has a step without a conversion ({type(error).__name__})")) from error
    graph = model.SerializeToString()
    if (difference := _difference(pipeline, graph)) > _TOLERANCE:
        raise ValueError(_refusal(own, f"differs from its graph by {difference:.2g} in a probability"))
    return graph


def _refusal(own, what):
    names = ", ".join(type(step).__name__ for step in own)
    return f"export_onnx cannot write {names}: it {what}. save_model writes any estimator."


def _difference(pipeline, graph):
    """Return the largest difference between probabilities of the graph and of the pipeline, for random features."""
    import onnxruntime

    rows = np.random.default_rng(0).normal(size=(_N_ROWS, pipeline.n_features_in_))
    first = pipeline[0]
    rows = (rows * getattr(first, "scale_", 1) + getattr(first, "mean_", 0)).astype(np.float32)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(["probabilities"], {"features": rows})
    return np.abs(probabilities - pipeline.predict_proba(rows)).max()
