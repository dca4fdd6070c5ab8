"""The demonstration: all steps from a synthetic corpus to a prediction and a report."""

from sklearn.utils import Bunch

from savee_mm import (
    FusionClassifier,
    evaluate,
    load_model,
    make_card,
    make_talking_faces,
    predict_file,
    save_model,
)
from savee_mm._composition import set_everywhere
from savee_mm.cli._stderr import shows_progress
from savee_mm.cli._text import echo

_NOTES = """A synthetic corpus of drawn faces and synthesised voices: the results show that the code runs, and \
nothing about people.

By clip, every speaker of the test clips is in training; by speaker, none is. Results by clip do not hold for \
unseen speakers."""


_CAUTION = "trained on drawn faces and synthesised voices, not on people"


def run_demo(folder, *, n_speakers, n_sentences, epochs, protocols):
    """Make the corpus, cross-validate, train, save, load, predict, and write ``report.html``.

    Parameters
    ----------
    folder : Path
        Folder for all output.
    n_speakers, n_sentences : int
        Size of the corpus.
    epochs : int
        Training epochs.
    protocols : list of str
        As in :func:`~savee_mm.evaluate`.
    """
    echo("1. A synthetic corpus of talking faces")
    corpus = make_talking_faces(folder / "corpus", n_speakers, n_sentences, random_state=0, verbose=shows_progress())
    echo(f"   {len(corpus.data)} clips of {', '.join(sorted(set(corpus.groups)))} in {folder / 'corpus'}")

    echo(f"2. FusionClassifier, cross-validated by {' and by '.join(protocols)}")
    clf = set_everywhere(FusionClassifier(epochs=epochs, random_state=0), verbose=shows_progress())
    report = evaluate({"fusion": clf}, corpus, protocols, verbose=shows_progress())
    echo(report.folds().to_string(index=False, float_format=lambda value: f"{value:.3f}"), lines=True)
    echo(report.to_markdown(), lines=True, nl=False)

    unseen = sorted(set(corpus.groups))[-1]
    echo(f"3. Trained on all speakers except {unseen}, saved and loaded")
    seen = corpus.groups != unseen
    clf.fit(corpus.data[seen], corpus.target[seen])
    used = Bunch(data=corpus.data[seen], target=corpus.target[seen], DESCR=corpus.DESCR)
    card = make_card(clf, corpus=used, name="Demonstration on synthetic faces and voices", notes=_NOTES)
    path = save_model(clf, folder / "fusion.savee", card=card | {"caution": _CAUTION})
    model = load_model(path)
    echo(f"   {path} ({path.stat().st_size / 1e6:.1f} MB)")

    clip = corpus.data[~seen].iloc[0]
    echo(f"4. Prediction of {clip['video']}, which displays {corpus.target[~seen][0]}")
    echo(predict_file(model, clip["video"]).to_string(float_format=lambda value: f"{value:.3f}"), lines=True)
    echo(f"   {_CAUTION}")

    echo(f"5. Report: {report.to_html(folder / 'report.html', title='savee_mm demo', notes=_NOTES)}")
