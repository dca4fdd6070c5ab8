"""Evaluate several systems, print their table and write the files."""

import json
import shlex
import sys
import warnings

from sklearn.exceptions import FitFailedWarning

from savee_mm import EvaluationReport, evaluate
from savee_mm._files import write_text
from savee_mm.cli._stderr import shows_progress
from savee_mm.cli._text import csv_text, echo, echo_error, json_text
from savee_mm.systems import available


def run_evaluate(
    systems,
    corpus,
    protocols,
    seeds,
    *,
    folder,
    leakage="warn",
    title,
    files,
    skipped,
    as_json=False,
    quote_formulas=False,
):
    """Evaluate, print the tables, and write the files.

    Parameters
    ----------
    systems : dict of str to (str, estimator)
        Name in the tables -> name of the system, and the estimator.
    corpus : Bunch
        Result of a loader.
    protocols : list of str
        As in :func:`~savee_mm.evaluate`.
    seeds : list of int
        As in :func:`~savee_mm.evaluate`.
    folder : str or None
        Folder that keeps finished folds.
    leakage : {"warn", "raise", "ignore"}, default="warn"
        As in :func:`~savee_mm.evaluate`.
    title : str
        Title of the HTML report.
    files : dict of str to (str or None)
        Paths for ``out``, ``table``, ``markdown`` and ``report``.
    skipped : dict of str to str
        Systems that cannot be made, with the reasons.
    as_json : bool, default=False
        Whether to print JSON instead of tables.
    quote_formulas : bool, default=False
        Whether CSV files have no cells that spreadsheets run as formulas.

    Returns
    -------
    complete : bool
        Whether no system was left out.
    """
    estimators = {name: estimator for name, (_, estimator) in systems.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitFailedWarning)  # printed below
        report = evaluate(
            estimators,
            corpus,
            protocols,
            seeds,
            folder=folder,
            leakage=leakage,
            on_error="skip",
            verbose=shows_progress(),
        )
    skipped = skipped | report.skipped
    for name, reason in skipped.items():
        echo_error(f"{name} was left out. {reason}")
    _write(report, systems, files, title=title, notes=corpus.DESCR, quote_formulas=quote_formulas)
    _show(report, systems, page=files["report"], as_json=as_json)
    return not skipped


def run_report(folds, out, title, *, as_json=False):
    """Print the table of finished folds, and write their HTML report.

    Parameters
    ----------
    folds : str
        Folder of finished folds.
    out : str
        HTML file to write.
    title : str
        Title of the HTML report.
    as_json : bool, default=False
        Whether to print JSON instead of a table.
    """
    report, known = EvaluationReport.from_folds(folds), available().index
    systems = {name: (name, None) for name in report.predictions["system"].unique() if name in known}
    _write(report, systems, {"report": out}, title=title)
    _show(report, systems, page=out, as_json=as_json)


def _write(report, systems, files, *, title, notes="", quote_formulas=False):
    """Write the given files."""
    published = published_results(systems)
    if files.get("out"):
        write_text(files["out"], csv_text(report.folds(), quote_formulas=quote_formulas))
    if files.get("table"):
        table = report.comparison(published["published"])
        write_text(files["table"], csv_text(table, quote_formulas=quote_formulas))
    if files.get("markdown"):
        write_text(files["markdown"], report.to_markdown(**published))
    if files.get("report"):
        command = shlex.join(["savee-mm", *sys.argv[1:]])
        reads = modalities_read(systems)
        report.to_html(files["report"], title=title, notes=notes, reads=reads, command=command, **published)


def _show(report, systems, *, page, as_json):
    """Print the tables and the path of the HTML report."""
    published, folds = published_results(systems), report.folds()
    if as_json:
        content = {"systems": records(report.comparison(published["published"])), "folds": records(folds)}
        if report.leakage is not None:
            content["leakage"] = records(report.leakage.to_frame())
        echo(json_text(content | ({"report": page} if page else {})), lines=True)
        return
    if folds["system"].nunique() == 1:
        echo(folds.to_string(index=False, float_format=lambda value: f"{value:.3f}"), lines=True)
        echo()
    echo(report.to_markdown(**published), lines=True, nl=False)
    if page:
        echo(f"report: {page}")


def records(table):
    """Return a DataFrame as a list of dicts for JSON, with null for missing values."""
    return json.loads(table.to_json(orient="records"))


def published_results(systems):
    """Return the published accuracies, all by clip, and the systems whose accuracy is from a single split.

    Parameters
    ----------
    systems : dict of str to (str, estimator)
        As in :func:`run_evaluate`.

    Returns
    -------
    options : dict
        ``published`` and ``single_split``, arguments of the tables of an EvaluationReport.
    """
    known = available()
    # There are no published results of speaker-normalised systems.
    plain = [name for shown, (name, _) in systems.items() if shown == name]
    figures = {(name, "clip"): known.at[name, "published"] for name in plain}
    single = [name for name in plain if known.at[name, "reads"] in ("audio", "video")]
    return {"published": figures, "single_split": single}


def modalities_read(systems):
    """Return the modalities of each system, by its name in the tables."""
    known = available()["reads"]
    return {shown: known[name] for shown, (name, _) in systems.items()}
