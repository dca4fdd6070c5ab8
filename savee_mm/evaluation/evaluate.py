"""Cross-validate several systems under several protocols."""

import time

import numpy as np
import pandas as pd
from sklearn.base import clone
from tqdm.auto import tqdm

from savee_mm.evaluation.report import EvaluationReport
from savee_mm.model_selection import make_splitter


def evaluate(systems, corpus, protocols=("clip", "speaker"), seeds=(0,), *, verbose=False):
    """Cross-validate estimators over a corpus, each in every protocol.

    Parameters
    ----------
    systems : dict of str to estimator
        Classifiers over the clip table, by the name that the tables show.
    corpus : Bunch
        What a loader returned: ``data``, ``target``, ``DESCR``.
    protocols : sequence of {"clip", "speaker", "sentence", "speaker+sentence"}
        What never stands on both sides of a split, see :mod:`savee_mm.model_selection`.
    seeds : sequence of int, default=(0,)
        Each seeds the split (where it is shuffled) and every ``random_state`` of the estimators.
    verbose : bool, default=False
        Whether to show a progress bar over the folds.

    Returns
    -------
    report : EvaluationReport
        Every prediction on a test fold, and what follows from them.

    Raises
    ------
    ClipError
        On the first clip that cannot be used, unless the estimator fills it: no fold is scored NaN.
    ValueError
        For an unknown protocol, one whose column the table has not, or nothing to do.

    Examples
    --------
    >>> from savee_mm import FusionClassifier, evaluate, load_savee
    >>> report = evaluate({"fusion": FusionClassifier()}, load_savee("SAVEE/"))  # doctest: +SKIP
    >>> report.summary()  # doctest: +SKIP
    """
    protocols = [protocols] if isinstance(protocols, str) else list(protocols)
    if not systems or not protocols or not len(seeds):
        raise ValueError(
            f"Expected at least one system, protocol and seed, got {len(systems)} systems, {len(protocols)} protocols "
            f"and {len(seeds)} seeds."
        )
    jobs = [
        (system, protocol, seed, fold, split)
        for system in systems
        for protocol in protocols
        for seed in seeds
        for fold, split in enumerate(make_splitter(protocol, random_state=seed).split(corpus.data, corpus.target))
    ]
    parts = []
    with tqdm(jobs, disable=not verbose, unit="fold") as bar:
        for system, protocol, seed, fold, (train, test) in bar:
            bar.set_description(f"{system}, {protocol}, fold {fold + 1}")
            scored = _run_fold(_seeded(systems[system], seed), corpus, train, test)
            parts.append(scored.assign(system=system, protocol=protocol, seed=seed, fold=fold))
    return EvaluationReport(pd.concat(parts, ignore_index=True))


def _run_fold(estimator, corpus, train, test):
    """Return one row per test clip: truth, prediction, probabilities, and the fold's time and training score."""
    target = np.asarray(corpus.target)
    started = time.perf_counter()
    estimator.fit(corpus.data.iloc[train], target[train])
    seconds = time.perf_counter() - started
    clips = corpus.data.iloc[test]
    rows = pd.DataFrame(
        {
            # A table of one's own may know neither; which row it was is always known.
            "clip_id": clips["clip_id"].to_numpy() if "clip_id" in clips else clips.index,
            "speaker": clips["speaker"].to_numpy() if "speaker" in clips else "",
            "target": target[test],
            "predicted": estimator.predict(clips),
            "train_accuracy": np.mean(estimator.predict(corpus.data.iloc[train]) == target[train]),
            "fit_seconds": seconds,
        }
    )
    if hasattr(estimator, "predict_proba"):
        probabilities = estimator.predict_proba(clips)
        for column, name in enumerate(estimator.classes_):
            rows[f"p_{name}"] = probabilities[:, column]
    return rows


def _seeded(estimator, seed):
    """Return a clone in which every random_state is ``seed``."""
    estimator = clone(estimator)
    names = [name for name in estimator.get_params() if name.split("__")[-1] == "random_state"]
    return estimator.set_params(**dict.fromkeys(names, seed))
