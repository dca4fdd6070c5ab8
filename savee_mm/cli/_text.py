"""Text on a terminal: names and messages without control characters."""

import re

import click


def printable(text, *, lines=False):
    """Return text with escapes for characters that a terminal cannot show.

    Parameters
    ----------
    text : str
        File names may have control characters, and surrogates for bytes that are not UTF-8.
    lines : bool, default=False
        Whether to keep line breaks.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from savee_mm.cli._text import printable
    >>> print(printable("a\\x1b[31m\\udce9.wav"))
    a\\x1b[31m\\udce9.wav
    """
    return "".join(c if c.isprintable() or (lines and c == "\n") else c.encode("unicode_escape").decode() for c in text)


# Options by the arguments of the library that error messages name.
_OPTIONS = {
    "load_table(..., target=<column>)": "--target COLUMN",
    "cache": "--cache",
    "epochs": "--epochs",
    "folder": "--folder",
    "leakage": "--leakage",
    "min_confidence": "--min-confidence",
    "min_voice": "--min-voice",
    "n_jobs": "--jobs",
    "n_sentences": "--sentences",
    "n_speakers": "--speakers",
    "on_error": "--on-error",
    "random_state": "--seed",
    "speaker_normalized": "--speaker-normalized",
}


def name_options(message):
    """Replace arguments of Python functions in an error message by options of the command line.

    Parameters
    ----------
    message : str
        Error message of the library.

    Returns
    -------
    message : str

    Examples
    --------
    >>> from savee_mm.cli._text import name_options
    >>> name_options('leave speaker_normalized out, or pass on_error="fill"')
    'leave --speaker-normalized out, or pass --on-error fill'
    """
    for argument, option in _OPTIONS.items():
        # A word such as `folder` is an argument only with a value.
        value = r"""(?:=["']?(\w+)["']?)""" + ("?" if "_" in argument else "")
        pattern = rf"(?<![\w-]){re.escape(argument)}{value}(?!\w)"
        message = re.sub(pattern, lambda found, option=option: " ".join(filter(None, [option, found[1]])), message)
    return message


def echo_error(message):
    """Print an error to stderr.

    Parameters
    ----------
    message : str
        May have several lines.
    """
    click.echo(f"Error: {printable(message, lines=True)}", err=True)
