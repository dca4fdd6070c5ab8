"""Correlation of voice features with Praat on recordings of several sample rates: prints a Markdown table.

``python -m benchmarks.praat_agreement CORPUS [--loader savee] [--rates 16000,22050,44100,48000] [--every 1]``: each
clip is resampled to each rate and written to a temporary file. ``ProsodyFeatures`` reads it with default parameters;
Praat measures the samples of the file.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import parselmouth
import soundfile as sf
import soxr

from savee_mm import ProsodyFeatures, load_ravdess, load_savee
from savee_mm.signal import praat

_LOADERS = {"savee": load_savee, "ravdess": load_ravdess}
_STEP = 0.01  # between frames (s)
COLUMNS = ["pitch_mean", "jitter", "shimmer", "hnr_mean", "f1_mean", "f2_mean", "f3_mean"]


def main(args=None):
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("--loader", choices=sorted(_LOADERS), default="savee")
    parser.add_argument("--rates", default="16000,22050,44100,48000")
    parser.add_argument("--every", type=int, default=1, help="use every n-th clip")
    options = parser.parse_args(args)
    paths = _LOADERS[options.loader](options.corpus).data["audio"].dropna().tolist()[:: options.every]
    print(f"| rate (Hz), {len(paths)} clips |", " | ".join(COLUMNS), "|")
    print("| --- |", " | ".join("---" for _ in COLUMNS), "|")
    for rate in map(int, options.rates.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            files = [resampled(path, rate, Path(folder) / f"{n}.wav") for n, path in enumerate(paths)]
            features = ProsodyFeatures(cache=None).set_output(transform="pandas")
            ours = features.fit_transform(pd.DataFrame({"audio": files}))[COLUMNS]
            reference = np.array([in_praat(path) for path in files])
        r = [correlation(*pair) for pair in zip(ours.to_numpy().T, reference.T, strict=True)]
        print(f"| {rate} |", " | ".join(f"{value:.4f}" for value in r), "|", flush=True)


def resampled(path, rate, out):
    """Write a recording at another sample rate, in 32 bits."""
    y, sr = sf.read(path, always_2d=True)
    y = y.mean(axis=1)
    sf.write(out, y if sr == rate else soxr.resample(y, sr, rate), rate, subtype="FLOAT")
    return str(out)


def in_praat(path):
    """Return ``COLUMNS`` by Praat; formants are those at the centres of voiced frames."""
    y, sr = sf.read(path)
    report = praat.voice_report(y, sr)
    times = report.times[report.f0 > 0]
    formants = formants_with_frame_at(parselmouth.Sound(y, sr), report.times[0])
    values = [[formants.get_value_at_time(k, t) for t in times] for k in (1, 2, 3)]
    means = [np.nanmean(row) if np.isfinite(row).any() else np.nan for row in values]
    return [np.nanmean(report.f0), report.jitter, report.shimmer, np.nanmean(report.hnr), *means]


def formants_with_frame_at(sound, time):
    """Return Praat's formants with a frame at a time: 10 ms less of the sound, from its begin, its end or both.

    Praat centres its frames in the sound, and those of F0 and of formants can be half a step apart.
    """
    shift = 0.0
    for _ in range(2):
        part = sound.extract_part(_STEP / 2 + shift, sound.duration - _STEP / 2 + shift, preserve_times=True)
        formants = part.to_formant_burg(_STEP, 5, 5500)
        shift += (time - formants.xs()[0] + _STEP / 2) % _STEP - _STEP / 2
    return formants


def correlation(a, b):
    """Pearson's correlation of the clips that have both values."""
    both = np.isfinite(a) & np.isfinite(b)
    return np.corrcoef(a[both], b[both])[0, 1]


if __name__ == "__main__":
    main()
