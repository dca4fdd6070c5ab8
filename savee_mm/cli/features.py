"""Features of a corpus as one table."""

import warnings

import numpy as np
import pandas as pd

from savee_mm import (
    AudioFeatures,
    ClipWarning,
    FaceDescriptor,
    FaceFrameSampler,
    MelImage,
    MFCCImage,
    ProsodyFeatures,
    SpectralFeatures,
    VoiceFunctionals,
    YAMNetEmbedding,
)
from savee_mm._files import check_destination, write_atomically, write_text
from savee_mm.cli._stderr import shows_progress
from savee_mm.cli._text import csv_text, echo, echo_error

EXTRACTORS = {
    "prosody": ProsodyFeatures,
    "spectral": SpectralFeatures,
    "audio": AudioFeatures,
    "voice": VoiceFunctionals,
    "yamnet": YAMNetEmbedding,
    "face": FaceDescriptor,
    "mfcc-image": MFCCImage,
    "mel-image": MelImage,
    "face-frames": FaceFrameSampler,
}
IMAGES = {"mfcc-image", "mel-image", "face-frames"}
TABLES = (".parquet", ".csv")


def run_features(corpus, name, out, *, cache, n_jobs, on_error, quote_formulas=False):
    """Extract features, write the table, and report the clips that could not be used.

    Parameters
    ----------
    corpus : Bunch
        Result of a loader.
    name : str
        One of ``EXTRACTORS``.
    out : Path
        ``.parquet`` or ``.csv``, for images ``.npz``.
    cache : str or None
        Folder that keeps the features of each clip.
    n_jobs : int
        Worker processes.
    on_error : {"raise", "fill"}
        Effect of a clip that cannot be used.
    quote_formulas : bool, default=False
        Whether a CSV file has no cells that spreadsheets run as formulas.

    Returns
    -------
    n_failed : int
        Number of clips that were filled.

    Raises
    ------
    ValueError
        If ``out`` has another suffix.
    """
    suffixes = (".npz",) if name in IMAGES else TABLES
    if out.suffix not in suffixes:
        raise ValueError(f"--out {out}: {name} is written to {' or '.join(suffixes)}; use such a name.")
    check_destination(out)
    extractor = EXTRACTORS[name](cache=cache, n_jobs=n_jobs, on_error=on_error, verbose=shows_progress())
    with warnings.catch_warnings():
        # Each of these clips is reported below.
        warnings.simplefilter("ignore", ClipWarning)
        values = extractor.fit_transform(corpus.data)
    if name in IMAGES:
        with write_atomically(out) as file:
            clip_id = corpus.data["clip_id"].to_numpy(str)
            np.savez_compressed(file, X=values, clip_id=clip_id, y=np.asarray(corpus.target))
    else:
        _write(_table(corpus, values, extractor.get_feature_names_out()), out, quote_formulas)
    for clip_id, path, reason in extractor.failed_clips_.itertuples(index=False):
        echo_error(f"{clip_id} ({path}) was filled: {reason}")
    echo(f"{name} of {len(values)} clips, shape {values.shape[1:]}: {out}")
    return len(extractor.failed_clips_)


def _table(corpus, values, names):
    """Return the columns of the corpus and the features as one table."""
    known = [column for column in ("clip_id", "speaker", "sentence", "start", "end") if column in corpus.data.columns]
    table = corpus.data[known].reset_index(drop=True).assign(emotion=np.asarray(corpus.target))
    return pd.concat([table, pd.DataFrame(values, columns=names)], axis=1)


def _write(table, out, quote_formulas):
    if out.suffix == ".csv":
        write_text(out, csv_text(table, quote_formulas=quote_formulas))
    else:
        with write_atomically(out) as file:
            table.to_parquet(file, index=False)
