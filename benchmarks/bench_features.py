"""``AudioFeatures`` compared with openSMILE, and its time for long clips."""

import numpy as np
import opensmile
import pytest

from savee_mm import AudioFeatures

LONG, SHORT = 60, 4  # s


def extractor(rate, sounds):
    """Return a fitted extractor that uses the rate of the arrays and no cache."""
    return AudioFeatures(sr=None, input_sr=rate, cache=None).fit(list(sounds))


@pytest.fixture(scope="module")
def egemaps():
    return opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
        num_workers=1,
    )


@pytest.mark.parametrize(
    ("rate", "goal"),
    [
        pytest.param(44100, 0.30, marks=pytest.mark.benchmark(group="whole list, 44.1 kHz")),
        pytest.param(16000, 0.60, marks=pytest.mark.benchmark(group="whole list, 16 kHz")),
    ],
)
def test_whole_list(race, clips_at, egemaps, rate, goal):
    sounds = clips_at(rate)
    features = extractor(rate, sounds)
    race(
        lambda: features.transform(list(sounds)),
        {"openSMILE, eGeMAPSv02": lambda: [egemaps.process_signal(y, rate) for y in sounds]},
        seconds_of_sound=sum(map(len, sounds)) / rate,
        goals={"openSMILE, eGeMAPSv02": goal},
    )


@pytest.mark.benchmark(group=f"whole list, a clip of {LONG} s")
def test_cost_grows_linearly(race, clips_at):
    """The same sound as one clip and in pieces: the ratio of the times per second."""
    rate = 44100
    sound = np.concatenate(clips_at(rate))[: LONG * rate]
    pieces = [sound[start : start + SHORT * rate] for start in range(0, len(sound), SHORT * rate)]
    features = extractor(rate, pieces)
    peer = f"itself, {len(pieces)} clips of {SHORT} s"
    race(
        lambda: features.transform([sound]),
        {peer: lambda: features.transform(pieces)},
        seconds_of_sound=len(sound) / rate,
        goals={peer: 1.2},
    )
