"""Features of a corpus as one table."""

import time
import warnings
from contextlib import contextmanager
from pathlib import Path

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
    extract_features,
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


def is_table(root):
    """Return whether a path is a table that is read in chunks: a file, a URL, or a folder of Parquet files."""
    path = Path(root)
    return path.is_file() or "://" in root or any(path.rglob("*.parquet"))


def run_extract(table, name, out, *, engine, scheduler, chunk_size, overwrite, cache, n_jobs):
    """Extract features in chunks, and report the number of clips that could not be used.

    Parameters
    ----------
    table : str or Bunch
        Path of a table, or the result of a loader.
    name : str
        One of ``EXTRACTORS``.
    out : Path
        Folder of Parquet files.
    engine : {"joblib", "dask"}
        See :func:`savee_mm.extract_features`.
    scheduler : str or None
        Address of a Dask scheduler; None starts ``n_jobs`` workers.
    chunk_size : int
        Clips of a chunk.
    overwrite : bool
        Whether features of another table are replaced.
    cache : str or None
        Folder that keeps the features of each clip.
    n_jobs : int
        Worker processes.

    Returns
    -------
    n_failed : int
        Number of clips that could not be used.
    """
    extractor = EXTRACTORS[name](cache=cache, n_jobs=n_jobs, verbose=shows_progress())
    if not isinstance(table, str):
        table = table.data.assign(emotion=np.asarray(table.target))
    with _dask_client(scheduler, n_jobs, engine), warnings.catch_warnings():
        # The number of these clips is reported below.
        warnings.simplefilter("ignore", ClipWarning)
        result = extract_features(table, extractor, out, engine=engine, chunk_size=chunk_size, overwrite=overwrite)
    echo(f"{name} of {result.n_clips} clips in {result.n_parts} files, {result.n_failed} failed: {out}")
    return result.n_failed


@contextmanager
def _dask_client(scheduler, n_jobs, engine):
    """Connect to a Dask scheduler, or start one with its workers for the time of the block."""
    if engine == "joblib":
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError("--engine dask needs Dask: pip install 'savee-mm[dask]'.") from error
    if scheduler:
        with Client(scheduler):
            yield
    else:
        # Any free port: without an address, Dask's server takes 8787 and warns if another cluster has it.
        with Client(n_workers=n_jobs, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"):
            yield


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


def run_warmup():
    """Compile the kernels of the voice on a synthetic vowel, and print how long it took."""
    from savee_mm.datasets.synthetic import synthesize_voice

    start = time.perf_counter()
    y, _ = synthesize_voice(sr=44100)
    for extractor in (AudioFeatures, ProsodyFeatures, VoiceFunctionals):
        extractor(input_sr=44100, cache=None).fit_transform([y])
    echo(f"compiled in {time.perf_counter() - start:.1f} s")
