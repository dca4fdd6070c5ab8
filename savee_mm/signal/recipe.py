"""Augmentation recipes: readable text that can be kept in a table and is applied reproducibly.

The steps of ``"pitch_shift(n_steps=1.25) add_noise(snr=18.5, seed=12345)"`` are applied from left to right. They have
the names of functions of ``savee_mm.signal``. ``n_steps`` is the parameter ``semitones``, ``snr`` is ``snr_db``: the
text format is stable, because it is part of tables and cache keys.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from savee_mm.signal.augment import (
    DECIBELS,
    DEPTHS,
    SEEDS,
    add_noise,
    apply_gain,
    check_float32,
    check_within,
    equalize,
    invert_polarity,
)
from savee_mm.signal.stretch import RATES, SEMITONES, pitch_shift, time_stretch


class _Parameter(NamedTuple):
    kind: type
    limits: tuple
    keyword: str | None = None  # of the function, if it differs


class _Kernel(NamedTuple):
    function: Callable
    parameters: Mapping
    takes_sr: bool = False


_KERNELS = {
    "time_stretch": _Kernel(time_stretch, {"rate": _Parameter(Real, RATES)}, takes_sr=True),
    "pitch_shift": _Kernel(pitch_shift, {"n_steps": _Parameter(Real, SEMITONES, "semitones")}, takes_sr=True),
    "equalize": _Kernel(
        equalize, {"depth": _Parameter(Real, DEPTHS), "seed": _Parameter(Integral, SEEDS)}, takes_sr=True
    ),
    "add_noise": _Kernel(add_noise, {"snr": _Parameter(Real, DECIBELS, "snr_db"), "seed": _Parameter(Integral, SEEDS)}),
    "apply_gain": _Kernel(apply_gain, {"gain": _Parameter(Real, DECIBELS)}),
    "invert_polarity": _Kernel(invert_polarity, {}),
}
_STEP = re.compile(r"\s*(\w+)\(([^()]*)\)\s*", re.ASCII)
_ARGUMENT = re.compile(r"\s*(\w+)\s*=\s*(\S+)\s*", re.ASCII)
# float() and int() would also accept 1_000, infinity and digits of other scripts.
_NUMBERS = {
    Real: re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", re.ASCII),
    Integral: re.compile(r"\d+", re.ASCII),
}


def parse_recipe(text: str) -> tuple[tuple[str, dict], ...]:
    """Parse a recipe.

    Parameters
    ----------
    text : str
        Steps as ``format_recipe`` writes them, separated by spaces; empty for none.

    Returns
    -------
    steps : tuple of (str, dict)
        Name of the function and its arguments, in order.

    Raises
    ------
    ValueError
        If the text is not a recipe: unknown step, parameter that is unknown, missing, given twice or out of range, or
        other text between the steps.

    Examples
    --------
    >>> from savee_mm.signal import parse_recipe
    >>> parse_recipe("pitch_shift(n_steps=1.25) add_noise(snr=18.5, seed=12345)")
    (('pitch_shift', {'n_steps': 1.25}), ('add_noise', {'snr': 18.5, 'seed': 12345}))
    """
    if not isinstance(text, str):
        raise ValueError(f"expected the text of a recipe, got {text!r} of type {type(text).__name__}")
    steps, position = [], 0
    while text[position:].strip():
        match = _STEP.match(text, position)
        if not match:
            raise ValueError(f"recipe {text!r}: expected steps such as {_allowed()}, got {text[position:]!r}")
        steps.append(_checked_step(match[1], _parse_arguments(match[1], match[2], text), f"recipe {text!r}"))
        position = match.end()
    return tuple(steps)


def format_recipe(steps: Sequence[tuple[str, dict]]) -> str:
    """Write a recipe as text, which ``parse_recipe`` converts to exactly the same steps.

    Parameters
    ----------
    steps : sequence of (str, dict)
        Name of a function of :mod:`savee_mm.signal` and its arguments: ``time_stretch`` (rate), ``pitch_shift``
        (n_steps), ``equalize`` (depth, seed), ``add_noise`` (snr, seed), ``apply_gain`` (gain), ``invert_polarity``.

    Returns
    -------
    text : str
        Empty without steps.

    Raises
    ------
    ValueError
        If a step is unknown, or a parameter is unknown, missing or out of range.

    Examples
    --------
    >>> from savee_mm.signal import format_recipe
    >>> format_recipe([("apply_gain", {"gain": -3}), ("invert_polarity", {})])
    'apply_gain(gain=-3.0) invert_polarity()'
    """
    checked = (_checked_step(name, arguments, "recipe") for name, arguments in steps)
    return " ".join(f"{name}({', '.join(f'{key}={value!r}' for key, value in kept.items())})" for name, kept in checked)


def apply_recipe(y: np.ndarray, sr: int, recipe: str | Sequence[tuple[str, dict]]) -> np.ndarray:
    """Apply a recipe to a sound.

    Results are reproducible to the last bit on one machine with the same versions of numpy and python-stretch.

    Parameters
    ----------
    y : array of shape (n_samples,)
        The sound, finite.
    sr : int
        Sampling rate (Hz), at least 1000 if tempo or pitch are changed.
    recipe : str or sequence of (str, dict)
        Text, or the steps that ``parse_recipe`` returns.

    Returns
    -------
    augmented : ndarray of shape (n_out,), float32
        Of the length of ``y`` unless the recipe has a ``time_stretch``.

    Raises
    ------
    ValueError
        If ``y`` is not one-dimensional or not finite, or the recipe is not valid.

    Examples
    --------
    >>> from savee_mm.signal import apply_recipe
    >>> apply_recipe([0.5, -0.25], 16000, "invert_polarity()").tolist()
    [-0.5, 0.25]
    """
    steps = parse_recipe(recipe) if isinstance(recipe, str) else [_checked_step(*step, "recipe") for step in recipe]
    y = check_float32(y)
    for name, arguments in steps:
        kernel = _KERNELS[name]
        keywords = {kernel.parameters[key].keyword or key: value for key, value in arguments.items()}
        y = kernel.function(y, sr, **keywords) if kernel.takes_sr else kernel.function(y, **keywords)
    return y


def _parse_arguments(name, text, recipe):
    """Parse the arguments of a step as numbers; ``_checked_step`` checks their names."""
    arguments = {}
    for part in text.split(",") if text.strip() else ():
        match = _ARGUMENT.fullmatch(part)
        if not match or match[1] in arguments:
            problem = "given twice" if match else "not of the form name=number"
            raise ValueError(f"recipe {recipe!r}: {part.strip()!r} in {name} is {problem}; expected {_allowed(name)}")
        arguments[match[1]] = _number(match[2])
    return arguments


def _number(text):
    """Return text as a number, or the text itself, which ``check_within`` refuses."""
    if _NUMBERS[Integral].fullmatch(text):
        return int(text)
    return float(text) if _NUMBERS[Real].fullmatch(text) else text


def _checked_step(name, arguments, where):
    """Return a step with its arguments in order and of their types, or raise ValueError."""
    if name not in _KERNELS:
        raise ValueError(f"{where}: unknown step {name!r}; expected one of {_allowed()}")
    parameters = _KERNELS[name].parameters
    if set(arguments) != set(parameters):
        raise ValueError(f"{where}: {name} got {', '.join(arguments) or 'no parameter'}; expected {_allowed(name)}")
    try:
        return name, {
            key: check_within(key, arguments[key], parameter.limits, kind=parameter.kind)
            for key, parameter in parameters.items()
        }
    except ValueError as error:
        raise ValueError(f"{where}: {error} in {name}") from None


def _allowed(*names):
    """Return the form of all steps or of those that are named, for error messages."""
    return ", ".join(
        f"{name}({', '.join(f'{key}=...' for key in _KERNELS[name].parameters)})"
        for name in names or _KERNELS
        if name in _KERNELS
    )
