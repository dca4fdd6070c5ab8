"""Helpers of the documentation build: one synthetic corpus for all examples, and a scraper for plots without pyplot."""

import functools
import hashlib
import weakref
from pathlib import Path

import joblib
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

import savee_mm

_SYNTHESIS = Path(savee_mm.__file__).parent / "datasets" / "synthetic"
_ORDER = (
    "descriptors",
    "voice_pictures",
    "faces",
    "augmentation",
    "selector",
    "cross_validation",
    "leakage",
    "new_speakers",
    "report",
    "corpora",
    "late_fusion",
    "explain",
    "importance",
    "timeline",
)
_drawn = weakref.WeakSet()


def share_corpora(folder):
    """Cache synthetic corpora, so that all examples and later builds share the files of one size.

    Parameters
    ----------
    folder : path-like
        Cache folder, used instead of the folder that an example names.
    """
    make = savee_mm.make_talking_faces
    if hasattr(make, "__wrapped__"):
        return
    version = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_SYNTHESIS.glob("*.py")))).hexdigest()[:8]
    folder = Path(folder) / version
    remembered = joblib.Memory(folder, verbose=0).cache(make)

    @functools.wraps(make)
    def shared(root, n_speakers=4, n_sentences=3, random_state=0, *, verbose=False):
        own = folder / f"{n_speakers}x{n_sentences}_{random_state}"
        return remembered(own, n_speakers, n_sentences, random_state)

    savee_mm.make_talking_faces = shared


class ReadingOrder:
    """Sort key of sphinx-gallery: the order of the examples within a section.

    Parameters
    ----------
    folder : path-like
        Folder of the section; not used.
    """

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, filename):
        return _ORDER.index(Path(filename).stem.removeprefix("plot_"))

    def __repr__(self):
        return f"<{type(self).__name__}>"


def scrape_figures(block, block_vars, gallery_conf):
    """Image scraper of sphinx-gallery for Figure objects among an example's variables that pyplot does not manage.

    Parameters
    ----------
    block, block_vars, gallery_conf
        See sphinx-gallery, "Write a custom image scraper".

    Returns
    -------
    rst : str
        Directive that displays them.
    """
    figures = {id(value): value for value in block_vars["example_globals"].values() if isinstance(value, Figure)}
    new = [figure for figure in figures.values() if figure not in _drawn]
    _drawn.update(new)
    paths = []
    for figure in new:
        if figure.canvas.manager is None:
            path = Path(next(block_vars["image_path_iterator"]))
            sharp = path.with_stem(f"{path.stem}_2_00x")
            figure.savefig(path, dpi=100)
            figure.savefig(sharp, dpi=200)
            paths.append({0: path, 2.0: sharp})
    return figure_rst([each[0] for each in paths], gallery_conf["src_dir"], srcsetpaths=paths)
