"""The model store: found, missed with a remedy, fetched with a checksum, and nothing else written."""

import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from savee_mm import _weights, fetch_weights
from savee_mm._weights import REGISTRY, WeightFile, Weights, find_weights, identify_weights, require_weights

CONTENT = {"net.pb": b"graph" * 50_000, "net.pbtxt": b"node {}\n"}


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.requested.append(self.path)
        super().do_GET()


@pytest.fixture
def server(tmp_path):
    """A file server on this machine that lists the requested paths."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)

    def handler(*args):
        return Handler(*args, directory=str(folder))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.requested = []
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def entry(server, monkeypatch):
    """An entry of the registry whose two files are on that server."""
    monkeypatch.delenv("SAVEE_MM_WEIGHTS", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    files = tuple(
        WeightFile(
            name, f"http://127.0.0.1:{server.server_port}/{name}", f"sha256:{hashlib.sha256(content).hexdigest()}"
        )
        for name, content in CONTENT.items()
    )
    monkeypatch.setitem(REGISTRY, "net", Weights(files, what="a test", licence="none"))
    return "net"


@pytest.fixture
def store(tmp_path, monkeypatch):
    folder = tmp_path / "store"
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(folder))
    return folder


def test_fetch_into_a_named_folder(entry, tmp_path):
    paths = fetch_weights(entry, tmp_path / "new/folder")
    assert {path.name: path.read_bytes() for path in paths} == CONTENT
    assert sorted(os.listdir(tmp_path)) == ["new", "served"]
    assert sorted(os.listdir(tmp_path / "new/folder")) == sorted(CONTENT)
    assert find_weights(entry) is None  # the environment names no folder


def test_fetch_into_the_folder_of_the_environment(entry, store):
    assert find_weights(entry) is None
    paths = fetch_weights(entry)
    assert paths == (store / "net.pb", store / "net.pbtxt")
    assert find_weights(entry) == require_weights(entry) == paths


def test_what_is_there_and_right_is_not_fetched_again(entry, store, server):
    fetch_weights(entry)
    fetch_weights(entry)
    assert server.requested == ["/net.pb", "/net.pbtxt"]


def test_what_is_there_and_wrong_is_replaced(entry, store, server):
    fetch_weights(entry)
    (store / "net.pb").write_bytes(b"half")
    fetch_weights(entry)
    assert (store / "net.pb").read_bytes() == CONTENT["net.pb"]
    assert server.requested == ["/net.pb", "/net.pbtxt", "/net.pb"]


def test_another_checksum_leaves_nothing_behind(entry, store, tmp_path):
    (tmp_path / "served/net.pb").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"net\.pb gave a file with checksum sha256:.* nothing was kept"):
        fetch_weights(entry)
    assert os.listdir(store) == []


def test_another_checksum_leaves_what_was_there(entry, store, tmp_path):
    store.mkdir()
    (store / "net.pb").write_bytes(b"an older one")
    (tmp_path / "served/net.pb").write_bytes(b"something else")
    with pytest.raises(ValueError, match="with checksum sha256:"):
        fetch_weights(entry)
    assert (store / "net.pb").read_bytes() == b"an older one"


def test_an_address_without_the_file(entry, store, tmp_path):
    (tmp_path / "served/net.pbtxt").unlink()
    with pytest.raises(OSError, match=r"net\.pbtxt could not be downloaded from http.*404"):
        fetch_weights(entry)
    assert os.listdir(store) == ["net.pb"]
    assert find_weights(entry) is None


def test_a_local_address(entry, store, tmp_path, monkeypatch):
    file = WeightFile("a.bin", (tmp_path / "served/net.pb").as_uri(), REGISTRY[entry].files[0].checksum)
    monkeypatch.setitem(REGISTRY, "local", Weights((file,), what="a test", licence="none"))
    assert fetch_weights("local")[0].read_bytes() == CONTENT["net.pb"]


def test_progress_is_shown_only_on_request(entry, tmp_path, capfd):
    fetch_weights(entry, tmp_path / "a")
    assert capfd.readouterr() == ("", "")
    fetch_weights(entry, tmp_path / "b", progress=True)
    assert "net.pb" in capfd.readouterr().err


def test_no_folder_at_all(entry, server):
    with pytest.raises(ValueError, match=r"pass folder=.*SAVEE_MM_WEIGHTS"):
        fetch_weights(entry)
    assert server.requested == []


@pytest.mark.parametrize("function", [find_weights, require_weights, fetch_weights])
def test_an_unknown_name(function):
    with pytest.raises(ValueError, match="Unknown weights 'vgg'; known are 'mobilenet', 'ssd', 'vgg16'"):
        function("vgg")


def test_missing_weights_say_how_to_get_them(entry, store, monkeypatch):
    store.mkdir()
    (store / "net.pb").touch()
    with pytest.raises(FileNotFoundError, match=r"missing: net\.pbtxt. Run `savee-mm fetch-weights net`") as caught:
        require_weights(entry)
    assert str(store) in str(caught.value)
    monkeypatch.delenv("SAVEE_MM_WEIGHTS")
    with pytest.raises(FileNotFoundError, match=r"SAVEE_MM_WEIGHTS .* not set.*`savee-mm fetch-weights net`"):
        require_weights(entry)


def test_every_entry_is_complete():
    names = [file.filename for weights in REGISTRY.values() for file in weights.files]
    assert len(names) == len(set(names))
    for weights in REGISTRY.values():
        assert weights.what
        assert weights.licence
        for file in weights.files:
            assert file.url.startswith("https://")
            assert file.url.endswith(file.filename)
            algorithm, digits = file.checksum.split(":")
            assert len(bytes.fromhex(digits)) == {"sha256": 32, "md5": 16}[algorithm]


@pytest.mark.parametrize("name", ["ssd", "yunet", "mobilenet", "yamnet"])
def test_the_shared_weights_are_the_registered_ones(shared, monkeypatch, name):
    monkeypatch.setenv("SAVEE_MM_WEIGHTS", str(shared / "models"))
    for file, path in zip(_weights.REGISTRY[name].files, require_weights(name), strict=True):
        assert path.name in file.alternatives or file.is_in(path)


def test_md5_checks_as_sha256_does(entry, store, server, monkeypatch):
    content = CONTENT["net.pb"]
    right, wrong = (f"md5:{hashlib.md5(text, usedforsecurity=False).hexdigest()}" for text in (content, b"other"))
    url = REGISTRY[entry].files[0].url
    monkeypatch.setitem(REGISTRY, "old", Weights((WeightFile("old.h5", url, right),), what="a test", licence="none"))
    assert fetch_weights("old")[0].read_bytes() == content
    fetch_weights("old")
    assert server.requested == ["/net.pb"]
    monkeypatch.setitem(REGISTRY, "bad", Weights((WeightFile("bad.h5", url, wrong),), what="a test", licence="none"))
    with pytest.raises(ValueError, match=f"gave a file with checksum {right}, expected {wrong}"):
        fetch_weights("bad")
    assert os.listdir(store) == ["old.h5"]


@pytest.fixture
def replaceable(entry, monkeypatch):
    """An entry of one file in whose place another may lie."""
    file = REGISTRY[entry].files[0]
    file = WeightFile(file.filename, file.url, file.checksum, alternatives=("net.npz",))
    monkeypatch.setitem(REGISTRY, "either", Weights((file,), what="a test", licence="none"))
    return "either"


def test_an_alternative_serves_where_the_file_is_absent(replaceable, store):
    store.mkdir()
    (store / "net.npz").touch()
    assert find_weights(replaceable) == require_weights(replaceable) == (store / "net.npz",)
    assert fetch_weights(replaceable) == find_weights(replaceable) == (store / "net.pb",)


def test_missing_weights_name_the_alternative(replaceable, store):
    with pytest.raises(FileNotFoundError, match=r"need net\.pb \(or net\.npz\) in .* missing: net\.pb\."):
        require_weights(replaceable)


def test_weights_are_known_by_their_content(tmp_path):
    first, copy, other = (tmp_path / name for name in ("first", "copy", "other"))
    for path, content in ((first, b"net"), (copy, b"net"), (other, b"another")):
        path.write_bytes(content)
    assert identify_weights(first) == identify_weights(copy) != identify_weights(other)
    assert identify_weights(first).sha256 == hashlib.sha256(b"net").hexdigest()
    assert repr(identify_weights(first)) == repr(identify_weights(str(copy)))
    assert identify_weights(copy).path == str(copy)
    first.write_bytes(b"another")
    assert identify_weights(first) == identify_weights(other)
    with pytest.raises(FileNotFoundError, match="No file of weights at"):
        identify_weights(tmp_path / "none")


def test_larger_answer_than_the_limit_is_refused(entry, store, monkeypatch):
    monkeypatch.setattr(_weights, "_LARGEST", 1000)
    with pytest.raises(OSError, match=r"net\.pb could not be downloaded .*more than the limit of 1000 bytes"):
        fetch_weights(entry)
    assert os.listdir(store) == []


def test_slower_answer_than_the_limit_is_refused(entry, store, monkeypatch):
    monkeypatch.setattr(_weights, "_LONGEST", -1)
    with pytest.raises(OSError, match=r"net\.pb could not be downloaded .*longer than the limit"):
        fetch_weights(entry)
    assert os.listdir(store) == []


class Broken(BaseHTTPRequestHandler):
    """Answers that end early, or are no HTTP."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        if self.path == "/short":
            self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\nshort")
        elif self.path == "/text":
            self.wfile.write(b"no answer of HTTP at all\r\n\r\n")
        elif self.path == "/circle":
            self.wfile.write(b"HTTP/1.0 302 Found\r\nLocation: /circle\r\n\r\n")
        # else nothing


@pytest.mark.parametrize("answer", ["short", "text", "circle", "nothing"])
def test_broken_answer_is_an_error_that_names_the_file(answer, store, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        file = WeightFile("net.pb", f"http://127.0.0.1:{server.server_port}/{answer}", "sha256:00")
        monkeypatch.setitem(REGISTRY, "net", Weights((file,), what="a test", licence="none"))
        with pytest.raises(OSError, match=r"net\.pb could not be downloaded from http.*Check the network"):
            fetch_weights("net")
        server.shutdown()
        thread.join()
    assert os.listdir(store) == []
