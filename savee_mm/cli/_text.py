"""Text on a terminal: names and messages without control characters."""

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


def echo_error(message):
    """Print an error to stderr.

    Parameters
    ----------
    message : str
        May have several lines.
    """
    click.echo(f"Error: {printable(message, lines=True)}", err=True)
