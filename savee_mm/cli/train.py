"""Training of a system on a corpus, with an estimate of its accuracy on unseen speakers."""

import numpy as np
from sklearn.model_selection import GroupKFold
from sklearn.utils import Bunch

from savee_mm import ClipError, evaluate, make_card, save_model
from savee_mm.cli._stderr import shows_progress
from savee_mm.cli._systems import make_system
from savee_mm.cli._text import echo

# By the modalities of the corpus: the best system, and the best one that is a single neural network.
_RECOMMENDED = {
    ("audio",): ("best_audio", "cnn"),
    ("video",): ("best_face", "convlstm"),
    ("audio", "video"): ("best_fusion", "fusion"),
}
_MAX_FOLDS = 5


def run_train(corpus, out, *, system=None, epochs=None, cache=None, seed=0, without=(), score=True):
    """Estimate the accuracy on unseen speakers, train on all clips, and write the model file.

    Parameters
    ----------
    corpus : Bunch
        Result of a loader.
    out : str
        Model file to write.
    system : str, default=None
        Name of the system; the recommended one for the modalities of the corpus when None.
    epochs : int, default=None
        Training epochs; only for systems that are single neural networks.
    cache : str, default=None
        Folder that keeps extracted arrays.
    seed : int, default=0
        Random seed.
    without : sequence of str, default=()
        Speakers to leave out.
    score : bool, default=True
        Whether to cross-validate before the training.
    """
    used = _leave_out(corpus, without)
    name = system or recommended_system(used.data, epochs=epochs)
    if system is None:
        echo(f"system: {name}, recommended for this corpus; --system names another one")
    model = make_system(name, epochs=epochs, cache=cache, seed=seed)
    report = _evaluate(name, model, used) if score else None
    model.fit(used.data, used.target)
    path = save_model(model, out, card=make_card(model, corpus=used, report=report, name=name))
    speakers = f" of {_names(used.groups)}" if used.groups is not None else ""
    echo(f"trained on {len(used.data)} clips{speakers}: {path}")


def recommended_system(data, *, epochs=None):
    """Return the name of the recommended system for the modalities of a clip table.

    Parameters
    ----------
    data : DataFrame
        Clip table.
    epochs : int, default=None
        If given, a system that has epochs.

    Returns
    -------
    name : str
    """
    present = tuple(name for name in ("audio", "video") if name in data.columns and data[name].notna().any())
    best, network = _RECOMMENDED[present]
    return best if epochs is None else network


def _leave_out(corpus, without):
    speakers = corpus.groups
    if without and speakers is None:
        raise ValueError("--without names speakers, and the corpus has no column 'speaker'.")
    unknown = set(without) - set(() if speakers is None else speakers)
    if unknown:
        raise ValueError(f"--without {', '.join(sorted(unknown))}: the speakers are {_names(speakers)}.")
    kept = np.ones(len(corpus.data), bool) if speakers is None else ~np.isin(speakers, list(without))
    if not kept.any():
        raise ValueError("--without leaves no clips: leave out fewer speakers.")
    groups = None if speakers is None else speakers[kept]
    return Bunch(data=corpus.data[kept], target=corpus.target[kept], groups=groups, DESCR=corpus.DESCR)


def _evaluate(name, model, corpus):
    """Print the accuracy on unseen speakers, and return the report; None for a corpus with a single speaker."""
    n_speakers = 0 if corpus.groups is None else len(set(corpus.groups))
    if n_speakers < 2:
        echo("accuracy on unseen speakers: unknown, the corpus needs two speakers or more in a column 'speaker'")
        return None
    folds = {"speaker": GroupKFold(min(n_speakers, _MAX_FOLDS))}
    settings = {"groups": corpus.groups, "leakage": "ignore", "verbose": shows_progress()}
    try:
        report = evaluate({name: model}, corpus, folds, **settings)
    except ClipError:
        raise
    except ValueError as error:
        # A small corpus may have enough clips for the training, but not for folds of it.
        echo(f"accuracy on unseen speakers: unknown, cross-validation is not possible. {error}")
        return None
    row = report.summary().iloc[0]
    majority = np.unique(corpus.target, return_counts=True)[1].max() / len(corpus.target)
    echo(
        f"accuracy on unseen speakers: {row['accuracy']:.3f} (95% interval {row['accuracy_low']:.3f} to "
        f"{row['accuracy_high']:.3f}, {row['n_folds']:.0f} folds); the most frequent class alone: {majority:.3f}"
    )
    return report


def _names(values):
    return ", ".join(sorted(set(map(str, values))))
