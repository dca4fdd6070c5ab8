"""Commands and their options."""

import logging
import os
from pathlib import Path

import click

from savee_mm._version import __version__
from savee_mm.cli._stderr import no_tensorflow_log, short_warnings
from savee_mm.cli._text import echo, name_options, printable

CORPORA = (
    "savee",
    "ravdess",
    "crema-d",
    "emodb",
    "tess",
    "emovo",
    "enterface",
    "meld",
    "iemocap",
    "msp-improv",
    "table",
)
EXTRACTORS = ("prosody", "spectral", "audio", "voice", "yamnet", "face", "mfcc-image", "mel-image", "face-frames")


class _Group(click.Group):
    """Commands in the order of use, and errors of the library as one sentence."""

    def list_commands(self, ctx):
        return list(self.commands)

    def invoke(self, ctx):
        try:
            with no_tensorflow_log(), short_warnings():
                return super().invoke(ctx)
        except click.ClickException as error:
            # Messages of wrong usage may have names of files.
            error.message = printable(error.message, lines=True)
            raise
        except (ValueError, TypeError, OSError) as error:
            if os.environ.get("SAVEE_MM_TRACEBACK"):
                raise
            raise click.ClickException(printable(name_options(str(error)), lines=True)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="savee-mm")
def main():
    """Predict the displayed emotion in short clips from voice and face.

    Start with `savee-mm demo`, which needs no data. Then train on a corpus and predict:

    \b
        savee-mm evaluate SAVEE/ --protocols clip,speaker
        savee-mm evaluate SAVEE/ --systems all --folder folds/
        savee-mm report folds/ --out report.html
        savee-mm train SAVEE/ --out fusion.savee
        savee-mm predict clip.mp4 --model fusion.savee

    An error ends with status 1 and one sentence; set SAVEE_MM_TRACEBACK=1 for the traceback.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in ("tensorflow", "absl"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _corpus_options(command):
    """Add ROOT, --corpus and --cache, and the options of every system."""
    epochs = click.option(
        "--epochs",
        type=click.IntRange(1),
        help="Training epochs, for a system that is a single neural network.  [default: that of the system]",
    )
    return _root_options(epochs(command))


def _root_options(command):
    """Add ROOT, its layout and --cache."""
    for option in (
        click.option("--cache", type=click.Path(file_okay=False), help="Folder that keeps extracted arrays."),
        click.option(
            "--column",
            "columns",
            multiple=True,
            metavar="NAME=COLUMN",
            callback=_read_columns,
            help="Name of a column in a table: --column audio=path --column speaker=who.",
        ),
        click.option("--target", metavar="COLUMN", help="Column of the classes in a table.  [default: emotion]"),
        click.option(
            "--corpus",
            type=click.Choice(CORPORA),
            help="Layout of ROOT; `table` is a CSV file with columns such as audio, video, speaker, emotion.  "
            "[default: table for a file, savee for a folder]",
        ),
        click.argument("root", type=click.Path()),
    ):
        command = option(command)
    return command


def _protocols_option(command):
    """Add --protocols, names separated by commas."""
    return click.option(
        "--protocols",
        default="clip,speaker",
        show_default=True,
        callback=lambda ctx, param, value: [name.strip() for name in value.split(",")],
        help="What the two sides never share, separated by commas: clip, speaker, sentence, speaker+sentence, corpus.",
    )(command)


def _json_option(command):
    """Add --json, for scripts."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")(command)


def _quote_option(command):
    """Add --quote-formulas, for CSV files that are opened in spreadsheets."""
    return click.option(
        "--quote-formulas",
        is_flag=True,
        help="In CSV files, put an apostrophe in front of text that a spreadsheet would run as a formula (= + - @).",
    )(command)


def _read_seeds(ctx, param, value):
    try:
        return [int(seed) for seed in value.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"expected integers separated by commas, got {value!r}.") from error


def _read_columns(ctx, param, values):
    """Return the columns of a table by the names that load_table expects."""
    pairs = [value.partition("=") for value in values]
    for value, (name, _, column) in zip(values, pairs, strict=True):
        if not (name and column):
            raise click.BadParameter(f"expected NAME=COLUMN, such as audio=path, got {value!r}.")
    return {name.strip(): column.strip() for name, _, column in pairs}


def _annotation_format(timeline, out, format_name):
    """Return the format of annotations to write, by its name or by the suffix of a file; None for a table."""
    suffix = "" if out is None else out.suffix.lower()
    chosen = format_name or {".textgrid": "textgrid", ".eaf": "eaf", ".vtt": "vtt"}.get(suffix)
    if chosen is None and out is not None and suffix not in (".csv", ".json"):
        raise click.BadParameter(
            f"expected a file that ends with .csv or .json, with --timeline also .TextGrid, .eaf or .vtt, got "
            f"{str(out)!r}.",
            param_hint="--out",
        )
    if chosen is not None and (out is None or not timeline):
        raise click.UsageError(f"--format {chosen} writes a timeline: add {'--out' if out is None else '--timeline'}.")
    return chosen


@main.command()
@click.option("--out", type=click.Path(file_okay=False), default="demo", show_default=True, help="Folder to write.")
@click.option(
    "--speakers", type=click.IntRange(2), default=4, show_default=True, help="Speakers of the synthetic corpus."
)
@click.option(
    "--sentences", type=click.IntRange(1, 15), default=3, show_default=True, help="Sentences per speaker and emotion."
)
@click.option("--epochs", type=click.IntRange(1), default=40, show_default=True, help="Training epochs.")
@_protocols_option
def demo(out, speakers, sentences, epochs, protocols):
    """Make a synthetic corpus, cross-validate, train, save, load and predict."""
    from savee_mm.cli.demo import run_demo

    run_demo(Path(out), n_speakers=speakers, n_sentences=sentences, epochs=epochs, protocols=protocols)


@main.command()
@_corpus_options
@click.option(
    "--systems",
    default="fusion",
    show_default=True,
    help="Names separated by commas; `audio` or `video` for all that read only that, or `all`.",
)
@click.option(
    "--speaker-normalized",
    is_flag=True,
    help="Normalise by speaker, in systems that can be: uses the unlabelled clips of the test speakers.",
)
@_protocols_option
@click.option(
    "--seeds",
    default="0",
    show_default=True,
    callback=_read_seeds,
    help="Random seeds separated by commas, one run each.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False),
    help="Folder that keeps finished folds, to continue later.",
)
@click.option(
    "--leakage",
    type=click.Choice(["warn", "raise", "ignore"]),
    default="warn",
    show_default=True,
    help="Effect of a leak between training and test; `raise` ends with status 1.",
)
@click.option("--out", type=click.Path(dir_okay=False), help="CSV file for the results of each fold.")
@click.option("--table", type=click.Path(dir_okay=False), help="CSV file for the table of systems.")
@click.option("--markdown", type=click.Path(dir_okay=False), help="Markdown file for the table of systems.")
@click.option("--report", "--html", type=click.Path(dir_okay=False), help="HTML file for tables and plots.")
@_quote_option
@_json_option
def evaluate(
    root,
    corpus,
    target,
    columns,
    epochs,
    cache,
    systems,
    speaker_normalized,
    protocols,
    seeds,
    folder,
    leakage,
    as_json,
    quote_formulas,
    **files,
):
    """Cross-validate systems on the corpus at ROOT, and compare them with published results.

    A system without its weights or recordings is named on stderr and left out, and the status is 1.
    """
    from savee_mm.cli._systems import make_systems
    from savee_mm.cli.evaluate import run_evaluate

    chosen, skipped = make_systems(systems, speaker_normalized=speaker_normalized, epochs=epochs, cache=cache)
    bunch = _load(root, corpus, target, columns)
    _check_files(*files.values())
    complete = run_evaluate(
        chosen,
        bunch,
        protocols,
        seeds,
        folder=folder,
        leakage=leakage,
        title=f"{', '.join(chosen)} on {Path(root).name}",
        skipped=skipped,
        files=files,
        as_json=as_json,
        quote_formulas=quote_formulas,
    )
    if not complete:
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("folder", type=click.Path())
@click.option(
    "--out", type=click.Path(dir_okay=False), default="report.html", show_default=True, help="HTML file to write."
)
@click.option("--title", default="Evaluation", show_default=True, help="Heading of the page.")
@_json_option
def report(folder, out, title, as_json):
    """Write tables and plots of the finished folds in FOLDER, kept by `evaluate --folder`."""
    from savee_mm.cli.evaluate import run_report

    _check_files(out)
    run_report(folder, out, title, as_json=as_json)


@main.command()
@_corpus_options
@click.option(
    "--system",
    help="Name of the system, as in `evaluate`.  [default: the recommended one for audio, video or both]",
)
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@click.option("--out", type=click.Path(dir_okay=False), required=True, help="Model file to write.")
@click.option("--without", multiple=True, metavar="SPEAKER", help="Speaker to leave out, for a test; may be repeated.")
@click.option("--score/--no-score", default=True, help="Whether to print the accuracy on unseen speakers first.")
def train(root, corpus, target, columns, cache, out, **settings):
    """Train a system on the corpus at ROOT and save it.

    Before the training, the accuracy on unseen speakers is estimated by cross-validation with at most five folds of
    speakers, printed, and kept in the card of the model.
    """
    from savee_mm.cli.train import run_train

    bunch = _load(root, corpus, target, columns)
    _check_files(out)
    run_train(bunch, out, cache=cache, **settings)


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--model", "model_file", type=click.Path(dir_okay=False), help="Trained model file.  [required]")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0,
    help="Probability below which no emotion is named.  [default: 0]",
)
@click.option("--timeline", is_flag=True, help="Predict sliding windows, one row each; pauses are blank.")
@click.option(
    "--window", type=click.FloatRange(0, min_open=True), default=3, show_default=True, help="Length of a window (s)."
)
@click.option(
    "--hop",
    type=click.FloatRange(0, min_open=True),
    default=1,
    show_default=True,
    help="Time between the starts of windows (s).",
)
@click.option(
    "--min-voice",
    type=click.FloatRange(0),
    default=0.2,
    show_default=True,
    help="Voiced time (s) below which a window is a pause; 0 predicts every window.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Image file for a plot of the timeline; for several, a folder, with the subfolders of the recordings.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path),
    help="HTML page that plays the recording with its timeline; for several, a folder, as for --plot.",
)
@click.option("--people", is_flag=True, help="Timeline of a video: one row for each utterance, with the speaker.")
@click.option("--embed", is_flag=True, help="Put the recording into the page of --html, so that it is one file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="CSV or JSON file to write; of timelines also .TextGrid, .eaf or .vtt, or a folder with --format.",
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["textgrid", "eaf", "vtt", "labelstudio"]),
    help="Format of timelines for Praat, ELAN, players (WebVTT) or Label Studio.  [default: by the suffix of --out]",
)
@_quote_option
@_json_option
def predict(
    files, model_file, min_confidence, timeline, window, hop, out, format_name, as_json, quote_formulas, **shown
):
    """Print the probabilities of the emotions for each of FILES: sound files, videos, folders of them, or tables.

    \b
        savee-mm predict clip.mp4 --model fusion.savee
        savee-mm predict clips/ --model fusion.savee --min-confidence 0.5 --out predictions.csv
        savee-mm predict segments.csv --model fusion.savee
        savee-mm predict talk.mp4 --model fusion.savee --timeline --plot talk.png
        savee-mm predict talk.mp4 --model fusion.savee --timeline --out talk.eaf
        savee-mm predict talk.mp4 --model fusion.savee --timeline --people --html talk.html

    A CSV file is a table of clips with a column audio or video of paths, and for parts of long files start and end (s).
    Folders are searched with their subfolders and links, for every format that FFmpeg reads; hidden files are left
    out. A file that cannot be used is named on stderr with the reason, the others are predicted, and the status is 1.
    A silent or muted file is predicted from the video, and dark video from the sound, if the model reads both; the
    note of the row says so.
    Ctrl-C keeps the rows so far and ends with status 130.

    In the European Union, deployers of a system that recognises emotions must inform the people who are exposed to it,
    and process their data by the law of data protection: Art. 50(3) of Regulation (EU) 2024/1689, which applies since
    2 August 2026. At work and in education, Art. 5(1)(f) prohibits such systems.
    """
    from savee_mm.persistence._types import import_skops

    # First: it is faster while few modules are imported.
    import_skops()

    from savee_mm.cli.predict import Timeline, run_predict

    if model_file is None:
        raise click.UsageError(
            "--model is missing: name a model file. `savee-mm train ROOT --out model.savee` trains one on a corpus; "
            "`savee-mm demo` makes demo/fusion.savee from drawn faces, to try the commands."
        )
    for name in ("plot", "html"):
        if shown[name] is not None and not timeline:
            raise click.UsageError(f"--{name} shows a timeline: add --timeline.")
    if shown["people"] and not timeline:
        raise click.UsageError("--people finds the utterances of a timeline: add --timeline.")
    if shown["embed"] and shown["html"] is None:
        raise click.UsageError("--embed puts the recording into a page: add --html PAGE.")
    if timeline and hop > window:
        raise ValueError(
            f"--hop {hop:g} is longer than --window {window:g}: parts of the recording would be left out. Lower --hop."
        )
    annotations = out if (chosen := _annotation_format(timeline, out, format_name)) else None
    out = None if chosen else out
    lengths = Timeline(window, hop, annotations=annotations, format=chosen, **shown) if timeline else None
    settings = {"min_confidence": min_confidence, "timeline": lengths, "as_json": as_json, "out": out}
    _check_files(out)
    if status := run_predict(files, model_file, quote_formulas=quote_formulas, **settings):
        raise click.exceptions.Exit(status)


def _serve_options(command):
    """Add --model and the address."""
    for option in (
        click.option(
            "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 for a free one."
        ),
        click.option(
            "--model", "model_file", type=click.Path(dir_okay=False), required=True, help="Trained model file."
        ),
    ):
        command = option(command)
    return command


@main.command()
@_serve_options
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. Other machines reach only other addresses, and then need a token.",
)
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="Host name by which others call the service, such as that of a proxy or of this machine; may be repeated, "
    "`*` for any. IP addresses, localhost and --host need none.",
)
@click.option("--token", envvar="SAVEE_MM_TOKEN", help="Access token that requests must send.  [env: SAVEE_MM_TOKEN]")
@click.option("--workers", "n_workers", type=click.IntRange(1), default=2, show_default=True, help="Processes.")
@click.option("--max-waiting", type=click.IntRange(0), default=16, show_default=True, help="Requests that may wait.")
@click.option("--max-bytes", type=click.IntRange(1), default=100_000_000, show_default=True, help="Size of an upload.")
@click.option(
    "--predict-seconds",
    type=click.FloatRange(0, min_open=True),
    default=120,
    show_default=True,
    help="Time for a prediction (s).",
)
def serve(model_file, host, port, token, allow_hosts, **limits):
    """Serve predictions over HTTP and WebSocket, and a page for camera and microphone.

    \b
        savee-mm serve --model fusion.savee
        curl -F file=@clip.mp4 http://127.0.0.1:8000/predict
        savee-mm serve --model fusion.savee --allow-host emotions.example.org  # behind a proxy of this name

    /docs describes the requests. Needs pip install 'savee-mm[serve]'. The transport is not encrypted: for other
    machines, put a proxy with TLS in front of it. With --host or --allow-host, requests need a token; a random one is
    printed if none is given.
    """
    from savee_mm.cli.serve import run_serve

    run_serve(model_file, host=host, port=port, token=token, allow_hosts=allow_hosts, limits=limits)


@main.command()
@_serve_options
def live(model_file, port):
    """Open a page that predicts camera and microphone, served by this machine for itself.

    Everyone in front of them must be informed before: Art. 50(3) of Regulation (EU) 2024/1689.
    """
    from savee_mm.cli.serve import run_serve

    run_serve(model_file, host="127.0.0.1", port=port, opens=True, limits={"n_workers": 1})


@main.command()
@click.argument("path", required=False, type=click.Path())
@_json_option
def info(path, as_json):
    """Print the card of a model file, or number, size and last use of the entries of a cache folder.

    Without PATH, print installed versions and pretrained weights. The model itself is not loaded.
    """
    from savee_mm.cli.info import run_info

    run_info(path, as_json=as_json)


@main.command()
@_root_options
@click.option("--extractor", type=click.Choice(EXTRACTORS), default="voice", show_default=True, help="Features.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Table to write: .parquet or .csv with named columns; .npz for images (-image, -frames). With --engine, a "
    "folder of Parquet files.  [default: features.parquet, or features]",
)
@click.option("--jobs", default=1, show_default=True, help="Worker processes.")
@click.option(
    "--engine",
    type=click.Choice(["joblib", "dask"]),
    help="Extract in chunks, for tables larger than memory: in processes of this machine, or on a Dask cluster.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Dask scheduler.  [default: a cluster of --jobs processes here]")
@click.option("--chunk-size", type=click.IntRange(1), default=256, show_default=True, help="Clips of a chunk.")
@click.option("--overwrite", is_flag=True, help="With --engine, replace features of another table in the folder --out.")
@click.option(
    "--on-error",
    type=click.Choice(["raise", "fill"]),
    default="raise",
    show_default=True,
    help="For a clip that cannot be used: end the command, or fill in medians and report it on stderr.",
)
@_quote_option
def features(
    root, corpus, target, columns, cache, extractor, out, jobs, engine, scheduler, chunk_size, overwrite, **for_a_file
):
    """Extract features of every clip of the corpus at ROOT into one table.

    \b
        savee-mm features SAVEE/ --out features.parquet
        savee-mm features SAVEE/ --extractor face-frames --out frames.npz --cache done/
        savee-mm features clips.parquet --engine joblib --jobs 8 --out features/

    With --cache an interrupted run can be continued. The status is 1 if a clip was filled.

    With --engine, ROOT may also be a Parquet file or a folder of Parquet files. An interrupted run is continued by the
    same command, several machines may run it on a shared folder, and clips that cannot be used are listed in
    OUT/_failures.
    """
    from savee_mm.cli.features import is_table, run_extract, run_features

    if engine is None:
        if scheduler or overwrite:
            raise click.UsageError("--scheduler is for --engine dask, --overwrite for --engine.")
        bunch = _load(root, corpus, target, columns)
        failed = run_features(bunch, extractor, out or Path("features.parquet"), cache=cache, n_jobs=jobs, **for_a_file)
    else:
        table = root if corpus is None and is_table(root) else _load(root, corpus, target, columns)
        if table is root and (target or columns):
            raise click.UsageError("With --engine, the columns of a table have their names: no --target, no --column.")
        failed = run_extract(
            table,
            extractor,
            out or Path("features"),
            engine=engine,
            scheduler=scheduler,
            chunk_size=chunk_size,
            overwrite=overwrite,
            cache=cache,
            n_jobs=jobs,
        )
    if failed:
        raise click.exceptions.Exit(1)


@main.command("fetch-weights")
@click.argument("name")
@click.option("--to", type=click.Path(file_okay=False), help="Folder.  [default: SAVEE_MM_WEIGHTS]")
def fetch_weights(name, to):
    """Download the pretrained weights NAME (yunet, ssd, yamnet, vgg16, vgg19, mobilenet) and check them."""
    from savee_mm import fetch_weights

    for path in fetch_weights(name, to, progress=True):
        echo(path)


@main.command()
@click.argument("model", type=click.Path(dir_okay=False))
@click.option(
    "--format", "kind", type=click.Choice(["onnx"]), default="onnx", show_default=True, help="Format to write."
)
@click.option("--out", type=click.Path(dir_okay=False), required=True, help="File to write.")
def export(model, kind, out):
    """Export the classifier of the model file MODEL for other programs, such as onnxruntime in C++ or in a browser.

    The ONNX graph maps the arrays or features of the extractors to probabilities; extraction is not in it. Systems of
    scikit-learn need skl2onnx (extra "export") and are refused if probabilities of the graph differ by more than 1e-5.
    """
    from savee_mm import export_onnx, load_model

    _check_files(out)
    echo(export_onnx(load_model(model), out))


@main.command()
def warmup():
    """Compile the kernels of the features of the voice, so that the first clip does not take 10 s longer.

    They are compiled once for each installation and kept in the folder NUMBA_CACHE_DIR, by default next to the sources.
    """
    from savee_mm.cli.features import run_warmup

    run_warmup()


@main.command("export-encoder")
@click.argument("checkpoint", type=click.Path(exists=True, file_okay=False))
@click.option("--out", type=click.Path(dir_okay=False), required=True, help="The ONNX file to write.")
def export_encoder(checkpoint, out):
    """Export the speech encoder of a transformers checkpoint, the folder CHECKPOINT, to an ONNX file.

    Families: wav2vec 2.0, HuBERT, WavLM, data2vec audio, Whisper. Needs pip install 'savee-mm[export]'.
    """
    from savee_mm.features.encoders.export import export_encoder

    _check_files(out)
    echo(export_encoder(checkpoint, out))


def _load(root, corpus, target, columns):
    from savee_mm import datasets

    corpus = corpus or ("table" if os.path.isfile(root) else "savee")
    if corpus == "table":
        return datasets.load_table(root, target=target or "emotion", columns=columns)
    if target or columns:
        raise click.UsageError("--target and --column are for --corpus table.")
    return getattr(datasets, f"load_{corpus.replace('-', '_')}")(root)


def _check_files(*files):
    """Check that output files can be written, before the computation."""
    from savee_mm._files import check_destination

    for file in filter(None, files):
        check_destination(file)
