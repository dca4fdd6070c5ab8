"""What the blocks of speech encoders know: the emotion, the sentence or the speaker.

``python -m benchmarks.encoders CORPUS --loader savee --cache cache/`` prints two Markdown tables. The first has the
accuracy of a kernel ridge classifier with its default parameters on unseen speakers, and on unseen speakers with unseen
sentences, inductive and speaker-normalised. The second has the nearest neighbours of the clips.

``--memory 2000`` prints instead the memory of this process while it reads as many clips with Whisper-base.
"""

import argparse
import resource

import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.fits import resident_mib
from savee_mm import KernelRidgeClassifier, SpeechEmbedding, VoiceFunctionals, load_ravdess, load_savee

_ENCODERS = {
    "Whisper-base, block 2": ("whisper-base", ["hidden_2"]),
    "Whisper-base, block 3": ("whisper-base", ["hidden_3"]),
    "smart-turn, block 2": ("smart-turn", ["add_268"]),
    "GE2E, layer 2": ("ge2e", ["hidden_1"]),
}
_N_FOLDS = 6  # of speakers, where there are more


def main(args=None):
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus")
    parser.add_argument("--loader", choices=["savee", "ravdess"], default="savee")
    parser.add_argument("--cache", default="memory")
    parser.add_argument("--memory", type=int, metavar="N_CLIPS")
    options = parser.parse_args(args)
    corpus = {"savee": load_savee, "ravdess": load_ravdess}[options.loader](options.corpus)
    if options.memory:
        print_memory(corpus.data, options.memory)
        return
    features = extract(corpus.data, options.cache)
    speakers, sentences = (corpus.data[column].to_numpy(str) for column in ("speaker", "sentence"))
    print(accuracy_table(features, corpus.target, speakers, sentences).to_markdown(floatfmt=".3f"), end="\n\n")
    print(neighbour_table(features, corpus.target, speakers, sentences).to_markdown(floatfmt=".3f"))


def print_memory(table, n_clips):
    """Print resident and peak memory while the clips of a table are read again and again, without a cache."""
    extractor = SpeechEmbedding("whisper-base", cache=None).fit(table)
    part = n_clips // 10
    for n in range(0, n_clips, part):
        extractor.transform(table.iloc[np.arange(n, n + part) % len(table)])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{n + part:6} clips  {resident_mib():6.1f} MiB  peak {peak:6.1f} MiB", flush=True)


def extract(table, cache):
    """Return arrays of shape (n_clips, n_features) by name."""
    features = {"VoiceFunctionals": VoiceFunctionals(cache=cache).fit_transform(table)}
    for name, (model, outputs) in _ENCODERS.items():
        features[name] = SpeechEmbedding(model, outputs=outputs, cache=cache).fit_transform(table)
    return features


def accuracy_table(features, y, speakers, sentences):
    """Return the accuracy of each set of features; a text probe, which looks up the sentence, is the last row."""
    protocols = {"unseen speaker": by_speaker(speakers), "and sentence": by_both(y, speakers, sentences)}
    rows = {}
    for name, X in features.items():
        variants = {"": X, ", normalised": normalized(X, speakers)}
        rows[name] = {
            f"{protocol}{variant}": accuracy(values, y, folds)
            for protocol, folds in protocols.items()
            for variant, values in variants.items()
        }
    rows["text probe"] = {name: text_probe(y, sentences, folds) for name, folds in protocols.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def by_speaker(speakers):
    """Return folds of speakers."""
    return list(GroupKFold(min(_N_FOLDS, len(set(speakers)))).split(speakers, groups=speakers))


def by_both(y, speakers, sentences):
    """Return folds whose training has neither the speakers nor the sentences of the test clips."""
    folds = []
    for train, test in by_speaker(speakers):
        n_splits = min(5, len(set(sentences[test])))
        texts = StratifiedGroupKFold(n_splits, shuffle=True, random_state=0)
        for _, part in texts.split(y[test], y[test], sentences[test]):
            own = test[part]
            folds.append((train[~np.isin(sentences[train], sentences[own])], own))
    return folds


def normalized(X, speakers):
    """Return features with zero mean and unit variance over the clips of each speaker: transductive."""
    out = np.empty_like(X)
    for speaker in set(speakers):
        out[speakers == speaker] = StandardScaler().fit_transform(X[speakers == speaker])
    return out


def accuracy(X, y, folds):
    """Return the accuracy of a kernel ridge classifier over all test clips."""
    return np.mean(cross_val_predict(make_pipeline(StandardScaler(), KernelRidgeClassifier()), X, y, cv=folds) == y)


def text_probe(y, sentences, folds):
    """Return the accuracy of the most frequent training emotion of the sentence; an unseen sentence counts as wrong."""
    correct = []
    for train, test in folds:
        emotion = pd.Series(y[train]).groupby(sentences[train]).agg(lambda own: own.mode()[0])
        correct.extend(emotion.reindex(sentences[test]).to_numpy() == y[test])
    return np.mean(correct)


def neighbour_table(features, y, speakers, sentences):
    """Return, for the nearest neighbour of each clip, how often it has the same sentence, emotion or speaker.

    The neighbour is searched among other speakers for the sentence, among other texts of other speakers for the
    emotion, and among all clips, without normalisation, for the speaker.
    """
    rows = {}
    other_speaker = speakers[:, None] != speakers
    other_text = other_speaker & (sentences[:, None] != sentences)
    for name, X in features.items():
        standardized = cosine_similarity(normalized(X, speakers))
        plain = cosine_similarity(StandardScaler().fit_transform(X))
        np.fill_diagonal(plain, -np.inf)
        rows[name] = {
            "same sentence": same(sentences, standardized, other_speaker),
            "same emotion, other text": same(y, standardized, other_text),
            "same speaker": same(speakers, plain, np.ones_like(other_speaker)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def same(labels, similarity, allowed):
    """Return how often the most similar allowed clip has the same label."""
    return np.mean(labels[np.where(allowed, similarity, -np.inf).argmax(axis=1)] == labels)


if __name__ == "__main__":
    main()
