"""Cross-validate several systems under several protocols."""

import os
import warnings
from collections.abc import Sequence
from typing import Literal

import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils import Bunch
from tqdm.auto import tqdm

from savee_mm._composition import set_everywhere
from savee_mm.evaluation._folds import Job, open_folds
from savee_mm.evaluation._predictions import group_columns
from savee_mm.evaluation._run import run_fold
from savee_mm.evaluation.leakage import LeakageWarning, check_jobs
from savee_mm.evaluation.report import EvaluationReport
from savee_mm.model_selection import make_splitter

_LEAKAGE = ("warn", "raise", "ignore")


def evaluate(
    systems: dict[str, BaseEstimator],
    corpus: Bunch,
    protocols: Sequence[str] = ("clip", "speaker"),
    seeds: Sequence[int] = (0,),
    *,
    folder: str | os.PathLike[str] | None = None,
    leakage: Literal["warn", "raise", "ignore"] = "warn",
    verbose: bool = False,
) -> EvaluationReport:
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
    folder : path-like, default=None
        Keeps every finished fold, made where it is missing. A fold that is found there is not trained again: after
        an interruption the same call goes on where it stopped.
    leakage : {"warn", "raise", "ignore"}, default="warn"
        What happens where :func:`~savee_mm.check_leakage` finds something: a :class:`~savee_mm.LeakageWarning`, or a
        :class:`~savee_mm.LeakageError` before anything is trained. ``"ignore"`` does not look. A system that is
        fitted is no finding, unless its clones are.
    verbose : bool, default=False
        Whether to show a progress bar over the folds.

    Returns
    -------
    report : EvaluationReport
        Every prediction on a test fold, and what follows from them; ``leakage`` is a LeakageReport.

    Raises
    ------
    LeakageError
        With ``leakage="raise"``, where there is a leak.
    ClipError
        On the first clip that cannot be used, unless the estimator fills it: no fold is scored NaN.
    ValueError
        For an unknown protocol or value of ``leakage``, a protocol whose column the table has not, or nothing to do;
        with ``folder``, for a parameter of an estimator that cannot be written down.
    OSError
        Where ``folder`` is a file, or cannot be made.

    Notes
    -----
    A fold in ``folder`` counts where nothing that it depends on has changed: name, class and parameters of the
    system (``cache``, ``memory``, ``n_jobs`` and ``verbose`` excepted), versions of library and extractors, protocol,
    seed and number of the fold, the clips of both sides with their labels, and the size of their files. Anything else
    is computed anew. The files are JSON, and any of them may be deleted.

    Examples
    --------
    >>> from savee_mm import FusionClassifier, evaluate, load_savee
    >>> report = evaluate({"fusion": FusionClassifier()}, load_savee("SAVEE/"), folder="folds")  # doctest: +SKIP
    >>> report.summary()  # doctest: +SKIP
    """
    protocols = [protocols] if isinstance(protocols, str) else list(protocols)
    if not systems or not protocols or not len(seeds):
        raise ValueError(
            f"Expected at least one system, protocol and seed, got {len(systems)} systems, {len(protocols)} protocols "
            f"and {len(seeds)} seeds."
        )
    if leakage not in _LEAKAGE:
        raise ValueError(f"leakage must be one of {', '.join(map(repr, _LEAKAGE))}, got {leakage!r}.")
    jobs = _plan(systems, corpus, protocols, seeds)
    leaks = None if leakage == "ignore" else check_jobs(jobs, corpus.data, corpus.target, verbose=verbose)
    if leaks is not None and leakage == "raise":
        leaks.raise_if_any()
    elif leaks:
        warnings.warn(leaks.leaks(), LeakageWarning, stacklevel=2)
    folds = open_folds(folder, corpus)
    groups = group_columns(corpus.data)
    parts = [folds.get(job) for job in jobs]
    missing = [number for number, part in enumerate(parts) if part is None]
    # Folds that were kept are done at the start, and do not count for the time left.
    with tqdm(total=len(jobs), initial=len(jobs) - len(missing), disable=not verbose, unit="fold") as bar:
        for number in missing:
            job = jobs[number]
            bar.set_description(f"{job.system}, {job.protocol}, fold {job.fold + 1}")
            # Another process that works on the same folder may have finished it by now.
            parts[number] = folds.get(job)
            if parts[number] is None:
                parts[number] = run_fold(job, corpus, groups)
                folds.put(job, parts[number])
            bar.update()
    frames = [
        # A fold that was kept by an earlier version knows less of its clips than the table does.
        pd.DataFrame(groups.iloc[job.test].to_dict("list") | part).assign(
            system=job.system, protocol=job.protocol, seed=job.seed, fold=job.fold
        )
        for job, part in zip(jobs, parts, strict=True)
    ]
    return EvaluationReport(pd.concat(frames, ignore_index=True), leakage=leaks)


def _plan(systems, corpus, protocols, seeds):
    """Return the folds of all systems in the order of the report."""
    splits = {
        (protocol, seed): list(make_splitter(protocol, random_state=seed).split(corpus.data, corpus.target))
        for protocol in protocols
        for seed in seeds
    }
    return [
        Job(system, set_everywhere(clone(estimator), random_state=seed), protocol, seed, fold, train, test)
        for system, estimator in systems.items()
        for (protocol, seed), sides in splits.items()
        for fold, (train, test) in enumerate(sides)
    ]
