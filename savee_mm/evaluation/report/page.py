"""A self-contained HTML page of tables and pictures: no script, and nothing from elsewhere."""

import html
import io
import re

_STYLE = """
:root { --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --ground: #f6f8fa; --mark: #0b5394; }
* { box-sizing: border-box; }
body { font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--ink); margin: 0; }
.layout { display: grid; grid-template-columns: 13rem minmax(0, 1fr); max-width: 90rem; margin: 0 auto; }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 2rem 1rem; }
nav ul { list-style: none; margin: 0; padding: 0; font-size: .9rem; }
nav li { margin: .3rem 0; }
nav ul ul { padding-left: .8rem; font-size: .85rem; }
nav a { color: var(--soft); text-decoration: none; }
nav a:hover, nav a:focus { color: var(--mark); text-decoration: underline; }
main { padding: 1.5rem 2rem 4rem; min-width: 0; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 3rem; padding-top: .5rem; border-top: 1px solid var(--line); }
h3 { margin-top: 2rem; }
p, li { max-width: 48rem; }
.note { color: var(--soft); font-size: .92rem; }
.first { background: var(--ground); border-left: 4px solid var(--mark); padding: .8rem 1.1rem; max-width: 52rem; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); padding-bottom: .4rem; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
td.spans { white-space: normal; }
thead th { background: var(--ground); vertical-align: bottom; white-space: normal; }
tbody th, .text { text-align: left; }
tbody th { font-weight: normal; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1rem; }
figure { margin: 0; }
figure.wide { grid-column: 1 / -1; }
svg { max-width: 100%; height: auto; display: block; }
@media (max-width: 60rem) { .layout { display: block; } nav { position: static; max-height: none; } }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  body { font-size: 10pt; }
  .layout { display: block; }
  nav { display: none; }
  main { padding: 0; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: .15rem .35rem; }
  h2, h3 { break-after: avoid; }
  figure, tr, .first { break-inside: avoid; }
  thead { display: table-header-group; }
  .figures { grid-template-columns: repeat(3, 1fr); }
  .wide svg { max-width: 80%; }
}
"""


def page(title, lead, notes, sections):
    """Return an HTML document.

    Parameters
    ----------
    title : str
        Heading, plain text.
    lead : str
        What the reader must not miss, plain text; it may be empty.
    notes : str
        Plain text under it; an empty line starts a paragraph.
    sections : sequence of (str, str)
        Heading (plain text) and content (HTML) of each section; third-level headings of :func:`heading` are listed
        under it.

    Returns
    -------
    document : str
    """
    links, body = [], []
    for number, (name, content) in enumerate(sections, 1):
        inner = re.findall(r'<h3 id="([\w-]+)">(.*?)</h3>', content)
        below = "".join(f'<li><a href="#{anchor}">{text}</a></li>' for anchor, text in inner)
        shown = f'<a href="#s{number}">{html.escape(name)}</a>'
        links.append(f"<li>{shown}{f'<ul>{below}</ul>' if below else ''}</li>")
        body.append(f'<section><h2 id="s{number}">{html.escape(name)}</h2>{content}</section>')
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body><div class="layout"><nav aria-label="Sections"><ul>{"".join(links)}</ul></nav>'
        f"<main><h1>{html.escape(title)}</h1>{paragraphs(lead, 'first')}{paragraphs(notes)}{''.join(body)}</main>"
        "</div></body></html>"
    )


def paragraphs(text, css=None):
    """Return plain text as paragraphs; an empty line starts one."""
    start = f'<p class="{css}">' if css else "<p>"
    return "".join(f"{start}{html.escape(part)}</p>" for part in text.split("\n\n") if part.strip())


def bullets(lines):
    """Return lines of plain text as a list."""
    return f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"


def heading(text, anchor):
    """Return a third-level heading that the list of sections leads to."""
    return f'<h3 id="{anchor}">{html.escape(text)}</h3>'


def table(frame, caption, n_names=1):
    """Return a DataFrame of strings and numbers as a table.

    Parameters
    ----------
    frame : DataFrame
        Its index is not shown; strings stand left, numbers as they are written.
    caption : str
        What it shows, plain text.
    n_names : int, default=1
        Number of columns at the left that say what a row is.

    Returns
    -------
    text : str
    """
    head = "".join(
        f'<th scope="col"{_side(n, n_names)}>{html.escape(str(c))}</th>' for n, c in enumerate(frame.columns)
    )
    rows = []
    for line in frame.astype(object).to_numpy():
        names = "".join(f'<th scope="row">{html.escape(str(cell))}</th>' for cell in line[:n_names])
        cells = "".join(_cell(str(cell)) for cell in line[n_names:])
        rows.append(f"<tr>{names}{cells}</tr>")
    return (
        f'<div class="scroll" tabindex="0"><table><caption>{html.escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def figures(pictures, prefix):
    """Return matplotlib figures beside each other.

    Parameters
    ----------
    pictures : sequence of (Figure, str)
        Each with the sentence that is read out in its place.
    prefix : str
        Begins every id in the pictures, so that no two pictures of a page share one.

    Returns
    -------
    text : str
    """
    parts = []
    for number, (figure, description) in enumerate(pictures):
        wide = ' class="wide"' if figure.get_figwidth() > 6 else ""
        parts.append(f"<figure{wide}>{figure_svg(figure, description, f'{prefix}-{number}-')}</figure>")
    return f'<div class="figures">{"".join(parts)}</div>'


def figure_svg(figure, description, prefix=""):
    """Return a matplotlib figure as an SVG element that says what it shows.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The picture.
    description : str
        Read out in its place.
    prefix : str, default=""
        Begins its ids.

    Returns
    -------
    text : str
    """
    from matplotlib import rc_context

    file = io.StringIO()
    # Letters stay letters: smaller, searchable, and drawn by the browser. The salt makes two runs give one file.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "savee_mm"}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = file.getvalue()[file.getvalue().index("<svg") :]
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}", text)
    label = html.escape(description, quote=True)
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _cell(text):
    # Spaces that must not break are written so; a cell with them may break at the others.
    start = '<td class="spans">' if chr(160) in text else "<td>"
    return f"{start}{html.escape(text)}</td>"


def _side(number, n_names):
    return ' class="text"' if number < n_names else ""
