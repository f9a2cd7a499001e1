# SPDX-License-Identifier: BSD-3-Clause
"""A remote's messages in Python, in the driver's role, written from docs/spec/rpmsg.md, against the real PMM."""
import os
import socket
import stat
import struct

import pytest

from region import DriverDevice, wait
from rpmsg import F_BUFSZ, F_CREDIT, F_FRAGMENT, F_NS, name_service, pack

WRITE = 2
TO_HOST, TO_REMOTE = 0, 1
CREATE, DESTROY = 0, 1
NS = 53
BUFFERS, SIZE = 8, 512


class Remote(DriverDevice):
    def __init__(self, pmm, features=F_NS | F_BUFSZ):
        super().__init__(pmm.link, pmm.place("rpmsg0"))
        self.pmm = pmm
        self.folder = pmm.dir + "/run/wire.rpmsg/peer"
        self.bring_up([TO_HOST, TO_REMOTE], BUFFERS, features)
        self.into = [self.alloc(SIZE) for _ in range(BUFFERS)]
        self.out = [self.alloc(SIZE) for _ in range(BUFFERS)]
        self.sent = 0
        self.announced = {}  # what the PMM has of its own
        for i in range(BUFFERS):
            self.give(i)

    def give(self, i):
        self.rings[TO_HOST].put_desc(i, self.into[i], SIZE, WRITE)
        self.rings[TO_HOST].offer(i)

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

    def hear_any(self, timeout=5.0):
        """The next message of the PMM: (src, dst, flags, payload)."""
        i, used = self.rings[TO_HOST].collect(timeout)
        src, dst, reserved, length, flags = struct.unpack("<3I2H", self.m.read(self.into[i], 16))
        assert reserved == 0 and length + 16 == used
        data = self.m.read(self.into[i] + 16, length)
        self.give(i)
        return src, dst, flags, data

    def hear(self, timeout=5.0):
        """The next one that is no announcement."""
        while True:
            src, dst, flags, data = self.hear_any(timeout)
            if dst != NS:
                return src, dst, data
            name, addr, what = struct.unpack("<32s2I", data)
            assert what in (CREATE, DESTROY)
            if what == CREATE:
                self.announced[name.rstrip(b"\0")] = addr
            else:
                del self.announced[name.rstrip(b"\0")]

    def path(self, name):
        return f"{self.folder}/{name}"

    def call(self, name):
        wait(lambda: os.path.exists(self.path(name)), f"the socket of {name}")
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(5)
        s.connect(self.path(name))
        return s

    def files(self):
        return sorted(os.listdir(self.folder))


@pytest.fixture
def remote(pmm):
    return Remote(pmm)


def test_configuration_and_features(pmm):
    dev = DriverDevice(pmm.link, pmm.place("rpmsg0"))
    dev.open()
    assert dev.negotiate() & (F_NS | F_BUFSZ | F_FRAGMENT | F_CREDIT) == F_NS | F_BUFSZ | F_FRAGMENT | F_CREDIT
    assert dev.reg(8) == 7
    assert struct.unpack("<BHII", dev.config(11)) == (1, 11, 512, 512)


def test_services_are_sockets(remote):
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        assert stat.S_IMODE(os.stat(remote.folder).st_mode) == 0o700
        assert remote.files() == ["echo"]
        s.send(b"question")
        src, dst, data = remote.hear()
        assert (dst, data) == (1030, b"question") and src >= 1024
        assert b"echo" in remote.announced and src != remote.announced[b"echo"]
        remote.send(1030, src, b"answer")
        assert s.recv(1000) == b"answer"
        remote.announce(b"echo", 1030, DESTROY)
        assert s.recv(1000) == b""
    wait(lambda: remote.files() == [], "the file to go")


def test_two_clients(remote):
    remote.announce(b"echo", 1030)
    with remote.call("echo") as a, remote.call("echo") as b:
        a.send(b"a")
        from_a, _, _ = remote.hear()
        b.send(b"b")
        from_b, _, _ = remote.hear()
        assert from_a != from_b
        remote.send(1030, from_b, b"for b")
        remote.send(1030, from_a, b"for a")
        remote.send(1030, remote.announced[b"echo"], b"for all")
        for s, first in ((a, b"for a"), (b, b"for b")):
            assert s.recv(100) == first
            assert s.recv(100) == b"for all"
