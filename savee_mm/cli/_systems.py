"""Systems from command-line options."""

from savee_mm._composition import set_everywhere
from savee_mm.cli._stderr import shows_progress
from savee_mm.systems import available, make


def system_names(text):
    """Return the names in the option ``--systems``, in its order.

    Parameters
    ----------
    text : str
        Names separated by commas; ``all`` for every system, ``audio`` or ``video`` for those that read only that.

    Returns
    -------
    names : list of str

    Raises
    ------
    ValueError
        If there is no name.
    """
    reads = available()["reads"]
    groups = {"all": reads.index, **{kind: reads.index[reads == kind] for kind in ("audio", "video")}}
    names = [name for part in _split(text) for name in groups.get(part, [part])]
    if not names:
        raise ValueError(f"--systems {text!r} names no system; the systems are {', '.join(reads.index)}.")
    return list(dict.fromkeys(names))


def make_systems(text, *, speaker_normalized=False, **options):
    """Return the systems of the option ``--systems``, in its order.

    Parameters
    ----------
    text : str
        As in :func:`system_names`.
    speaker_normalized : bool, default=False
        Whether to normalise by speaker the systems that can be.
    **options
        See :func:`make_system`.

    Returns
    -------
    systems : dict of str to (str, estimator)
        Name in the tables -> name of the system, and the estimator.
    skipped : dict of str to str
        Name in the tables -> reason, for systems whose weights or packages are missing.

    Raises
    ------
    FileNotFoundError, ImportError
        If this holds for all of them.
    ValueError
        If there is no name, and as in :func:`make_system`.
    """
    known, systems, skipped = available(), {}, {}
    for name in system_names(text):
        normalized = speaker_normalized and name in known.index and known.at[name, "speaker_normalized"]
        shown = f"{name} (speaker-normalised)" if normalized else name
        try:
            systems[shown] = (name, make_system(name, speaker_normalized=normalized, **options))
        except (FileNotFoundError, ImportError) as error:
            skipped[shown] = error
    if not systems:
        raise list(skipped.values())[-1]
    return systems, {shown: str(error) for shown, error in skipped.items()}


def make_system(name, *, epochs=None, cache=None, seed=None, speaker_normalized=False):
    """Return a system that shows its progress.

    Parameters
    ----------
    name : str
        Name of the system.
    epochs : int, default=None
        Training epochs, None for the default of the system.
    cache : str, default=None
        Folder that keeps extracted arrays, None for memory.
    seed : int, default=None
        Random seed.
    speaker_normalized : bool, default=False
        Whether to normalise its features by speaker.

    Returns
    -------
    system : estimator

    Raises
    ------
    ValueError
        If the name is unknown, or the system has no ``epochs``.
    """
    system = make(name, speaker_normalized=speaker_normalized, random_state=seed, cache=cache or "memory")
    if epochs is not None:
        if "epochs" not in system.get_params(deep=False):
            raise ValueError(f"--epochs is for single neural networks, and system {name!r} is not one: leave it out.")
        system.set_params(epochs=epochs)
    return _show_progress(system)


def _split(text):
    return [part.strip() for part in text.split(",") if part.strip()]


def _show_progress(estimator):
    """Switch on the progress bars of savee_mm on a terminal; those of scikit-learn would print lines of text."""
    return set_everywhere(estimator, only=_is_ours, verbose=shows_progress())


def _is_ours(owner):
    """Return whether a part is from savee_mm; None is a default of savee_mm."""
    return owner is None or type(owner).__module__.startswith("savee_mm.")
