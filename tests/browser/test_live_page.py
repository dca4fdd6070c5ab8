"""The live page in a browser with a fake camera and microphone: consent first, then predictions and no error."""

import threading
import time

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from savee_mm import ProsodyFeatures, save_model
from savee_mm.service.app import Limits, make_app

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(corpus, tmp_path_factory):
    """A service with a voice model."""
    import uvicorn

    model = make_pipeline(ProsodyFeatures(), StandardScaler(), LogisticRegression(max_iter=1000))
    path = save_model(model.fit(corpus.data, corpus.target), tmp_path_factory.mktemp("model") / "voice.savee")
    app = make_app(path, limits=Limits(n_workers=1), token="secret")
    server = uvicorn.Server(uvicorn.Config(app, port=0, ws="websockets-sansio", log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server has not started"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/?token=secret"
    server.should_exit = True
    thread.join()


@pytest.fixture
def browser(open_browser, address):
    browser = open_browser("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    browser.get(address)
    return browser


def test_nothing_starts_before_everyone_is_informed(browser):
    assert "Article 50(3) of Regulation (EU) 2024/1689" in browser.execute_script("return document.body.textContent")
    assert browser.execute_script("start.click(); return [start.disabled, session, preview.srcObject]") == [
        True,
        None,
        None,
    ]
    assert not browser.execute_script("informed.click(); return start.disabled")


def test_predictions_of_camera_and_microphone_are_shown_with_their_delay(browser):
    browser.execute_script("informed.click(); start.click()")
    n, time_, delay, behind = browser.execute_async_script(
        "const done = arguments[0]; new MutationObserver(() => {"
        "  const cells = [...rows.rows[0].cells].map(cell => cell.textContent);"
        "  if (rows.rows.length === 2) done([rows.rows.length, cells[0], cells[3], late.textContent]);"
        "}).observe(rows, {childList: true})"
    )
    assert (n, time_) == (2, "1.0–4.0")
    assert float(delay) >= 0
    assert behind.startswith(f"Delay {delay} s, ")
    assert browser.execute_script("return preview.videoWidth") > 0
    assert browser.execute_script("stop.click(); return [state.textContent, preview.srcObject]") == ["Ended.", None]
    assert browser.get_log("browser") == []


def test_error_of_the_service_is_shown(browser):
    browser.execute_script("informed.click(); start.click()")
    shown = browser.execute_async_script(
        "const done = arguments[0];"
        "new MutationObserver(() => {"
        "  if (state.textContent.startsWith('Running')) session.socket.send(new Uint8Array([9, 9]));"
        "  if (state.textContent.startsWith('Error')) done([state.textContent, session, start.disabled]);"
        "}).observe(state, {childList: true})"
    )
    assert shown == [
        "Error: Expected a message that starts with 1 (float32 samples) or 2 (float64 time, JPEG image).",
        None,
        False,
    ]


@pytest.mark.parametrize("width", [400, 1600])
def test_page_fits_the_window(browser, set_width, width):
    set_width(browser, width)
    assert browser.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
