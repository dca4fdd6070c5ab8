"""Groups in a random order, alike in all versions of scikit-learn."""

import numpy as np
from sklearn.utils import check_random_state


def shuffled_groups(codes, random_state):
    """Number groups anew, at random.

    StratifiedGroupKFold without shuffling then gives the folds that scikit-learn 1.8 gives with it. Version 1.7
    shuffles the counts of classes without the groups that they belong to: its folds are not stratified.

    Parameters
    ----------
    codes : array-like of shape (n_clips,)
        Groups.
    random_state : int, RandomState instance or None
        Seed.

    Returns
    -------
    groups : ndarray of int of shape (n_clips,)
    """
    _, numbers = np.unique(codes, return_inverse=True)
    order = np.arange(numbers.max() + 1)
    check_random_state(random_state).shuffle(order)
    return np.argsort(order)[numbers]
