"""The demonstration: from no data at all to a prediction, in the order in which a user would go."""

import click

from savee_mm import (
    FusionClassifier,
    evaluate,
    load_model,
    make_talking_faces,
    predict_file,
    save_model,
)

_NOTES = """A synthetic corpus of drawn faces and synthesised voices: its figures show that the path works, and \
nothing about people.

By clip, every speaker of the test clips was met in training; by speaker, none was. Figures by clip do not carry \
over to new people."""


def run_demo(folder, *, n_speakers, n_sentences, epochs, protocols):
    """Build the corpus, cross-validate, train, save, load, predict, and write ``report.html``.

    Parameters
    ----------
    folder : Path
        Everything is written below it.
    n_speakers, n_sentences : int
        Size of the corpus.
    epochs : int
        Passes over the training clips.
    protocols : list of str
        See :func:`~savee_mm.evaluate`.
    """
    click.echo("1. A synthetic corpus of talking faces")
    corpus = make_talking_faces(folder / "corpus", n_speakers, n_sentences, random_state=0, verbose=True)
    click.echo(f"   {len(corpus.data)} clips of {', '.join(sorted(set(corpus.groups)))} in {folder / 'corpus'}")

    click.echo(f"2. FusionClassifier, cross-validated by {' and by '.join(protocols)}")
    clf = FusionClassifier(epochs=epochs, random_state=0, verbose=True)
    clf.set_params(audio__verbose=True, video__verbose=True)
    report = evaluate({"fusion": clf}, corpus, protocols, verbose=True)
    click.echo(report.folds().to_string(index=False, float_format=lambda value: f"{value:.3f}"))
    click.echo(report.to_markdown(), nl=False)

    newcomer = sorted(set(corpus.groups))[-1]
    click.echo(f"3. Trained on all but {newcomer}, saved and loaded")
    known = corpus.groups != newcomer
    path = save_model(clf.fit(corpus.data[known], corpus.target[known]), folder / "fusion.savee")
    model = load_model(path)
    click.echo(f"   {path} ({path.stat().st_size / 1e6:.1f} MB)")

    clip = corpus.data[~known].iloc[0]
    click.echo(f"4. Prediction of {clip['video']}, in which {corpus.target[~known][0]} is displayed")
    click.echo(predict_file(model, clip["video"]).to_string(float_format=lambda value: f"{value:.3f}"))

    click.echo(f"5. Report: {report.to_html(folder / 'report.html', title='savee_mm demo', notes=_NOTES)}")
