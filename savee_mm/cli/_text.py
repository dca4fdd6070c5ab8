"""Text of the command line: no control characters on terminals, and no formulas in spreadsheets."""

import json
import re
from typing import Any

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


# Starts of formulas, in ASCII and in full width; spreadsheets skip tabs and line breaks before them.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# Options by the arguments of the library that error messages name.
_OPTIONS = {
    "load_table(..., target=<column>)": "--target COLUMN",
    "cache": "--cache",
    "embed": "--embed",
    "epochs": "--epochs",
    "folder": "--folder",
    "leakage": "--leakage",
    "min_confidence": "--min-confidence",
    "min_voice": "--min-voice",
    "n_jobs": "--jobs",
    "n_sentences": "--sentences",
    "n_speakers": "--speakers",
    "on_error": "--on-error",
    "overwrite=True": "--overwrite",
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
        value = r"""(?:=["']?(\w+)["']?)""" + ("?" if "_" in argument or "=" in argument else "")
        pattern = rf"(?<![\w-]){re.escape(argument)}{value}(?!\w)"
        message = re.sub(pattern, lambda found, option=option: " ".join(filter(None, [option, found[1]])), message)
    return message


def echo(text="", *, lines=False, err=False, nl=True):
    """Print text, with escapes for characters that a terminal cannot show or would run.

    Parameters
    ----------
    text : object
        May have file names, names from tables, and entries of cards.
    lines : bool, default=False
        Whether to keep line breaks.
    err : bool, default=False
        Whether to print to stderr.
    nl : bool, default=True
        Whether to end the line.
    """
    click.echo(printable(str(text), lines=lines), err=err, nl=nl)


def echo_error(message):
    """Print an error to stderr.

    Parameters
    ----------
    message : str
        May have several lines.
    """
    echo(f"Error: {message}", lines=True, err=True)


def json_text(content: Any) -> str:
    """Return JSON in which characters that a terminal cannot show are escaped.

    Parameters
    ----------
    content : object
        Plain data.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from savee_mm.cli._text import json_text
    >>> print(json_text({"file": "é\\x9b31m\\udce9.wav"}))
    {
     "file": "é\\u009b31m\\udce9.wav"
    }
    """
    text = json.dumps(content, indent=1, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def quote_formula(cell):
    """Return a cell of a CSV file that no spreadsheet runs as a formula: with an apostrophe in front of =, +, - or @.

    Parameters
    ----------
    cell : object
        Numbers are not changed.

    Returns
    -------
    cell : object

    Examples
    --------
    >>> from savee_mm.cli._text import quote_formula
    >>> [quote_formula(cell) for cell in ("=1+1", "joy", -0.5)]
    ["'=1+1", 'joy', -0.5]
    """
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def csv_text(table, *, quote_formulas=False):
    """Return a DataFrame as CSV, without its index.

    Parameters
    ----------
    table : DataFrame
        The table.
    quote_formulas : bool, default=False
        Whether to change its cells and names by :func:`quote_formula`.

    Returns
    -------
    text : str
    """
    if quote_formulas:
        table = table.map(quote_formula).rename(columns=quote_formula)
    return table.to_csv(index=False)
