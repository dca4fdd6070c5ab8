"""The directory of an archive is checked before its members are unpacked."""

import io
import random
import zipfile

import pytest

from savee_mm._zip import open_zip, read_zip, write_zip


def deflated(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_members_come_back(tmp_path):
    members = {"a": b"1", "b/c": b"2" * 1000}
    assert read_zip(write_zip(members)) == members
    (tmp_path / "a.zip").write_bytes(write_zip(members))
    assert read_zip(tmp_path / "a.zip") == members


def test_small_archive_of_much_content_is_refused():
    bomb = deflated(a=bytes(1 << 25))
    assert len(bomb) < 40_000
    with pytest.raises(ValueError, match=rf"its {len(bomb)} bytes would be unpacked to 33554432, more than the limit"):
        read_zip(bomb)


def test_text_of_absurd_size_is_refused_in_a_large_archive():
    text, other = bytes((1 << 26) + 1), random.Random(0).randbytes(400_000)
    with pytest.raises(
        ValueError, match=r"'card\.json' would be unpacked to 67108865 bytes, more than the limit of 67108864"
    ):
        open_zip(deflated(**{"other": other, "card.json": text}))
    open_zip(deflated(**{"other": other, "card.bin": text})).close()


def test_content_in_many_members_is_counted_in_all():
    bomb = deflated(**{f"m{number}": bytes(1 << 22) for number in range(8)})
    with pytest.raises(ValueError, match="unpacked to 33554432"):
        open_zip(bomb)


def test_size_in_the_directory_limits_what_is_read():
    archive = deflated(a=bytes(1 << 20))
    place = archive.rindex(b"PK\x01\x02") + 24
    small = archive[:place] + (100).to_bytes(4, "little") + archive[place + 4 :]
    with pytest.raises(zipfile.BadZipFile):
        read_zip(small)


def test_encrypted_members_are_refused():
    archive = bytearray(deflated(a=b"secret"))
    archive[archive.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ValueError, match="encrypted members"):
        read_zip(bytes(archive))


def test_other_members_are_refused():
    with pytest.raises(ValueError, match="members that nothing uses: 'b'"):
        read_zip(deflated(a=b"", b=b""), names={"a"})


def test_other_content_is_no_archive():
    with pytest.raises(zipfile.BadZipFile):
        read_zip(b"PK\x03\x04 and then nothing")
