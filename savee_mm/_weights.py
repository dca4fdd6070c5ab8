"""The checked model store: which pretrained files exist, where they lie, and the one way to download them.

Nothing here is downloaded at import, fit or predict: only :func:`fetch_weights` goes to the network, and only
for files whose SHA-256 is known beforehand.
"""

import hashlib
import os
import urllib.request
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from savee_mm._files import write_atomically

WEIGHTS_VARIABLE = "SAVEE_MM_WEIGHTS"
_BLOCK = 1 << 16  # bytes
_TIMEOUT = 30  # s without an answer


@dataclass(frozen=True)
class WeightFile:
    """One file of a pretrained model: its name on disk, where it comes from, and what it must contain."""

    filename: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Weights:
    """One pretrained model: its files, what it is, and its licence."""

    files: tuple[WeightFile, ...]
    what: str
    licence: str


REGISTRY = {
    "yunet": Weights(
        files=(
            WeightFile(
                "face_detection_yunet_2026may.onnx",
                "https://media.githubusercontent.com/media/opencv/opencv_zoo/main/models/"
                "face_detection_yunet/face_detection_yunet_2026may.onnx",
                "ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
            ),
        ),
        what="YuNet face detector: boxes and five landmarks (Wu, Peng and Yu 2023)",
        licence="MIT",
    ),
    "ssd": Weights(
        files=(
            WeightFile(
                "opencv_face_detector_uint8.pb",
                "https://raw.githubusercontent.com/opencv/opencv_3rdparty/"
                "dnn_samples_face_detector_20180220_uint8/opencv_face_detector_uint8.pb",
                "5c71d752ef2cbf2f457ac82fdd580fcb2522fd04c5efdaed18eb6d9e2843fbed",
            ),
            WeightFile(
                "opencv_face_detector.pbtxt",
                "https://raw.githubusercontent.com/opencv/opencv_extra/4.x/testdata/dnn/opencv_face_detector.pbtxt",
                "5397808362fc6fb7c4044484848e297b22449d913a267fa7f8bd9d86dce29144",
            ),
        ),
        what="OpenCV's ResNet-10 SSD face detector, TensorFlow form",
        licence="published with OpenCV (Apache-2.0); no licence text of its own",
    ),
}


def find_weights(name):
    """Return the files of a pretrained model, or None where they are not all there.

    Parameters
    ----------
    name : str
        A key of ``REGISTRY``.

    Returns
    -------
    paths : tuple of Path or None
        In the registry's order, in the folder that ``SAVEE_MM_WEIGHTS`` names. Contents are checked when
        fetched, not here.
    """
    files = _entry(name).files
    folder = _folder_of_environment()
    if folder is None:
        return None
    paths = tuple(folder / file.filename for file in files)
    return paths if all(path.is_file() for path in paths) else None


def require_weights(name):
    """Return the files of a pretrained model.

    Raises
    ------
    FileNotFoundError
        Where they are not all there: says how to get them, and where they belong.
    """
    paths = find_weights(name)
    if paths is not None:
        return paths
    names = " and ".join(file.filename for file in _entry(name).files)
    folder = _folder_of_environment()
    if folder is None:
        raise FileNotFoundError(
            f"The weights {name!r} ({names}) were looked for in the folder that the environment variable "
            f"{WEIGHTS_VARIABLE} names, and it is not set. Set it to a folder of yours and run "
            f"`savee-mm fetch-weights {name}`, or put the files there yourself."
        )
    missing = [file.filename for file in _entry(name).files if not (folder / file.filename).is_file()]
    raise FileNotFoundError(
        f"The weights {name!r} need {names} in {folder} ({WEIGHTS_VARIABLE}); missing: {', '.join(missing)}. "
        f"Run `savee-mm fetch-weights {name}`, or put the files there yourself."
    )


def fetch_weights(name, folder=None, *, progress=False):
    """Download the files of a pretrained model, checked against their SHA-256.

    Parameters
    ----------
    name : str
        A key of ``REGISTRY``, such as ``"yunet"``.
    folder : str or path-like, default=None
        Where to put them; the folder that ``SAVEE_MM_WEIGHTS`` names when None. It is created where absent,
        and nothing is written anywhere else.
    progress : bool, default=False
        Show a progress bar on stderr.

    Returns
    -------
    paths : tuple of Path
        What is already there with the right content is not downloaded again; wrong content is replaced.

    Raises
    ------
    ValueError
        For an unknown name, for no folder, or where what came has another SHA-256 (nothing is kept of it).
    OSError
        Where a file cannot be downloaded or written.
    """
    files = _entry(name).files
    folder = _folder_of_environment() if folder is None else Path(folder)
    if folder is None:
        raise ValueError(
            f"No folder for the weights {name!r}: pass folder=..., or set the environment variable {WEIGHTS_VARIABLE}."
        )
    for file in files:
        path = folder / file.filename
        if not (path.is_file() and _sha256(path) == file.sha256):
            _download(file, path, progress=progress)
    return tuple(folder / file.filename for file in files)


def _entry(name):
    if name not in REGISTRY:
        raise ValueError(f"Unknown weights {name!r}; known are {', '.join(map(repr, sorted(REGISTRY)))}.")
    return REGISTRY[name]


def _folder_of_environment():
    folder = os.environ.get(WEIGHTS_VARIABLE)
    return Path(folder) if folder else None


def _sha256(path):
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(file, path, *, progress):
    with write_atomically(path) as target:
        digest = _copy(file, target, progress=progress)
        if digest != file.sha256:
            raise ValueError(
                f"{file.url} gave a file with SHA-256 {digest}, expected {file.sha256}; nothing was kept. "
                f"Try again; if it stays so, get {file.filename} from elsewhere and put it into {path.parent}."
            )


def _copy(file, target, *, progress):
    """Write what the address gives into ``target`` and return its SHA-256."""
    digest = hashlib.sha256()
    try:
        with (
            urllib.request.urlopen(file.url, timeout=_TIMEOUT) as source,
            _bar(file.filename, source.headers.get("Content-Length"), progress) as bar,
        ):
            while block := source.read(_BLOCK):
                target.write(block)
                digest.update(block)
                if bar is not None:
                    bar.update(len(block))
    except OSError as error:
        raise OSError(
            f"{file.filename} could not be downloaded from {file.url} ({error}). Check the network, or get "
            f"the file by other means and put it into the weights folder."
        ) from error
    return digest.hexdigest()


def _bar(filename, length, progress):
    if not progress:
        return nullcontext()
    from tqdm import tqdm

    return tqdm(desc=filename, total=int(length) if length else None, unit="B", unit_scale=True)
