"""The service from the command line: one process, an address on this machine, an end by a signal."""

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from click.testing import CliRunner

from savee_mm import ProsodyFeatures, save_model
from savee_mm.cli import main


def test_serve_answers_until_it_is_interrupted(corpus, tmp_path):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(ProsodyFeatures(), LogisticRegression(max_iter=10_000)).fit(corpus.data, corpus.target)
    path = save_model(model, tmp_path / "voice.savee")
    command = [sys.executable, "-m", "savee_mm", "serve", "--model", path, "--port", "0", "--workers", "1"]
    command += ["--allow-host", "Emotions.example"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        line = server.stderr.readline()
        # Others reach it through the proxy of that name, so there is a token.
        address, token = re.match(r"(http://127\.0\.0\.1:\d+/)(\?token=\S{32}) is the page", line).groups()
        for host, query in (("emotions.example", token), ("127.0.0.1", token), ("localhost:80", token)):
            request = urllib.request.Request(f"{address}model{query}", headers={"Host": host})
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{address}model", timeout=60)
        server.send_signal(signal.SIGINT)
        assert server.stderr.read() == ""
        assert server.wait() == 0


def test_file_that_is_no_model_is_an_error(tmp_path):
    (tmp_path / "no.savee").write_text("no model")
    for command in ("serve", "live"):
        result = CliRunner().invoke(main, [command, "--model", str(tmp_path / "no.savee")])
        assert result.exit_code == 1
        assert "no.savee" in result.output
