"""The commands of the README from the installation to a page: the page plays."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
README = Path(__file__).parents[2] / "README.md"


def test_commands_lead_to_a_page_that_plays(open_browser, tmp_path):
    section = README.read_text(encoding="utf-8").split("## From the installation to a page that plays")[1]
    install, *commands, look = re.search(r"```bash\n(.*?)```", section, re.DOTALL)[1].splitlines()
    assert len(commands) + 2 <= 5
    assert look.startswith("python -m webbrowser ")
    # The environment of the test has the library, and its browser is headless.
    assert install == "pip install ."
    for command in commands:
        program, *args = command.partition("#")[0].split()
        assert program == "savee-mm"
        subprocess.run([sys.executable, "-m", "savee_mm", *args], cwd=tmp_path, check=True)
    browser = open_browser()
    browser.get((tmp_path / look.split()[-1]).as_uri())
    played = browser.execute_async_script(
        "const done = arguments[0];"
        "media.addEventListener('timeupdate', () => { if (media.currentTime > 0.3) done(media.currentTime); });"
        "play.click();"
    )
    assert played > 0.3
    assert "trained on drawn faces" in browser.execute_script("return document.querySelector('.first').textContent")
    assert browser.get_log("browser") == []
