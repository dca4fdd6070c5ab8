"""The service: predictions, limits, access, and sessions with camera and microphone."""

import json
import os
import signal
import struct
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from savee_mm import load_card, load_model, predict_file, read_audio
from savee_mm.service.app import Limits, make_app
from savee_mm.service.workers import SOUND


@pytest.fixture(scope="module")
def app(model_file):
    return make_app(model_file, limits=Limits(n_workers=1, max_bytes=200_000))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The temporary folder of the server."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def client(app, serving, folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        with serving(app) as client:
            yield client
    assert not any(folder.iterdir())


@pytest.fixture(scope="module")
def clip(corpus):
    return Path(corpus.data["audio"].iloc[0])


def error_of(answer):
    return answer[0], answer[1]["error"]["message"]


def test_prediction_equals_that_of_predict_file(client, clip, model_file, folder):
    before = set(folder.iterdir())
    status, answer = client.predict("my clip.WAV", clip.read_bytes())
    assert status == 200
    expected = predict_file(load_model(model_file), clip)
    assert answer["file"] == "my clip.WAV"
    assert answer["emotion"] == expected.index[0]
    assert answer["probabilities"] == pytest.approx(expected.to_dict())
    # The upload is gone.
    assert set(folder.iterdir()) == before


def test_timeline_has_a_window_for_each_hop(client, clip):
    status, answer = client.predict("a.wav", clip.read_bytes(), timeline="true", window=0.5, hop=0.25)
    assert status == 200
    assert [window["start"] for window in answer["windows"][:3]] == [0, 0.25, 0.5]


def test_card_health_and_schema(client, model_file):
    assert client.request("GET", "/model")[1] == json.loads(json.dumps(load_card(model_file)))
    assert client.request("GET", "/health")[1] == {"status": "ok", "workers": 1, "busy": 0, "replaced": 0}
    schema = client.request("GET", "/openapi.json")[1]
    assert set(schema["paths"]) == {"/health", "/model", "/predict"}
    status, page, _ = client.request("GET", "/docs")
    assert status == 200
    assert "POST /predict" in page
    assert "min_confidence" in page


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.wav", b"", "the file is empty"),
        ("../../a b.wav", b"RIFF" + bytes(1000), ""),
        ("a.mp4", bytes(1000), ""),
        ("\u2028.m3u8", b"#EXTM3U\nfile:///etc/hostname\n", ""),
    ],
)
def test_files_that_cannot_be_used_are_status_422(client, folder, name, content, message):
    status, text = error_of(client.predict(name, content))
    assert status == 422
    assert message in text
    assert str(folder) not in text


def test_wrong_requests_are_json_errors(client, clip):
    assert error_of(client.request("GET", "/nothing")) == (404, "Not Found")
    assert error_of(client.request("POST", "/predict"))[0] == 422
    status, message = error_of(client.predict("a.wav", clip.read_bytes(), timeline="true", hop=-1))
    assert status == 422
    assert message.startswith("hop: ")
    status, message = error_of(client.predict("a.wav", clip.read_bytes(), timeline="true", window=0.5, hop=2))
    assert (status, "longer hop than window" in message) == (422, True)


def test_large_uploads_are_refused(client):
    assert error_of(client.predict("a.wav", bytes(300_000))) == (413, "the upload has more than 200000 bytes")
    # At once if the header has a large number.
    assert error_of(client.request("POST", "/predict", b"", {"Content-Length": "1000000"}))[0] == 413
    # Without a length in the header, while it arrives.
    head = b'--a\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    pieces = iter([head, *(b"x" * 50_000 for _ in range(7))])
    kind = {"Content-Type": "multipart/form-data; boundary=a"}
    assert error_of(client.request("POST", "/predict", pieces, kind)) == (413, "the upload has more than 200000 bytes")


def test_other_sites_are_refused(client, clip):
    headers = {"Origin": "http://evil.example"}
    assert error_of(client.predict("a.wav", clip.read_bytes(), headers))[0] == 403
    assert client.predict("a.wav", clip.read_bytes(), {"Origin": f"http://127.0.0.1:{client.port}"})[0] == 200
    assert client.request("GET", "/model", headers={"Host": "evil.example"})[0] == 400


def test_worker_that_dies_is_replaced(client, clip, app):
    (worker,) = app.router.routes[-1].endpoint.__self__._pool._workers
    os.kill(worker.pid, signal.SIGKILL)
    worker._process.join()
    status, message = error_of(client.predict("a.wav", clip.read_bytes()))
    assert (status, message) == (502, "the worker process has ended")
    assert client.predict("a.wav", clip.read_bytes())[0] == 200
    assert client.request("GET", "/health")[1]["replaced"] == 1


@contextmanager
def connect(client, **settings):
    from websockets.sync import client as websockets

    with websockets.connect(f"ws://127.0.0.1:{client.port}/live", proxy=None) as socket:
        socket.send(json.dumps({"informed": True, "audio": True, "sr": 16000} | settings))
        yield socket


def test_session_predicts_each_hop_and_the_worker_is_free_again(client, clip):
    samples = np.resize(np.trim_zeros(read_audio(clip, 16000)[0]), 3 * 16000).astype("<f4")
    with connect(client, window=1, hop=0.5) as socket:
        assert json.loads(socket.recv()) == {"ready": True}
        for start in range(0, len(samples), 2048):
            socket.send(bytes([SOUND]) + samples[start : start + 2048].tobytes())
        answers = [json.loads(socket.recv()) for _ in range(4)]
    assert [answer["end"] for answer in answers] == [1, 1.5, 2, 2.5]
    assert all(sum(answer["probabilities"].values()) == pytest.approx(1) for answer in answers)
    assert all(answer["delay"] >= 0 for answer in answers)
    assert client.predict("a.wav", clip.read_bytes())[0] == 200


@pytest.mark.parametrize(
    ("settings", "message", "reason"),
    [
        ({"informed": False}, None, "confirm that the people are informed"),
        ({"hop": 0}, None, "hop must be between 0.1 and 30"),
        ({"audio": False, "video": True}, None, "this model reads sound"),
        ({}, b"\x01abc", "Expected a message that starts with 1"),
        ({}, bytes([SOUND]) + struct.pack("<f", np.nan), "NaN or infinite"),
    ],
)
def test_wrong_sessions_are_closed_with_the_reason(client, clip, settings, message, reason):
    from websockets.exceptions import ConnectionClosed

    def use():
        with connect(client, **settings) as socket:
            if message:
                socket.send(message)
            while True:
                socket.recv(timeout=60)

    with pytest.raises(ConnectionClosed) as caught:
        use()
    assert caught.value.rcvd.code == 1008
    assert reason in caught.value.rcvd.reason
    assert client.predict("a.wav", clip.read_bytes())[0] == 200


def test_token_is_required(model_file, serving):
    app = make_app(model_file, limits=Limits(n_workers=1), token="secret")
    with serving(app) as client:
        assert client.request("GET", "/health")[0] == 200
        assert error_of(client.request("GET", "/model"))[0] == 401
        assert client.request("GET", "/model?token=wrong")[0] == 401
        assert client.request("GET", "/model?token=secret")[0] == 200
        assert client.request("GET", "/model", headers={"Authorization": "Bearer secret"})[0] == 200


def test_long_predictions_end_and_busy_workers_refuse(model_file, serving, clip):
    app = make_app(model_file, limits=Limits(n_workers=1, predict_seconds=0.001, max_waiting=0))
    with serving(app) as client:
        assert error_of(client.predict("a.wav", clip.read_bytes())) == (502, "the prediction took longer than 0.001 s")
        # The worker that replaces the other one is not ready yet.
        assert error_of(client.predict("a.wav", clip.read_bytes()))[0] == 503
