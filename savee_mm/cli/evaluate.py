"""The evaluation of several systems: one after the other, into one table."""

from pathlib import Path

import click
import pandas as pd

from savee_mm import ClipError, EvaluationReport, evaluate
from savee_mm.systems import available


def run_evaluate(systems, corpus, protocols, seeds, *, resume, title, files):
    """Evaluate, print the table, and write what was asked for.

    Parameters
    ----------
    systems : dict of str to (str, estimator)
        Name in the tables -> name of the system, and the system.
    corpus : Bunch
        What a loader returned.
    protocols : list of str
        See :func:`~savee_mm.evaluate`.
    seeds : list of int
        See :func:`~savee_mm.evaluate`.
    resume : str or None
        Folder that keeps finished folds.
    title : str
        Heading of the page.
    files : dict of str to (str or None)
        Where the tables go: ``out``, ``table``, ``markdown`` and ``report``.

    Returns
    -------
    complete : bool
        Whether every system could be evaluated.
    """
    parts = {}
    for number, (name, (_, estimator)) in enumerate(systems.items(), 1):
        if len(systems) > 1:
            click.echo(f"{name} ({number} of {len(systems)})", err=True)
        try:
            report = evaluate({name: estimator}, corpus, protocols, seeds, folder=resume, verbose=True)
        # Weights or recordings that one system needs must not cost the hours of the others.
        except (ClipError, FileNotFoundError) as error:
            click.echo(f"Error: {name} was left out. {error}", err=True)
        else:
            parts[name] = report.predictions
    if parts:
        _show(
            EvaluationReport(pd.concat(parts.values(), ignore_index=True)),
            published_figures(systems),
            corpus,
            title,
            files,
        )
    return len(parts) == len(systems)


def _show(report, published, corpus, title, files):
    folds, text = report.folds(), report.to_markdown(**published)
    if folds["system"].nunique() == 1:
        click.echo(folds.to_string(index=False, float_format=lambda value: f"{value:.3f}"))
        click.echo()
    click.echo(text, nl=False)
    if files["out"]:
        folds.to_csv(files["out"], index=False)
    if files["table"]:
        report.comparison(published["published"]).to_csv(files["table"], index=False)
    if files["markdown"]:
        Path(files["markdown"]).write_text(text, encoding="utf-8")
    if files["report"]:
        click.echo(f"report: {report.to_html(files['report'], title=title, notes=corpus.DESCR, **published)}")


def published_figures(systems):
    """Return the published figures, all by clip, and which come from a single split: those of one modality.

    Parameters
    ----------
    systems : dict of str to (str, estimator)
        As of :func:`run_evaluate`.

    Returns
    -------
    options : dict
        ``published`` and ``single_split``, as the tables of an EvaluationReport take them.
    """
    known = available()
    # Transductive figures have nothing published beside them.
    plain = [name for shown, (name, _) in systems.items() if shown == name]
    figures = {(name, "clip"): known.at[name, "published"] for name in plain}
    single = [name for name in plain if known.at[name, "reads"] in ("audio", "video")]
    return {"published": figures, "single_split": single}
