"""Tables of frames that OpenFace and py-feat write, as columns of a clip table."""

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from savee_mm._validation import ClipError, ClipWarning, Segment, as_table, clip_names, path_of, segments

_OPENFACE = re.compile(r"AU\d\d_[rc]|pose_R[xyz]|gaze_angle_[xy]")
_PYFEAT = re.compile(r"AU\d\d|Pitch|Roll|Yaw|anger|disgust|fear|happiness|sadness|surprise|neutral")
_STATISTICS = ("mean", "std", "min", "max", "median")


def join_face_tables(
    data: pd.DataFrame,
    tables: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    statistics: Sequence[str] = ("mean", "std"),
    min_confidence: float = 0.5,
    fps: float | None = None,
    on_error: str = "raise",
) -> pd.DataFrame:
    """Join statistics of the frames in tables of OpenFace or py-feat to a clip table.

    Parameters
    ----------
    data : DataFrame
        Clip table with a column ``video``.
    tables : path-like or sequence of path-like
        A folder, in which the table of ``clip.mp4`` is ``clip.csv``; or a table for each clip.
    statistics : sequence of str, default=("mean", "std")
        One or more of ``"mean"``, ``"std"``, ``"min"``, ``"max"``, ``"median"`` over the frames of a clip.
    min_confidence : float, default=0.5
        Frames with a lower confidence (OpenFace; or without success) or face score (py-feat) are left out. Of several
        faces in a frame, the one with the highest is used.
    fps : float, default=None
        Frames per second of the videos, for segments in tables of py-feat, which have no times.
    on_error : {"raise", "fill"}, default="raise"
        Effect of a clip without a table or a face: an error, or NaN and a warning.

    Returns
    -------
    joined : DataFrame
        ``data`` with columns such as ``openface_AU12_r_mean``: action units, head pose and gaze of OpenFace; action
        units, head pose and emotions of py-feat. Of a segment, the frames between ``start`` and ``end`` are used.

    Raises
    ------
    ClipError
        If a clip has no table, or no frame with a face.
    ValueError
        If a table is neither of OpenFace nor of py-feat, or a parameter is out of its range.

    See Also
    --------
    ColumnBranch : A classifier of these columns in a fusion.

    References
    ----------
    T. Baltrusaitis et al., "OpenFace 2.0: facial behavior analysis toolkit", FG 2018.
    J. H. Cheong et al., "Py-Feat: Python facial expression analysis toolbox", Affective Science 2023.

    Examples
    --------
    >>> from savee_mm import load_savee
    >>> from savee_mm.datasets import join_face_tables
    >>> savee = load_savee("SAVEE/")  # doctest: +SKIP
    >>> joined = join_face_tables(savee.data, "openface/")  # doctest: +SKIP
    """
    data = as_table(data)
    unknown = [name for name in statistics if name not in _STATISTICS]
    if unknown or not len(statistics):
        raise ValueError(f"Expected statistics to be one or more of {', '.join(_STATISTICS)}, got {statistics!r}.")
    if "video" not in data.columns:
        raise ValueError(f"The clip table has no column 'video'; its columns are {list(map(str, data.columns))}.")
    names = clip_names(data, "video")
    sources = segments(data, [str(value) if isinstance(value, str | Path) else None for value in data["video"]], names)
    rows, problems = [], []
    for name, source, table in zip(names, sources, _paths(tables, sources), strict=True):
        try:
            frames = _frames_of(source, table, fps, min_confidence)
            rows.append({f"{c}_{s}": _statistic(frames[c], s) for c in frames for s in statistics})
        except ClipError as error:
            problems.append(ClipError(error.reason, path=path_of(source), clip_id=name))
            rows.append({})
    if problems and (on_error == "raise" or len(problems) == len(rows)):
        raise problems[0]
    if problems:
        message = f"{len(problems)} of {len(rows)} clips have no face columns. First: {problems[0]}"
        warnings.warn(message, ClipWarning, stacklevel=2)
    # By position: an index may have duplicates.
    columns = pd.DataFrame(rows, dtype=float)
    return pd.concat([data.reset_index(drop=True), columns], axis=1).set_axis(data.index)


def _paths(tables, sources):
    """Return the path of the table of each clip, None if it has none."""
    if isinstance(tables, str | os.PathLike):
        folder = Path(tables)
        files = [None if source is None else folder / f"{Path(path_of(source)).stem}.csv" for source in sources]
    else:
        files = [Path(table) for table in tables]
        if len(files) != len(sources):
            raise ValueError(f"Expected a table for each of {len(sources)} clips, got {len(files)}.")
    return [file if file is not None and file.is_file() else None for file in files]


def _frames_of(source, path, fps, min_confidence):
    """Return the values of the frames of a clip with a face, named after the program."""
    if path is None:
        raise ClipError("no table of frames; run OpenFace or py-feat on the video, or leave the clip out")
    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise ClipError(f"{path} is no table ({error}); run OpenFace or py-feat again") from error
    table.columns = table.columns.str.strip()
    if {"timestamp", "confidence", "success"} <= set(table.columns):
        program, pattern, frame, score = "openface", _OPENFACE, table["timestamp"], table["confidence"]
        time, good = table["timestamp"], table["success"] == 1
    elif {"frame", "FaceScore"} <= set(table.columns):
        program, pattern, frame, score = "pyfeat", _PYFEAT, table["frame"], table["FaceScore"]
        if "input" in table.columns and path_of(source) is not None and table["input"].nunique() > 1:
            table = table[[Path(str(value)).stem == Path(path_of(source)).stem for value in table["input"]]]
        time, good = (None if fps is None else table["frame"] / fps), table["FaceScore"].notna()
    else:
        raise ValueError(
            f"{str(path)!r} is no table of OpenFace (timestamp, confidence, success) or py-feat (frame, FaceScore); "
            f"its columns are {', '.join(map(str, table.columns[:8]))}."
        )
    kept = good & (score >= min_confidence)
    if isinstance(source, Segment):
        if time is None:
            raise ValueError("Tables of py-feat have no times: pass fps=, the frames per second of the videos.")
        kept &= (time >= source.start) & (time < source.end)
    best = table.assign(_frame=frame, _score=score)[kept].sort_values("_score", kind="stable")
    best = best.drop_duplicates("_frame", keep="last")
    if best.empty:
        raise ClipError(f"no frame with a face in {str(path)!r}; lower min_confidence, or leave the clip out")
    columns = [name for name in table.columns if pattern.fullmatch(name)]
    return {f"{program}_{name}": best[name].to_numpy(dtype=float) for name in columns}


def _statistic(values, name):
    """Return a statistic of the values that are known, NaN if none is."""
    known = values[~np.isnan(values)]
    return float(getattr(np, name)(known)) if known.size else np.nan
