"""Accuracy of the recommended fusion on different samples of an unseen speaker's clips: prints a Markdown table.

``python -m benchmarks.new_speaker CHIMERA [--cache FOLDER] [--draws 20]``: each speaker of the corpus in turn is
unseen. ``best_fusion`` predicts samples of this speaker's clips: a number of random clips, the clips of three emotions,
or an uneven mix (proportions of the emotions from a Dirichlet distribution with parameter 1/2). It predicts in its
inductive form, and speaker-normalised by these clips without and with adaptation.
"""

import argparse
from copy import copy

import numpy as np
import pandas as pd

from savee_mm import LeaveOneSpeakerOut, load_savee, systems

NUMBERS = (8, 16, 30, 60)


def draws_of(y, n_draws, rng):
    """Yield the kind of each sample of clips and the positions of its clips."""
    places, classes = np.arange(len(y)), np.unique(y)
    yield "all", places
    for _ in range(n_draws):
        for n in NUMBERS:
            yield f"{n} at random", rng.permutation(places)[:n]
        yield "three emotions", places[np.isin(y, rng.permutation(classes)[:3])]
        shares = dict(zip(classes, rng.dirichlet(np.full(len(classes), 0.5)), strict=True))
        kept = rng.random(len(y)) < pd.Series(y).map(shares).to_numpy() / max(shares.values())
        if kept.sum() >= min(NUMBERS):
            yield "uneven mix", places[kept]


def accuracies(clf, table, y):
    """Return the accuracy without and with adaptation."""
    plain = copy(clf)
    plain.adapts_ = False
    return plain.score(table, y), clf.score(table, y)


def main():
    """Evaluate all speakers and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus")
    parser.add_argument("--cache", default="memory")
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    corpus, rng, rows = load_savee(options.corpus), np.random.default_rng(0), []
    for training, test in LeaveOneSpeakerOut().split(corpus.data, corpus.target):
        inductive, normalized = (
            systems.make("best_fusion", speaker_normalized=form, random_state=0, cache=options.cache).fit(
                corpus.data.iloc[training], corpus.target[training]
            )
            for form in (False, True)
        )
        table, y = corpus.data.iloc[test], corpus.target[test]
        right = inductive.predict(table) == y  # predictions do not depend on the other clips
        for kind, places in draws_of(y, options.draws, rng):
            values = right[places].mean(), *accuracies(normalized, table.iloc[places], y[places])
            rows.append((kind, len(places), *values))
    titles = ["clips of a new speaker", "number", "inductive", "normalised", "normalised and adapted"]
    means = pd.DataFrame(rows, columns=titles).groupby(titles[0], sort=False).mean()
    print("| " + " | ".join(titles) + " |\n|" + " --- |" * len(titles))
    for kind, (number, *values) in means.iterrows():
        print(f"| {kind} | {number:.0f} | " + " | ".join(f"{value:.3f}" for value in values) + " |")


if __name__ == "__main__":
    main()
