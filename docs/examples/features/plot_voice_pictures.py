"""
MFCC and mel images
===================

A convolutional network reads a voice as an image of fixed size, whatever the length of the clip.
:class:`~savee_mm.MFCCImage` returns the mel-frequency cepstral coefficients, :class:`~savee_mm.MelImage` the mel
spectrogram.
"""

# %%
# Both take the clip table, or paths. They return ``(n_clips, n_rows, n_frames, 1)``: here the clips of one speaker,
# cropped or padded to 60 frames (1.4 s).

from savee_mm import MelImage, MFCCImage, make_talking_faces

corpus = make_talking_faces("talking_faces", n_speakers=3, n_sentences=2, random_state=0)
clips = corpus.data.drop_duplicates("speaker")
mfcc = MFCCImage(n_mfcc=40, n_frames=60).fit_transform(clips)
mel = MelImage(n_mels=64, n_frames=60).fit_transform(clips)
print(mfcc.shape, mel.shape)

# %%
# The same sentence in anger, by three speakers. The uniform area on the right is padding.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, 3, figsize=(10, 4.6), sharex=True, sharey="row", layout="constrained")
for column, speaker, cepstrum, bands in zip(axes.T, clips["speaker"], mfcc, mel, strict=True):
    column[0].imshow(cepstrum[..., 0], aspect="auto", origin="lower", cmap="magma", vmin=-3, vmax=3)
    column[1].imshow(bands[..., 0], aspect="auto", origin="lower", cmap="magma", vmin=-3, vmax=3)
    column[0].set_title(f"speaker {speaker}")
    column[1].set_xlabel("frame")
axes[0, 0].set_ylabel("MFCC")
axes[1, 0].set_ylabel("mel band")

# %%
# Each row of an image has mean 0 and standard deviation 1 over its clip, which removes the level and the spectral
# slope of the recording. ``normalize="training"`` standardises over the training clips instead and keeps differences
# in level. This is the default of :class:`~savee_mm.AudioCNNClassifier`.
