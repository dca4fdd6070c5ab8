"""Sphinx configuration. Build, offline: ``sphinx-build -W -b html docs docs/_build/html``."""

import inspect
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from _gallery import share_corpora
from sphinx_gallery.sorting import ExplicitOrder

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
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "examples"]

# Every link to a name of this library must resolve. Links to other projects are not checked, because builds are
# offline.
nitpicky = True
nitpick_ignore_regex = [(r"py:\w+", r"(sklearn|imblearn|numpy|pandas|joblib|librosa|matplotlib)\..*")]

html_theme = "pydata_sphinx_theme"
html_title = f"savee_mm {release}"
html_theme_options = {
    "logo": {"text": "savee_mm"},
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": [], "gallery/index": []},
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["savee_mm.css"]
# Pages without subpages.
html_sidebars = {page: [] for page in ("index", "results", "benchmarks")}

autosummary_generate = True
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "none"  # docstrings also have shapes and units
toc_object_entries_show_parents = "hide"
python_maximum_signature_line_length = 88
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath", "colon_fence"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_formats = [("png", 150)]
# autodoc lists the members; numpydoc would list them again.
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# Examples run in the build; a single one: -D sphinx_gallery_conf.filename_pattern=plot_faces
_SECTIONS = ("features", "evaluation", "models")
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "subsection_order": ExplicitOrder([f"examples/{section}" for section in _SECTIONS]),
    "within_subsection_order": "_gallery.ReadingOrder",
    "image_scrapers": ("_gallery.scrape_figures", "matplotlib"),
    "image_srcset": ["2x"],
    "capture_repr": ("_repr_html_",),
    "abort_on_example_error": True,
    "doc_module": ("savee_mm",),
    "backreferences_dir": "api/backreferences",
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "write_computation_times": False,
}


def _skip_foreign_members(app, what, name, obj, skip, options):
    """Skip members of base classes of other libraries."""
    function = inspect.unwrap(getattr(obj, "fget", obj))
    return None if (getattr(function, "__module__", None) or "").startswith("savee_mm") else True


def setup(app):
    """Connect the hook and share the corpora of the examples."""
    app.connect("autodoc-skip-member", _skip_foreign_members)
    share_corpora(Path(__file__).parent / "_build" / "corpora")
