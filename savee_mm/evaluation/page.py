"""A self-contained HTML page of tables and pictures."""

import html
import io

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #d8dee4; white-space: nowrap; }
th { background: #f6f8fa; }
svg { max-width: 100%; height: auto; }
"""


def page(title, notes, sections):
    """Return an HTML document.

    Parameters
    ----------
    title : str
        Heading, plain text.
    notes : str
        Plain text under it; an empty line starts a paragraph.
    sections : sequence of (str, str)
        Heading and content of each section, as HTML.

    Returns
    -------
    document : str
    """
    paragraphs = "".join(f"<p>{html.escape(part)}</p>" for part in notes.split("\n\n") if part.strip())
    body = "".join(f"<h2>{heading}</h2>{content}" for heading, content in sections)
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{paragraphs}{body}</body></html>"
    )


def figure_svg(figure):
    """Return a matplotlib figure as an SVG element."""
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return file.getvalue()[file.getvalue().index("<svg") :]
