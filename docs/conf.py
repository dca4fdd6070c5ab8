"""Sphinx configuration. Build, offline: ``sphinx-build -W -b html docs docs/_build/html``."""

import inspect
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from savee_mm._version import __version__

project = "savee_mm"
author = "The savee_mm developers"
project_copyright = author
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "myst_parser",
]
templates_path = ["_templates"]
exclude_patterns = ["_build"]

html_theme = "pydata_sphinx_theme"
html_title = f"savee_mm {release}"
html_theme_options = {"logo": {"text": "savee_mm"}, "navigation_with_keys": False}
html_show_sourcelink = False
# These pages have nothing below them to navigate to.
_PAGES = (
    "install",
    "first_steps",
    "features",
    "audio_systems",
    "faces",
    "protocols",
    "reports",
    "models",
    "results",
    "benchmarks",
)
html_sidebars = {page: [] for page in _PAGES}

autosummary_generate = True
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
myst_heading_anchors = 2
myst_enable_extensions = ["dollarmath"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_formats = ["png"]
# autodoc lists the members; numpydoc would list them once more.
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False


def _skip_foreign_members(app, what, name, obj, skip, options):
    """Leave out what scikit-learn's and Python's own base classes bring: it is described there."""
    function = inspect.unwrap(getattr(obj, "fget", obj))
    return None if (getattr(function, "__module__", None) or "").startswith("savee_mm") else True


def setup(app):
    """Connect the one hook."""
    app.connect("autodoc-skip-member", _skip_foreign_members)
