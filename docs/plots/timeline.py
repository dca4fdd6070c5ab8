"""Timeline of a small model on concatenated clips with a pause."""

import tempfile
from fractions import Fraction
from pathlib import Path

import av
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import EmotionTimeline, ProsodyFeatures, make_talking_faces, plot_timeline, read_audio, read_frames

SR, FPS = 16000, 10


def record(path, clips):
    """Write concatenated clips, with 4 s of silence after the third."""
    with av.open(str(path), "w") as container:
        video, audio = (
            container.add_stream("mpeg4", rate=FPS),
            container.add_stream("pcm_s16le", rate=SR, layout="mono"),
        )
        n = 0
        for i, clip in enumerate(clips.itertuples()):
            y = read_audio(clip.audio, SR)[0]
            y = np.pad(y, (0, 4 * SR if i == 2 else 0))
            n_frames = len(y) * FPS // SR
            pictures = read_frames(clip.video, times=np.arange(n_frames) / FPS)[0]
            if not n:
                video.height, video.width, video.pix_fmt = *pictures.shape[1:3], "yuv420p"
            for k, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = n + k, Fraction(1, FPS)
                container.mux(video.encode(frame))
                samples = np.int16(y[k * SR // FPS : (k + 1) * SR // FPS] * 32767)
                sound = av.AudioFrame.from_ndarray(samples[np.newaxis], format="s16", layout="mono")
                sound.rate, sound.pts, sound.time_base = SR, (n + k) * SR // FPS, Fraction(1, SR)
                container.mux(audio.encode(sound))
            n += n_frames
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


with tempfile.TemporaryDirectory() as folder:
    corpus = make_talking_faces(Path(folder) / "corpus", n_speakers=3, n_sentences=1, random_state=0)
    known = corpus.groups != "S3"
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000))
    model.fit(corpus.data[known], corpus.target[known])
    record(Path(folder) / "long.avi", corpus.data[~known])
    table = EmotionTimeline(model, window=2, hop=0.5).predict(Path(folder) / "long.avi")
    drawn = plot_timeline(table, Path(folder) / "long.avi", detector="lbp")

# The plot directive shows pyplot's figures only.
drawn.set_dpi(200)
canvas = FigureCanvasAgg(drawn)
canvas.draw()
axes = plt.figure(figsize=drawn.get_size_inches()).add_axes((0, 0, 1, 1))
axes.imshow(canvas.buffer_rgba(), aspect="auto")
axes.axis("off")
