"""Files are complete or absent, whatever interrupts the process that writes them."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from savee_mm._files import check_destination, claim, write_atomically, write_text

# Writes half of a file, says so, and waits to be killed.
WRITER = """
import sys, time
from savee_mm._files import write_atomically
with write_atomically(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("ready", flush=True)
    time.sleep(600)
"""


def start_writer(path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    return process


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


def write_half(path, error):
    with write_atomically(path) as file:
        file.write(b"half")
        raise error


def names(folder):
    return sorted(os.listdir(folder))


def test_file_is_written_with_its_folder(tmp_path):
    write_text(tmp_path / "new/folder/a.txt", "é\n")
    assert (tmp_path / "new/folder/a.txt").read_bytes() == "é\n".encode()
    assert names(tmp_path / "new/folder") == ["a.txt"]


def test_failure_leaves_the_old_file_and_no_draft(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "a.txt", KeyboardInterrupt())
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_killed_process_leaves_the_old_file(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    kill(start_writer(tmp_path / "a.txt"))
    assert (tmp_path / "a.txt").read_text() == "old"
    assert len(names(tmp_path)) == 2


def test_next_process_deletes_drafts_of_killed_ones_only(tmp_path):
    (tmp_path / "download.part").touch()
    killed, running = start_writer(tmp_path / "a.txt"), start_writer(tmp_path / "b.txt")
    kill(killed)
    write_text(tmp_path / "c.txt", "new")
    drafts = set(names(tmp_path)) - {"c.txt", "download.part"}
    assert len(drafts) == 1
    kill(running)


def test_new_file_has_the_mode_of_others(tmp_path):
    write_text(tmp_path / "a.txt", "")
    (tmp_path / "plain").touch()
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("mode", [0o600, 0o664, 0o755])
def test_replaced_file_keeps_its_mode(mode, tmp_path):
    (tmp_path / "a.txt").touch()
    (tmp_path / "a.txt").chmod(mode)
    write_text(tmp_path / "a.txt", "new")
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == mode


def test_link_stays_a_link(tmp_path):
    (tmp_path / "target.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "target.txt")
    write_text(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target.txt").read_text() == "new"


def test_pipe_is_written_directly(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", str(tmp_path / "pipe")], stdout=subprocess.PIPE)
    check_destination(tmp_path / "pipe")
    write_text(tmp_path / "pipe", "through")
    assert reader.communicate()[0] == b"through"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a device of Linux")
def test_full_disk_names_the_file():
    with pytest.raises(OSError, match=r"No space left on device: '/dev/full'") as caught:
        write_text("/dev/full", "x" * 100_000)
    assert caught.value.errno == errno.ENOSPC


def test_error_without_a_name_gets_the_name_of_the_file(tmp_path):
    with pytest.raises(OSError, match=rf"No space left on device: '{tmp_path}/a\.txt'"):
        write_half(tmp_path / "a.txt", OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert names(tmp_path) == []


def test_destination_that_can_be_written_passes_and_leaves_nothing(tmp_path):
    check_destination(tmp_path / "new" / "a.txt")
    assert names(tmp_path / "new") == []
    write_text(tmp_path / "a.txt", "old")
    check_destination(tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "old"


def test_destination_that_is_a_folder_is_refused(tmp_path):
    with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file"):
        check_destination(tmp_path)


def test_destination_under_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        check_destination(tmp_path / "file" / "a.txt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_destination_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match=tmp_path.name):
        check_destination(tmp_path / "a.txt")


# ---- claims


CLAIMER = """
import sys, time
from savee_mm._files import claim
with claim(sys.argv[1]) as is_mine:
    print(is_mine, flush=True)
    time.sleep(600)
"""


def test_work_is_claimed_once_until_its_process_ends(tmp_path):
    path = tmp_path / "new" / "work.claim"
    process = subprocess.Popen([sys.executable, "-c", CLAIMER, str(path)], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"True\n"
    with claim(path) as is_mine:
        assert not is_mine
    kill(process)
    with claim(path) as is_mine:
        assert is_mine
        with claim(path) as is_mine_twice:
            assert not is_mine_twice
    assert names(tmp_path / "new") == []
