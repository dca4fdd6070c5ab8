"""The report in a real browser: it renders, says nothing in the console, and prints. Run by ``make browser``."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from savee_mm import EvaluationReport

pytestmark = pytest.mark.browser


@pytest.fixture
def page(tmp_path):
    """A report of random predictions, as a file address."""
    rng = np.random.default_rng(0)
    emotions = rng.choice(["anger", "fear", "neutral"], size=(2, 60))
    predictions = pd.DataFrame(
        {
            "system": "chance",
            "protocol": "speaker",
            "seed": 0,
            "fold": np.arange(60) // 20,
            "clip_id": np.arange(60),
            "speaker": np.arange(60) // 20,
            "target": emotions[0],
            "predicted": emotions[1],
            "train_accuracy": 1.0,
            "train_uar": 1.0,
            "fit_seconds": 0.1,
        }
    )
    return EvaluationReport(predictions).to_html(tmp_path / "report.html").as_uri()


def chromium(*args):
    """Run headless Chromium without network chatter; return what it wrote to both streams."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "make browser needs Chromium (Debian: apt-get install chromium)"
    flags = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    done = subprocess.run(
        [program, *flags.split(), "--no-first-run", "--enable-logging=stderr", *args],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout, done.stderr


def test_page_renders_and_the_console_is_silent(page):
    document, log = chromium("--dump-dom", page)
    assert document.count("<svg") == 1
    assert "<h1>Evaluation</h1>" in document
    assert "CONSOLE" not in log


def test_page_prints_to_pdf(page, tmp_path):
    chromium(f"--print-to-pdf={tmp_path / 'report.pdf'}", page)
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
