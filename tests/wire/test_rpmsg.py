# SPDX-License-Identifier: BSD-3-Clause
"""core/rpmsg on a resource table against a peer in Python, in both roles, with unequal buffer sizes."""
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess

import pytest

import rpmsg
from conftest import BUILD
from region import Memory, WireError, drain, wait
from rpmsg import BASE, DRIVER_OK, F_BUFSZ, F_CREDIT, F_FRAGMENT, F_NS, NEEDS_RESET, Host, Remote

SIZE = 0x20000
RINGS = (BASE + 0x1000, BASE + 0x4000)
NUM, ALIGN = 16, 64
SIZES = (272, 1040)  # to the host, to the remote
PEER = os.path.join(BUILD, "tests", "wire", "rpmsg_peer")


class Peer:
    """The C side as a process, its memory, and what it printed."""

    def __init__(self, role):
        self.role, self.text, self.process = role, "", None
        self.fd = os.memfd_create("rpmsg")
        os.ftruncate(self.fd, SIZE)
        self.memory = Memory(self.fd, SIZE, BASE)

    def load(self, da=RINGS, num=NUM, align=ALIGN, sizes=SIZES,
             features=F_NS | F_BUFSZ | F_FRAGMENT | F_CREDIT):
        self.memory.write(BASE, rpmsg.table(num, align, da, sizes, features))

    def start(self):
        self.bell, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        fds = [fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (self.fd, theirs.fileno())]
        self.process = subprocess.Popen([PEER, self.role, *map(str, fds), str(SIZE)], pass_fds=fds,
                                        stdout=subprocess.PIPE)
        for fd in fds:
            os.close(fd)
        theirs.close()
        os.set_blocking(self.process.stdout.fileno(), False)

    def kick(self, notifyid):
        drain(self.bell)
        try:
            self.bell.send(bytes([notifyid]), socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass

    def read(self):
        self.text += (self.process.stdout.read() or b"").decode()

    def said(self, pattern):
        def look():
            self.read()
            return re.search(pattern, self.text)
        return wait(look, f"{pattern!r} in {self.text!r}")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.bell.close()
        self.text = ""

    def stop(self):
        assert self.process.poll() is None, "it died"
        self.kill()
        self.memory.close()
        os.close(self.fd)


def echo_of(side):
    """The announcement of its endpoint; returns the address."""
    src, dst, flags, data = side.expect("an announcement")
    assert (dst, flags, len(data)) == (53, 0, 40)
    addr, what = struct.unpack("<2I", data[32:])
    assert data[:32] == b"echo" + bytes(28) and what == 0 and addr == src >= 1024
    return addr


# ---- Python is the host -----------------------------------------------------------------------------------------


@pytest.fixture
def remote():
    p = Peer("remote")
    p.load(da=(0xffffffff, 0xffffffff))  # a host's to place
    p.start()
    yield p
    p.stop()


def as_host(p, whole=False, features=F_NS | F_BUFSZ, sizes=SIZES):
    p.load(sizes=sizes)
    host = Host(p.memory, p.kick)
    host.begin(RINGS, ALIGN, NUM, sizes if features & F_BUFSZ else (512, 512), features, whole)
    p.said("up")
    return host, echo_of(host)


@pytest.mark.parametrize("whole", [False, True])
def test_echo(remote, whole):
    host, addr = as_host(remote, whole)
    for length in [0, 1, 2, 3, 64, 255, 256] * 20:
        data = os.urandom(length)
        host.send(0x400, addr, data)
        assert host.expect() == (addr, 0x400, 0, data)
    host.recycle()


def test_unequal_sizes(remote):
    host, addr = as_host(remote)
    host.send(7, addr, bytes(1024))  # fits to there, and not back
    remote.said("lost: invalid argument")
    host.send(7, addr, b"y" * 256)
    assert host.expect()[3] == b"y" * 256


def test_512_without_the_feature(remote):
    host, addr = as_host(remote, features=F_NS)
    host.send(7, addr, b"z" * 496)
    assert host.expect()[3] == b"z" * 496


def test_a_host_without_the_extensions_never_meets_them(remote):
    host, addr = as_host(remote)
    for i in range(100):
        host.send(9, addr, b"%d" % i)
        src, dst, flags, data = host.expect()
        assert (src, dst, flags, data) == (addr, 9, 0, b"%d" % i)
    host.send(9, addr, b"flags are ignored", flags=0xffff)
    assert host.expect()[3] == b"flags are ignored"


def test_credit_and_fragments(remote):
    host, addr = as_host(remote, features=F_NS | F_BUFSZ | F_FRAGMENT | F_CREDIT)
    long = os.urandom(3000)
    at = 0
    for room in (1016, 1016, 968):
        host.send(9, addr, struct.pack("<2I", 3000, at) + long[at:at + room], flags=1)
        at += room
    got, limits = b"", []
    while len(got) < 3000 or not limits:
        src, dst, flags, data = host.expect()
        if dst == 61:
            assert struct.unpack("<2I", data[:8]) == (addr, 9) and src == addr
            limits.append(struct.unpack("<I", data[8:])[0])
        else:
            assert (src, dst, flags) == (addr, 9, 1)
            assert struct.unpack("<2I", data[:8]) == (3000, len(got))
            got += data[8:]
    assert got == long
    assert limits and limits == sorted(limits) and limits[0] >= 8


def test_row48_names(remote):
    host, _ = as_host(remote)
    host.send(0x401, 53, rpmsg.name_service(b"\x1b[31mred\n" + b"x" * 23, 0x401))
    remote.said(r"service \?\[31mred\?x{22} 1025\n")
    host.send(0x402, 53, rpmsg.name_service(b"ok", 0x402))
    remote.said("service ok 1026\n")
    for bad in (rpmsg.name_service(b"", 5), rpmsg.name_service(b"a", 0xffffffff),
                rpmsg.name_service(b"a", 5, 7), b"a" * 39, b"a" * 41):
        host.send(0x403, 53, bad)
    host.send(0x402, 53, rpmsg.name_service(b"ok", 0x402, 1))
    remote.said("end ok 1026\n")
    assert remote.text.count("service") == 2


def test_row47_messages(remote):
    host, addr = as_host(remote)
    for _ in range(20):
        host.send_raw(rpmsg.pack(7, addr, b"abc", length=4))
        host.send_raw(rpmsg.pack(7, addr, b"", length=0xffff))
        host.send_raw(rpmsg.pack(0xffffffff, addr, b"abc"))
        host.send_raw(rpmsg.pack(7, 0xffffffff, b"abc"))
        host.send_raw(rpmsg.pack(7, 4711, b"abc"))
        host.send_raw(b"short")
        host.send_raw(rpmsg.pack(7, addr, b"fine", reserved=0xdeadbeef))
        assert host.expect() == (addr, 7, 0, b"fine")


def test_reset_that_is_answered(remote):
    host, addr = as_host(remote)
    for _ in range(3):
        host.set_status(0x82)
        wait(lambda: host.status() == 0, "the remote to let go")
        remote.said("down")
        remote.text = ""
        host, addr = as_host(remote)
        host.send(7, addr, b"again")
        assert host.expect()[3] == b"again"


def test_plain_reset(remote):
    host, addr = as_host(remote)
    host.set_status(0)
    remote.said("down")
    remote.text = ""
    host, addr = as_host(remote)
    host.send(7, addr, b"again")
    assert host.expect()[3] == b"again"


def test_a_remote_that_died(remote):
    host, addr = as_host(remote)
    remote.kill()
    remote.start()
    wait(lambda: host.status() & NEEDS_RESET, "a request for a reset")
    host.set_status(0)
    host, addr = as_host(remote)
    host.send(7, addr, b"again")
    assert host.expect()[3] == b"again"


def test_a_remote_that_died_before_it_gave_anything_back(remote):
    """All indices are 0, but for the mark: it may have acted on what it was sent."""
    host, _ = as_host(remote)
    remote.process.send_signal(signal.SIGSTOP)
    mark = host.rx.used + 4 + 8 * NUM
    assert remote.memory.get(mark, "<H") == 0x8000
    host.begin(RINGS, ALIGN, NUM, SIZES, F_NS | F_BUFSZ)  # zeroes the rings
    remote.memory.put(mark, 0x8000, "<H")
    remote.kill()
    remote.start()
    wait(lambda: host.status() & NEEDS_RESET, "a request for a reset")
    host.set_status(0)
    host, addr = as_host(remote)
    host.send(7, addr, b"again")
    assert host.expect()[3] == b"again"


def test_a_remote_that_slept_through_the_beginning_of_a_host(remote):
    host, _ = as_host(remote)
    remote.process.send_signal(signal.SIGSTOP)
    remote.text = ""
    remote.load()
    host = Host(remote.memory, remote.kick)
    host.begin(RINGS, ALIGN, NUM, SIZES, F_NS | F_BUFSZ)
    remote.process.send_signal(signal.SIGCONT)
    remote.said("down")
    remote.said("up")
    addr = echo_of(host)
    host.send(7, addr, b"awake")
    assert host.expect()[3] == b"awake"


def test_row14_a_ring_that_cannot_be_trusted(remote):
    host, _ = as_host(remote)
    remote.memory.put(host.tx.avail + 2, 0x7000, "<H")
    host.kick(6)
    wait(lambda: host.status() & NEEDS_RESET, "a request for a reset")
    remote.said("broke")
    host.set_status(0)
    remote.text = ""
    host, addr = as_host(remote)
    host.send(7, addr, b"again")
    assert host.expect()[3] == b"again"


def test_row71_odd_sizes(remote):
    remote.load(sizes=(15, 512))
    host = Host(remote.memory, remote.kick)
    host.begin(RINGS, ALIGN, NUM, SIZES, F_NS | F_BUFSZ)
    remote.said("refused")
    wait(lambda: host.status() & NEEDS_RESET, "a request for a reset")


# ---- Python is the remote ---------------------------------------------------------------------------------------


@pytest.fixture
def host():
    p = Peer("host")
    p.load()
    p.start()
    yield p
    p.stop()


def as_remote(p, num=NUM, align=ALIGN):
    remote = Remote(p.memory, p.kick)
    remote.begin(RINGS, align, num)
    return remote, echo_of(remote)


def asked(host, remote, lives):
    """
    A host that finds the rings in use asks for them, and after a second helps itself, in which we may not have been
    let run: then it is up once more than so many times.
    """
    def look():
        host.read()
        return remote.status() == 0x82 or len(re.findall("^up$", host.text, re.M)) > lives

    wait(look, "the host to ask for a reset")
    if remote.status() == 0x82:
        remote.set_status(0)


def reply_of(remote):
    """The next message that is not credit."""
    while True:
        got = remote.expect()
        if got[1] != 61:
            return got


def test_host_echoes(host):
    remote, addr = as_remote(host)
    assert remote.features == F_NS | F_BUFSZ | F_FRAGMENT | F_CREDIT
    for length in [0, 1, 64, 255, 256] * 20:
        data = os.urandom(length)
        assert remote.send(0x500, addr, data) == 272
        got = reply_of(remote)
        assert got == (addr, 0x500, 0, data)


def test_host_binds_what_is_announced(host):
    remote, addr = as_remote(host)
    remote.send(0x500, 53, rpmsg.name_service(b"echo", 0x500))
    host.said("service echo 1280")
    remote.send(0x501, 53, rpmsg.name_service(b"0123456789" * 4, 0x501)[:32] + struct.pack("<2I", 0x501, 0))
    host.said("service 0123456789012345678901234567890 1281")
    remote.send(0x500, 53, rpmsg.name_service(b"echo", 0x500, 1))
    host.said("end echo 1280")
    del addr


def test_host_row47(host):
    remote, addr = as_remote(host)
    for _ in range(20):
        remote.send_raw(rpmsg.pack(7, addr, b"abcd"), used=19)
        remote.send_raw(rpmsg.pack(7, addr, b"abcd"), used=3)
        remote.send_raw(rpmsg.pack(7, addr, b"", length=257))
        remote.send_raw(rpmsg.pack(7, 4711, b""))
        remote.send_raw(rpmsg.pack(7, addr, b"fine"), used=20)
        got = reply_of(remote)
        assert got == (addr, 7, 0, b"fine")


@pytest.mark.parametrize("bad", [(NUM, 20), (0xffffffff, 20), (0, 273)])
def test_host_row49(host, bad):
    """A used element that names no buffer, or more bytes than it has: the host begins anew."""
    remote, _ = as_remote(host)
    remote.tx.push(*bad)
    host.kick(5)
    host.said("broke")
    asked(host, remote, 1)
    remote, addr = as_remote(host)
    remote.send(7, addr, b"again")
    assert remote.expect()[0] == addr


def test_host_that_died(host):
    remote, _ = as_remote(host)
    host.kill()
    host.start()
    asked(host, remote, 0)
    remote, addr = as_remote(host)
    remote.send(7, addr, b"again")
    assert remote.expect()[0] == addr


def test_host_begins_anew_when_asked(host):
    remote, _ = as_remote(host)
    remote.set_status(remote.status() | NEEDS_RESET)
    asked(host, remote, 1)
    remote, addr = as_remote(host)
    remote.send(7, addr, b"again")
    assert remote.expect()[0] == addr


def test_host_refuses_a_table(host):
    remote, _ = as_remote(host)
    host.load(da=(RINGS[0], RINGS[0] + 64))
    host.said("reset")
    host.said("refused")
    assert not remote.status() & DRIVER_OK
    with pytest.raises(WireError):
        wait(lambda: remote.status() & DRIVER_OK, "nothing", timeout=0.3)
    host.load()
    as_remote(host)


@pytest.mark.parametrize("num, align", [(2, 4), (8, 4), (32, 64), (64, 4096)])
def test_host_other_rings(num, align):
    p = Peer("host")
    p.load(num=num, align=align)
    p.start()
    try:
        remote, addr = as_remote(p, num, align)
        for i in range(3 * num):
            remote.send(7, addr, b"%d" % i)
            got = reply_of(remote)
            assert got[3] == b"%d" % i
    finally:
        p.stop()
