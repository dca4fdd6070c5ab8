"""Messages on stderr: short warnings, no log lines of TensorFlow, and progress bars only on terminals."""

import os
import re
import sys
import threading
import warnings
from contextlib import contextmanager

from savee_mm.cli._text import printable

# Of TensorFlow's C++ code, up to errors such as a missing GPU; fatal ones (F) pass.
_LOG_LINE = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|To enable the following instructions:"
    rb"|[IWE]\d{4} \d\d:\d\d:\d{2}|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "
)


def shows_progress():
    """Return whether stderr is a terminal: in a file, progress bars would be thousands of lines."""
    return sys.stderr.isatty()


@contextmanager
def short_warnings():
    """Print warnings as their message, without file and line of the code."""
    replaced = warnings.formatwarning
    warnings.formatwarning = lambda message, *_: f"Warning: {printable(str(message), lines=True)}\n"
    try:
        yield
    finally:
        warnings.formatwarning = replaced


@contextmanager
def no_tensorflow_log():
    """Leave the log lines of TensorFlow's C++ code out of stderr; no setting of TensorFlow hides all of them.

    The file descriptor of stderr is read through a pipe, and Python writes to stderr directly. Nothing is done where
    ``sys.stderr`` is not that file descriptor.
    """
    if not _is_file_descriptor(sys.stderr, 2):
        yield
        return
    terminal = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    replaced = sys.stderr
    sys.stderr = os.fdopen(os.dup(terminal), "w", buffering=1, encoding=replaced.encoding, errors="backslashreplace")
    # A daemon: worker processes may keep the pipe open.
    thread = threading.Thread(target=_forward, args=(reading, terminal), daemon=True)
    thread.start()
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = replaced
        os.dup2(terminal, 2)
        thread.join(timeout=1)


def _is_file_descriptor(stream, number):
    try:
        return stream.fileno() == number
    except (AttributeError, OSError, ValueError):
        return False


def _forward(reading, terminal):
    """Copy lines that are not log lines of TensorFlow."""
    with os.fdopen(reading, "rb") as lines:
        for line in lines:
            if not _LOG_LINE.match(line):
                os.write(terminal, line)
