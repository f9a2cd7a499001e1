# SPDX-License-Identifier: BSD-3-Clause
"""A remote's messages in Python, in the driver's role, written from docs/spec/rpmsg.md, for the real PMM."""
import os
import socket
import struct

import pytest

from conftest import BOARD, Pmm
from region import PATIENCE, DriverDevice, WireError, wait
from rpmsg import F_BUFSZ, F_NS, name_service, pack

WRITE = 2
TO_HOST, TO_REMOTE = 0, 1
CREATE, DESTROY = 0, 1
NS = 53
BUFFERS, SIZE = 8, 512


class Remote(DriverDevice):
    def __init__(self, pmm, features=F_NS | F_BUFSZ, size=SIZE):
        super().__init__(pmm.link, pmm.place("rpmsg0"))
        self.pmm = pmm
        self.folder = pmm.dir + "/run/wire.rpmsg/peer"
        self.bring_up([TO_HOST, TO_REMOTE], BUFFERS, features)
        self.size, self.keep, self.kept = size, False, []
        self.into = [self.alloc(SIZE) for _ in range(BUFFERS)]
        self.out = [self.alloc(SIZE) for _ in range(BUFFERS)]
        self.sent = 0
        self.announced = {}  # what the PMM has of its own
        for i in range(BUFFERS):
            self.give(i)

    def give(self, i):
        if self.keep:
            self.kept.append(i)
            return
        self.rings[TO_HOST].put_desc(i, self.into[i], self.size, WRITE)
        self.rings[TO_HOST].offer(i)

    def give_all(self):
        while self.kept:
            self.give(self.kept.pop(0))

    def send_raw(self, raw, length=None):
        i = self.sent % BUFFERS
        self.sent += 1
        self.m.write(self.out[i], raw)
        self.rings[TO_REMOTE].put_desc(i, self.out[i], len(raw) if length is None else length)
        self.rings[TO_REMOTE].offer(i)
        assert self.rings[TO_REMOTE].collect() == (i, 0)

    def send(self, src, dst, data, flags=0):
        self.send_raw(pack(src, dst, data, flags))

    def announce(self, name, addr, flags=CREATE):
        self.send(addr, NS, name_service(name, addr, flags))

    def hear_any(self, timeout=PATIENCE):
        """The next message of the PMM that is no announcement: (src, dst, flags, payload)."""
        while True:
            i, used = self.rings[TO_HOST].collect(timeout)
            src, dst, reserved, length, flags = struct.unpack("<3I2H", self.m.read(self.into[i], 16))
            assert reserved == 0 and length + 16 == used
            data = self.m.read(self.into[i] + 16, length)
            self.give(i)
            if dst != NS:
                return src, dst, flags, data
            name, addr, what = struct.unpack("<32s2I", data)
            assert what in (CREATE, DESTROY)
            if what == CREATE:
                self.announced[name.rstrip(b"\0")] = addr
            else:
                del self.announced[name.rstrip(b"\0")]

    def hear(self, timeout=PATIENCE):
        src, dst, _, data = self.hear_any(timeout)
        return src, dst, data

    def announcement(self, name):
        """The address of the PMM's endpoint of that name."""
        while name not in self.announced:
            with pytest.raises(WireError):
                self.hear(0.2)
        return self.announced[name]

    def path(self, name):
        return f"{self.folder}/{name}"

    def call(self, name):
        wait(lambda: os.path.exists(self.path(name)), f"the socket of {name}")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(PATIENCE)
        folder = os.open(self.folder, os.O_PATH)  # a socket's path may not be longer than 107 bytes
        try:
            s.connect(f"/proc/self/fd/{folder}/{name}")
        finally:
            os.close(folder)
        return s

    def carry(self, s, data, addr=1030):
        """Client @s says @data to the service at @addr; the address that it has here."""
        s.send(data)
        src, dst, got = self.hear()
        assert (dst, got) == (addr, data)
        return src

    def serves(self, name="echo", addr=1030):
        """Somebody new is heard."""
        with self.call(name) as s:
            self.carry(s, b"hello", addr)

    def files(self):
        """One that begins with a dot is being made."""
        return sorted(f for f in os.listdir(self.folder) if f[0] != ".")


@pytest.fixture
def remote(pmm):
    return Remote(pmm)


@pytest.fixture
def begin(tmp_path):
    """A PMM that the test ends, and if it does not, this does."""
    begun = []

    def begin_one(board=BOARD):
        begun.append(Pmm(tmp_path, board))
        return begun[-1]

    yield begin_one
    for p in begun:
        if p.process.poll() is None:
            p.process.kill()
            p.process.wait()


def whole(remote, src, dst, timeout=PATIENCE):
    """A long message of the PMM, whose pieces come in order and with nobody else's long one between."""
    data, total = b"", None
    while total is None or len(data) < total:
        i_src, i_dst, flags, payload = remote.hear_any(timeout)
        assert (i_src if src is None else src, i_dst, flags) == (i_src, dst, 1)
        src = i_src
        length, at = struct.unpack_from("<2I", payload)
        assert total in (None, length) and at == len(data)
        total, data = length, data + payload[8:]
    return src, data


def send_whole(remote, src, dst, data):
    for at in range(0, len(data), SIZE - 24):
        remote.send(src, dst, struct.pack("<2I", len(data), at) + data[at:at + SIZE - 24], 1)


def rpmsg_status(remote):
    r, = remote.pmm.status()["remotes"]
    return next(d for d in r["devices"] if d["kind"] == "rpmsg")


def channel(remote):
    return rpmsg_status(remote)["channel"]


def wait_channel(remote, **counts):
    wait(lambda: {k: channel(remote)[k] for k in counts} == counts, f"{counts}")


def wait_service(remote, **counts):
    """Of the first one."""
    wait(lambda: counts.items() <= rpmsg_status(remote)["services"][0].items(), f"{counts}")


def fill(remote, s):
    """Writes until there is no room; the number of messages."""
    s.setblocking(False)
    n = 0
    try:
        while True:
            s.send(b"%08d" % n)
            n += 1
    except BlockingIOError:
        return n


def closes(s):
    try:
        return s.recv(1 << 17) == b""
    except ConnectionResetError:
        return True
