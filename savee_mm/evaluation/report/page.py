"""A self-contained HTML page of text, tables and plots: no script, and no external resource."""

import io
import re
from importlib import resources
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, FunctionLoader


class Text(NamedTuple):
    """Plain text in paragraphs; an empty line starts a new one. ``css`` is their class."""

    text: str
    css: str = ""


class Bullets(NamedTuple):
    """A list of lines of plain text."""

    lines: list[str]


class Heading(NamedTuple):
    """A third-level heading, which the list of sections links to by ``anchor``."""

    text: str
    anchor: str


class Table(NamedTuple):
    """A DataFrame of strings and numbers; its first ``n_names`` columns name the rows, its index is not shown."""

    frame: pd.DataFrame
    caption: str
    n_names: int = 1

    @property
    def rows(self):
        """The cells by row."""
        return self.frame.astype(object).to_numpy().tolist()


class Plots(NamedTuple):
    """Pairs of a matplotlib Figure and a sentence for screen readers; ``prefix`` begins every id in the plots."""

    plots: list[tuple[Any, str]]
    prefix: str


class Section(NamedTuple):
    """A heading with blocks of content."""

    title: str
    blocks: list

    @property
    def headings(self):
        """The third-level headings within the section."""
        return [block for block in self.blocks if isinstance(block, Heading)]


def render(title, lead, notes, sections):
    """Return an HTML document.

    Parameters
    ----------
    title : str
        Heading, plain text.
    lead : str
        What the reader must not miss, plain text; it may be empty.
    notes : str
        Plain text under it; an empty line starts a paragraph.
    sections : sequence of Section
        The content.

    Returns
    -------
    document : str
    """
    environment = make_environment()
    environment.filters |= {"kind": _kind, "paragraphs": _paragraphs, "svg": figure_svg}
    return environment.get_template("page.html.jinja").render(title=title, lead=lead, notes=notes, sections=sections)


def make_environment(package=__package__):
    """Return a jinja environment that escapes all text.

    Parameters
    ----------
    package : str, default="savee_mm.evaluation.report"
        Where templates are; ``style.html.jinja`` of this package can be included by all.

    Returns
    -------
    environment : jinja2.Environment
    """
    folders = [resources.files(name) for name in dict.fromkeys((package, __package__))]

    def read(name):
        files = (folder.joinpath(name) for folder in folders)
        return next((file.read_text(encoding="utf-8") for file in files if file.is_file()), None)

    return Environment(loader=FunctionLoader(read), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def figure_svg(figure, prefix=""):
    """Return a matplotlib Figure as the text of an SVG element, without ``<svg`` at its start.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The plot.
    prefix : str, default=""
        Begins its ids.

    Returns
    -------
    text : str
    """
    from matplotlib import rc_context

    file = io.StringIO()
    # Text stays text: smaller, searchable, and drawn by the browser. The salt makes two runs give one file.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "savee_mm"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = file.getvalue()[file.getvalue().index("<svg ") + len("<svg ") :]
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", text)


def _kind(block):
    return type(block).__name__


def _paragraphs(text):
    return [part for part in text.split("\n\n") if part.strip()]
