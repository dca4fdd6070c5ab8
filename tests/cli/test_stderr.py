"""Messages on stderr: warnings as one line, TensorFlow's log lines left out."""

import subprocess
import sys
import warnings

from savee_mm.cli._stderr import short_warnings

SCRIPT = """
import os, sys
from savee_mm.cli._stderr import no_tensorflow_log
with no_tensorflow_log():
    os.write(2, b"I0000 00:00:1795864249.608839 1 port.cc:153] oneDNN custom operations are on.\\n")
    os.write(2, b"2026-01-01 10:00:00.123: W tensorflow/core/x.cc:1] slow\\nF0000 00:00:1.1 1 x.cc:1] fatal\\n")
    print("from Python", file=sys.stderr)
    os.write(2, b"I can read this")
"""


def test_log_lines_of_tensorflow_are_left_out():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert sorted(done.stderr.splitlines()) == ["F0000 00:00:1.1 1 x.cc:1] fatal", "I can read this", "from Python"]


def test_warning_is_its_message():
    with short_warnings():
        assert warnings.formatwarning("clip 'a': too short", UserWarning, "x.py", 3) == "Warning: clip 'a': too short\n"
    assert "x.py:3" in warnings.formatwarning("clip 'a': too short", UserWarning, "x.py", 3)
