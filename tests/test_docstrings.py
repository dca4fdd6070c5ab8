"""Shared paragraphs of docstrings."""

import inspect
import re
import subprocess
import sys

import pytest

import savee_mm
from savee_mm._docstrings import shared_docs


@shared_docs
class Extractor:
    """Extract.

    Parameters
    ----------
    %(n_jobs)s
    %(verbose)s
    """

    @shared_docs
    def fit(self, n_jobs):
        """Fit.

        Parameters
        ----------
        %(n_jobs)s
        """


@pytest.mark.parametrize("documented", [Extractor, Extractor.fit])
def test_line_becomes_the_paragraph_at_its_indentation(documented):
    lines = inspect.getdoc(documented).splitlines()
    assert lines[4] == "n_jobs : int, default=None"
    assert lines[5].startswith("    Number of worker processes.")


def test_paragraphs_follow_each_other_without_a_gap():
    assert inspect.getdoc(Extractor).splitlines()[6] == "verbose : bool or int, default=False"


def test_unknown_name_is_an_error():
    def undocumented():
        """%(nothing)s"""

    with pytest.raises(KeyError, match="nothing"):
        shared_docs(undocumented)


def test_other_percent_signs_stay():
    def share():
        """Return 5 %(n_jobs)s of it."""

    assert shared_docs(share).__doc__ == "Return 5 %(n_jobs)s of it."


@pytest.mark.parametrize("name", savee_mm.__all__)
def test_no_public_docstring_has_an_open_placeholder(name):
    assert not re.search(r"%\(\w+\)s", getattr(savee_mm, name).__doc__ or "")


def test_import_works_without_docstrings():
    subprocess.run([sys.executable, "-OO", "-c", "from savee_mm import AudioFeatures"], check=True)
