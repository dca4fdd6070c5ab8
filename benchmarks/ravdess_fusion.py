"""Late fusion of voice and face on unseen actors of RAVDESS: prints a Markdown table.

``python -m benchmarks.ravdess_fusion [RAVDESS] [--cache FOLDER] [--seeds 0,1,2] [--search]``: RAVDESS is a folder with
the speech of the corpus and ``openface_au.npz``, the action units of the same clips (default
``$SAVEE_MM_SHARED/data/ravdess``). The branches of the voice are those of ``best_audio``: one of them is a speech
encoder if it is available. Each has its first candidate, or with ``--search`` its whole search, which is repeated in
each inner fold and takes about a hundred times as long. The branch of the face is extra trees on 35 action units, the
best of eleven classifiers by mean accuracy within the training folds (five folds by actor), with and without speaker
normalisation.
"""

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline

from savee_mm import LateFusionClassifier, SpeakerNormalizer, load_ravdess, systems
from savee_mm.evaluation.metrics import expected_calibration_error, reliability

N_FOLDS, LOST = 6, 0.3


def load(folder):
    """Return the corpus with one column per action unit, and the names of these columns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*clips", category=UserWarning)  # the folder has half of the actors
        ravdess = load_ravdess(folder)
    with np.load(Path(folder) / "openface_au.npz") as file:
        # Clip names begin with the field of the modality, which clip_id does not have.
        units = pd.DataFrame(file["au"], index=[str(clip)[3:] for clip in file["clip"]], columns=file["au_names"])
    ravdess.data = ravdess.data.join(units, on="clip_id")
    return ravdess, units.columns.tolist()


def make_fusion(units, *, normalized, seed, cache, search=False):
    """Return the fusion of the branches of best_audio and extra trees on action units."""
    voice = systems.make("best_audio", speaker_normalized=normalized, random_state=seed, cache=cache)
    branches = voice.estimators if isinstance(voice, LateFusionClassifier) else [("audio", voice)]
    branches = [(name, own if search else own.estimator) for name, own in branches]
    face = make_column_transformer(("passthrough", units))
    trees = ExtraTreesClassifier(300, min_samples_leaf=2, random_state=seed)
    face = make_pipeline(SpeakerNormalizer(face) if normalized else face, trees)
    unseen_texts = len(branches) > 1
    return LateFusionClassifier([*branches, ("face", face)], adapt_speakers=normalized, unseen_texts=unseen_texts)


def lose(table, units, seed):
    """Return the table with some faces and some sounds missing, and masks of these clips."""
    part = np.random.default_rng(seed).permutation(len(table)) / len(table)
    no_face, no_sound = part < LOST, part >= 1 - LOST
    table = table.copy()
    table.loc[no_face, units] = np.nan
    table["audio"] = table["audio"].where(~no_sound)
    return table, {"no face": no_face, "no sound": no_sound, "the rest": ~no_face & ~no_sound}


def run(ravdess, units, *, normalized, **settings):
    """Return the predictions for all clips by fusions that were fitted without the actor, and their combinations."""
    whole, lossy, chosen = [], [], []
    for training, test in GroupKFold(N_FOLDS).split(ravdess.data, ravdess.target, ravdess.groups):
        table = ravdess.data.iloc[test]
        clf = make_fusion(units, normalized=normalized, **settings)
        clf.fit(ravdess.data.iloc[training], ravdess.target[training])
        whole.append(clf.branch_proba(table))
        lost, parts = lose(table, units, settings["seed"])
        predicted = pd.DataFrame({"predicted": clf.predict(lost), **parts}, index=table.index)
        lossy.append(predicted)
        chosen.append(clf.combination_)
    return pd.concat(whole), pd.concat(lossy), chosen


def table_row(target, whole, lossy, chosen):
    """Return a row of the table."""
    target = pd.Series(target, whole.index.sort_values())[whole.index].to_numpy()
    right = {name: (own.idxmax(axis=1) == target).to_numpy() for name, own in by_branch(whole).items()}
    both = right.pop("combined")
    face = right["face"]
    voice = max((own for name, own in right.items() if name != "face"), key=np.mean)
    row = [", ".join(f"{name} {own.mean():.3f}" for name, own in right.items())]
    row += [f"**{both.mean():.3f}**", f"{both.mean() - max(voice.mean(), face.mean()):+.3f}"]
    combined = reliability(target, whole["combined"].to_numpy(), whole["combined"].columns)
    row.append(f"{expected_calibration_error(combined):.3f}")
    for part, alone in (("no face", voice), ("no sound", face), ("the rest", both)):
        rows = lossy[part].to_numpy()
        accuracy = (lossy["predicted"] == target).to_numpy()[rows].mean()
        row.append(f"{accuracy:.3f} ({alone[rows].mean():.3f})")
    kinds = pd.Series(chosen).value_counts()
    return [*row, ", ".join(f"{kind} {n}" for kind, n in kinds.items())]


def by_branch(whole):
    """Return the probabilities of each branch, and of their combination, by name."""
    return {name: whole[name] for name in whole.columns.unique(0)}


def main():
    """Evaluate all settings and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = Path(os.environ.get("SAVEE_MM_SHARED", "../shared")) / "data/ravdess"
    parser.add_argument("ravdess", nargs="?", default=default)
    parser.add_argument("--cache", default="memory")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--search", action="store_true")
    options = parser.parse_args()
    ravdess, units = load(options.ravdess)
    titles = ["features", "seed", "single branches", "all", "gain", "ECE", "no face (best voice)", "no sound (face)"]
    titles += ["the rest (all)", "chosen in folds"]
    print("| " + " | ".join(titles) + " |\n|" + " --- |" * len(titles))
    for normalized in (False, True):
        for seed in map(int, options.seeds.split(",")):
            settings = {"seed": seed, "cache": options.cache, "search": options.search}
            results = run(ravdess, units, normalized=normalized, **settings)
            row = ["speaker-normalised" if normalized else "inductive", str(seed), *table_row(ravdess.target, *results)]
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
