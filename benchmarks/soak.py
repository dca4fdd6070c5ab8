"""Memory of long runs: ``python -m benchmarks.soak [N_CLIPS] [N_FITS]``.

Extracts audio features and frames of 20,000 clips, then fits the system ``fusion`` 60 times. The last line has the
growth of the resident memory.
"""

import sys
import tempfile
import warnings
from pathlib import Path

from benchmarks import fits
from benchmarks.fits import growth, resident_mib

N_CLIPS, N_FITS = 20_000, 60
STEP = 500  # clips between two measurements
N_FIRST = 4  # measurements until all kernels are compiled and all pools of memory are filled
# The largest growth that counts as flat: noise of the allocator, 60 MiB in a run of 20,000 clips or 60 fits.
FLAT_PER_STEP, FLAT_PER_FIT = 1.5, 1.0


def extract(data, n_clips, step=STEP):
    """Extract the clips of a table again and again.

    Parameters
    ----------
    data : DataFrame
        Clip table.
    n_clips : int
        Number of extractions.
    step : int, default=500
        Extractions between two measurements.

    Returns
    -------
    memory : list of float
        Resident memory after each step (MiB).
    """
    from savee_mm import AudioFeatures, read_frames

    memory, features = [], AudioFeatures(cache=None, on_error="fill").fit(data)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        broken = Path(folder) / "broken.wav"
        broken.write_bytes(Path(data["audio"].iloc[0]).read_bytes()[:1000])
        for _ in range(0, n_clips, step):
            for start in range(0, step, len(data)):
                part = data.iloc[: min(len(data), step - start)]
                # Errors need memory, too.
                features.transform([*part["audio"].iloc[1:], str(broken)])
                for video in part["video"].iloc[::7]:
                    read_frames(video, 6)
            memory.append(resident_mib())
            print(f"{step * len(memory):6} clips  {memory[-1]:7.1f} MiB", flush=True)
    return memory


def main(n_clips=N_CLIPS, n_fits=N_FITS):
    """Print the growth of memory. Return whether it is flat."""
    from savee_mm import make_talking_faces

    with tempfile.TemporaryDirectory() as folder:
        data = make_talking_faces(folder, n_speakers=3, n_sentences=1, random_state=0).data
        per_step = growth(extract(data, n_clips), N_FIRST)
    per_fit = fits.main("fusion", n_fits)
    print(
        f"soak: {n_clips} clips, {per_step:.3f} MiB for each {STEP} after the first {N_FIRST * STEP}; {n_fits} fits of "
        f"fusion, {per_fit:.3f} MiB for each after the first {fits.N_FIRST}; {resident_mib():.0f} MiB at the end"
    )
    return per_step < FLAT_PER_STEP and per_fit < FLAT_PER_FIT


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:3])) else 1)
