"""Which versions a model was made with."""

import importlib.metadata
import platform

from savee_mm._version import __version__

_LIBRARIES = ("numpy", "pandas", "scikit-learn", "keras", "tensorflow", "skops", "av", "opencv-python")


def installed_versions():
    """Return the versions of this library, of Python and of the libraries that a result depends on.

    Returns
    -------
    versions : dict
        ``savee_mm``, ``python`` and ``libraries`` (by name, None where one is not installed).
    """
    libraries = {name: _installed(name) for name in _LIBRARIES}
    return {"savee_mm": __version__, "python": platform.python_version(), "libraries": libraries}


def _installed(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
