# SPDX-License-Identifier: BSD-3-Clause
"""Ports of Linux and of a remote, forwarded."""
import os
import signal
import socket
import subprocess
import threading
import urllib.request

import netns
import pytest
from firmware import Firmware, exactly, read_all
from pmm import BUILD, CAUSEWAY, PATIENCE, Pmm, board, until

ISLAND = os.path.join(BUILD, "firmware", "island", "island")


@pytest.fixture(scope="module", autouse=True)
def network():
    netns.enter()


def text(path, *rules, device=True):
    devices = "{ kind: console, size: 32K }"
    if device:
        devices += ", { kind: vsock, backend: { socket: %s }, size: 256K }" % path
    return board({"a": {"region": "{ base: 0x37000000, size: 4M }", "carrier": "{ process: %s }" % ISLAND,
                        "devices": "[ %s ]" % devices,
                        "forward": "[ %s ]" % ", ".join("{ from: '%s', to: '%s' }" % r for r in rules)}})


def tcp(port, host="127.0.0.1"):
    s = socket.create_connection((host, port), timeout=PATIENCE)
    return s


def unix(path):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(PATIENCE)
    s.connect(path)
    return s


def echoes(s, data=b"hello"):
    with s:
        s.sendall(data)
        return exactly(s, len(data)) == data


def get(port):
    # Through no proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open("http://127.0.0.1:%d/" % port, timeout=PATIENCE) as r:
        return r.status, r.read()


def started(p):
    Firmware(p).started()
    return p


def test_to_the_remote(tmp_path):
    path, other = str(tmp_path / "vsock"), str(tmp_path / "echo")
    with Pmm(text(path, ("tcp:127.0.0.1:8080", 80), ("unix:" + other, 7), ("tcp:[::1]:7007", 7))) as p:
        started(p)
        for n in range(1, 4):
            status, body = get(8080)
            assert status == 200 and b'"requests": %d' % n in body
        assert echoes(unix(other)) and echoes(tcp(7007, "::1"))
        data = os.urandom(1 << 20) * 8
        with tcp(7007, "::1") as s:
            def send():
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)

            t = threading.Thread(target=send)
            t.start()
            back = read_all(s)
            t.join()
        assert back == data
        assert "forward    tcp:127.0.0.1:8080 to port 80 of a" in p.output()
        assert p.stop() == 0
        assert not os.path.exists(other)


def test_from_the_remote(tmp_path):
    path, other = str(tmp_path / "vsock"), str(tmp_path / "there")
    server = socket.create_server(("127.0.0.1", 9000))
    with socket.socket(socket.AF_UNIX) as u:
        u.bind(other)
        u.listen(4)
        with Pmm(text(path, (5000, "tcp:127.0.0.1:9000"), (5001, "unix:" + other), (5002, "tcp:127.0.0.1:1"))) as p:
            started(p)
            sh = Firmware(p).shell().prompt()

            def answer(listener, what):
                c = listener.accept()[0]
                with c:
                    assert c.recv(100) == b"hello\n"
                    c.sendall(what)

            for port, listener in ((5000, server), (5001, u)):
                t = threading.Thread(target=answer, args=(listener, b"from %d\n" % port))
                t.start()
                assert "answer: from %d" % port in sh.run("vsock connect %d hello" % port)
                t.join()
            said = sh.run("vsock connect 5002 hello")  # nobody is there: it ends, sooner or later
            assert "cannot connect" in said or "no answer" in said or "answer: \n" in said
            sh.close()
    server.close()


def test_refused_is_reset(tmp_path):
    path = str(tmp_path / "vsock")
    with Pmm(text(path, ("tcp:127.0.0.1:8081", 81))) as p:
        started(p)
        with pytest.raises(ConnectionResetError), tcp(8081) as s:
            s.recv(1)


def test_many_at_once_and_who_does_not_read(tmp_path):
    path = str(tmp_path / "vsock")
    with Pmm(text(path, ("tcp:127.0.0.1:7", 7), ("tcp:127.0.0.1:19", 19))) as p:
        started(p)
        deaf = tcp(19)
        all_ = [tcp(7) for _ in range(20)]
        for n, s in enumerate(all_):
            s.sendall(b"%08d" % n * 1000)
        for n, s in enumerate(all_):
            assert exactly(s, 8000) == b"%08d" % n * 1000
            s.close()
        for _ in range(100):
            assert echoes(tcp(7))
        deaf.close()
        until(lambda: echoes(tcp(7)))


def forwarder(p):
    """The child that does it: neither a worker nor a remote."""
    known = {w["pid"] for w in p.status()["workers"]} | {r["pid"] for r in p.status()["remotes"]}
    with open("/proc/%d/task/%d/children" % (p.pid, p.pid)) as f:
        return [int(c) for c in f.read().split() if int(c) not in known]


def test_it_begins_anew(tmp_path):
    path = str(tmp_path / "vsock")
    with Pmm(text(path, ("tcp:127.0.0.1:7", 7))) as p:
        started(p)
        assert echoes(tcp(7))
        (pid,) = forwarder(p)
        with open("/proc/%d/status" % pid) as f:
            assert "CapEff:\t0000000000000000" in f.read()
        s = tcp(7)
        s.sendall(b"x")
        assert exactly(s, 1) == b"x"  # it has it, and nobody else
        os.kill(pid, signal.SIGKILL)
        with s:
            assert s.recv(1) == b""

        def again():
            try:
                return echoes(tcp(7))
            except OSError:
                return False
        until(again)
        assert "forwarding ended (signal 9): it begins anew" in p.output()
        # A worker or a remote that comes and goes does not concern it.
        os.kill(p.worker(), signal.SIGKILL)
        until(again)
        assert p.stop() == 0


def test_addresses_that_cannot_be_had(tmp_path):
    path = str(tmp_path / "vsock")
    with socket.create_server(("127.0.0.1", 9001)):
        with Pmm(text(path, ("tcp:127.0.0.1:9001", 7)), wait=False) as p:
            assert p.wait() == 1
            assert "forward: cannot listen on tcp:127.0.0.1:9001: Address already in use" in p.output()
    for rules, said in (
            ([("tcp:localhost:80", 7)], "cannot be 'tcp:localhost:80'; right is a port"),
            ([("tcp:127.0.0.1:70000", 7)], "cannot be"),
            ([("tcp:127.0.0.1:", 7)], "cannot be"),
            ([("unix:", 7)], "cannot be"),
            ([(7, 8)], "has two ends of one kind"),
            ([("tcp:127.0.0.1:1", "tcp:127.0.0.1:2")], "has two ends of one kind"),
            ([(4294967295, "tcp:127.0.0.1:2")], "cannot be"),
            ([("tcp:127.0.0.1:1", 7), ("tcp:127.0.0.1:1", 8)], "is used twice"),
            ([(9, "tcp:127.0.0.1:1"), (9, "tcp:127.0.0.1:2")], "is used twice")):
        with Pmm(text(path, *rules), wait=False) as p:
            assert p.wait() == 2, rules
            assert said in p.output(), p.output()
    with Pmm(text(path, ("tcp:127.0.0.1:1", 7), device=False), wait=False) as p:
        assert p.wait() == 2
        assert "there is no device to forward by" in p.output()


def test_the_command(tmp_path):
    path, other = str(tmp_path / "vsock"), str(tmp_path / "there")
    with Pmm(text(path, ("tcp:127.0.0.1:1", 7))) as p:
        started(p)
        for rule in (("tcp:127.0.0.1:7070", "a:7"), ("unix:" + other, "a:7")):
            f = subprocess.Popen([CAUSEWAY, "forward", "--run-dir", p.dir, *rule], stderr=subprocess.PIPE, text=True)
            assert f.stderr.readline() == "Forwarding %s to a:7; Ctrl-C ends it.\n" % rule[0]
            assert echoes(tcp(7070) if rule[0].startswith("tcp") else unix(other))
            f.send_signal(signal.SIGINT)
            assert f.wait(PATIENCE) == 0
            f.stderr.close()
        assert not os.path.exists(other)
        for rule, code, said in ((("tcp:127.0.0.1:1", "b:7"), 1, "no remote"), (("tcp:1:1", "x"), 2, "is no port"),
                                 (("a:7", "a:8"), 2, "neither"), (("a:7",), 2, "FROM and TO"),
                                 (("tcp:127.0.0.1:99999", "a:7"), 2, "neither"),
                                 (("tcp:127.0.0.1:1", "a:7"), 1, "cannot listen")):
            r = p.cli("forward", *rule)
            assert r.returncode == code and said in r.stderr, (rule, r.stderr)
