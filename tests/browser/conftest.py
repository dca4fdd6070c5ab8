"""Headless Chromium, driven over the loopback interface."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def open_browser():
    """Return Chromium with switches: ``open_browser("--mute-audio")``; it is quit at the end of the session."""
    from selenium import webdriver

    program, driver = (shutil.which(name) for name in ("chromium", "chromedriver"))
    assert program, "make browser needs Chromium (Debian: apt-get install chromium)"
    assert driver, "make browser needs ChromeDriver (Debian: apt-get install chromium-driver)"
    started = {}

    def start(*switches):
        if switches in started:
            started[switches].get_log("browser")
            return started[switches]
        options = webdriver.ChromeOptions()
        options.binary_location = program
        flags = (
            "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
            "--no-first-run --mute-audio --autoplay-policy=no-user-gesture-required"
        )
        for switch in (*flags.split(), *switches):
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # With the path of the driver, selenium does not look for one.
        started[switches] = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
        started[switches].set_script_timeout(60)
        return started[switches]

    yield start
    for browser in started.values():
        browser.quit()


@pytest.fixture(scope="session")
def set_width():
    """Set the width of the page (pixels): ``set_width(browser, 400)``."""

    def resize(browser, width):
        size = {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    return resize


@pytest.fixture(scope="session")
def talk(tmp_path_factory):
    """A talking face of 4 s as AVI, which browsers do not play."""
    import numpy as np

    from savee_mm import make_talking_faces, read_audio, read_frames

    folder = tmp_path_factory.mktemp("talk")
    corpus = make_talking_faces(folder / "corpus", n_speakers=1, n_sentences=1, random_state=0)
    images, _ = read_frames(corpus.data["video"].iloc[0], 20)
    samples = np.resize(np.trim_zeros(read_audio(corpus.data["audio"].iloc[0], 16000)[0]), 4 * 16000)
    return _write(folder / "talk $_$.avi", [images[i % 20] for i in range(40)], samples)


def _write(path: Path, images, samples, fps=10, sr=16000):
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=fps)
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=sr, layout="mono")
        for i, image in enumerate(images):
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            block = np.int16(32767 * samples[i * sr // fps : (i + 1) * sr // fps])[np.newaxis]
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.pts = sr, i * sr // fps
            container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path
