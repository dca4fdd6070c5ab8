"""Small networks of every kind, and random inputs for them."""

import numpy as np
import pytest

from savee_mm.networks import Regularization, build_convlstm, build_fusion
from savee_mm.networks.audio_cnn import build_audio_cnn
from savee_mm.networks.dense import build_dense

FRAMES, IMAGE, OTHER_IMAGE = (3, 16, 16, 3), (13, 40, 1), (16, 30, 1)
KERNELS = ((5, 15), (3, 9))


def _audio_cnn(images, n_features, rules, kernels=KERNELS):
    return build_audio_cnn(images, n_features, 4, kernels=kernels, n_filters=4, n_units=8, rules=rules)


def _fusion(n_features, rules):
    return build_fusion(FRAMES, IMAGE, n_features, 4, n_filters=4, n_units=8, rules=rules)


BUILDERS = {
    "convlstm": lambda rules: build_convlstm(FRAMES, 4, n_filters=4, n_units=8, rules=rules),
    "convlstm without a dense layer": lambda rules: build_convlstm(FRAMES, 4, n_filters=4, n_units=None, rules=rules),
    "audio_cnn": lambda rules: _audio_cnn([IMAGE], None, rules),
    "audio_cnn with other kernels": lambda rules: _audio_cnn([IMAGE], None, rules, ((3, 5), (1, 7))),
    "audio_cnn with features": lambda rules: _audio_cnn([IMAGE], 6, rules),
    "dual_cnn with features": lambda rules: _audio_cnn([IMAGE, OTHER_IMAGE], 6, rules),
    "dense": lambda rules: build_dense(6, 4, n_units=(8, 5), rules=rules),
    "fusion": lambda rules: _fusion(None, rules),
    "fusion with features": lambda rules: _fusion(6, rules),
}


@pytest.fixture(scope="session")
def build():
    """Build a small network for four classes: ``build(name, seed, **regularization)``."""

    def make(name, seed=0, **regularization):
        return BUILDERS[name](Regularization(seed=seed, **regularization))

    return make


@pytest.fixture(scope="session")
def draw_inputs():
    """Draw a random array for each input of a network: ``draw_inputs(model, n_clips)``."""

    def draw(model, n_clips=4):
        rng = np.random.default_rng(0)
        return [rng.normal(size=(n_clips, *tensor.shape[1:])).astype(np.float32) for tensor in model.inputs]

    return draw


def pytest_generate_tests(metafunc):
    """Run a test with the argument ``network`` on every small network."""
    if "network" in metafunc.fixturenames:
        metafunc.parametrize("network", BUILDERS)
