"""A voice model, and servers on the loopback interface."""

import http.client
import json
import threading
import time
import uuid
from contextlib import contextmanager

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import ProsodyFeatures, save_model


@pytest.fixture(scope="session")
def model_file(corpus, tmp_path_factory):
    """A voice model as a file."""
    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(max_iter=1000))
    return save_model(model.fit(corpus.data, corpus.target), tmp_path_factory.mktemp("model") / "voice.savee")


@pytest.fixture(scope="session")
def serving():
    """Run an application: ``with serving(app) as client``."""
    return _serving


@contextmanager
def _serving(app):
    import uvicorn

    config = uvicorn.Config(app, host="127.0.0.1", port=0, ws="websockets-sansio", log_level="error")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server has not started"
            time.sleep(0.02)
        yield Client(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()


class Client:
    """Requests to a server on this machine."""

    def __init__(self, port):
        self.port = port

    def request(self, method, path, body=None, headers=None):
        """Return status, content and headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(text) if is_json else text, response.headers

    def predict(self, name, content, headers=None, **fields):
        """POST a file; return status and answer."""
        mark = uuid.uuid4().hex
        parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{fields[key]}\r\n' for key in fields]
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n')
        body = "".join(parts).encode() + content + f"\r\n--{mark}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        return self.request("POST", "/predict", body, kind | (headers or {}))[:2]
