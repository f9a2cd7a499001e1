# SPDX-License-Identifier: BSD-3-Clause
"""A remote's messages as Linux programs see them: a socket a service."""
import os
import signal
import socket
import subprocess

import pytest
from firmware import Firmware
from pmm import BUILD, Pmm, board, until

ISLAND = os.path.join(BUILD, "firmware", "island", "island")
PROMPT = b"remote:~$ "


def text(more="", **top):
    return board({"a": {"region": "{ base: 0x37000000, size: 4M }", "carrier": "{ process: %s }" % ISLAND,
                        "devices": "[ { kind: console, size: 32K }, { kind: rpmsg, name: rpmsg0 %s } ]" % more}}, **top)


class Messages(Pmm):
    """A board with the example remote `a`, whose services are there."""

    def __init__(self, more="", **kw):
        super().__init__(text(more), **kw)
        until(lambda: os.path.exists(self.path("rpmsg-tty")) and os.path.exists(self.path("ping")))

    def path(self, service):
        return os.path.join(self.dir, "test.rpmsg", "a", service)

    def call(self, service):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(10)
        s.connect(self.path(service))
        return s

    def shell(self):
        return Firmware(self).shell().prompt()


def echoes(s, data):
    s.send(data)
    return s.recv(65536) == data


def answers(p, data=b"hello"):
    """Whether the remote can be reached at this moment."""
    try:
        with p.call("ping") as s:
            return echoes(s, data)
    except OSError:
        return False


def tty(s, line, end=PROMPT):
    """What the remote's shell says to a line, up to its next prompt."""
    s.send(line)
    said = b""
    while not said.endswith(end):
        got = s.recv(4096)
        assert got, said
        said += got
    return said[:-len(end)].decode()


@pytest.mark.parametrize("more", ["", ", to-host: 64, to-remote: 128", ", to-host: 4K, to-remote: 64K, size: 3M"])
def test_ping_echoes_each_message(more):
    with Messages(more) as p, p.call("ping") as a, p.call("ping") as b:
        for n in (1, 48, 112, 496, 497, 3000, 8192):
            data = os.urandom(n)
            if n <= 3000 or "64," not in more:  # so small buffers are too few for it
                assert echoes(a, data), n
        a.send(b"of a")
        b.send(b"of b")
        assert b.recv(100) == b"of b" and a.recv(100) == b"of a"
        for i in range(2000):  # far more than there are buffers; some wait at either end
            a.send(b"%d" % i)
            if i >= 100:
                assert a.recv(100) == b"%d" % (i - 100)
        assert p.stop() == 0


def test_the_shell_answers_on_rpmsg_tty():
    with Messages() as p, p.call("rpmsg-tty") as a, p.call("rpmsg-tty") as b:
        assert tty(a, b"\r", PROMPT + b"\r\n" + PROMPT) == ""
        assert tty(b, b"kernel ", PROMPT + b"kernel ") == ""
        assert "Links: 1\r\n" in tty(a, b"kernel uptime\r")
        for c in b"kernel ":
            a.send(bytes([c]))
        assert "Links: 1\r\n" in tty(b, b"uptime\r")  # the lines of two are two lines
        assert "Links: 1\r\n" in tty(a, b"uptime\r")
        sh = p.shell()
        assert "Uptime" in sh.run("kernel uptime")  # answers go to who asked
        said = tty(b, b"help\r")
        assert said.count("\r\n") > 20 and "msg bench" in said
        sh.close()
        assert p.stop() == 0


def test_commands():
    with Messages() as p, p.call("ping") as a:
        sh = p.shell()
        said = sh.run("msg ls")
        assert "endpoints, up:" in said and "- ping " in said and "- rpmsg-tty " in said and "no peer" not in said
        assert sh.run("msg send ping how are you") == ""
        assert a.recv(100) == b"how are you"
        assert "there is no endpoint nobody" in sh.run("msg send nobody hello")
        assert "usage: msg send" in sh.run("msg send ping")
        assert "500 messages of 8 bytes in" in sh.run("msg bench ping 500 8")
        assert "usage: msg bench" in sh.run("msg bench ping 0")
        sh.close()
        assert p.stop() == 0


def test_endpoints_survive_a_worker_and_a_remote():
    with Messages() as p:
        worker, remote = p.worker(), p.remote("a")["pid"]
        for kill in (lambda: os.kill(worker, signal.SIGKILL), lambda: p.cli("restart", "a")):
            a = p.call("ping")
            assert echoes(a, b"before")
            kill()
            assert a.recv(10) == b""
            a.close()
            until(lambda: answers(p))
        assert p.worker() != worker and p.remote("a")["pid"] != remote
        sh = p.shell()
        assert "endpoints, up:" in sh.run("msg")
        sh.close()
        assert p.stop() == 0


def test_the_example_application():
    def run(p, *args):
        return subprocess.run([os.path.join(BUILD, "apps", "rpmsg-echo", "rpmsg-echo"), *args], capture_output=True, text=True,
                              timeout=15, env={**os.environ, "CAUSEWAY_RUN_DIR": p.dir})

    with Messages() as p:
        r = run(p, "how are you")
        assert (r.returncode, r.stdout, r.stderr) == (0, "how are you\n", "")
        assert p.stop() == 0
        r = run(p)
        assert (r.returncode, r.stdout) == (1, "") and r.stderr.startswith("rpmsg-echo: link is down")
