# SPDX-License-Identifier: BSD-3-Clause
"""A remote's sockets as Linux programs see them: unix sockets beside a path."""
import contextlib
import hashlib
import os
import signal
import socket
import threading

import pytest
from firmware import Firmware, exactly, read_all
from pmm import BUILD, PATIENCE, Pmm, board, held, until

ISLAND = os.path.join(BUILD, "firmware", "island", "island")
STREAM, MESSAGES = socket.SOCK_STREAM, socket.SOCK_SEQPACKET


def text(path, more=""):
    return board({"a": {"region": "{ base: 0x37000000, size: 4M }", "carrier": "{ process: %s }" % ISLAND,
                        "devices": "[ { kind: console, size: 32K },"
                                   " { kind: vsock, backend: { socket: %s }, size: 256K } %s ]" % (path, more)}})


class Host:
    """Linux's side of the device at a path."""

    def __init__(self, path):
        self.path = path

    def raw(self, kind=STREAM):
        s = socket.socket(socket.AF_UNIX, kind)
        s.settimeout(PATIENCE)
        s.connect(self.path + (".seqpacket" if kind == MESSAGES else ""))
        return s

    def call(self, port, kind=STREAM):
        """A connection to a port of the remote, or None when it is refused."""
        s = self.raw(kind)
        s.sendall(b"CONNECT %d\n" % port)
        line = b""
        while not line.endswith(b"\n"):
            got = s.recv(1 if kind == STREAM else 100)
            if not got:
                s.close()
                return None
            line += got
        assert line.startswith(b"OK ") and int(line[3:]) >= 1 << 30
        return s

    def listen(self, port, kind=STREAM):
        s = socket.socket(socket.AF_UNIX, kind)
        s.settimeout(PATIENCE)
        s.bind("%s_%d" % (self.path, port))
        s.listen(16)
        return s


@pytest.fixture
def host(tmp_path):
    return Host(str(tmp_path / "vsock"))


def started(p):
    Firmware(p).started()
    return p


def ended(s):
    try:
        return not s.recv(10)
    except ConnectionResetError:
        return True


def echoes(host, data=b"hello", kind=STREAM):
    s = host.call(7, kind)
    if not s:
        return False
    with s:
        s.sendall(data)
        return (exactly(s, len(data)) if kind == STREAM else s.recv(len(data))) == data


def answers(host):
    """Whether the remote can be reached at this moment."""
    try:
        return echoes(host)
    except OSError:
        return False


def shell_of(p):
    sh = Firmware(p).shell().prompt()
    return sh


def test_streams_and_messages(host):
    with Pmm(text(host.path)) as p:
        started(p)
        assert echoes(host)
        assert host.call(81) is None  # nobody listens there
        with host.call(7, MESSAGES) as s:
            for n in (1, 2, 1000, 1500, 7):
                s.send(bytes([n & 0xff]) * n)
            for n in (1, 2, 1000, 1500, 7):
                assert s.recv(65536) == bytes([n & 0xff]) * n
        with host.call(80) as s:
            s.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = read_all(s)
        assert answer.startswith(b"HTTP/1.0 200 OK\r\n") and b'"remote": "a"' in answer
        with host.call(80) as s:
            s.sendall(b"GET /etc/passwd HTTP/1.0\r\n\r\n")
            assert read_all(s).startswith(b"HTTP/1.0 404 ")
        assert p.stop() == 0
        assert not os.path.exists(host.path) and not os.path.exists(host.path + ".seqpacket")


def test_a_half_closed_stream_of_many_bytes(host):
    data = os.urandom(1 << 20) * 24
    with Pmm(text(host.path)) as p:
        started(p)
        with host.call(7) as s:
            def send():
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)

            t = threading.Thread(target=send)
            t.start()
            back = read_all(s)
            t.join()
        assert hashlib.sha256(back).digest() == hashlib.sha256(data).digest()
        assert p.remote("a")["devices"][1]["strange"] == 0


def test_the_remote_calls(host):
    with Pmm(text(host.path)) as p:
        started(p)
        sh = shell_of(p)
        assert "cannot connect to port 5: connection closed or refused" in sh.run("vsock connect 5 hi")
        with host.listen(5000) as listener:
            def answer():
                with listener.accept()[0] as s:
                    assert s.recv(100) == b"how are you\n"
                    s.sendall(b"fine\n")

            t = threading.Thread(target=answer)
            t.start()
            assert "answer: fine" in sh.run("vsock connect 5000 how are you")
            t.join()
        assert "cannot connect to port 5000" in sh.run("vsock connect 5000 gone")
        assert "usage:" in sh.run("vsock connect x y")
        with host.listen(5001) as listener:
            got = []

            def count():
                with listener.accept()[0] as s:
                    got.append(len(read_all(s)))

            t = threading.Thread(target=count)
            t.start()
            said = sh.run("vsock bench 5001 20000000")
            t.join()
            assert got[0] >= 20000000 and "%d bytes in" % got[0] in said
        assert "echo on port 1234" in sh.run("vsock listen 1234")
        with host.call(1234) as s:
            s.sendall(b"abc")
            assert s.recv(3) == b"abc"
        sh.close()


def test_who_does_not_read_holds_up_nobody_else(host):
    with Pmm(text(host.path)) as p:
        started(p)
        source, deaf = host.call(19), host.call(7)
        deaf.settimeout(1)
        sent = 0
        with pytest.raises(socket.timeout):
            while True:
                sent += deaf.send(b"x" * 65536)
        assert sent < 4 << 20
        for _ in range(50):
            assert echoes(host) and echoes(host, b"abc", MESSAGES)
        assert exactly(source, 2600).startswith(b"abcdefgh")
        source.close()
        # It was only slow: nothing is lost.
        deaf.shutdown(socket.SHUT_WR)
        deaf.settimeout(PATIENCE)
        assert len(read_all(deaf)) == sent
        deaf.close()


def test_callers_who_do_not_know_the_words(host):
    with Pmm(text(host.path)) as p:
        started(p)
        for line in (b"HELLO\n", b"CONNECT \n", b"CONNECT -1\n", b"CONNECT 7 \n", b"CONNECT 4294967295\n",
                     b"CONNECT 99999999999999\n", b"connect 7\n", b"CONNECT 7" * 10, b"\n", b"CONNECT 0x7\n"):
            with host.raw() as s:
                s.sendall(line)
                assert ended(s), line
            with host.raw(MESSAGES) as s:
                s.send(line)
                assert ended(s), line
        # Who says nothing keeps one of the few places for a while, and then no more.
        silent = [host.raw() for _ in range(24)]
        until(lambda: answers(host))
        for s in silent:
            s.close()
        assert echoes(host)
        with host.raw() as s:  # a byte at a time is fine, and so is what comes with it
            for b in b"CONNECT 7\nhel":
                s.send(bytes([b]))
            s.send(b"lo")
            assert s.recv(3) == b"OK "
            while s.recv(1) != b"\n":
                pass
            assert exactly(s, 5) == b"hello"


def test_more_connections_than_places(host):
    with Pmm(text(host.path)) as p:
        started(p)
        open_ = []
        while len(open_) < 200:
            s = host.call(7)
            if not s:
                break
            open_.append(s)
        assert 24 <= len(open_) <= 64
        for s in open_:
            s.sendall(b"still here")
            assert exactly(s, 10) == b"still here"
        for s in open_[:10]:
            s.close()
        until(lambda: answers(host))
        for s in open_[10:]:
            s.close()
        until(lambda: answers(host))


def test_a_thousand_leave_nothing_behind(host):
    with Pmm(text(host.path)) as p:
        started(p)
        assert echoes(host)
        worker = p.worker()

        def size():
            with open("/proc/%d/statm" % worker) as f:
                return int(f.read().split()[1])

        for _ in range(200):
            assert echoes(host)
        before, open_fds = size(), held(worker)
        for n in range(1000):
            assert echoes(host, b"hello", MESSAGES if n % 4 == 3 else STREAM)
        until(lambda: held(worker) <= open_fds)
        assert size() - before <= 64 and p.worker() == worker


def test_callers_that_vanish_at_any_moment(host):
    with Pmm(text(host.path)) as p:
        started(p)
        echoes(host)
        open_fds = held(p.worker())
        for n in range(300):
            with host.raw(MESSAGES if n % 3 == 2 else STREAM) as s, contextlib.suppress(ConnectionError):
                s.sendall(b"CONNECT %d\n" % (7 if n % 2 else 19))
                if n % 5 == 1:
                    s.recv(20)
                if n % 5 == 2:  # there are no messages at 19: it may know that by now
                    s.sendall(b"x" * 10000)
                if n % 5 == 3:
                    s.shutdown(socket.SHUT_RDWR)
        until(lambda: held(p.worker()) <= open_fds)
        assert echoes(host)
        assert p.remote("a")["devices"][1]["strange"] == 0


def test_restarts_of_either_side(host):
    with Pmm(text(host.path)) as p:
        started(p)
        for n in range(3):
            s = host.call(19)
            assert s.recv(100)
            if n % 2:
                p.cli("restart", "a")
            else:
                os.kill(p.worker(), signal.SIGKILL)
            with pytest.raises((ConnectionError, AssertionError)):  # ends, one way or the other
                while True:
                    assert s.recv(65536)
            s.close()
            until(lambda: answers(host))


def test_a_remote_that_is_stopped_is_no_trap(host):
    """Nobody answers: who calls is told so."""
    with Pmm(text(host.path)) as p:
        started(p)
        pid = p.remote("a")["pid"]
        os.kill(pid, signal.SIGSTOP)
        with host.raw() as s:
            s.sendall(b"CONNECT 7\n")
            assert s.recv(10) == b""
        os.kill(pid, signal.SIGCONT)
        until(lambda: answers(host))


def test_one_path_a_device(host):
    with Pmm(text(host.path, ", { kind: vsock, name: second, backend: { socket: %s } }" % host.path), wait=False) as p:
        assert p.wait() == 2
        assert "is used twice" in p.output()
