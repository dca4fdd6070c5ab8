"""The objects that a fitted estimator is made of: a walk over them, and a copy in which some are others."""

import numpy as np

# What is looked into beside plain containers; Keras models, random generators and compiled types are leaves.
_LIBRARIES = {"sklearn", "imblearn", "savee_mm"}


def parts(thing):
    """Yield an object and all objects within it, however deep, each once.

    Parameters
    ----------
    thing : object
        An estimator, or a container of some.

    Yields
    ------
    part : object
        The owner before what it owns.
    """
    seen, waiting = {}, [thing]
    while waiting:
        part = waiting.pop()
        if id(part) not in seen:
            # Kept, so that no other object takes the number of one that is gone.
            seen[id(part)] = part
            yield part
            waiting.extend(reversed(_within(part)))


def rebuild(thing, change):
    """Copy the structure of an object and share what it holds: arrays, networks, trees.

    Parameters
    ----------
    thing : object
        An estimator, or a container of some; not changed.
    change : callable
        ``change(name, value) -> value`` for every attribute and every entry of a dict.

    Returns
    -------
    copy : object
    """
    return _Copier(change).copy(thing)


def _is_composed(thing):
    """Whether an object is an instance of a library's own class written in Python."""
    kind = type(thing)
    if kind.__new__ is not object.__new__ or kind.__module__.partition(".")[0] not in _LIBRARIES:
        return False
    return hasattr(thing, "__dict__") and not isinstance(thing, type)


def _within(thing):
    if isinstance(thing, dict):
        return list(thing.values())
    if isinstance(thing, (list, tuple)):
        return list(thing)
    if isinstance(thing, np.ndarray):
        return thing.ravel().tolist() if thing.dtype == object else []
    return list(vars(thing).values()) if _is_composed(thing) else []


class _Copier:
    """Copies objects, one that is met twice once."""

    def __init__(self, change):
        self._change = change
        self._copies = {}

    def copy(self, thing):
        """Return the copy of an object, or the object itself where there is nothing within it."""
        if id(thing) not in self._copies:
            self._copies[id(thing)] = (thing, self._make(thing))
        return self._copies[id(thing)][1]

    def _make(self, thing):
        if isinstance(thing, dict):
            copy = type(thing).__new__(type(thing))
            self._copies[id(thing)] = (thing, copy)
            copy.update(self._changed(thing))
            return copy
        if type(thing) is list:
            return [self.copy(item) for item in thing]
        if isinstance(thing, tuple):
            items = [self.copy(item) for item in thing]
            return type(thing)(*items) if hasattr(thing, "_fields") else tuple(items)
        if isinstance(thing, np.ndarray) and thing.dtype == object:
            copy = thing.copy()
            plain = np.asarray(copy)  # of a masked array what is under the mask: the mask stays
            for place, item in np.ndenumerate(plain):
                plain[place] = self.copy(item)
            return copy
        return self._composed(thing) if _is_composed(thing) else thing

    def _composed(self, thing):
        copy = object.__new__(type(thing))
        self._copies[id(thing)] = (thing, copy)
        copy.__dict__.update(self._changed(vars(thing)))
        return copy

    def _changed(self, mapping):
        return {name: self.copy(self._change(name, value)) for name, value in mapping.items()}
