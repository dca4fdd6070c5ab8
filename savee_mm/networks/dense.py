"""Dense network: hidden layers over columns of features."""

import keras
from keras import layers


def build_dense(n_features, n_classes, *, n_units, rules):
    """Build the network of DenseClassifier.

    Parameters
    ----------
    n_features : int
        Number of columns.
    n_classes : int
        Number of classes.
    n_units : sequence of int
        Number of units of each hidden layer.
    rules : Regularization
        Regularisation and seeds.

    Returns
    -------
    model : keras.Model
        Columns -> probabilities of shape (batch, n_classes).
    """
    columns = keras.Input((n_features,), name="columns")
    x = columns
    for n in n_units:
        x = rules.drop(layers.Dense(n, activation="relu", **rules.kernel())(x))
    return keras.Model(columns, rules.softmax(x, n_classes), name="dense")
