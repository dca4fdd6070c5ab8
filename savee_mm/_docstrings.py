"""Shared paragraphs of docstrings, written once and substituted at import."""

import re
from typing import TypeVar

_Documented = TypeVar("_Documented")

_PARAGRAPHS = {
    "cache": """
cache : "memory", path-like or None, default="memory"
    Where to keep the values extracted from each clip: in this process, in a folder, or not at all.
""",
    "f0_range": """
fmin, fmax : float, default=75, 600
    Range in which F0 is searched (Hz).
""",
    "input_sr": """
input_sr : int, default=None
    Sample rate (Hz) of clips passed as arrays; ``sr`` when None.
""",
    "n_jobs": """
n_jobs : int, default=None
    Number of worker processes. None means 1 unless in a :obj:`joblib.parallel_backend` context.
""",
    "on_error_medians": """
on_error : {"raise", "fill"}, default="raise"
    What to do with a clip that cannot be used: raise a :class:`~savee_mm.ClipError`, or issue a
    :class:`~savee_mm.ClipWarning` and fill its row with the training medians.
""",
    "on_error_zeros": """
on_error : {"raise", "fill"}, default="raise"
    What to do with a clip that cannot be used: raise a :class:`~savee_mm.ClipError`, or issue a
    :class:`~savee_mm.ClipWarning` and fill its images with zeros.
""",
    "report_": """
report_ : DataFrame
    ``clip_id``, ``path`` and ``reason`` of the clips of the last call that could not be used.
""",
    "sr": """
sr : int or None, default=22050
    Working sample rate (Hz), to which files are resampled. None keeps the recorded rate.
""",
    "verbose": """
verbose : bool or int, default=False
    Whether to show a progress bar.
""",
}


def shared_docs(documented: _Documented) -> _Documented:
    """Replace each line ``%(name)s`` in a docstring by the shared paragraph of that name.

    Parameters
    ----------
    documented : class or function
        Its docstring is changed in place. Python run with ``-OO`` has none.

    Returns
    -------
    documented : class or function

    Raises
    ------
    KeyError
        If no shared paragraph has that name.
    """
    if documented.__doc__:
        documented.__doc__ = re.sub(r"^( *)%\((\w+)\)s$", _paragraph, documented.__doc__, flags=re.MULTILINE)
    return documented


def _paragraph(line):
    indent, name = line.groups()
    return "\n".join(indent + text for text in _PARAGRAPHS[name].strip().splitlines())
