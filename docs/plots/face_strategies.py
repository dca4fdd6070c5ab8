"""The frames of each strategy, below the loudness of the clip."""

import matplotlib.pyplot as plt
from _faces import surprise

from savee_mm import FaceFrameSampler
from savee_mm.media import read_envelope

STRATEGIES = ("even", "energy", "apex")

figure = plt.figure(figsize=(9, 6.6), layout="constrained")
above, *rows = figure.subfigures(4, 1, height_ratios=(1, 1, 1, 1))
loudness = above.subplots()
with surprise() as path:
    rms, times = read_envelope(path)
    loudness.fill_between(times, rms, color="lightgray")
    for row, (strategy, marker) in zip(rows, zip(STRATEGIES, "ovs", strict=True), strict=True):
        sampler = FaceFrameSampler(detector="lbp", strategy=strategy).fit([path])
        crops, moments = sampler.transform([path])[0], sampler.diagnose([path])["time"]
        loudness.plot(moments, [rms.max() * (1.1 + 0.15 * STRATEGIES.index(strategy))] * len(moments), marker)
        row.suptitle(strategy, fontsize=9)
        for ax, crop, moment in zip(row.subplots(1, len(crops)), crops, moments, strict=True):
            ax.imshow(crop)
            ax.set(xticks=[], yticks=[])
            ax.set_xlabel(f"{moment:.2f} s", fontsize=8)
loudness.set(xlabel="time (s)", ylabel="loudness (RMS)")
loudness.legend(["sound", *STRATEGIES], fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
