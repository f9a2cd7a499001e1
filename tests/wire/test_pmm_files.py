# SPDX-License-Identifier: BSD-3-Clause
"""File calls in Python, written from docs/spec/rpc.md and docs/spec/files.md, against the real PMM."""
import os
import random
import struct

import pytest

from conftest import BOARD, Pmm
from region import PATIENCE, WireError, wait
from rpmsg_remote import BUFFERS, Remote

HELLO, WELCOME, REFUSED, CALL, TELL, ANSWER, CANCEL, BYE = range(1, 9)
OPEN, CLOSE, READ, WRITE, STAT, FSTAT, UNLINK, RENAME, MKDIR, RMDIR, TRUNCATE, SYNC, LIST = range(1, 14)
F_READ, F_WRITE, F_CREATE, F_APPEND, F_FOLDER = 1, 2, 4, 0x20, 0x80
ENOENT, ENOTDIR, EINVAL, EMFILE, EROFS, ENAMETOOLONG, ELOOP, EBADF = 2, 5, 7, 8, 11, 12, 14, 17
RESET, NOTSUP, BUSY, BADLEN, VERSION = -3, -18, -20, -36, -38
ME = 2000


class Client:
    """At address ME of the remote; the PMM's address is known from its announcement."""

    def __init__(self, remote):
        self.remote, self.session, self.id = remote, 0, 0
        self.nonce = random.getrandbits(32)
        self.at = remote.announcement(b"files")

    def send(self, kind, method=0, session=None, number=0, word=0, data=b"", version=1):
        self.remote.send(ME, self.at, struct.pack("<BBHIIi", version, kind, method,
                                                  self.session if session is None else session,
                                                  number, word) + data)

    def hear(self, timeout=PATIENCE):
        src, dst, data = self.remote.hear(timeout)
        assert (src, dst, data[0]) == (self.at, ME, 1)
        _, kind, method, session, number, word = struct.unpack_from("<BBHIIi", data)
        return kind, method, session, number, word, data[16:]

    def hello(self):
        self.nonce += 1
        self.send(HELLO, session=0, number=self.nonce & 0xffffffff, word=496)
        kind, depth, self.session, number, most, data = self.hear()
        assert (kind, number, data) == (WELCOME, self.nonce & 0xffffffff, b"") and depth == 8 and most == 496
        return self

    def begin(self, method, data=b""):
        self.id += 1
        self.send(CALL, method, number=self.id, word=5000, data=data)
        return self.id

    def call(self, method, data=b""):
        number = self.begin(method, data)
        kind, m, session, n, status, back = self.hear()
        assert (kind, m, session, n) == (ANSWER, method, self.session, number)
        return status, back

    def open(self, path, flags, mode=0o644):
        status, back = self.call(OPEN, struct.pack("<2I", flags, mode) + path)
        return struct.unpack("<IIQ", back)[0] if not status else -status

    def io(self, method, handle, count, offset, data=b""):
        return self.call(method, struct.pack("<2IQ", handle, count, offset) + data)


def board(more=""):
    files = "files: {{ directory: {dir}/export%s }}" % more
    return BOARD.replace("name: rpmsg0 }}", "name: rpmsg0, %s }}" % files)


@pytest.fixture(params=[""])
def client(request, tmp_path):
    pmm = Pmm(tmp_path, board(request.param))
    (tmp_path / "outside").write_text("secret")
    (tmp_path / "export" / "link").symlink_to("../outside")
    worker = pmm.worker()
    c = Client(Remote(pmm))
    c.folder = tmp_path / "export"
    yield c
    assert pmm.worker() == worker  # whatever was said
    assert pmm.stop() == 0


def has_open(c, count):
    """Whether the worker has so many of the files open, as far as who is not root can tell."""
    fds = f"/proc/{c.remote.pmm.worker()}/fd"
    try:
        return sum(os.readlink(f"{fds}/{n}").startswith(str(c.folder) + "/") for n in os.listdir(fds)) == count
    except PermissionError:
        return True


def test_bytes_there_and_back(client):
    c = client.hello()
    f = c.open(b"/new", F_READ | F_WRITE | F_CREATE)
    assert c.io(WRITE, f, 5, 0, b"hello") == (0, struct.pack("<IIQ", 5, 0, 5))
    assert c.io(WRITE, f, 3, 6000000000, b"far") == (0, struct.pack("<IIQ", 3, 0, 6000000003))
    assert c.io(READ, f, 3, 1) == (0, b"ell")
    assert c.io(READ, f, 100, 6000000001) == (0, b"ar")
    assert c.io(TRUNCATE, f, 0, 4) == (0, b"")
    status, back = c.call(FSTAT, struct.pack("<I", f))
    assert status == 0 and struct.unpack("<IIQQIIQ", back)[:3] == (1, 0o644, 4)
    assert c.call(SYNC, struct.pack("<I", f)) == (0, b"")
    assert c.call(CLOSE, struct.pack("<I", f)) == (0, b"")
    assert c.call(CLOSE, struct.pack("<I", f))[0] == EBADF
    assert (c.folder / "new").read_bytes() == b"hell"
    assert c.call(RENAME, struct.pack("<I", 3) + b"newold") == (0, b"")
    assert c.call(MKDIR, struct.pack("<I", 0o777) + b"d") == (0, b"")
    d = c.open(b"/", F_READ | F_FOLDER)
    names, at = [], 0
    while True:
        status, back = c.io(LIST, d, 0, at)
        assert status == 0
        if not back:
            break
        while back:
            at, kind, n = struct.unpack_from("<QBB", back)
            names.append((back[10:10 + n], kind))
            back = back[10 + n:]
    assert sorted(names) == [(b"d", 2), (b"dir", 2), (b"link", 3), (b"old", 1)]


def test_nothing_runs_twice(client):
    c = client.hello()
    f = c.open(b"log", F_WRITE | F_CREATE | F_APPEND)
    data = struct.pack("<2IQ", f, 2, 0) + b"x\n"
    for i in range(100):
        number = c.begin(WRITE, data)
        c.send(CALL, WRITE, number=number, word=5000, data=data)
        assert c.hear()[:4] == (ANSWER, WRITE, c.session, number)
    c.send(CALL, WRITE, number=2, word=5000, data=data)
    c.send(CALL, WRITE, number=c.id - 90, word=5000, data=data)
    c.send(TELL, WRITE, number=c.id, data=data)
    assert c.call(SYNC, struct.pack("<I", f)) == (0, b"")
    assert (c.folder / "log").read_text() == "x\n" * 100


def test_sessions(client):
    c = client.hello()
    f = c.open(b"dir/file", F_READ)
    first = c.session
    assert f > 0 and has_open(c, 1)
    c.send(CALL, READ, session=first + 1, number=9, data=struct.pack("<2IQ", f, 1, 0))
    assert c.hear() == (REFUSED, 0, first + 1, 9, RESET, b"")
    c.hello()
    wait(lambda: has_open(c, 0), "the files of the former session to close")
    assert c.session != first
    c.send(CALL, READ, session=first, number=10, data=struct.pack("<2IQ", f, 1, 0))
    assert c.hear()[:5] == (REFUSED, 0, first, 10, RESET)
    assert c.io(READ, f, 1, 0)[0] == EBADF
    c.open(b"dir/file", F_READ)
    c.send(BYE)
    wait(lambda: has_open(c, 0), "the files of who has left")
    c.send(HELLO, session=0, number=77, word=496, version=2)
    assert c.hear()[:5] == (REFUSED, 0, 0, 77, VERSION)


def test_a_link_that_ends_closes_all(client):
    c = client.hello()
    for _ in range(32):
        assert c.open(b"dir/file", F_READ) >= 0
    assert c.open(b"dir/file", F_READ) == -EMFILE
    assert has_open(c, 32)
    pmm = c.remote.pmm
    pmm.connect()
    wait(lambda: has_open(c, 0), "files to close")
    again = Client(Remote(pmm)).hello()
    assert again.open(b"dir/file", F_READ) >= 0


@pytest.mark.parametrize("path", [b"..", b"../outside", b"dir/../../outside", b"link", b"link/x", b"\0", b"a\0b",
                                  b"\xff", b"", b"/../outside", b"x" * 256, b"dir/file/x"], ids=str)
def test_no_way_out(client, path):
    c = client.hello()
    assert -c.open(path, F_READ) in (ENOENT, ENOTDIR, EINVAL, ENAMETOOLONG, ELOOP)
    assert c.open(path, F_WRITE | F_CREATE) < 0
    assert c.call(RENAME, struct.pack("<I", 8) + b"dir/file" + path)[0] > 0 or path == b"link"
    assert (c.folder.parent / "outside").read_text() == "secret"


@pytest.mark.parametrize("client", [", read-only: true"], indirect=True)
def test_read_only(client):
    c = client.hello()
    f = c.open(b"dir/file", F_READ)
    assert c.io(WRITE, f, 1, 0, b"x")[0] == EROFS
    assert c.open(b"dir/file", F_WRITE) == -EROFS
    assert c.open(b"n", F_READ | F_CREATE) == -EROFS
    assert c.call(UNLINK, b"dir/file")[0] == EROFS
    assert len(c.io(READ, f, 480, 0)[1]) == 480


def test_more_than_is_agreed(client):
    """Calls of somebody who takes no answers: eight are kept, and nothing else suffers."""
    c = client.hello()
    c.remote.keep = True
    for i in range(6 * BUFFERS):
        c.begin(STAT, b"dir/file")
    c.remote.give_all()
    c.remote.keep = False
    said = []
    c.remote.give_all()

    def served():
        """Asked while there are answers that could not be said, a call may find no place for its own."""
        number, got = c.begin(STAT, b"dir/file"), None
        try:
            while got != number:
                _, _, _, got, status, _ = c.hear(2)
                said.append(status)
        except WireError:
            return False
        return status == 0

    wait(served, "the calls after those")
    assert said.count(0) >= 8 + 1 and set(said) <= {0, BUSY}


def test_noise(client):
    c, dice = client.hello(), random.Random(5)
    for i in range(3000):
        method, size = dice.randrange(16), dice.choice([0, 1, 3, 4, 8, 12, 16, 20, 40, 400])
        data = bytes(dice.choice([0, 1, 2, 0x20, 0x2f, 0x2e, 0x61, 0xff]) for _ in range(size))
        c.send(dice.randrange(10), method, dice.choice([c.session, c.session, 0, 1]), dice.randrange(1 << 32) if i % 9 else i,
               dice.choice([0, 5, -1, 1 << 30]), data, version=dice.choice([1, 1, 1, 1, 0, 2]))
        while True:
            try:
                c.remote.hear_any(0)
            except WireError:
                break
    # What it has to say to all that may still be coming.
    nonce = c.nonce + 1 & 0xffffffff
    c.send(HELLO, session=0, number=nonce, word=496)
    kind = got = None
    while (kind, got) != (WELCOME, nonce):
        kind, _, c.session, got, _, _ = c.hear()
    number = c.begin(STAT, b"dir/file")
    heard = c.hear()
    while (heard[2], heard[3]) != (c.session, number):
        heard = c.hear()
    assert heard[0] == ANSWER and heard[4] == 0
    assert (c.folder.parent / "outside").read_text() == "secret"
