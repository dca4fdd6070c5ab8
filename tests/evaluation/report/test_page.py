"""The page: text is escaped, plots are described, ids are unique."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from matplotlib.figure import Figure

from savee_mm.evaluation.report.page import Bullets, Heading, Plots, Section, Table, Text, figure_svg, render


def draw():
    figure = Figure()
    figure.subplots().plot([1, 2], label="a < b")
    return figure


def page_of(*blocks):
    return render("T", "", "", [Section("One", list(blocks))])


def test_text_is_escaped():
    blocks = [
        Table(pd.DataFrame({"<c>": ["<v>"], "n": ["<w>"]}), "<below>"),
        Text("<words>"),
        Bullets(["<line>"]),
        Heading("<inner>", "inner"),
    ]
    text = render("<T>", "<lead>", "<one>\n\n<two>", [Section("<Section>", blocks)])
    for word in ("T", "lead", "one", "two", "Section", "c", "v", "w", "below", "words", "line", "inner"):
        assert f"<{word}>" not in text
        assert f"&lt;{word}&gt;" in text


def test_empty_lines_start_paragraphs():
    assert '<p class="note">One &amp; two.</p><p class="note">Three.</p>' in page_of(
        Text("One & two.\n\nThree.", "note")
    )


def test_list_of_sections_links_to_every_heading():
    text = render("T", "", "", [Section("One", [Heading("Inner", "inner-1")]), Section("Two", [])])
    assert re.findall(r'<a href="#([\w-]+)">(\w+)</a>', text) == [("s1", "One"), ("inner-1", "Inner"), ("s2", "Two")]
    for anchor in ("s1", "s2", "inner-1"):
        assert text.count(f'id="{anchor}"') == 1


def test_names_of_a_row_are_its_headings():
    text = page_of(Table(pd.DataFrame({"system": ["svm"], "accuracy": [".5"]}), "Caption"))
    assert '<th scope="row">svm</th><td>.5</td>' in text
    assert text.count('scope="col"') == 2


def test_plots_have_a_description():
    text = page_of(Plots([(draw(), 'first "one"'), (draw(), "second")], "x"))
    assert 'role="img" aria-label="first &#34;one&#34;"' in text
    assert 'role="img" aria-label="second"' in text


def test_plots_share_no_id():
    text = page_of(Plots([(draw(), "first"), (draw(), "second")], "x"))
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 2
    for used in re.findall(r'url\(#([^)]+)\)|xlink:href="#([^"]+)"', text):
        assert "".join(used) in ids


def test_same_figure_same_svg():
    assert figure_svg(draw()) == figure_svg(draw())


def test_labels_stay_text():
    assert re.search(r"<text[^>]*>1\.0</text>", figure_svg(draw()))


class _Balance(HTMLParser):
    """Raises if the tag that is closed was not the last one opened."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "path", "use", "rect"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in ("meta", "path", "use", "rect"):
            assert self.open.pop() == tag


@pytest.mark.parametrize("lead", ["", "Look."])
def test_tags_are_balanced(lead):
    parser = _Balance()
    blocks = [Table(pd.DataFrame({"a": [1], "b": [2]}), "c"), Plots([(draw(), "d")], "f"), Bullets(["a", "b"])]
    parser.feed(render("T", lead, "notes", [Section("One", blocks), Section("Two", [Heading("h", "h")])]))
    assert parser.open == []
