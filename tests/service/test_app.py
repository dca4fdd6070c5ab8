"""The service: predictions, limits, access, and sessions with camera and microphone."""

import io
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
from savee_mm.service.workers import FRAME, SOUND, _blocks, _Inbox


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
    status, message = error_of(client.request("GET", "/model", headers={"Host": "evil.example"}))
    assert (status, "--allow-host evil.example" in message) == (400, True)
    # Another program of this machine has a page, too.
    assert error_of(client.predict("a.wav", clip.read_bytes(), {"Origin": "http://localhost:1"}))[0] == 403


def test_names_of_the_service_can_be_allowed(model_file, serving):
    app = make_app(model_file, limits=Limits(n_workers=0), hosts=("localhost", "emotions.example"))
    with serving(app) as client:
        for host in ("emotions.example", "emotions.example:443", "192.0.2.7:8000", "[2001:db8::1]:8000", "LOCALHOST"):
            assert client.request("GET", "/health", headers={"Host": host})[0] == 200
        for host in ("example", "192.0.2.7.example", ""):
            assert client.request("GET", "/health", headers={"Host": host})[0] == 400
        # A proxy may keep the name in the origin only.
        assert client.request("GET", "/model", headers={"Origin": "https://emotions.example"})[0] == 200
        status, message = error_of(client.request("GET", "/model", headers={"Origin": "https://other.example"}))
        assert (status, "--allow-host other.example" in message) == (403, True)


def test_any_name_is_allowed_with_a_star(model_file, serving):
    with serving(make_app(model_file, limits=Limits(n_workers=0), hosts=("*",))) as client:
        assert client.request("GET", "/health", headers={"Host": "any.example"})[0] == 200
        assert client.request("GET", "/model", headers={"Origin": "https://other.example"})[0] == 403


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


def answers_of(socket, timeout=60):
    """Return all answers until the session is closed, and the code and reason."""
    from websockets.exceptions import ConnectionClosed

    answers = []
    try:
        while True:
            answers.append(json.loads(socket.recv(timeout=timeout)))
    except ConnectionClosed as error:
        return answers, error.rcvd.code, error.rcvd.reason


def test_error_after_the_end_of_the_sound_is_sent(client, clip):
    # The wrong block is read only after the client has ended the stream.
    with connect(client, window=1, hop=0.5) as socket:
        socket.send(bytes([SOUND]) + bytes(4 * 8000))
        socket.send(bytes([SOUND]) + struct.pack("<f", np.inf))
        socket.send(b"")
        answers, code, reason = answers_of(socket)
    assert answers[-1]["error"] == {"status": 422, "message": reason}
    assert (code, "NaN or infinite" in reason) == (1008, True)
    assert client.predict("a.wav", clip.read_bytes())[0] == 200


def test_session_that_the_client_ends_has_the_last_window(client, clip):
    samples = np.resize(np.trim_zeros(read_audio(clip, 16000)[0]), 16000).astype("<f4")
    with connect(client, window=1, hop=0.5) as socket:
        socket.send(bytes([SOUND]) + samples.tobytes())
        socket.send(b"")
        answers, code, reason = answers_of(socket)
    assert answers[0] == {"ready": True}
    assert [answer["end"] for answer in answers[1:]] == [1]
    assert (code, reason) == (1000, "the session has ended")


def jpeg(width, height):
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (width, height)).save(file, format="JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def small_client(model_file, serving):
    """A service whose live sessions have 0.4 MB."""
    with serving(make_app(model_file, limits=Limits(n_workers=1, live_bytes=400_000))) as client:
        yield client


def test_client_that_fills_the_memory_of_a_session_gets_an_error(small_client, clip):
    # Without frames, sound of a session with both waits.
    with connect(small_client, video=True) as socket:
        for _ in range(20):
            socket.send(bytes([SOUND]) + bytes(40_000))
        answers, code, reason = answers_of(socket)
    assert answers[-1]["error"]["status"] == 422
    assert "More than 0.4 MB of sound and frames wait for the model" in answers[-1]["error"]["message"]
    assert code == 1008
    assert answers[-1]["error"]["message"].startswith(reason)
    assert small_client.predict("a.wav", clip.read_bytes())[0] == 200


def test_frames_of_a_window_have_a_limit(small_client, clip):
    with connect(small_client, video=True, window=3, hop=1, fps=10) as socket:
        socket.send(bytes([SOUND]) + bytes(4000))
        socket.send(bytes([FRAME]) + struct.pack("<d", 0) + jpeg(160, 120))
        answers, _, _ = answers_of(socket)
    # 3 s and the hop of 1 s: 40 frames of 160 x 120 pixels.
    assert "The frames of a window have 2 MB, at most 0.4 MB are allowed" in answers[-1]["error"]["message"]
    assert small_client.predict("a.wav", clip.read_bytes())[0] == 200


def test_messages_that_wait_are_counted_with_their_overhead():
    inbox = _Inbox(["sound"], max_bytes=1000)
    for _ in range(10):
        inbox._put(bytes([SOUND]))
    with pytest.raises(ValueError, match="wait for the model"):
        next(inbox.messages("sound"))


def test_short_messages_of_sound_are_joined():
    inbox = _Inbox(["sound"], max_bytes=100_000)
    for i in range(25):
        inbox._put(bytes([SOUND]) + struct.pack("<f", i))
    inbox._end()
    # 5 ms at 2 kHz.
    blocks = list(_blocks(inbox, 2000))
    assert [len(block) for block in blocks] == [10, 10, 5]
    np.testing.assert_array_equal(np.concatenate(blocks), np.arange(25))
    assert inbox._n_bytes == 0


def test_slow_worker_does_not_stop_the_service(client, clip, app):
    samples = np.resize(np.trim_zeros(read_audio(clip, 16000)[0]), 4 * 16000).astype("<f4")
    (worker,) = app.router.routes[-1].endpoint.__self__._pool._workers
    with connect(client, window=1, hop=0.5) as socket:
        assert json.loads(socket.recv()) == {"ready": True}
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            # More than a pipe holds.
            socket.send(bytes([SOUND]) + samples.tobytes())
            socket.send(b"")
            for _ in range(50):
                assert client.request("GET", "/health")[1]["busy"] == 1
        finally:
            os.kill(worker.pid, signal.SIGCONT)
        answers, code, _ = answers_of(socket)
    assert [answer["end"] for answer in answers] == [1, 1.5, 2, 2.5, 3, 3.5, 4]
    assert code == 1000
    # The end of the stream was the last message: the worker is idle.
    assert client.predict("a.wav", clip.read_bytes())[0] == 200


@pytest.mark.parametrize(
    ("settings", "message", "reason"),
    [
        ({"informed": False}, None, "confirm that the people are informed"),
        ({"hop": 0}, None, "hop must be between 0.1 and 30"),
        ({"sr": "16000"}, None, "sr must be a number, got str"),
        ({"window": float("nan")}, None, "window must be between 0.2 and 30"),
        ({"audio": False, "video": True}, None, "this model reads sound"),
        ({}, bytes([SOUND]) + bytes(2_000_000), "a message has more than 2000000 bytes"),
        ({"video": True}, bytes([FRAME]) + struct.pack("<d", 1e9) + b"x", "Expected the time of a frame between 0"),
        ({"video": True}, bytes([FRAME]) + bytes(100), "A frame cannot be read"),
        ({}, b"\x01abc", "Expected a message that starts with 1"),
        ({}, bytes([SOUND]) + struct.pack("<f", np.nan), "NaN or infinite"),
    ],
)
def test_wrong_sessions_are_closed_with_the_reason(client, clip, settings, message, reason):
    with connect(client, **settings) as socket:
        if message:
            socket.send(message)
            if settings:
                socket.send(bytes([SOUND]) + bytes(4000))
        answers, code, closed_with = answers_of(socket)
    assert code == 1008
    assert reason in closed_with
    assert reason in answers[-1]["error"]["message"]
    assert client.predict("a.wav", clip.read_bytes())[0] == 200


@pytest.mark.parametrize("first", ["no JSON", "[" * 100_000, "[]", b"\x01"])
def test_first_message_must_be_an_object(client, first):
    from websockets.sync import client as websockets

    with websockets.connect(f"ws://127.0.0.1:{client.port}/live", proxy=None) as socket:
        socket.send(first)
        answers, code, _ = answers_of(socket)
    assert answers[-1]["error"]["status"] == 422
    assert code == 1008


def test_token_is_required(model_file, serving):
    app = make_app(model_file, limits=Limits(n_workers=0), token="secret")
    with serving(app) as client:
        assert client.request("GET", "/health")[0] == 200
        for path in ("/model", "/openapi.json", "/docs", "/"):
            assert error_of(client.request("GET", path))[0] == 401
            assert client.request("GET", f"{path}?token=secret")[0] == 200
        assert error_of(client.predict("a.wav", b""))[0] == 401
        assert 'href="openapi.json?token=secret"' in client.request("GET", "/docs?token=secret")[1]
        assert client.request("GET", "/model?token=wrong")[0] == 401
        assert client.request("GET", "/model?token=secret")[0] == 200
        assert client.request("GET", "/model", headers={"Authorization": "Bearer secret"})[0] == 200


def test_long_predictions_end_and_busy_workers_refuse(model_file, serving, clip):
    app = make_app(model_file, limits=Limits(n_workers=1, predict_seconds=0.001, max_waiting=0))
    with serving(app) as client:
        assert error_of(client.predict("a.wav", clip.read_bytes())) == (502, "the prediction took longer than 0.001 s")
        # The worker that replaces the other one is not ready yet.
        assert error_of(client.predict("a.wav", clip.read_bytes()))[0] == 503
