"""The page of a timeline in a browser: it plays, seeks, follows, logs no error, fits the window, and prints."""

import base64

import numpy as np
import pandas as pd
import pytest

from savee_mm import write_timeline_page

pytestmark = pytest.mark.browser
EMOTIONS = ["anger", "$_$", "<b>joy</b>"]


@pytest.fixture(scope="module")
def table():
    """Windows of two seconds with a pause and a window without an emotion."""
    shares = np.array([[0.6, 0.3, 0.1], [np.nan] * 3, [0.4, 0.35, 0.25]])
    table = pd.DataFrame({"start": [0.0, 1, 2], "end": [2.0, 3, 4], "emotion": ["anger", None, None]})
    table["confidence"], table["note"] = shares.max(axis=1), ["", "pause", "unsure: anger 0.400 is below 0.5"]
    return table.join(pd.DataFrame(shares, columns=EMOTIONS))


@pytest.fixture(scope="module")
def page(table, talk, tmp_path_factory):
    return write_timeline_page(table, talk, tmp_path_factory.mktemp("page") / "my talk.html", detector="lbp")


@pytest.fixture
def browser(open_browser, page):
    browser = open_browser()
    load(browser, page)
    return browser


def load(browser, page):
    browser.get(page.as_uri())
    # Wait until the recording can be played.
    assert browser.execute_async_script(
        "const done = arguments[0]; const ready = () => media.readyState >= 3 ? done(true) : setTimeout(ready, 20);"
        "media.onerror = () => done(false); ready();"
    )


def time_of(browser, action):
    """Return the time of the recording (s) after an action that seeks."""
    return browser.execute_async_script(
        f"const done = arguments[0]; media.addEventListener('seeked', () => done(media.currentTime), {{once: true}});"
        f"{action}"
    )


def press(key):
    return f"slider.dispatchEvent(new KeyboardEvent('keydown', {{key: '{key}', cancelable: true}}));"


def test_recording_plays_with_sound_and_the_cursor_follows(browser):
    reached, left, n_decoded = browser.execute_async_script(
        "const done = arguments[0];"
        "media.addEventListener('timeupdate', () => { if (media.currentTime > 0.5)"
        "  done([media.currentTime, parseFloat(cursor.style.left), media.webkitAudioDecodedByteCount]); });"
        "play.click();"
    )
    assert reached > 0.5
    assert left == pytest.approx(100 * reached / 4, abs=5)
    assert n_decoded > 0
    assert browser.execute_script("return play.textContent") == "Pause"
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("time", [0.5, 1.7, 3.2])
def test_click_seeks_to_its_time(browser, time):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.by import By

    tracks = browser.find_element(By.ID, "tracks")
    width = tracks.size["width"]
    ActionChains(browser).move_to_element_with_offset(tracks, round((time / 4 - 0.5) * width), 0).click().perform()
    now, cursor = browser.execute_script("return [media.currentTime, parseFloat(cursor.style.left)]")
    assert now == pytest.approx(time, abs=0.1)
    assert cursor == pytest.approx(25 * time, abs=2.5)


def test_keys_and_buttons_of_the_table_seek(browser):
    assert time_of(browser, "seek(1.5)") == pytest.approx(1.5)
    assert time_of(browser, press("ArrowRight")) == pytest.approx(2.5)
    assert time_of(browser, press("ArrowLeft")) == pytest.approx(1.5)
    assert time_of(browser, press("End")) == pytest.approx(4, abs=0.1)
    assert time_of(browser, press("Home")) == 0
    assert time_of(browser, "document.querySelectorAll('button[data-time]')[2].click()") == 2
    assert browser.execute_script("return slider.getAttribute('aria-valuenow')") == "2.0"


def test_box_is_on_the_face_and_the_prediction_is_named(browser):
    time_of(browser, "seek(0.8)")
    text, hidden, left, width = browser.execute_script(
        "const [box] = boxes;"
        "return [readout.textContent, box.hidden, parseFloat(box.style.left), parseFloat(box.style.width)]"
    )
    assert text == "0:00.8 anger 0.60"
    assert not hidden
    # The head of the synthetic corpus is about in the middle.
    assert left + width / 2 == pytest.approx(50, abs=10)
    time_of(browser, "seek(2)")
    assert browser.execute_script("return readout.textContent") == "0:02.0 pause"
    time_of(browser, "seek(3)")
    assert browser.execute_script("return readout.textContent") == "0:03.0 unsure"


def test_small_video_is_enlarged_with_its_boxes_and_without_controls_over_the_face(browser, set_width):
    set_width(browser, 1600)
    time_of(browser, "seek(0.8)")
    video, stage, controls = browser.execute_script(
        "const size = each => { const box = each.getBoundingClientRect(); return [box.width, box.height]; };"
        "return [size(media), size(stage), media.controls]"
    )
    assert video == pytest.approx(stage, abs=1)
    assert video[0] / video[1] == pytest.approx(
        browser.execute_script("return media.videoWidth / media.videoHeight"), rel=0.01
    )
    assert video[0] > browser.execute_script("return media.videoWidth")
    assert not controls


def test_labels_are_shown_as_they_are(browser):
    names = browser.execute_script(
        "return [...document.querySelectorAll('.legend li, thead th, h1')].map(each => each.textContent)"
    )
    assert names[0] == "talk $_$.avi"
    assert set(EMOTIONS) <= set(names[1:6])
    assert names[-3:] == EMOTIONS
    assert browser.execute_script("return document.querySelectorAll('b').length") == 0


@pytest.mark.parametrize("width", [400, 1600])
def test_page_fits_the_window(browser, set_width, width):
    set_width(browser, width)
    overflow, small, n = browser.execute_script(
        "const all = [...document.querySelectorAll('h1, video, .bands, .legend li, .crops img, button#play, summary')];"
        "const sizes = all.map(each => each.getBoundingClientRect());"
        "return [document.documentElement.scrollWidth - innerWidth,"
        "  sizes.filter(box => box.width < 16 || box.height < 16 || box.right > innerWidth).length, all.length]"
    )
    assert overflow <= 0
    assert small == 0
    assert n > 10


def test_page_prints_with_its_table(browser):
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF")
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script("return document.querySelector('details').open")
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not browser.execute_script("return document.querySelector('details').open")


def test_one_file_with_two_people_plays(open_browser, table, talk, tmp_path):
    two = pd.concat([table.assign(person="person 1"), table.assign(person="person 2")])
    page = write_timeline_page(two, talk, tmp_path / "one.html", embed=True, people=[])
    assert [path.name for path in tmp_path.iterdir()] == ["one.html"]
    browser = open_browser()
    load(browser, page)
    assert time_of(browser, "seek(1)") == 1
    rows = browser.execute_script("return [...document.querySelectorAll('.row h2')].map(each => each.textContent)")
    assert rows == ["person 1", "person 2"]
    assert browser.get_log("browser") == []
    # The policy stops requests.
    browser.execute_script("new Image().src = 'http://127.0.0.1:9/x.png'")
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


def test_sound_plays(open_browser, table, tmp_path):
    import soundfile

    soundfile.write(tmp_path / "tone.wav", 0.1 * np.sin(np.arange(4 * 8000) / 3), 8000)
    page = write_timeline_page(table, tmp_path / "tone.wav", tmp_path / "tone.html")
    browser = open_browser()
    load(browser, page)
    assert time_of(browser, "seek(2.5)") == pytest.approx(2.5)
    assert browser.get_log("browser") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tone.html", "tone.wav"]
