"""Branches of a late fusion: which clips have what a branch reads."""

import numpy as np
import pandas as pd

from savee_mm.classifiers.late_fusion._branches import clips_there


def test_a_clip_is_there_with_something_in_every_column():
    table = pd.DataFrame({"video": ["a.avi", None, "", np.nan, pd.NA, "f.avi"], "smile": [0, 1, 2, 3, 4, np.nan]})
    assert clips_there(table, ["video"]).tolist() == [True, False, False, False, False, True]
    assert clips_there(table, ["video", "smile"]).tolist() == [True, False, False, False, False, False]
    assert clips_there(table, []).all()
    assert not clips_there(table, ["smile", "brow"]).any()
