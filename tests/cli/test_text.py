"""Text of the command line: escapes, and options in place of Python arguments."""

import pytest

from savee_mm.cli._text import name_options, printable


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
