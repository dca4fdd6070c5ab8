"""What clips of a new speaker are worth to the speaker-normalised fusion: prints a Markdown table.

``python -m benchmarks.new_speaker CHIMERA [--cache FOLDER] [--draws 20]``: every speaker of the corpus in turn is new
to ``best_fusion``, which is asked about some of the speaker's clips: so many drawn at random, those of three emotions,
or an uneven mix, drawn anew each time (shares of the emotions from a Dirichlet distribution with parameter 1/2). It is
asked with and without adaptation; both normalise by the same clips.
"""

import argparse
from copy import copy

import numpy as np
import pandas as pd

from savee_mm import LeaveOneSpeakerOut, load_savee, systems

NUMBERS = (8, 16, 30, 60)


def draws_of(y, n_draws, rng):
    """Yield what is drawn of a speaker's clips, by name, and their places."""
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


def asked(clf, table, y):
    """Return the accuracy without and with adaptation."""
    plain = copy(clf)
    plain.adapts_ = False
    return plain.score(table, y), clf.score(table, y)


def main():
    """Run all, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus")
    parser.add_argument("--cache", default="memory")
    parser.add_argument("--draws", type=int, default=20)
    options = parser.parse_args()
    corpus, rng, rows = load_savee(options.corpus), np.random.default_rng(0), []
    for training, test in LeaveOneSpeakerOut().split(corpus.data, corpus.target):
        clf = systems.make("best_fusion", speaker_normalized=True, random_state=0, cache=options.cache)
        clf.fit(corpus.data.iloc[training], corpus.target[training])
        table, y = corpus.data.iloc[test], corpus.target[test]
        for kind, places in draws_of(y, options.draws, rng):
            rows.append((kind, len(places), *asked(clf, table.iloc[places], y[places])))
    figures = pd.DataFrame(rows, columns=["clips of a new speaker", "number", "normalised", "and adapted"])
    means = figures.groupby("clips of a new speaker", sort=False).mean()
    print("| clips of a new speaker | number | normalised | and adapted |\n| --- | --- | --- | --- |")
    for kind, (number, normalized, adapted) in means.iterrows():
        print(f"| {kind} | {number:.0f} | {normalized:.3f} | {adapted:.3f} |")


if __name__ == "__main__":
    main()
