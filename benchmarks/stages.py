"""Where the time of a clip goes: ``python -m benchmarks.stages [PAGE.md]``.

Processor time of each stage of :class:`savee_mm.VoiceFunctionals` and :class:`savee_mm.FaceDescriptor`, of the whole
extraction, and of decoding alone, which is the lower bound. Clips are every 20th of the chimera in the folder
``SAVEE_MM_SHARED``, otherwise synthetic ones. Prints the table, or writes it into the page between two comments.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

PLACE = ("<!-- stages: written by benchmarks.stages -->", "<!-- end of stages -->")
N_FRAMES = 12  # of FaceDescriptor


def milliseconds(function, inputs, rounds):
    """Return the results for all inputs, and the median over the rounds of the mean processor time of a call (ms)."""
    results = [function(*values) for values in inputs]
    times = []
    for _ in range(rounds):
        start = time.process_time()
        for values in inputs:
            function(*values)
        times.append(1000 * (time.process_time() - start) / len(inputs))
    return results, median(times)


def voice_stages(files, rounds):
    """Yield name and time (ms) of the stages of a sound file, the whole extraction last."""
    from savee_mm import VoiceFunctionals
    from savee_mm.features import functionals
    from savee_mm.media import read_audio
    from savee_mm.media.audio import resample
    from savee_mm.signal import formants, normalize_rms, voice_report

    recordings, spent = milliseconds(read_audio, [(file,) for file in files], rounds)
    yield "decoding (lower bound)", spent
    working, spent = milliseconds(lambda y, sr: (resample(y, sr, 16000, ""), 16000), recordings, rounds)
    yield "resampling to 16 kHz", spent
    reports, spent = milliseconds(lambda y, sr: voice_report(y, sr), recordings, rounds)
    yield "F0, jitter, shimmer and harmonics-to-noise ratio", spent
    voiced = [(*clip, report.times[~np.isnan(report.f0)]) for clip, report in zip(recordings, reports, strict=True)]
    _, spent = milliseconds(lambda y, sr, times: formants(y, sr, times=times, n_formants=4), voiced, rounds)
    yield "formants", spent
    levelled = [(normalize_rms(*clip, rms=0.05)[0], clip[1]) for clip in working]
    descriptors, spent = milliseconds(functionals._spectral_descriptors, levelled, rounds)
    yield "spectral descriptors", spent
    rows = [(np.vstack(list(found.values())),) for found in descriptors]
    yield "functionals of the spectral descriptors", milliseconds(functionals._summary, rows, rounds)[1]
    timing = [(*clip, report) for clip, report in zip(working, reports, strict=True)]
    yield "timing", milliseconds(functionals.measure_timing, timing, rounds)[1]
    extractor = VoiceFunctionals(cache=None).fit(files[:4])
    yield "whole extraction", milliseconds(extractor.transform, [(files,)], rounds)[1] / len(files)


def face_stages(files, rounds):
    """Yield name and time (ms) of the stages of a video, the whole extraction last."""
    from savee_mm import FaceDescriptor
    from savee_mm.media import read_frames
    from savee_mm.vision import hog, make_detector, resolve_detector

    name = resolve_detector("auto")
    videos, spent = milliseconds(lambda file: read_frames(file, N_FRAMES)[0], [(file,) for file in files], rounds)
    yield f"decoding of {N_FRAMES} frames (lower bound)", spent
    detector = make_detector(name)
    frames = [(video,) for video in videos]
    _, spent = milliseconds(lambda video: [detector.detect(frame, refine=False) for frame in video], frames, rounds)
    yield f"detection ({name})", spent
    default = FaceDescriptor(cache=None).fit(files[:4])
    [crops], whole = milliseconds(default.sampler_.transform, [(files,)], rounds)
    images = [(crop[..., 0],) for crop in crops]
    yield "histograms of oriented gradients", milliseconds(hog, images, rounds)[1]
    yield "decoding, detection, refinement, tracking and crops together", whole / len(files)
    yield "whole extraction", milliseconds(default.transform, [(files,)], rounds)[1] / len(files)


def tables(sounds, videos, rounds):
    """Return the two tables as Markdown."""
    from benchmarks.write_table import table

    text = []
    for title, stages in (("`VoiceFunctionals`", voice_stages), ("`FaceDescriptor`", face_stages)):
        rows = list(stages(sounds if stages is voice_stages else videos, rounds))
        whole = rows[-1][1]
        text.append(
            table(
                [title, "processor time (ms)", "share"],
                [(name, f"{spent:.2f}", f"{spent / whole:.2f}") for name, spent in rows],
            )
        )
    return "\n\n".join(text)


def main(page=None, *, n_clips=24, rounds=5):
    """Measure, and print the tables or write them into a page."""
    from savee_mm import load_savee, make_talking_faces

    shared = Path(os.environ.get("SAVEE_MM_SHARED", "")) / "data/savee_chimera"
    with tempfile.TemporaryDirectory() as folder:
        if shared.is_dir():
            data, name = load_savee(shared).data, "the chimera"
        else:
            data = make_talking_faces(folder, n_speakers=1, n_sentences=1, random_state=0).data
            name = "a synthetic corpus"
        chosen = data.iloc[:: max(1, len(data) // n_clips)].iloc[:n_clips]
        text = tables(chosen["audio"].tolist(), chosen["video"].tolist(), rounds)
    text += f"\n\nMean of {len(chosen)} clips of {name}, median of {rounds} rounds, by `python -m benchmarks.stages`."
    if page is None:
        print(text)
    else:
        from benchmarks.write_table import put_between

        page = Path(page)
        page.write_text(put_between(page.read_text(encoding="utf-8"), text, PLACE), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:2])
