"""The page: what is written is escaped, pictures say what they show, ids are unique."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from matplotlib.figure import Figure

from savee_mm.evaluation.report.page import figure_svg, figures, heading, page, table


def draw():
    figure = Figure()
    figure.subplots().plot([1, 2], label="a < b")
    return figure


def test_text_is_escaped():
    text = page("<T>", "<lead>", "<one>\n\n<two>", [("<Section>", table(pd.DataFrame({"<c>": ["<v>"]}), "<below>"))])
    for word in ("T", "lead", "one", "two", "Section", "c", "v", "below"):
        assert f"<{word}>" not in text
        assert f"&lt;{word}&gt;" in text


def test_list_of_sections_leads_to_every_heading():
    text = page("T", "", "", [("One", heading("Inner", "inner-1")), ("Two", "")])
    assert re.findall(r'<a href="#([\w-]+)">(\w+)</a>', text) == [("s1", "One"), ("inner-1", "Inner"), ("s2", "Two")]
    for anchor in ("s1", "s2", "inner-1"):
        assert text.count(f'id="{anchor}"') == 1


def test_names_of_a_row_are_its_headings():
    text = table(pd.DataFrame({"system": ["svm"], "accuracy": [".5"]}), "Caption")
    assert '<th scope="row">svm</th><td>.5</td>' in text
    assert text.count('scope="col"') == 2


def test_pictures_say_what_they_show_and_share_no_id():
    text = figures([(draw(), 'first "one"'), (draw(), "second")], "x")
    assert 'role="img" aria-label="first &quot;one&quot;"' in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids)) > 2
    for used in re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text):
        assert "".join(used) in ids


def test_same_figure_same_picture():
    assert figure_svg(draw(), "x") == figure_svg(draw(), "x")


def test_letters_stay_letters():
    assert re.search(r"<text[^>]*>1\.0</text>", figure_svg(draw(), "x"))


class _Balance(HTMLParser):
    """Raises where a tag is closed that was not opened last."""

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
    content = table(pd.DataFrame({"a": [1]}), "c") + figures([(draw(), "d")], "f")
    parser.feed(page("T", lead, "notes", [("One", content)]))
    assert parser.open == []
