"""Load of the service on this machine: ``python -m benchmarks.serve`` (1,000 requests, a minute on an idle machine).

A voice model answers requests of four clients, then hostile uploads, then valid ones again. It prints a Markdown table.
"""

import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.mutations import mutate

N_REQUESTS, N_HOSTILE, N_CLIENTS, N_WORKERS = 1000, 100, 4, 2
_WARM = 100  # requests after which the memory is first measured


def main():
    """Run the load and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        model, clips = _prepare(Path(folder))
        command = [sys.executable, "-m", "savee_mm", "serve", "--model", model, "--port", "0"]
        command += ["--workers", str(N_WORKERS)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
            port = int(re.search(r":(\d+)/", server.stderr.readline())[1])
            # Nothing else is read from the pipe, which must not fill.
            threading.Thread(target=server.stderr.read, daemon=True).start()
            try:
                rows = _measure(port, server.pid, clips)
            finally:
                server.terminate()
    for name, value in rows.items():
        print(f"| {name} | {value} |")


def _prepare(folder):
    """Write a voice model and return its path and the content of ten clips."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from savee_mm import ProsodyFeatures, make_talking_faces, save_model

    corpus = make_talking_faces(folder / "corpus", n_speakers=2, n_sentences=1, random_state=0)
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(max_iter=1000))
    path = save_model(model.fit(corpus.data, corpus.target), folder / "voice.savee")
    return path, [Path(name).read_bytes() for name in corpus.data["audio"][:10]]


def _measure(port, pid, clips):
    memory = {}
    _send_all(port, [clips[i % len(clips)] for i in range(_WARM)])
    memory[_WARM] = _memory(pid)
    began = time.perf_counter()
    valid = _send_all(port, [clips[i % len(clips)] for i in range(N_REQUESTS - _WARM)])
    seconds = time.perf_counter() - began
    memory[N_REQUESTS] = _memory(pid)
    rng = np.random.default_rng(0)
    hostile = _send_all(port, [mutate(clips[i % len(clips)], clips, rng) for i in range(N_HOSTILE)])
    after = _send_all(port, clips)
    health = json.loads(_request(port, "GET", "/health")[1])
    assert {status for status, _ in [*valid, *after]} == {200}
    assert {status for status, _ in hostile} <= {200, 422, 502}
    times = [time for _, time in valid]
    return {
        "valid requests": f"{len(valid) + _WARM} by {N_CLIENTS} clients, {N_WORKERS} workers",
        "requests per second": f"{len(valid) / seconds:.1f}",
        "time of a request, median and 95 %": " and ".join(f"{np.quantile(times, q):.3f} s" for q in (0.5, 0.95)),
        "resident memory of all processes": ", ".join(f"{mb:.0f} MB after {n:,}" for n, mb in memory.items()),
        "hostile uploads": f"{N_HOSTILE}: {sum(status == 422 for status, _ in hostile)} refused, "
        f"{sum(status == 200 for status, _ in hostile)} readable, {health['replaced']} workers replaced; "
        f"then {len(after)} of {len(after)} valid requests answered",
    }


def _send_all(port, contents):
    """Return (status, s) of an upload of each content."""
    with ThreadPoolExecutor(N_CLIENTS) as pool:
        return list(pool.map(lambda content: _send(port, content), contents))


def _send(port, content):
    mark = uuid.uuid4().hex
    head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="clip.wav"\r\n\r\n'
    body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
    began = time.perf_counter()
    status, _ = _request(port, "POST", "/predict", body, {"Content-Type": f"multipart/form-data; boundary={mark}"})
    return status, time.perf_counter() - began


def _request(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _memory(pid):
    """Return the resident memory (MB) of a process and its descendants."""
    total, pending = 0, [pid]
    while pending:
        process = Path(f"/proc/{pending.pop()}")
        total += int(re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())[1]) / 1000
        for task in (process / "task").iterdir():
            pending += map(int, (task / "children").read_text().split())
    return total


if __name__ == "__main__":
    main()
