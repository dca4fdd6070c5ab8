#!/bin/sh
# praatio 6.2.2: a TextGrid is parsed by searching for the words of its structure, also inside of labels. Labels are free
# text; Praat reads all of these files back. Seen, with files that praatio saved itself:
# - long format, a label "intervals [1]:": ParsingError when the file is opened;
# - short format, a label "IntervalTier": ValueError (substring not found) when the file is opened.
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet praatio==6.2.2 praat-parselmouth==0.4.7
env/bin/python - <<'PY'
import parselmouth
from importlib.metadata import version
from praatio import textgrid
from praatio.utilities.errors import ParsingError


def saved(label, form):
    grid = textgrid.Textgrid()
    grid.addTier(textgrid.IntervalTier("words", [(0.5, 1.0, label)], 0, 2))
    grid.save("grid.TextGrid", form, includeBlankSpaces=True)
    by_praat = parselmouth.TextGrid.read("grid.TextGrid")
    assert parselmouth.praat.call(by_praat, "Get label of interval", 1, 2) == label
    return "grid.TextGrid"


try:
    textgrid.openTextgrid(saved("intervals [1]:", "long_textgrid"), False)
    raise AssertionError("the behaviour of the long format has changed")
except ParsingError as error:
    print("praatio", version("praatio"), "long format:", type(error).__name__, error)
try:
    textgrid.openTextgrid(saved("IntervalTier", "short_textgrid"), False)
    raise AssertionError("the behaviour of the short format has changed")
except ValueError as error:
    print("short format:", type(error).__name__, error)
PY
