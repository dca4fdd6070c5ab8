"""Loaders of corpora as clip tables: ten corpora, a table of your own, and a synthetic corpus.

Every loader returns a :class:`~sklearn.utils.Bunch` with ``data`` (the clip table: ``audio``, ``video``,
``speaker``, ``sentence``, ``clip_id`` and other properties in the file names), ``target`` (the classes, as
strings), ``groups`` (the speakers), ``target_names`` and ``DESCR``. Loaders read file names and never open
a media file. :func:`~savee_mm.concat_corpora` makes one corpus of several.
"""

import lazy_loader

# From __init__.pyi, on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
