"""Cross-validate several systems under several protocols."""

import os
import time
import warnings
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import Bunch, check_consistent_length
from tqdm.auto import tqdm

from savee_mm._composition import set_everywhere
from savee_mm._validation import as_table
from savee_mm._workers import WorkerDied, run_tasks
from savee_mm.evaluation._folds import Job, open_folds
from savee_mm.evaluation._predictions import describe_clips
from savee_mm.evaluation._run import failed_fold, run_fold
from savee_mm.evaluation.leakage import LeakageWarning, check_jobs
from savee_mm.evaluation.leakage.check import make_folds
from savee_mm.evaluation.report import EvaluationReport
from savee_mm.model_selection import PROTOCOLS, fixed_split, make_splitter

_DEFAULT = ("clip", "speaker")
_FIXED = "fixed"
_PAUSE = 0.5  # s between two looks at folds that other processes compute
_CHOICES = {"leakage": ("warn", "raise", "ignore"), "on_error": ("raise", "skip")}


def evaluate(
    systems: dict[str, BaseEstimator],
    corpus: Bunch | tuple[Any, ArrayLike],
    protocols: str | BaseCrossValidator | Sequence | Mapping[str, Any] | None = None,
    seeds: Sequence[int] = (0,),
    *,
    train: ArrayLike | None = None,
    test: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    folder: str | os.PathLike[str] | None = None,
    leakage: Literal["warn", "raise", "ignore"] = "warn",
    on_error: Literal["raise", "skip"] = "raise",
    error_score: float | Literal["raise"] = "raise",
    n_jobs: int | None = None,
    verbose: bool = False,
) -> EvaluationReport:
    """Cross-validate estimators over a corpus, each in every protocol.

    Parameters
    ----------
    systems : dict of str to estimator
        Classifiers over the clip table, by the name that the tables show.
    corpus : Bunch or tuple (X, y)
        The Bunch of a loader, with ``data`` and ``target``, or the clip table (or an array) and the classes.
    protocols : str, splitter, sequence of these or dict, default=None
        ``"clip"``, ``"speaker"``, ``"sentence"``, ``"speaker+sentence"`` and ``"corpus"`` name what is kept on one side
        of each split, see :mod:`savee_mm.model_selection`. A cross-validator of scikit-learn is used as it is, under
        the name of its class or the name that a dict gives it: ``{"shuffled": KFold(4, shuffle=True)}``. A dict may
        also have lists of (train, test) positions, as :func:`~savee_mm.model_selection.corpus_pairs` returns them.
        None for ``("clip", "speaker")``, or for the given split alone.
    seeds : sequence of int, default=(0,)
        Each seeds the split of a named protocol (where it is shuffled) and every ``random_state`` of the estimators.
    train, test : array-like, default=None
        A given split: the clips of each side, as ``clip_id``, positions of rows, or a mask; with one of them, all other
        clips are on the other side. It is the protocol ``"fixed"``.
    groups : array-like of shape (n_clips,), default=None
        Passed to splitters; None for ``corpus.groups``. Named protocols and the splitters of this library read the
        clip table.
    folder : path-like, default=None
        Folder that keeps every finished fold; it is created where it is missing. A fold that is found there is not
        trained again: after an interruption, the same call continues. Several processes and machines may make the
        same call on a shared folder: each fold is computed by one of them, and all return the whole report.
    leakage : {"warn", "raise", "ignore"}, default="warn"
        What to do when :func:`~savee_mm.check_leakage` finds a leak: issue a :class:`~savee_mm.LeakageWarning`, or
        raise a :class:`~savee_mm.LeakageError` before any training. ``"ignore"`` omits the check. A fitted system is
        a finding only where its clones are fitted, too.
    on_error : {"raise", "skip"}, default="raise"
        What to do when a system cannot run, for example because its weights are missing: raise its error, or leave
        the system out, issue a :class:`~sklearn.exceptions.FitFailedWarning` and list it in ``report.skipped``. Where
        no system can run, the error of the last one is raised.
    error_score : "raise" or float, default="raise"
        Value of the metrics of a fold whose fit or prediction fails, as in
        :func:`~sklearn.model_selection.cross_validate`. Such a fold is not kept in ``folder``. In metrics over all
        test clips, its clips count as wrong. With ``"raise"``, ``on_error`` applies.
    n_jobs : int, default=None
        Number of folds that are computed at the same time, in processes; -1 for all processors. Inside
        ``joblib.parallel_config(backend="dask")``, the workers of the cluster compute them.
    verbose : bool, default=False
        Whether to show a progress bar over the folds.

    Returns
    -------
    report : EvaluationReport
        The predictions on all test folds, and tables and plots of them; ``leakage`` is a LeakageReport.

    Raises
    ------
    LeakageError
        With ``leakage="raise"``, where there is a leak.
    ClipError
        On the first clip that cannot be used, unless the estimator fills it.
    ValueError
        For no system, protocol or seed; an unknown protocol or option; two protocols of one name; a corpus without
        data and target; a protocol whose column is missing from the table; with ``folder``, for a parameter of an
        estimator that cannot be described.
    OSError
        Where ``folder`` is a file, or cannot be created.

    Notes
    -----
    A fold in ``folder`` is used again only if everything that it depends on is unchanged: name, class and parameters
    of the system (except ``cache``, ``memory``, ``n_jobs`` and ``verbose``), versions of library and extractors,
    protocol, seed and number of the fold, the clips of both sides with their labels, and the sizes of their files. The
    files are JSON, and any of them may be deleted.

    Each step of a system processes every clip once: the predicted label is the most probable class where there are
    probabilities. ``predict`` is called on classifiers of scikit-learn, and where there are no probabilities.

    Examples
    --------
    >>> from savee_mm import FusionClassifier, evaluate, load_savee
    >>> report = evaluate({"fusion": FusionClassifier()}, load_savee("SAVEE/"), folder="folds")  # doctest: +SKIP
    >>> report.summary()  # doctest: +SKIP
    """
    _check_options(leakage=leakage, on_error=on_error, error_score=error_score)
    X, y, known_groups = _read_corpus(corpus)
    fixed = {} if train is None and test is None else {_FIXED: [fixed_split(_as_table(X), train, test)]}
    protocols = {**_named(_DEFAULT if protocols is None and not fixed else protocols), **fixed}
    if not systems or not protocols or not len(seeds):
        raise ValueError(
            f"Expected at least one system, protocol and seed, got {len(systems)} systems, {len(protocols)} protocols "
            f"and {len(seeds)} seeds."
        )
    jobs = _plan(systems, X, y, protocols, seeds, groups, known_groups)
    leaks = None
    if leakage != "ignore":
        labels = getattr(corpus, "label_columns", ())
        leaks = check_jobs(jobs, X, y, protocols, groups=groups, label_columns=labels, verbose=verbose)
        if leakage == "raise":
            leaks.raise_if_any()
        elif leaks:
            warnings.warn(leaks.leaks(), LeakageWarning, stacklevel=2)
    folds = open_folds(folder, X, y)
    clips = describe_clips(X, y)
    parts, skipped = _run(jobs, (X, y, clips, folds, on_error, error_score), n_jobs, verbose)
    for system, error in skipped.items():
        warnings.warn(f"{system} was left out. {error}", FitFailedWarning, stacklevel=2)
    frames = [
        # A fold that an earlier version kept has fewer columns than the table.
        pd.DataFrame(clips.iloc[job.test].to_dict("list") | part).assign(
            system=job.system, protocol=job.protocol, seed=job.seed, fold=job.fold
        )
        for job, part in zip(jobs, parts, strict=True)
        if job.system not in skipped
    ]
    reasons = {system: str(error) for system, error in skipped.items()}
    return EvaluationReport(pd.concat(frames, ignore_index=True), leakage=leaks, skipped=reasons)


def _check_options(*, error_score, **options):
    for name, value in options.items():
        if value not in _CHOICES[name]:
            raise ValueError(f"{name} must be one of {', '.join(map(repr, _CHOICES[name]))}, got {value!r}.")
    if not (error_score == "raise" or isinstance(error_score, Real)):
        raise ValueError(f"error_score must be 'raise' or a number, got {error_score!r}.")


def _named(protocols):
    """Return the protocols by name: strings and splitters."""
    if protocols is None:
        return {}
    if isinstance(protocols, Mapping):
        return dict(protocols)
    if isinstance(protocols, str) or hasattr(protocols, "split"):
        protocols = [protocols]
    named = {}
    for protocol in protocols:
        name = protocol if isinstance(protocol, str) else type(protocol).__name__
        if named.setdefault(name, protocol) is not protocol and not isinstance(protocol, str):
            raise ValueError(f"Two protocols are named {name!r}: pass a dict of name to splitter.")
    return named


def _read_corpus(corpus):
    """Return clips, classes and groups of a Bunch or of a tuple (X, y)."""
    if isinstance(corpus, tuple) and len(corpus) == 2:
        (X, y), groups = corpus, None
    elif hasattr(corpus, "data") and hasattr(corpus, "target"):
        X, y, groups = corpus.data, corpus.target, getattr(corpus, "groups", None)
    else:
        raise ValueError(
            "Expected a corpus with data and target, as loaders return, or a tuple (X, y), got "
            f"{type(corpus).__name__}."
        )
    X = as_table(X)
    check_consistent_length(X, y)
    return X, np.asarray(y), groups


def _as_table(X):
    return X if isinstance(X, pd.DataFrame) else pd.DataFrame(index=range(len(X)))


def _plan(systems, X, y, protocols, seeds, groups, known_groups):
    """Return the folds of all systems in the order of the report."""
    splits = {
        (name, seed): _split(protocol, X, y, seed, groups, known_groups)
        for name, protocol in protocols.items()
        for seed in seeds
    }
    return [
        Job(system, set_everywhere(clone(estimator), random_state=seed), protocol, seed, fold, train, test)
        for system, estimator in systems.items()
        for (protocol, seed), sides in splits.items()
        for fold, (train, test) in enumerate(sides)
    ]


def _split(protocol, X, y, seed, groups, known_groups):
    if isinstance(protocol, str):
        return make_folds(make_splitter(protocol, random_state=seed), X, y)
    reads_table = isinstance(protocol, tuple(PROTOCOLS.values()))
    return make_folds(protocol, X, y, known_groups if groups is None and not reads_table else groups)


def _run(jobs, settings, n_jobs, verbose):
    """Return the columns of each job, and the errors of the systems that were left out."""
    folds = settings[3]
    parts = [folds.get(job) for job in jobs]
    missing = [number for number, part in enumerate(parts) if part is None]
    skipped = {}
    # Folds that were kept are done at the start, and do not count for the time left.
    with tqdm(total=len(jobs), initial=len(jobs) - len(missing), disable=not verbose, unit="fold") as bar:
        while missing:
            claimed_elsewhere = []
            for number, part in _run_missing(jobs, missing, skipped, settings, n_jobs, bar):
                if isinstance(part, WorkerDied):
                    part = _outcome(RuntimeError(f"Fold {jobs[number].fold}: {part.reason}"), jobs[number], *settings)
                if part is None:
                    claimed_elsewhere.append(number)
                    continue
                parts[number] = part
                if isinstance(part, Exception):
                    skipped.setdefault(jobs[number].system, part)
                bar.update()
            if len(claimed_elsewhere) == len(missing):
                time.sleep(_PAUSE)
            missing = [number for number in claimed_elsewhere if jobs[number].system not in skipped]
    if skipped and len(skipped) == len({job.system for job in jobs}):
        raise list(skipped.values())[-1]
    return parts, skipped


def _run_missing(jobs, missing, skipped, settings, n_jobs, bar):
    """Yield numbers and results of jobs, without those of systems that are left out by then."""
    given = []

    def tasks():
        for number in missing:
            job = jobs[number]
            if job.system not in skipped:
                bar.set_description(f"{job.system}, {job.protocol}, fold {job.fold + 1}")
                given.append(number)
                yield (job, *settings)

    for position, part in run_tasks(_run_job, tasks(), n_jobs=n_jobs):
        yield given[position], part


def _run_job(job, X, y, clips, folds, on_error, error_score):
    """Return the columns of a job, its error where the system is to be left out, or None if another process has it."""
    with folds.claim(job) as is_mine:
        # Another process that works on the same folder may have finished it.
        part = folds.get(job)
        if part is not None or not is_mine:
            return part
        try:
            part = clips.iloc[job.test].to_dict("list") | run_fold(job, X, y)
        except Exception as error:
            return _outcome(error, job, X, y, clips, folds, on_error, error_score)
        folds.put(job, part)
        return part


def _outcome(error, job, X, y, clips, folds, on_error, error_score):
    """Raise the error of a job, or return it or the columns that replace those of the job."""
    if error_score != "raise":
        return clips.iloc[job.test].to_dict("list") | failed_fold(job, error, error_score)
    if on_error == "raise":
        raise error
    return error
