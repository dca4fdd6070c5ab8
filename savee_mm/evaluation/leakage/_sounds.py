"""Find sounds that are one recording, whatever the names and formats of their files."""

import hashlib
import os
from collections import defaultdict

import numpy as np
from tqdm.auto import tqdm

from savee_mm._cache import content_key, open_store
from savee_mm._validation import ClipError
from savee_mm.media import read_audio
from savee_mm.signal import similar_fingerprints, sound_fingerprint

# Part of the cache keys; increase it when the output of the kernel changes.
_VERSION = "fingerprint 1"
# Sample rate (Hz) that is sufficient for the bands of a fingerprint.
_SR = 5600
# Faster runs (s) show no bar.
_BAR_DELAY = 2


class Sounds:
    """Fingerprints of sounds, cached by content.

    Parameters
    ----------
    cache : "memory", path-like or None
        As for the extractors.
    input_sr : float
        Sample rate (Hz) of arrays.
    verbose : bool, default=False
        Whether to show a progress bar.
    """

    def __init__(self, cache, input_sr, *, verbose=False):
        self.store = open_store(cache)
        self.input_sr = input_sr
        self.verbose = verbose

    def relate(self, sources, names):
        """Group sounds of one recording.

        Parameters
        ----------
        sources : list of str, Segment, ndarray of shape (n_samples,) or None
            Files, parts of files, or samples.
        names : sequence of str
            Their names.

        Returns
        -------
        codes : ndarray of int, shape (n_sources,)
            Equal for the same recording, -1 for sounds that are missing or cannot be read.
        notes : list of str
            Sounds that could not be compared.
        """
        of_source, prints = {}, {}
        codes, unread = np.full(len(sources), -1), []
        bar = tqdm(sources, desc="Comparing sounds", unit="clip", disable=not self.verbose, delay=_BAR_DELAY)
        for row, source in enumerate(bar):
            if source is None:
                continue
            name = id(source) if isinstance(source, np.ndarray) else source
            if name not in of_source:
                of_source[name] = self._fingerprint(source, prints)
            if of_source[name] is None:
                unread.append(str(names[row]))
            else:
                codes[row] = of_source[name]
        prints = [bits for _, bits in prints.values()]
        groups = np.arange(len(prints))
        for first, second in self._pairs(prints):
            groups[groups == groups[second]] = groups[first]
        codes[codes >= 0] = groups[codes[codes >= 0]]
        return codes, _notes(sources, unread, prints)

    def _fingerprint(self, source, prints):
        """Return the position in ``prints``, a dict by content, or None for a sound that cannot be read."""
        try:
            key = content_key(source, f"{_VERSION} {_SR} {self.input_sr if isinstance(source, np.ndarray) else ''}")
            if key not in prints:
                bits = self.store.get(key)
                if bits is None:
                    bits = sound_fingerprint(*self._read(source))
                    self.store.put(key, bits)
                prints[key] = len(prints), bits
        except (OSError, ClipError, ValueError):
            return None  # the extractor that reads this file raises the error
        return prints[key][0]

    def _read(self, source):
        return (source, self.input_sr) if isinstance(source, np.ndarray) else read_audio(source, sr=_SR)

    def _pairs(self, prints):
        """Return the pairs of similar fingerprints, from the cache if the same set was compared before."""
        digest = hashlib.blake2b(_VERSION.encode(), digest_size=20)
        for bits in prints:
            digest.update(str(len(bits)).encode())
            digest.update(bits.tobytes())
        pairs = self.store.get(digest.hexdigest())
        if pairs is None:
            pairs = np.array([pair[:2] for pair in similar_fingerprints(prints)], dtype=np.int64).reshape(-1, 2)
            self.store.put(digest.hexdigest(), pairs)
        return pairs


def content_groups(sources):
    """Group files of equal content; only files of equal size are read.

    Parameters
    ----------
    sources : list of str, ndarray or None
        Paths; other items are ignored.

    Returns
    -------
    codes : ndarray of int, shape (n_sources,)
        Equal for equal content, -1 for files without a duplicate.
    """
    by_size = defaultdict(set)
    for path in {source for source in sources if isinstance(source, str) and os.path.isfile(source)}:
        by_size[os.path.getsize(path)].add(os.path.realpath(path))
    keys = {}
    for paths in by_size.values():
        if len(paths) > 1:
            keys |= {path: _content(path) for path in paths}
    contents = {key: code for code, key in enumerate(sorted({key for key in keys.values() if key}))}
    found = [keys.get(os.path.realpath(s)) if isinstance(s, str) else None for s in sources]
    return np.array([contents.get(key, -1) for key in found])


def _content(path):
    try:
        return content_key(path, "")
    except OSError:
        return None


def _notes(sources, unread, prints):
    notes = []
    n_missing = sum(source is None for source in sources)
    if n_missing == len(sources):
        return ["no sound was compared: no row has a path or an array of samples"]
    if n_missing:
        notes.append(f"{n_missing} of {len(sources)} rows have no sound to compare")
    if unread:
        shown = ", ".join(unread[:3]) + (f" and {len(unread) - 3} more" if len(unread) > 3 else "")
        notes.append(f"the sound of {shown} could not be read, and was not compared")
    n_short = sum(not bits.any() for bits in prints)
    if n_short:
        notes.append(f"{n_short} sounds are silent or shorter than 0.4 s, and were compared for exact equality only")
    return notes
