"""Names in plots are drawn as they are: neither as formulas, nor left out of legends."""

import html
import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from savee_mm import plot_timeline
from savee_mm.evaluation.report import plots

NAMES = ["$_$", r"$\frac$", "_joy", r"a\$ b$", "100 $"]
TITLE = "$x^$ by $speaker"


def confusion():
    return plots.plot_confusion(pd.DataFrame(np.eye(5), NAMES, NAMES), TITLE)


def transfer():
    return plots.plot_transfer(pd.DataFrame(np.eye(5), NAMES, NAMES), TITLE)


def roc():
    line = np.array([0.0, 1.0])
    return plots.plot_roc(dict.fromkeys(NAMES, (line, line)), pd.Series(0.5, NAMES), TITLE)


def groups():
    scores = pd.DataFrame({"accuracy": 0.5, "accuracy_low": 0.4, "accuracy_high": 0.6}, NAMES)
    return plots.plot_groups(dict.fromkeys(NAMES, scores), TITLE)


def timeline():
    rows = {name: [0.2, 0.2] for name in NAMES}
    table = pd.DataFrame({"start": [0.0, 1], "end": [2.0, 3], "emotion": "_joy", "confidence": 0.2, "note": "", **rows})
    return plot_timeline(table)


@pytest.mark.parametrize("plot", [confusion, transfer, roc, groups, timeline])
def test_names_are_drawn_as_they_are(plot):
    file = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none"}):
        plot().savefig(file, format="svg")
    drawn = html.unescape(file.getvalue().decode())
    for name in NAMES if plot is timeline else [*NAMES, TITLE]:
        assert f">{name}<" in drawn or f">{name}, AUC" in drawn
