"""Registry, lookup and download of pretrained weights.

Nothing is downloaded at import, fit or predict: only :func:`fetch_weights` uses the network, and only for files whose
checksum is registered.
"""

import hashlib
import os
import shutil
import time
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from savee_mm._files import write_atomically

WEIGHTS_VARIABLE = "SAVEE_MM_WEIGHTS"
_BLOCK = 1 << 14  # bytes
_TIMEOUT = 30  # s without an answer
_LARGEST, _LONGEST = 1 << 30, 3600  # bytes and s for one file


@dataclass(frozen=True)
class WeightFile:
    """File of a pretrained model: name, URL and checksum.

    Parameters
    ----------
    filename : str
        Name in the weights folder.
    url : str
        Where its publisher offers it.
    checksum : str
        ``"sha256:<digits>"``, or ``"md5:<digits>"`` if its publisher gives no other.
    alternatives : tuple of str, default=()
        Names of files that are used if this one is missing. The user puts them into the folder.
    """

    filename: str
    url: str
    checksum: str
    alternatives: tuple[str, ...] = ()

    def is_in(self, path):
        """Return whether the file at ``path`` has the registered checksum."""
        return _checksum(path, self.checksum) == self.checksum

    def find(self, folder):
        """Return the path of the file in ``folder``, or of an alternative; None if neither is present."""
        paths = (folder / name for name in (self.filename, *self.alternatives))
        return next((path for path in paths if path.is_file()), None)

    def __str__(self):
        return f"{self.filename} (or {', '.join(self.alternatives)})" if self.alternatives else self.filename


@dataclass(frozen=True)
class LocalWeights:
    """File of weights on this machine, compared by content: copies are equal, a changed file is not.

    Parameters
    ----------
    path : str
        Path of the file; ignored by comparisons and ``repr``.
    sha256 : str
        Digest of the content.
    """

    path: str = field(repr=False, compare=False)
    sha256: str


@dataclass(frozen=True)
class Weights:
    """Pretrained model: files, description and licence."""

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
                "sha256:ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
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
                "sha256:5c71d752ef2cbf2f457ac82fdd580fcb2522fd04c5efdaed18eb6d9e2843fbed",
            ),
            WeightFile(
                "opencv_face_detector.pbtxt",
                "https://raw.githubusercontent.com/opencv/opencv_extra/4.x/testdata/dnn/opencv_face_detector.pbtxt",
                "sha256:5397808362fc6fb7c4044484848e297b22449d913a267fa7f8bd9d86dce29144",
            ),
        ),
        what="OpenCV's ResNet-10 SSD face detector, TensorFlow form",
        licence="published with OpenCV (Apache-2.0); no licence text of its own",
    ),
    "yamnet": Weights(
        files=(
            WeightFile(
                "yamnet.h5",
                "https://storage.googleapis.com/audioset/yamnet.h5",
                "sha256:13c3308955bbfaef262f175ac9c40e47b134573a93984f009220dd7cc12a1744",
                alternatives=("yamnet_int8_perchannel_weights.npz",),
            ),
            WeightFile(
                "yamnet_class_map.csv",
                "https://raw.githubusercontent.com/tensorflow/models/dfffd623b6be8d1d9744b8e261fbac370d17c46d/"
                "research/audioset/yamnet/yamnet_class_map.csv",
                "sha256:cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
            ),
        ),
        what="YAMNet: 521 sounds of AudioSet by a MobileNet on log-mel patches (Plakal and Ellis 2019)",
        licence="Apache-2.0",
    ),
    # Keras publishes only MD5 checksums for its VGG files.
    "vgg16": Weights(
        files=(
            WeightFile(
                "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/"
                "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "md5:6d6bbae143d832006294945121d1f1fc",
                ("vgg16_notop_float16.npz",),
            ),
        ),
        what="VGG16 without its dense layers, trained on ImageNet (Simonyan and Zisserman 2015)",
        licence="CC BY 4.0 (Visual Geometry Group, Oxford)",
    ),
    "vgg19": Weights(
        files=(
            WeightFile(
                "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/"
                "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "md5:253f8cb515780f3b799900260a226db6",
            ),
        ),
        what="VGG19 without its dense layers, trained on ImageNet (Simonyan and Zisserman 2015)",
        licence="CC BY 4.0 (Visual Geometry Group, Oxford)",
    ),
    "mobilenet": Weights(
        files=(
            WeightFile(
                "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite",
                "https://raw.githubusercontent.com/google-coral/test_data/104342d2d3480b3e66203073dac24f4e2dbb4c41/"
                "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite",
                "sha256:f409ef4f73fcbb9667841965623c5c8524aac33d41b9bf5f3667161fb4a76319",
            ),
        ),
        what="MobileNet v1 without its dense layer, trained on ImageNet, 8 bits (Howard et al. 2017)",
        licence="Apache-2.0",
    ),
}


def find_weights(name):
    """Return the files of a pretrained model, or None if one is missing.

    Parameters
    ----------
    name : str
        A key of ``REGISTRY``.

    Returns
    -------
    paths : tuple of Path or None
        In the registry's order, in the folder that ``SAVEE_MM_WEIGHTS`` names; an alternative if a file is missing.
        Checksums are verified by :func:`fetch_weights`, not here.
    """
    files = _entry(name).files
    folder = weights_folder()
    if folder is None:
        return None
    paths = tuple(file.find(folder) for file in files)
    return None if None in paths else paths


def require_weights(name):
    """Return the files of a pretrained model.

    Raises
    ------
    FileNotFoundError
        If a file is missing; the message says how to get it and where to put it.
    """
    paths = find_weights(name)
    if paths is not None:
        return paths
    names = " and ".join(map(str, _entry(name).files))
    folder = weights_folder()
    if folder is None:
        raise FileNotFoundError(
            f"The weights {name!r} ({names}) were looked for in the folder that the environment variable "
            f"{WEIGHTS_VARIABLE} names, and it is not set. Set it to a folder of yours and run "
            f"`savee-mm fetch-weights {name}`, or put the files there yourself."
        )
    missing = [file.filename for file in _entry(name).files if file.find(folder) is None]
    raise FileNotFoundError(
        f"The weights {name!r} need {names} in {folder} ({WEIGHTS_VARIABLE}); missing: {', '.join(missing)}. "
        f"Run `savee-mm fetch-weights {name}`, or put the files there yourself."
    )


def fetch_weights(
    name: str, folder: str | os.PathLike[str] | None = None, *, progress: bool = False
) -> tuple[Path, ...]:
    """Download the files of a pretrained model and verify their checksums.

    Parameters
    ----------
    name : str
        A key of ``REGISTRY``, such as ``"yunet"``.
    folder : str or path-like, default=None
        Where to write them; None means the folder that ``SAVEE_MM_WEIGHTS`` names. It is created if missing.
        Nothing is written elsewhere.
    progress : bool, default=False
        Show a progress bar on stderr.

    Returns
    -------
    paths : tuple of Path
        Files with the registered checksum are not downloaded again; others are replaced.

    Raises
    ------
    ValueError
        If the name is unknown, no folder is given, or a download has another checksum (it is deleted).
    OSError
        If a file cannot be downloaded or written, is larger than 1 GiB, or takes longer than an hour.
    """
    files = _entry(name).files
    folder = weights_folder() if folder is None else Path(folder)
    if folder is None:
        raise ValueError(
            f"No folder for the weights {name!r}: pass folder=..., or set the environment variable {WEIGHTS_VARIABLE}."
        )
    for file in files:
        path = folder / file.filename
        if not (path.is_file() and file.is_in(path)):
            _download(file, path, progress=progress)
    return tuple(folder / file.filename for file in files)


def identify_weights(path):
    """Return a file of weights with the digest of its content.

    Parameters
    ----------
    path : str or path-like
        The file. It is read again only if its size or modification time has changed.

    Returns
    -------
    weights : LocalWeights

    Raises
    ------
    FileNotFoundError
        If the file is missing.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"No file of weights at {path}; give the path of one, or the name of registered ones.")
    status = path.stat()
    return LocalWeights(str(path), _sha256(str(path), status.st_size, status.st_mtime_ns))


def _entry(name):
    if name not in REGISTRY:
        raise ValueError(f"Unknown weights {name!r}; known are {', '.join(map(repr, sorted(REGISTRY)))}.")
    return REGISTRY[name]


def weights_folder():
    """Return the folder that ``SAVEE_MM_WEIGHTS`` names, or None."""
    folder = os.environ.get(WEIGHTS_VARIABLE)
    return Path(folder) if folder else None


@lru_cache(maxsize=32)
def _sha256(path, size, changed):
    """Return the digest of a file's content; ``size`` and ``changed`` (ns) identify its version."""
    return _checksum(Path(path), "sha256:").partition(":")[2]


def _checksum(path, like):
    """Return the checksum of a file's content by the algorithm of the checksum ``like``."""
    with path.open("rb") as stream:
        return _named(hashlib.file_digest(stream, lambda: _hasher(like)))


def _hasher(checksum):
    # MD5 detects damage, not tampering. Without the flag, systems in FIPS mode refuse it.
    return hashlib.new(checksum.partition(":")[0], usedforsecurity=False)


def _named(digest):
    return f"{digest.name}:{digest.hexdigest()}"


def _download(file, path, *, progress):
    with write_atomically(path) as draft:
        target = _Hashed(draft, file)
        try:
            _downloader(file, progress)(file.url, target, None)
        except OSError as error:
            raise OSError(
                f"{file.filename} could not be downloaded from {file.url} ({error}). Check the network, or get "
                f"the file by other means and put it into the weights folder."
            ) from error
        if target.checksum != file.checksum:
            raise ValueError(
                f"{file.url} gave a file with checksum {target.checksum}, expected {file.checksum}; nothing was kept. "
                f"Try again; if it stays so, get {file.filename} from elsewhere and put it into {path.parent}."
            )


class _Hashed:
    """A file that is being written, its checksum, and a limit of size and time."""

    def __init__(self, draft, file):
        self.draft = draft
        self.digest = _hasher(file.checksum)
        self.left = _LARGEST
        self.end = time.monotonic() + _LONGEST

    @property
    def checksum(self):
        return _named(self.digest)

    def write(self, block):
        self.left -= len(block)
        if self.left < 0:
            raise OSError(f"more than the limit of {_LARGEST} bytes came")
        if time.monotonic() > self.end:
            raise OSError(f"it took longer than the limit of {_LONGEST} s")
        self.digest.update(block)
        self.draft.write(block)

    def flush(self):
        """Leave it to the draft when to write to the disk."""


def _downloader(file, progress):
    """Return the function ``download(url, target, None)`` for the URL of a file."""
    if file.url.startswith("file:"):
        return _copy
    from pooch import HTTPDownloader

    bar = None
    if progress:
        from tqdm import tqdm

        # A bar without a total is neither true nor false; pooch sets the size.
        bar = tqdm(desc=file.filename, total=1, unit="B", unit_scale=True)
    return HTTPDownloader(progressbar=bar, chunk_size=_BLOCK, timeout=_TIMEOUT)


def _copy(url, target, _):
    with open(url2pathname(urlsplit(url).path), "rb") as source:
        shutil.copyfileobj(source, target)
