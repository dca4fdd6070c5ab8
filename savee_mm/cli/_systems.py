"""From what was typed to estimators: names of systems, groups of them, and options that all of them take."""

from savee_mm._composition import set_everywhere
from savee_mm.systems import available, make


def make_systems(text, *, speaker_normalized=False, **options):
    """Return the systems that ``--systems`` names, in the order typed.

    Parameters
    ----------
    text : str
        Names with commas between; ``all`` stands for every system, ``audio`` for those that read sound alone, ``video``
        for those that read the face alone.
    speaker_normalized : bool, default=False
        Whether those that know it are normalised by speaker.
    **options
        See :func:`make_system`.

    Returns
    -------
    systems : dict of str to (str, estimator)
        Name in the tables -> name of the system, and the system.

    Raises
    ------
    ValueError
        For no name at all, and as in :func:`make_system`.
    """
    reads = available()["reads"]
    groups = {"all": reads.index, **{kind: reads.index[reads == kind] for kind in ("audio", "video")}}
    names = [name for part in _split(text) for name in groups.get(part, [part])]
    if not names:
        raise ValueError(f"--systems {text!r} names no system; the systems are {', '.join(reads.index)}.")
    systems = {}
    for name in dict.fromkeys(names):
        shown, estimator = name, make_system(name, **options)
        if speaker_normalized and _knows_speakers(name):
            shown, estimator = f"{name} (speaker-normalised)", make_system(name, speaker_normalized=True, **options)
        systems[shown] = (name, estimator)
    return systems


def make_system(name, *, epochs=None, cache=None, seed=None, speaker_normalized=False):
    """Return one system that shows its progress.

    Parameters
    ----------
    name : str
        Name of the system.
    epochs : int, default=None
        Passes over the training clips, None for the system's own number.
    cache : str, default=None
        Folder that keeps extracted arrays, None for this process's memory.
    seed : int, default=None
        Seed of everything random.
    speaker_normalized : bool, default=False
        Whether its features are normalised by speaker.

    Returns
    -------
    system : estimator

    Raises
    ------
    ValueError
        For an unknown name, and for ``epochs`` of a system that has none.
    """
    system = make(name, speaker_normalized=speaker_normalized, random_state=seed, cache=cache or "memory")
    if epochs is not None:
        if "epochs" not in system.get_params(deep=False):
            raise ValueError(f"--epochs is for systems that are one network, and {name!r} is not: leave it out.")
        system.set_params(epochs=epochs)
    return _show_progress(system)


def _split(text):
    return [part.strip() for part in text.split(",") if part.strip()]


def _knows_speakers(name):
    try:
        make(name, speaker_normalized=True)
    except ValueError:
        return False
    return True


def _show_progress(estimator):
    """Switch on the progress bars of this library's own parts; scikit-learn's would print lines of text."""
    return set_everywhere(estimator, only=_is_ours, verbose=True)


def _is_ours(owner):
    """Whether a part belongs to this library, as one that None stands for does."""
    return owner is None or type(owner).__module__.startswith("savee_mm.")
