"""Seeded predictions without training."""

import numpy as np
import pandas as pd
import pytest

EMOTIONS = np.array(["anger", "fear", "neutral"])


@pytest.fixture(scope="session")
def make_predictions():
    """Make predictions of one system: ``make_predictions(n_speakers=4, n_clips=30, right=0.7, seeds=(0,))``.

    ``right`` is the probability of a correct prediction, one for all speakers or one for each; probabilities of the
    classes are calibrated. Sex depends on the speaker.
    """

    def make(system="svm", protocol="speaker", *, n_speakers=4, n_clips=30, right=0.7, seeds=(0,), random_state=0):
        random = np.random.default_rng(random_state)
        shares = np.broadcast_to(right, n_speakers)
        parts = []
        for seed in seeds:
            for speaker in range(n_speakers):
                share, truth = shares[speaker], np.arange(n_clips) % 3
                # The most probable class has this probability, and is correct with this frequency.
                miss = np.where(random.random(n_clips) < share, 0, 1 + (random.random(n_clips) < 0.4))
                ranks = (np.arange(3) - (truth + miss)[:, None]) % 3
                given = np.array([share, 0.6 * (1 - share), 0.4 * (1 - share)])[ranks]
                parts.append(
                    pd.DataFrame(
                        {
                            "clip_id": [f"{speaker}-{n}" for n in range(n_clips)],
                            "speaker": f"S{speaker}",
                            "sex": "female" if speaker % 2 else "male",
                            "target": EMOTIONS[truth],
                            "predicted": EMOTIONS[given.argmax(axis=1)],
                            "train_accuracy": 1.0,
                            "train_uar": 0.9,
                            "fit_seconds": 2.0,
                            **{f"p_{name}": given[:, n] for n, name in enumerate(EMOTIONS)},
                            "train_log_loss": 0.25,
                            "system": system,
                            "protocol": protocol,
                            "seed": seed,
                            "fold": speaker,
                        }
                    )
                )
        return pd.concat(parts, ignore_index=True)

    return make
