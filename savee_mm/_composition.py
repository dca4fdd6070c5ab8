"""What an estimator is made of: walks over its parts, changed copies, and questions that the parts answer.

Parts are recognised by what they have, not by their type. An estimator of this library may have

- ``_columns_read()``: the columns of the clip table that it reads;
- ``_allows_missing_columns``: whether it predicts clips that lack some of these columns;
- ``failed_clips_``: the clips of its last call that could not be used;
- ``history_``: metrics after each epoch of its training;
- ``_branches_for(table)``: names and fitted branches that can predict these clips.

Pipelines, searches and other estimators around one are looked into.
"""

import functools
import inspect

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

# Objects of these libraries are looked into; Keras models, random generators and compiled types are leaves.
_LIBRARIES = {"sklearn", "imblearn", "savee_mm"}


def parts(thing):
    """Yield an object and all objects within it, at any depth, each once.

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
            # The reference is kept, so that no new object gets the id of a deleted one.
            seen[id(part)] = part
            yield part
            waiting.extend(reversed(list(vars(part).values()) if _is_composed(part) else held(part)))


def held(value):
    """Return what a container or a function holds.

    Parameters
    ----------
    value : object
        A dict, list, tuple, set, array of objects, partial, bound method or function.

    Returns
    -------
    items : list
        Values of a dict, items of another container, arguments of a partial, the owner of a method, what a function
        closes over; empty for anything else.
    """
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, np.ndarray):
        return value.ravel().tolist() if value.dtype == object else []
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    if inspect.ismethod(value):
        return [value.__self__]
    return [item for cell in value.__closure__ or () for item in _contents(cell)] if inspect.isfunction(value) else []


def rebuild(thing, change):
    """Copy the structure of an object, and share the arrays, networks and trees in it.

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


def children(estimator):
    """Return the estimators directly within another.

    Parameters
    ----------
    estimator : estimator
        Its parameters are looked at, alone or in a list of (name, estimator).

    Returns
    -------
    children : list of estimator
        The fitted ones where it keeps them: the best estimator of a search, ``extractor_`` for ``extractor``.
    """
    if hasattr(estimator, "best_estimator_"):
        return [estimator.best_estimator_]
    found = []
    for name, value in estimator.get_params(deep=False).items() if hasattr(estimator, "get_params") else ():
        value = getattr(estimator, f"{name}_", value)
        for item in value if isinstance(value, list) else [value]:
            item = item[1] if isinstance(item, tuple) and len(item) > 1 else item
            if hasattr(item, "get_params") and not isinstance(item, type):
                found.append(item)
    return found


def chosen(estimator):
    """Return the best estimator of a search, before its fit the one that it searches; any other as it is."""
    if hasattr(estimator, "best_estimator_"):
        return estimator.best_estimator_
    # Before its fit, a search differs from other estimators around one by its candidates.
    is_search = hasattr(estimator, "param_grid") or hasattr(estimator, "param_distributions")
    return estimator.estimator if is_search else estimator


def steps(estimator):
    """Return the steps that clips pass through when an estimator predicts.

    Parameters
    ----------
    estimator : estimator
        Fitted or not; a Pipeline, a search over one, or a single step.

    Returns
    -------
    steps : list of estimator
        Transformers, and the predictor last, also of a Pipeline within a Pipeline. Samplers are for training only.
    """
    estimator = chosen(estimator)
    if not isinstance(estimator, Pipeline):
        return [estimator]
    *before, last = (step for _, step in estimator.steps)
    return [*(step for step in before if hasattr(step, "transform")), *steps(last)]


def columns_read(estimator, table=None):
    """Return the columns of the clip table that an estimator reads, as far as its parts declare them.

    Parameters
    ----------
    estimator : estimator
        Its parts are searched for extractors, networks over the table and ColumnTransformers, at any depth. Of a
        Pipeline, the first step with columns counts: later steps read the output of that step.
    table : DataFrame, default=None
        A clip table, to resolve positions, slices, callables such as
        :class:`~sklearn.compose.make_column_selector` and the remainder of a ColumnTransformer; without it these
        are left out.

    Returns
    -------
    columns : list of str
        In the order found; empty where no part declares any.
    """
    if hasattr(estimator, "_columns_read"):
        return list(estimator._columns_read())
    if isinstance(estimator, ColumnTransformer):
        return _columns_selected(estimator, table)
    found = (columns_read(child, table) for child in children(estimator))
    if isinstance(estimator, Pipeline):
        return next((columns for columns in found if columns), [])
    return list(dict.fromkeys(column for columns in found for column in columns))


def failures(estimator):
    """Return the clips that extractors within a fitted estimator could not use in their last call.

    Parameters
    ----------
    estimator : estimator
        Fitted.

    Returns
    -------
    failures : list of tuple
        Rows of ``failed_clips_``: clip_id, path and reason; of a network over the table, the part before them. None for
        a fusion whose other branches predict such a clip.
    """
    if hasattr(estimator, "failed_clips_"):
        return list(estimator.failed_clips_.itertuples(index=False, name=None))
    if getattr(estimator, "_allows_missing_columns", False):
        return []
    return [failure for child in children(estimator) for failure in failures(child)]


def set_everywhere(estimator, only=None, **values):
    """Set parameters in an estimator and in every estimator within it that has them.

    Parameters
    ----------
    estimator : estimator
        Changed in place.
    only : callable, default=None
        ``only(owner) -> bool`` chooses the estimators in which to set. The owner is None for a default extractor that
        was not given.
    **values
        Values by the name of the parameter, without its path.

    Returns
    -------
    estimator : estimator
    """
    params = {"": estimator, **estimator.get_params()}
    found = {}
    for path in params:
        owner, _, name = path.rpartition("__")
        if path and name in values and (only is None or only(params[owner])):
            found[path] = values[name]
    # Not every set_params returns its estimator: that of FrozenEstimator gives None.
    estimator.set_params(**found)
    return estimator


def _contents(cell):
    try:
        return [cell.cell_contents]
    except ValueError:  # a name that has no value yet
        return []


def _columns_selected(transformer, table):
    """Return the columns of a ColumnTransformer that it does not drop."""
    specs = [(step, _names(spec, table)) for _, step, spec in transformer.transformers]
    columns = [name for step, names in specs if not _drops(step) for name in names]
    if table is not None and not _drops(transformer.remainder):
        taken = {name for _, names in specs for name in names}
        columns += [name for name in table.columns if name not in taken]
    return list(dict.fromkeys(columns))


def _drops(step):
    return isinstance(step, str) and step == "drop"


def _names(spec, table):
    """Return the column names of an entry of a ColumnTransformer."""
    if isinstance(spec, str):
        return [spec]
    if table is None:
        return [name for name in spec if isinstance(name, str)] if np.iterable(spec) else []
    if callable(spec):
        return _names(spec(table), table)
    if isinstance(spec, slice):
        by_name = any(isinstance(end, str) for end in (spec.start, spec.stop))
        return list(table.loc[:, spec].columns if by_name else table.columns[spec])
    spec = np.atleast_1d(np.asarray(spec, dtype=object)).tolist()
    if all(isinstance(item, str) for item in spec):
        return spec
    return list(table.columns[np.asarray(spec)])


def _is_composed(thing):
    """Whether an object is an instance of a library's own class written in Python."""
    kind = type(thing)
    if kind.__new__ is not object.__new__ or kind.__module__.partition(".")[0] not in _LIBRARIES:
        return False
    return hasattr(thing, "__dict__") and not isinstance(thing, type)


class _Copier:
    """Copies objects; one that stands in two places is copied once."""

    def __init__(self, change):
        self._change = change
        self._copies = {}

    def copy(self, thing):
        """Return the copy of an object, or the object itself where nothing is within it."""
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
            plain = np.asarray(copy)  # of a masked array the data under the mask; the mask stays
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
