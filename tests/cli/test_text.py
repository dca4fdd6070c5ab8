"""Text of the command line: escapes, formulas, and options in place of Python arguments."""

import json

import pandas as pd
import pytest

from savee_mm.cli._text import csv_text, echo, json_text, name_options, printable, quote_formula


def test_control_characters_and_surrogates_are_escaped():
    assert printable("a\x1b[31m\udce9é\n.wav") == r"a\x1b[31m\udce9é\n.wav"
    assert printable("two\nlines", lines=True) == "two\nlines"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Name it: load_table(..., target=<column>).", "Name it: --target COLUMN."),
        ("leave speaker_normalized out", "leave --speaker-normalized out"),
        ('pass on_error="fill"', "pass --on-error fill"),
        ("with epochs=3", "with --epochs 3"),
        ("the folder of my_on_error and --min-voice", "the folder of my_on_error and --min-voice"),
    ],
)
def test_arguments_are_named_as_options(message, expected):
    assert name_options(message) == expected


def test_printed_names_have_no_control_characters(capsys):
    echo("a\x1b[2J\n\x9b1m.wav")
    echo("two\nlines\x07", lines=True, err=True)
    captured = capsys.readouterr()
    assert captured.out == "a\\x1b[2J\\n\\x9b1m.wav\n"
    assert captured.err == "two\nlines\\x07\n"


def test_json_is_the_same_without_control_characters():
    content = {"é\x9b\u202e": ["\udce9\x1b\x7f", "\U000e0001", 1.5, None]}
    text = json_text(content)
    assert json.loads(text) == content
    assert text.replace("\n", "").isprintable()
    assert "é" in text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
def test_formulas_become_text(cell):
    assert quote_formula(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["joy", "'=1", "1=1", "", -1.5, None])
def test_other_cells_stay(cell):
    assert quote_formula(cell) == cell


def test_table_with_formulas():
    table = pd.DataFrame({"=name": ["-a", "b"], "value": [-0.5, 1.0]})
    assert csv_text(table) == "=name,value\n-a,-0.5\nb,1.0\n"
    assert csv_text(table, quote_formulas=True) == "'=name,value\n'-a,-0.5\nb,1.0\n"
