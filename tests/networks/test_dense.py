"""Layers of the dense network."""


def test_hidden_layers_have_their_sizes(build):
    assert [weights.shape for weights in build("dense").get_weights()[::2]] == [(6, 8), (8, 5), (5, 4)]
