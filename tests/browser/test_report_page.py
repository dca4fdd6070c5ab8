"""The report in a browser: it renders, logs no error, loads no resource, and prints. Run by ``make browser``."""

import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from savee_mm import EvaluationReport

pytestmark = pytest.mark.browser
EMOTIONS = ["anger", "fear", "neutral"]


def predictions(system, protocol):
    """Random predictions with probabilities, curves over two epochs, and the sex of the speakers."""
    rng = np.random.default_rng(0)
    n, fold = 90, np.arange(90) // 30
    given = rng.dirichlet(np.ones(3), size=n)
    history = {"accuracy": [0.4, 0.5], "loss": [1.1, 1.0]}
    return pd.DataFrame(
        {
            "system": system,
            "protocol": protocol,
            "seed": 0,
            "fold": fold,
            "clip_id": np.arange(n),
            "speaker": fold,
            "sex": np.where(fold == 1, "female", "male"),
            "target": rng.choice(EMOTIONS, n),
            "predicted": np.array(EMOTIONS)[given.argmax(axis=1)],
            "train_accuracy": 1.0,
            "train_uar": 1.0,
            "train_log_loss": 0.1,
            "fit_seconds": 0.1,
            "history": [history if row % 30 == 0 else None for row in range(n)],
            **{f"p_{name}": given[:, number] for number, name in enumerate(EMOTIONS)},
            **({f"branch_{name}": rng.choice(EMOTIONS, n) for name in ("voice", "face")} if system == "both" else {}),
        }
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report of random predictions with every section."""
    parts = [predictions(system, protocol) for system in ("voice", "both") for protocol in ("clip", "speaker")]
    report = EvaluationReport(pd.concat(parts, ignore_index=True))
    path = tmp_path_factory.mktemp("page") / "report.html"
    return report.to_html(path, notes="Chance.", reads={"voice": "audio", "both": "audio+video"})


def chromium(*args):
    """Run headless Chromium without background requests; return both output streams."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "make browser needs Chromium (Debian: apt-get install chromium)"
    flags = "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update"
    done = subprocess.run(
        [program, *flags.split(), "--no-first-run", "--enable-logging=stderr", *args],
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
    )
    return done.stdout, done.stderr


def measure(page, script, *args):
    """Return the value of a script in a loaded copy of a page, as a string."""
    copy = page.with_name(f"measured_{page.name}")
    tag = f'<script>addEventListener("load", () => {{ document.title = {script}; }})</script>'
    copy.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{tag}</body>"), encoding="utf-8")
    document, _ = chromium("--dump-dom", *args, copy.as_uri())
    return re.search(r"<title>(.*?)</title>", document)[1]


@pytest.fixture
def bad_page(tmp_path):
    """A page that loads a resource and logs an error."""
    path = tmp_path / "bad.html"
    path.write_text(
        '<img src="http://127.0.0.1:9/x.png"><script>console.error("broken")</script><title></title><body></body>'
    )
    return path


def test_page_renders_without_console_messages(page, bad_page):
    document, log = chromium("--dump-dom", page.as_uri())
    assert document.count("<svg ") == document.count("</svg>") == 2 * 2 + 4 * 4
    assert "<h1>Evaluation</h1>" in document
    assert "<h2 id=" in document
    assert "Late fusion against its own branches" in document
    assert "CONSOLE" not in log
    assert "CONSOLE" in chromium("--dump-dom", bad_page.as_uri())[1]


def test_page_loads_no_resource(page, bad_page):
    resources = 'performance.getEntriesByType("resource").map(entry => entry.name).join(" ")'
    assert measure(bad_page, resources) == "http://127.0.0.1:9/x.png"
    assert measure(page, resources) == ""


@pytest.mark.parametrize("width", [1400, 500])
def test_all_elements_are_visible_and_inside_the_window(page, width):
    boxes = """(() => {
      const boxes = [...document.querySelectorAll("svg, h2, table, nav a")].map(e => e.getBoundingClientRect());
      const small = boxes.filter(box => box.width < 5 || box.height < 5).length;
      return `${boxes.length} ${small} ${document.documentElement.scrollWidth - innerWidth}`;
    })()"""
    n, n_small, overflow = map(int, measure(page, boxes, f"--window-size={width},900").split())
    assert n > 30
    assert n_small == 0
    assert overflow <= 0


def test_page_prints_to_pdf(page, tmp_path):
    chromium(f"--print-to-pdf={tmp_path / 'report.pdf'}", page.as_uri())
    pdf = (tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF")
    pages = re.findall(rb"/Type\s*/Page\b", pdf)
    assert 3 <= len(pages) <= 20
