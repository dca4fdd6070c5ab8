"""Streams: the predictions equal those of the recording, each as soon as its window is over."""

import numpy as np
import pandas as pd
import pytest

from savee_mm import EmotionTimeline, predict_stream, read_audio, read_frames

SR = 16000  # of the recording


def blocks(y, n=1000):
    return (y[start : start + n] for start in range(0, len(y), n))


def test_stream_of_sound_is_predicted_as_its_file(voice, recording, corpus):
    y, _ = read_audio(recording)
    streamed = list(predict_stream(voice, sound=blocks(y), sr=SR, window=2, hop=1))
    table = EmotionTimeline(voice, window=2, hop=1).predict(recording)
    assert [(p.start, p.end) for p in streamed] == list(zip(table["start"], table["end"], strict=True))
    shares = pd.DataFrame([p.probabilities for p in streamed])
    np.testing.assert_allclose(shares, table[corpus.target_names], atol=1e-6)
    assert [p.emotion for p in streamed] == table["emotion"].tolist()


def test_prediction_comes_with_the_first_block_after_its_window(voice, recording):
    y, _ = read_audio(recording)
    sent = []

    def microphone():
        for block in blocks(y, 800):
            sent.append(len(block))
            yield block

    first = next(predict_stream(voice, sound=microphone(), sr=SR, window=2, hop=1))
    assert first.end == 2
    assert sum(sent) == 2 * SR + 800
    assert first.delay > 0


def test_camera_and_microphone_are_read_in_turns(both, corpus):
    video, y = corpus.data["video"].iloc[0], read_audio(corpus.data["audio"].iloc[0], SR)[0]
    images, times = read_frames(video, 20)
    order = []

    def camera():
        for time, image in zip(times, images, strict=True):
            order.append(time)
            yield time, image

    (first, *_) = predict_stream(both, frames=camera(), sound=blocks(y), sr=SR, window=1, hop=1, min_voice=0)
    assert first.probabilities.sum() == pytest.approx(1)
    assert order == sorted(order)


def test_silence_before_the_first_sound_is_predicted_from_the_face(both, corpus):
    frames, times = read_frames(corpus.data["video"].iloc[0], 20)
    silence = np.zeros(SR, np.float32)
    pairs = zip(times, frames, strict=True)
    first = next(predict_stream(both, frames=pairs, sound=blocks(silence), sr=SR, window=0.8, hop=0.8))
    assert first.note.startswith("without its audio: the recording is silent")
    assert first.probabilities.sum() == pytest.approx(1)


def test_silence_after_sound_is_a_pause(voice, recording):
    y, _ = read_audio(recording)
    notes = [
        p.note for p in predict_stream(voice, sound=blocks(np.append(y[:SR], np.zeros(SR, y.dtype))), sr=SR, window=1)
    ]
    assert notes == ["", "pause"]


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ({}, "got nothing, and this model reads sound: pass that"),
        ({"frames": []}, "got frames, and this model reads sound"),
        ({"sound": []}, "needs sr, the sample rate of the sound in Hz, got None"),
        ({"sound": [np.zeros((2, 5))], "sr": SR}, r"got shape \(2, 5\) and type float64; average the channels"),
        ({"sound": [np.zeros(5, np.int16)], "sr": SR}, "divide int16 by 32768"),
        ({"sound": [np.full(5, np.nan)], "sr": SR}, "NaN or infinite"),
    ],
)
def test_unusable_sources_are_refused(voice, sources, message):
    with pytest.raises(ValueError, match=message):
        list(predict_stream(voice, **sources))


def test_frames_are_images_in_the_order_of_time(face):
    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(ValueError, match="in the order of time"):
        list(predict_stream(face, frames=[(1.0, image), (0.0, image)]))
    with pytest.raises(ValueError, match="Expected an image"):
        list(predict_stream(face, frames=[(0.0, image[..., 0])]))
