"""The commands and their options."""

import os
from pathlib import Path

import click

from savee_mm._version import __version__

CORPORA = ("savee", "ravdess", "crema-d", "table")
EXTRACTORS = ("prosody", "spectral", "audio", "voice", "yamnet", "face", "mfcc-image", "mel-image", "face-frames")


class _Group(click.Group):
    """Commands in the order of their use, and errors of the library as one sentence."""

    def list_commands(self, ctx):
        return list(self.commands)

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except (ValueError, TypeError, OSError) as error:
            if os.environ.get("SAVEE_MM_TRACEBACK"):
                raise
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="savee-mm")
def main():
    """Tell which emotion a person displays in a short clip, from voice and face together.

    Start with `savee-mm demo`, which needs no data. Then train on a corpus of your own and predict:

    \b
        savee-mm evaluate SAVEE/ --protocols clip,speaker
        savee-mm evaluate SAVEE/ --systems all --folder folds/
        savee-mm report folds/ --out report.html
        savee-mm train SAVEE/ --out fusion.savee
        savee-mm predict clip.mp4 --model fusion.savee

    Errors end with status 1 and one sentence; set SAVEE_MM_TRACEBACK=1 to see where they came from.
    """
    # TensorFlow greets on stderr, where the progress bars are; this hides most of it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def _corpus_options(command):
    """Add ROOT, --corpus and --cache, and the options of every system."""
    epochs = click.option(
        "--epochs",
        type=click.IntRange(1),
        help="Passes over the training clips, of a system that is one network.  [default: the system's own]",
    )
    return _root_options(epochs(command))


def _root_options(command):
    """Add ROOT, --corpus and --cache."""
    for option in (
        click.option("--cache", type=click.Path(file_okay=False), help="Folder that keeps extracted arrays."),
        click.option(
            "--corpus",
            type=click.Choice(CORPORA),
            default="savee",
            show_default=True,
            help="How ROOT is laid out; `table` is a CSV file with audio, video, speaker, emotion.",
        ),
        click.argument("root", type=click.Path()),
    ):
        command = option(command)
    return command


def _protocols_option(command):
    """Add --protocols, names with commas between."""
    return click.option(
        "--protocols",
        default="clip,speaker",
        show_default=True,
        callback=lambda ctx, param, value: [name.strip() for name in value.split(",")],
        help="What never stands on both sides of a split: clip, speaker, sentence, speaker+sentence.",
    )(command)


def _json_option(command):
    """Add --json, for scripts that read what is printed."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")(command)


def _read_seeds(ctx, param, value):
    try:
        return [int(seed) for seed in value.split(",")]
    except ValueError as error:
        raise click.BadParameter(f"expected whole numbers with commas between, got {value!r}.") from error


def _check_out(ctx, param, value):
    if value is not None and value.suffix not in (".csv", ".json"):
        raise click.BadParameter(f"expected a file that ends with .csv or .json, got {str(value)!r}.")
    return value


@main.command()
@click.option("--out", type=click.Path(file_okay=False), default="demo", show_default=True, help="Folder to write.")
@click.option(
    "--speakers", type=click.IntRange(2), default=4, show_default=True, help="Speakers of the synthetic corpus."
)
@click.option(
    "--sentences", type=click.IntRange(1, 15), default=3, show_default=True, help="Sentences per speaker and emotion."
)
@click.option("--epochs", type=click.IntRange(1), default=40, show_default=True, help="Passes over the training clips.")
@_protocols_option
def demo(out, speakers, sentences, epochs, protocols):
    """Build a synthetic corpus, cross-validate, train, save, load and predict."""
    from savee_mm.cli.demo import run_demo

    run_demo(Path(out), n_speakers=speakers, n_sentences=sentences, epochs=epochs, protocols=protocols)


@main.command()
@_corpus_options
@click.option(
    "--systems",
    default="fusion",
    show_default=True,
    help="Names with commas between, `audio` or `video` for all that read one alone, or `all`.",
)
@click.option(
    "--speaker-normalized",
    is_flag=True,
    help="Normalise by speaker where a system knows how: uses the unlabelled clips of the speakers tested.",
)
@_protocols_option
@click.option(
    "--seeds",
    default="0",
    show_default=True,
    callback=_read_seeds,
    help="Seeds of everything random, with commas between: each is a run of its own.",
)
@click.option("--folder", type=click.Path(file_okay=False), help="Folder that keeps finished folds, to continue later.")
@click.option(
    "--leakage",
    type=click.Choice(["warn", "raise", "ignore"]),
    default="warn",
    show_default=True,
    help="What happens where test clips are found to be known from training; `raise` ends with status 1.",
)
@click.option("--out", type=click.Path(dir_okay=False), help="CSV file for the folds.")
@click.option("--table", type=click.Path(dir_okay=False), help="CSV file for the table of the systems.")
@click.option("--markdown", type=click.Path(dir_okay=False), help="Markdown file for the table of the systems.")
@click.option("--report", "--html", type=click.Path(dir_okay=False), help="HTML file for tables and pictures.")
@_json_option
def evaluate(
    root, corpus, epochs, cache, systems, speaker_normalized, protocols, seeds, folder, leakage, as_json, **files
):
    """Cross-validate systems on the corpus at ROOT, and compare them with their published figures.

    A system whose weights or recordings are missing is named on stderr and left out; the status is 1 then.
    """
    from savee_mm.cli._systems import make_systems
    from savee_mm.cli.evaluate import run_evaluate

    chosen = make_systems(systems, speaker_normalized=speaker_normalized, epochs=epochs, cache=cache)
    bunch = _load(root, corpus)
    _make_room(*files.values())
    complete = run_evaluate(
        chosen,
        bunch,
        protocols,
        seeds,
        folder=folder,
        leakage=leakage,
        title=f"{', '.join(chosen)} on {Path(root).name}",
        files=files,
        as_json=as_json,
    )
    if not complete:
        raise click.exceptions.Exit(1)


@main.command()
@click.argument("folds", type=click.Path())
@click.option(
    "--out", type=click.Path(dir_okay=False), default="report.html", show_default=True, help="HTML file to write."
)
@click.option("--title", default="Evaluation", show_default=True, help="Heading of the page.")
@_json_option
def report(folds, out, title, as_json):
    """Write tables and pictures of the finished folds in FOLDS, what `evaluate` kept there with --folder."""
    from savee_mm.cli.evaluate import run_report

    run_report(folds, out, title, as_json=as_json)


@main.command()
@_corpus_options
@click.option("--system", default="fusion", show_default=True, help="Name of the system, as in `evaluate`.")
@click.option("--seed", default=0, show_default=True, help="Seed of everything random.")
@click.option("--out", type=click.Path(dir_okay=False), required=True, help="Model file to write.")
@click.option("--without", multiple=True, metavar="SPEAKER", help="Speaker to leave out, to test on later.")
def train(root, corpus, epochs, cache, system, seed, out, without):
    """Train a system on the corpus at ROOT and save it."""
    from sklearn.utils import Bunch

    from savee_mm import make_card, save_model
    from savee_mm.cli._systems import make_system

    model = make_system(system, epochs=epochs, cache=cache, seed=seed)
    bunch = _load(root, corpus)
    _make_room(out)
    kept = ~bunch.data["speaker"].isin(without)
    unknown = set(without) - set(bunch.data["speaker"])
    if unknown:
        raise ValueError(f"--without {', '.join(sorted(unknown))}: the speakers are {_unique(bunch.data['speaker'])}.")
    used = Bunch(data=bunch.data[kept], target=bunch.target[kept], DESCR=bunch.DESCR)
    path = save_model(model.fit(used.data, used.target), out, card=make_card(model, corpus=used, name=system))
    click.echo(f"trained on {kept.sum()} clips of {_unique(used.data['speaker'])}: {path}")


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path())
@click.option("--model", "model_file", required=True, type=click.Path(dir_okay=False), help="Trained model file.")
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0,
    help="Probability below which no emotion is named.  [default: one is named in any case]",
)
@click.option(
    "--timeline", is_flag=True, help="Windows that slide over each file, with a line for each; blank in pauses."
)
@click.option(
    "--window", type=click.FloatRange(0, min_open=True), default=3, show_default=True, help="Length of a window (s)."
)
@click.option(
    "--hop", type=click.FloatRange(0, min_open=True), default=1, show_default=True, help="From window to window (s)."
)
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Picture of the timeline; of several files the folder for them."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), callback=_check_out, help="CSV or JSON file to write."
)
@_json_option
def predict(files, model_file, min_confidence, timeline, window, hop, plot, out, as_json):
    """Print the probabilities of the emotions for each of FILES, sounds or videos, or folders of them.

    \b
        savee-mm predict clip.mp4 --model fusion.savee
        savee-mm predict clips/ --model fusion.savee --min-confidence 0.5 --out answers.csv
        savee-mm predict talk.mp4 --model fusion.savee --timeline --plot talk.png

    A file that cannot be used is named on stderr, the others are predicted all the same; the status is 1 then. After
    Ctrl-C what was done is kept, and the status is 130.
    """
    from savee_mm.cli.predict import Timeline, run_predict

    if plot is not None and not timeline:
        raise click.UsageError("--plot draws a timeline: add --timeline.")
    lengths = Timeline(window, hop, plot) if timeline else None
    settings = {"min_confidence": min_confidence, "timeline": lengths, "as_json": as_json, "out": out}
    if status := run_predict(files, model_file, **settings):
        raise click.exceptions.Exit(status)


@main.command()
@click.argument("model", required=False, type=click.Path(dir_okay=False))
@_json_option
def info(model, as_json):
    """Print the card of the trained model file MODEL; without one, versions and the pretrained weights that are here.

    The model itself is not opened.
    """
    from savee_mm.cli.info import run_info

    run_info(model, as_json=as_json)


@main.command()
@_root_options
@click.option(
    "--extractor", type=click.Choice(EXTRACTORS), default="voice", show_default=True, help="What is extracted."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default="features.parquet",
    show_default=True,
    help="Table to write: .parquet or .csv with named columns, of pictures (-image, -frames) .npz.",
)
@click.option("--jobs", default=1, show_default=True, help="Worker processes.")
@click.option(
    "--on-error",
    type=click.Choice(["raise", "fill"]),
    default="raise",
    show_default=True,
    help="What a clip that cannot be used does: end the command, or get the median and a line on stderr.",
)
def features(root, corpus, cache, extractor, out, jobs, on_error):
    """Extract features of every clip of the corpus at ROOT into one table.

    \b
        savee-mm features SAVEE/ --out features.parquet
        savee-mm features SAVEE/ --extractor face-frames --out frames.npz --cache done/

    With --cache a run that was interrupted goes on where it ended. The status is 1 where a clip was filled.
    """
    from savee_mm.cli.features import run_features

    bunch = _load(root, corpus)
    if run_features(bunch, extractor, out, cache=cache, n_jobs=jobs, on_error=on_error):
        raise click.exceptions.Exit(1)


@main.command("fetch-weights")
@click.argument("name")
@click.option("--to", type=click.Path(file_okay=False), help="Folder; default: the one SAVEE_MM_WEIGHTS names.")
def fetch_weights(name, to):
    """Download the pretrained weights NAME (yunet, ssd, yamnet, vgg16, vgg19, mobilenet) and check them."""
    from savee_mm import fetch_weights

    for path in fetch_weights(name, to, progress=True):
        click.echo(path)


def _load(root, corpus):
    from savee_mm import load_crema_d, load_ravdess, load_savee, load_table

    loaders = (load_savee, load_ravdess, load_crema_d, load_table)
    return dict(zip(CORPORA, loaders, strict=True))[corpus](root)


def _make_room(*files):
    """Make the folders of the files that will be written, before hours are spent on what goes into them."""
    for file in filter(None, files):
        Path(file).parent.mkdir(parents=True, exist_ok=True)


def _unique(values):
    return ", ".join(sorted(set(values.astype(str))))
