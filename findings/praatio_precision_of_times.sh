#!/bin/sh
# praatio 6.2.2: times are not kept as they are. A TextGrid has times as decimal numbers of any precision, and Praat keeps
# them. Seen after saving and opening: an end of 3601.000000000001 s is 3601.0 s; an interval from 1e-07 to 2e-07 s in
# long format cannot be opened (ParsingError).
set -e
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT; cd "$work"
python3 -m venv env; env/bin/pip install --quiet praatio==6.2.2
env/bin/python - <<'PY'
from importlib.metadata import version
from praatio import textgrid
from praatio.utilities.errors import ParsingError


def reopened(start, end):
    grid = textgrid.Textgrid()
    grid.addTier(textgrid.IntervalTier("t", [(start, end, "a")], 0, max(2, end)))
    grid.save("grid.TextGrid", "long_textgrid", includeBlankSpaces=True)
    return textgrid.openTextgrid("grid.TextGrid", False).getTier("t").entries[0]


end = reopened(0.25, 3601.000000000001).end
print("praatio", version("praatio"), "end:", repr(end))
assert end == 3601.0, "the behaviour has changed"
try:
    reopened(1e-07, 2e-07)
    raise AssertionError("the behaviour has changed")
except ParsingError as error:
    print("short interval:", type(error).__name__, error)
PY
