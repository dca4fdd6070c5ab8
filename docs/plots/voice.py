"""F0 and the audio signal."""

import matplotlib.pyplot as plt
import numpy as np
from _clip import SR, clip

from savee_mm.signal import voice_report

y = clip()
voice = voice_report(y, SR)
figure, (above, below) = plt.subplots(2, 1, figsize=(9, 3.6), sharex=True, layout="constrained")
above.plot(np.arange(len(y)) / SR, y, linewidth=0.5)
above.set(ylabel="sound", title=f"jitter {voice.jitter:.4f}, shimmer {voice.shimmer:.4f}")
below.plot(voice.times, voice.f0, ".")
below.set(xlabel="time (s)", ylabel="f0 (Hz)")
