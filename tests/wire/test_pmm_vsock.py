# SPDX-License-Identifier: BSD-3-Clause
"""A remote's sockets in Python, written from virtio 1.3 section 5.10, against the real PMM."""
import os
import signal
import socket
import struct
import time

import pytest

from region import PATIENCE, DriverDevice, wait

WRITE, NEXT = 2, 1
REQUEST, RESPONSE, RST, SHUTDOWN, RW, UPDATE, CREDIT = range(1, 8)
STREAM, MESSAGES = 1, 2
RECEIVE, SEND, BOTH = 1, 2, 3
EOM = 1
HOST, CID = 2, 3
HEADER = struct.Struct("<QQIIIHHIII")
BUFFERS, BUFFER = 8, 4096


class Packet:
    def __init__(self, data):
        (self.src, self.dst, self.src_port, self.dst_port, self.len, self.type, self.op,
         self.flags, self.room, self.took) = HEADER.unpack_from(data)
        self.data = data[HEADER.size:]
        assert len(self.data) == self.len
        assert (self.src, self.dst) == (HOST, CID)


class Remote(DriverDevice):
    """Section 5.10.6, as far as a test needs it: one connection's credit at a time."""

    def __init__(self, pmm):
        super().__init__(pmm.link, pmm.place("vsock0"))
        self.dir = pmm.dir
        self.bring_up([0, 1, 2], 8, 3)
        self.into = [self.alloc(BUFFER) for _ in range(BUFFERS)]
        self.out = self.alloc(40000)
        for i in range(BUFFERS):
            self.give(i)
        self.room, self.took = 1 << 20, 0

    def give(self, i):
        self.rings[0].put_desc(i, self.into[i], BUFFER, WRITE)
        self.rings[0].offer(i)

    def say(self, op, ours, theirs, data=b"", flags=0, kind=STREAM, cid=CID, to=HOST, length=None,
            cut=None):
        """A packet; @length: what it says to have, @cut: bytes of it that are sent."""
        raw = HEADER.pack(cid, to, ours, theirs, len(data) if length is None else length, kind, op,
                          flags, self.room, self.took) + data
        self.m.write(self.out, raw)
        self.rings[1].put_desc(0, self.out, len(raw) if cut is None else cut)
        self.rings[1].offer(0)
        assert self.rings[1].collect() == (0, 0)

    def hear(self, op=None, timeout=PATIENCE):
        i, length = self.rings[0].collect(timeout)
        p = Packet(self.m.read(self.into[i], length))
        self.give(i)
        if p.op == RW:
            self.took += p.len
        assert op is None or p.op == op, (p.op, op)
        return p

    def is_quiet(self):
        """Whatever it would say has been said before the answer to this one."""
        self.say(CREDIT, 4000000000, 9)
        p = self.hear(RST)
        assert (p.src_port, p.dst_port) == (9, 4000000000)

    def hear_bytes(self, n):
        data = b""
        while len(data) < n:
            data += self.hear(RW).data
        assert len(data) == n
        return data

    def listen(self, port, kind=STREAM):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == STREAM else socket.SOCK_SEQPACKET)
        s.settimeout(PATIENCE)
        s.bind(f"{self.dir}/sockets_{port}")
        s.listen(8)
        return s

    def connect(self, ours, theirs, kind=STREAM):
        with self.listen(theirs, kind) as listener:
            self.say(REQUEST, ours, theirs, kind=kind)
            p = self.hear(RESPONSE)
            assert (p.src_port, p.dst_port, p.type, p.flags, p.took) == (theirs, ours, kind, 0, 0)
            assert p.room >= 4096
            s = listener.accept()[0]
        s.settimeout(PATIENCE)
        return s, p.room

    def call(self, kind=STREAM):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM if kind == STREAM else socket.SOCK_SEQPACKET)
        s.settimeout(PATIENCE)
        s.connect(self.dir + "/sockets" + ("" if kind == STREAM else ".seqpacket"))
        return s

    def called(self, ours, kind=STREAM):
        s = self.call(kind)
        s.send(b"CONNECT %d\n" % ours)
        p = self.hear(REQUEST)
        assert (p.dst_port, p.type) == (ours, kind)
        self.say(RESPONSE, ours, p.src_port, kind=kind)
        assert s.recv(100) == b"OK %d\n" % p.src_port
        return s, p.src_port


@pytest.fixture
def remote(pmm):
    return Remote(pmm)


def test_configuration_and_features(pmm):
    dev = DriverDevice(pmm.link, pmm.place("vsock0"))
    dev.open()
    assert dev.negotiate() & 3 == 3
    assert dev.reg(8) == 19
    assert struct.unpack("<Q", dev.config(8)) == (CID,)


def test_remote_connects(remote):
    s, _ = remote.connect(1234, 77)
    with s:
        remote.say(RW, 1234, 77, b"to Linux")
        assert s.recv(100) == b"to Linux"
        s.send(b"to the remote")
        assert remote.hear_bytes(13) == b"to the remote"
    p = remote.hear(SHUTDOWN)
    assert (p.src_port, p.dst_port, p.flags) == (77, 1234, BOTH)
    remote.say(RST, 1234, 77)
    remote.is_quiet()


def test_nobody_is_there(remote):
    remote.say(REQUEST, 5, 78)
    p = remote.hear(RST)
    assert (p.src_port, p.dst_port, p.len) == (78, 5, 0)


def test_linux_connects(remote):
    s, port = remote.called(70)
    with s:
        s.send(b"question")
        assert remote.hear_bytes(8) == b"question"
        remote.say(RW, 70, port, b"answer")
        assert s.recv(100) == b"answer"
        remote.say(SHUTDOWN, 70, port, flags=BOTH)
        remote.hear(RST)
        assert s.recv(100) == b""
    with remote.call() as s:
        s.send(b"CONNECT 71\n")
        remote.say(RST, 71, remote.hear(REQUEST).src_port)
        assert s.recv(100) == b""


@pytest.mark.parametrize("calls", [False, True])
def test_messages(remote, calls):
    if calls:
        s, port = remote.called(70, MESSAGES)
        ours = 70
    else:
        (s, _), port, ours = remote.connect(1234, 77, MESSAGES), 77, 1234
    with s:
        remote.say(RW, ours, port, b"one ", kind=MESSAGES)
        remote.say(RW, ours, port, b"message", EOM, MESSAGES)
        remote.say(RW, ours, port, b"another", EOM, MESSAGES)
        assert (s.recv(100), s.recv(100)) == (b"one message", b"another")
        data = bytes(i % 251 for i in range(10000))
        s.send(data)
        s.send(b"short")
        got, packets = b"", []
        while len(got) < len(data):
            packets.append(remote.hear(RW))
            got += packets[-1].data
        assert got == data and [p.flags for p in packets] == [0] * (len(packets) - 1) + [EOM]
        p = remote.hear(RW)
        assert (p.data, p.flags) == (b"short", EOM)


def test_never_more_than_we_have_room_for(remote):
    remote.room = 1000
    s, port = remote.called(70)
    with s:
        s.send(bytes(i % 251 for i in range(5000)))
        got = remote.hear_bytes(1000)
        remote.is_quiet()
        remote.say(UPDATE, 70, port)
        got += remote.hear_bytes(1000)
        remote.is_quiet()
        remote.room = 0  # less than is on its way: nothing may come
        remote.say(UPDATE, 70, port)
        remote.is_quiet()
        remote.room, remote.took = 100, remote.took + 1  # took what never was sent
        remote.say(UPDATE, 70, port)
        remote.is_quiet()
        remote.took -= 1
        remote.room = 5000
        remote.say(UPDATE, 70, port)
        got += remote.hear_bytes(3000)
        assert got == bytes(i % 251 for i in range(5000))


def test_it_tells_its_room(remote):
    def asked():
        """What it says when asked, once it has said all it has to say."""
        remote.say(CREDIT, 1234, 77)
        remote.say(CREDIT, 4000000000, 9)
        told, p = [], remote.hear()
        while p.src_port == 77:
            assert (p.op, p.room) == (UPDATE, room)
            told.append(p.took)
            p = remote.hear()
        while p.op != RST:
            p = remote.hear()
        return told[-1] if told else asked()

    s, room = remote.connect(1234, 77)
    with s:
        sent, took = 0, -1
        while asked() != took or sent < took + room:
            took = asked()
            assert took <= sent <= took + room
            n = min(took + room - sent, 20000)
            if n:
                remote.say(RW, 1234, 77, b"x" * n)
            sent += n
        # One byte more than it said ends it.
        remote.say(RW, 1234, 77, b"x")
        assert remote.hear(RST).src_port == 77


def test_half_closed(remote):
    s, port = remote.called(70)
    with s:
        s.shutdown(socket.SHUT_WR)
        assert remote.hear(SHUTDOWN).flags == SEND
        remote.say(RW, 70, port, b"still")
        assert s.recv(100) == b"still"
        remote.say(SHUTDOWN, 70, port, flags=SEND)
        assert s.recv(100) == b""
        assert remote.hear(SHUTDOWN).flags == BOTH
        remote.say(RST, 70, port)
        remote.is_quiet()


def test_data_after_our_own_shutdown(remote):
    s, port = remote.called(70)
    with s:
        remote.say(SHUTDOWN, 70, port, flags=SEND)
        assert s.recv(100) == b""
        remote.say(RW, 70, port, b"more")
        remote.hear(RST)


@pytest.mark.parametrize("kind", [0, 3, 65535])
def test_row41_unknown_types(remote, kind):
    remote.say(REQUEST, 5, 77, kind=kind)
    p = remote.hear(RST)
    assert (p.type, p.src_port, p.dst_port) == (kind, 77, 5)


@pytest.mark.parametrize("op", [0, 8, 65535])
def test_row41_unknown_operations(remote, op):
    remote.say(op, 5, 77)
    remote.hear(RST)
    s, port = remote.called(70)
    with s:
        remote.say(op, 70, port)
        remote.hear(RST)
        assert s.recv(100) == b""


@pytest.mark.parametrize("cid,to", [(4, HOST), (HOST, HOST), (CID, CID), (CID, 0), (CID | 1 << 32, HOST),
                                    (CID, HOST | 1 << 32), (CID, 2**64 - 1)])
def test_row41_addresses_of_others(remote, cid, to):
    s, port = remote.called(70)
    with s:
        remote.say(RW, 70, port, b"forged", cid=cid, to=to)
        remote.say(RST, 70, port, cid=cid, to=to)
        remote.is_quiet()
        remote.say(RW, 70, port, b"mine")
        assert s.recv(100) == b"mine"


@pytest.mark.parametrize("length,cut", [(7, None), (5, None), (2**32 - 1, None), (6, 49)])
def test_row41_lengths_that_lie(remote, length, cut):
    s, port = remote.called(70)
    with s:
        remote.say(RW, 70, port, b"sixsix", length=length, cut=cut)
        remote.hear(RST)
        assert s.recv(100) == b""


def test_row41_shorter_than_a_header(remote):
    s, port = remote.called(70)
    with s:
        remote.say(RW, 70, port, cut=43)
        remote.say(RW, 70, port, b"whole")
        assert s.recv(100) == b"whole"


def test_row41_a_flood_of_connections(remote):
    held, refused = [], 0
    with remote.listen(77) as listener:
        listener.listen(512)
        for i in range(300):
            remote.say(REQUEST, 1000 + i, 77)
            p = remote.hear()
            assert p.op in (RESPONSE, RST) and p.dst_port == 1000 + i
            refused += p.op == RST
            if p.op == RESPONSE:
                held.append(1000 + i)
        assert refused and len(held) == 64
        for port in held[1:]:
            remote.say(RST, port, 77)
        s = listener.accept()[0]
        s.settimeout(PATIENCE)
        remote.say(RW, held[0], 77, b"all is well")
        assert s.recv(100) == b"all is well"
        s.close()


def test_row41_requests_taken_back(remote):
    for i in range(2000):
        remote.say(REQUEST, 5, 77)
        remote.say(RST, 5, 77)
    # The keeper answers one after another; then there is a place for an honest request.
    with remote.listen(79):
        end = time.monotonic() + PATIENCE
        remote.say(REQUEST, 6, 79)
        p = remote.hear()
        while (p.dst_port, p.op) != (6, RESPONSE):
            assert p.op == RST and time.monotonic() < end
            if p.dst_port == 6:
                remote.say(REQUEST, 6, 79)
            p = remote.hear()


def test_row54_callers_that_say_nothing(remote):
    """They do not hold up what is connected; who comes after them is served once they are sent away."""
    s, port = remote.called(70)
    with s:
        silent = [remote.call() for _ in range(40)]
        remote.say(RW, 70, port, b"here")
        assert s.recv(100) == b"here"
        for c in silent:
            c.close()
        late, _ = remote.called(71)
        late.close()


def test_f7_worker_killed(pmm):
    remote = Remote(pmm)
    s, _ = remote.called(70)
    os.kill(pmm.worker(), signal.SIGKILL)
    assert s.recv(100) == b""
    s.close()
    wait(lambda: not pmm.link.up(), "the link to go down")
    pmm.link.wait_up()
    remote = Remote(pmm)
    s, _ = remote.called(70)
    s.close()
