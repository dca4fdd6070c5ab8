"""Training on one corpus, test on another: writes the tables and the map of labels into a page.

``python -m benchmarks.corpora SAVEE RAVDESS [--cache FOLDER] [--folder FOLDER] [--page docs/results.md]``: the system
``corpus_audio`` on all pairs of the two corpora, with the shared classes and with four classes, and with RAVDESS's calm
as neutral. The third table has the clips that EmoBox tests: 60 of each of four classes, of which the first 15 neutral
clips of each speaker of SAVEE.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np

from savee_mm import concat_corpora, evaluate, load_ravdess, load_savee, systems
from savee_mm.evaluation.report.tables import markdown, short
from savee_mm.model_selection import corpus_pairs

PLACE = ("<!-- corpora: written by benchmarks.corpora -->", "<!-- end of corpora -->")
SYSTEM = "corpus_audio"
FOUR = ["anger", "happiness", "neutral", "sadness"]
_MOST = 15  # neutral clips of a speaker among EmoBox's


def as_neutral(classes):
    """Return labels that keep these classes, and take calm as neutral."""
    return {name: name for name in classes} | {"calm": "neutral"}


def equal_numbers(table, y, most=_MOST):
    """Return which clips are among the first ``most`` of their speaker and class."""
    return (table.assign(y=np.asarray(y)).groupby(["speaker", "y"]).cumcount() < most).to_numpy()


def write_between(text, place, content):
    """Return a page with new content between two comments.

    Raises
    ------
    ValueError
        If the page does not have both comments.
    """
    before, begin, rest = text.partition(place[0])
    _, end, after = rest.partition(place[1])
    if not begin or not end:
        raise ValueError(f"The page has no place {place[0]!r} to {place[1]!r}.")
    return f"{before}{begin}\n{content.strip()}\n{end}{after}"


def transfer_table(report, system):
    """Return the table of training and test corpora in Markdown: accuracy, and UAR in brackets."""
    accuracy, uar = report.transfer(system), report.transfer(system, "uar")
    cells = accuracy.map(short) + " (" + uar.map(short) + ")"
    return markdown(cells.rename_axis(columns=None).reset_index(names="training")).strip()


def evaluate_pairs(both, options, protocols=None):
    """Return the report of the pairs of two corpora."""
    system = systems.make(SYSTEM, random_state=0, cache=options.cache)
    protocols = corpus_pairs(both.data) if protocols is None else protocols
    return evaluate({SYSTEM: system}, both, protocols, folder=options.folder, leakage="ignore")


def main():
    """Evaluate the pairs and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("savee")
    parser.add_argument("ravdess")
    parser.add_argument("--cache", default="memory")
    parser.add_argument("--folder")
    parser.add_argument("--page", type=Path, default=Path("docs/results.md"))
    options = parser.parse_args()
    # The page says so.
    warnings.filterwarnings("ignore", "Training had one corpus", UserWarning)
    corpora = {"savee": load_savee(options.savee), "ravdess": load_ravdess(options.ravdess)}
    both = concat_corpora(corpora)
    parts = [f"```text\n{both.summary}\n```"]
    parts += ["Shared classes, accuracy (UAR):", transfer_table(evaluate_pairs(both, options), SYSTEM)]
    rows = []
    for name, labels in (("shared", both.target_names), ("four", FOUR)):
        for merged in (False, True):
            part = concat_corpora(corpora, as_neutral(labels) if merged else labels, n_measured=0, verbose=False)
            pairs = {pair: folds for pair, folds in corpus_pairs(part.data).items() if pair == "ravdess -> savee"}
            [[(train, test)]] = pairs.values()
            pairs["equal numbers"] = [(train, test[equal_numbers(part.data, part.target)[test]])]
            report = evaluate_pairs(part, options, pairs)
            for protocol in pairs:
                rows.append([name, "neutral" if merged else "left out", *_line(report, protocol)])
    header = "| classes | RAVDESS's calm | test clips of SAVEE | accuracy | UAR |\n| --- | --- | --- | --- | --- |\n"
    parts += ["Training on RAVDESS, test on SAVEE:", header + "".join(f"| {' | '.join(row)} |\n" for row in rows)]
    text = options.page.read_text(encoding="utf-8")
    options.page.write_text(write_between(text, PLACE, "\n\n".join(parts)), encoding="utf-8")


def _line(report, protocol):
    """Return number of clips, accuracy with its interval, and UAR of a protocol as text."""
    rows = report.intervals().query("protocol == @protocol").set_index("metric")
    ends = f"{short(rows.at['accuracy', 'low'])} to {short(rows.at['accuracy', 'high'])}"
    n_clips = report.predictions.query("protocol == @protocol")["clip_id"].nunique()
    what = f"{n_clips}, {'at most 15 of a speaker and class' if protocol == 'equal numbers' else 'all'}"
    return what, f"{short(rows.at['accuracy', 'value'])} ({ends})", short(rows.at["uar", "value"])


if __name__ == "__main__":
    main()
