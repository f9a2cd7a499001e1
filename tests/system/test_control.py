# SPDX-License-Identifier: BSD-3-Clause
"""The control socket and the commands that use it. Row 54: who asks badly holds up nobody."""
import json
import os
import pty
import re
import signal
import socket
import subprocess
import time

from pmm import CAUSEWAY, PATIENCE, REMOTE, Pmm, board, fds, until


def connect(p):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(PATIENCE)
    s.connect(p.sock())
    return s


def test_nonsense_is_refused():
    with Pmm(board({"a": {}, "b": {}})) as p:
        for line in (b"", b"x", b"[]", b"{}", b"7", b'{"do":7}', b'{"do":"nothing"}',
                     b'{"do":"start"}', b'{"do":"start","remote":"c"}', b'{"do":"logs"}',
                     b"\xff\x00\xfe", b"[" * 3000, b'{"do":"stop","remote":""}'):
            with connect(p) as s:
                s.sendall(line + b"\n")
                answer = json.loads(s.makefile().readline())
                assert answer["ok"] is False and answer["error"], line
        p.grows()
        assert p.stop() == 0


def test_oversized_partial_and_slow():
    with Pmm(board({"a": {}})) as p:
        with connect(p) as s:
            s.sendall(b"x" * 4096)
            assert "4096" in s.makefile().readline()
            assert s.recv(1) == b""
        with connect(p) as s:  # byte by byte works as well
            for c in b'{"do":"status"}\n':
                s.sendall(bytes([c]))
            assert json.loads(s.makefile().readline())["ok"]
        begin = time.monotonic()
        with connect(p) as s:  # half a line, and nothing more
            s.sendall(b'{"do"')
            assert s.recv(1) == b""
            assert time.monotonic() - begin > 3  # who is only slow has been given time
        with connect(p) as s:  # asks on and on, takes nothing
            s.setblocking(False)
            try:
                while True:
                    s.send(b'{"do":"status"}\n' * 100)
            except (BlockingIOError, BrokenPipeError, ConnectionResetError):
                pass
            for _ in range(20):
                p.grows()
                assert p.status()["ok"]
        assert p.stop() == 0


def test_a_thousand_clients():
    with Pmm(board({"a": {}})) as p:
        before = fds(p.pid)
        clients = []
        for _ in range(1000):
            try:
                clients.append(connect(p))
            except OSError:
                break
        p.grows()
        assert fds(p.pid) <= before + 16
        for s in clients:
            s.close()
        until(lambda: fds(p.pid) <= before)
        assert p.status()["ok"]
        assert p.stop() == 0


def test_status():
    with Pmm(board({"a": {}, "b": {"autostart": "false"}})) as p:
        p.grows()
        text = p.cli("status").stdout
        assert "board test" in text and "rng0" in text and "getrandom" in text
        s = json.loads(p.cli("status", "--json").stdout)
        a = next(r for r in s["remotes"] if r["name"] == "a")
        assert a["link"] == "up" and a["devices"][0]["state"] == "running"
        until(lambda: p.remote("a")["devices"][0]["rx_bytes"])
        assert p.cli("status", "nosuch").returncode == 1
        assert p.cli("status", "test").returncode == 0
        assert p.cli("status", "some/where/test.yaml").returncode == 0
        assert p.stop() == 0
        r = p.cli("status")
        assert r.returncode == 1 and "no board runs" in r.stderr


def test_top_and_logs():
    with Pmm(board({"a": {}})) as p:
        p.grows()
        # 8 bytes each 10 ms, in a second in which it was let run.
        until(lambda: 50 < json.loads(p.cli("top", "--once", "--json").stdout)["devices"][0]["rx_bytes"] < 2000)
        assert "PER SECOND" in p.cli("top", "--once").stdout
        assert p.cli("logs", "-n", "2").stdout.count("\n") == 2
        f = subprocess.Popen([CAUSEWAY, "logs", "--run-dir", p.dir, "--follow", "-n", "1"],
                             stdout=subprocess.PIPE, text=True)
        for _ in range(10):
            assert "entropy" in f.stdout.readline()
        f.kill()
        f.wait()
        assert p.stop() == 0


def test_dump_shows_and_changes_nothing():
    with Pmm(board({"a": {}})) as p:
        p.grows()
        out = p.cli("dump").stdout
        for word in ("LINK", "epoch", "rng0", "DRIVER_OK", "queue 0: size", "used: idx"):
            assert word in out, out
        raw = os.path.join(p.tmp.name, "raw")
        assert p.cli("dump", "-o", raw).returncode == 0
        data = open(raw, "rb").read()
        assert len(data) == 256 * 1024 and data[:4] == b"\xd0\x0d\xfe\xed"
        with connect(p) as s:  # the descriptor that comes along can only be read
            s.sendall(b'{"do":"dump"}\n')
            _, (fd,), _, _ = socket.recv_fds(s, 65536, 1)
            try:
                os.pwrite(fd, b"x", 0)
                assert False, "it could be written"
            except OSError:
                pass
            os.close(fd)
        p.grows()
        assert p.stop() == 0


def test_dump_of_garbage():
    with Pmm(board({"a": {"run": "garbage", "recovery": "never"}, "b": {}})) as p:
        until(lambda: "!" in p.cli("dump", "a").stdout)
        for _ in range(10):
            r = p.cli("dump", "a")
            assert r.returncode == 0 and "!" in r.stdout
        assert p.stop() == 0


def test_console_joins_and_leaves_by_key():
    with Pmm(args=["--rng", "--console", "pty", "--", REMOTE]) as p:
        p.grows(name="remote")
        master, slave = pty.openpty()
        c = subprocess.Popen([CAUSEWAY, "console", "--run-dir", p.dir], stdin=slave, stdout=slave,
                             stderr=slave)
        said = b""
        while b"leaves" not in said:
            said += os.read(master, 1000)
        os.write(master, b"\x1dq")
        assert c.wait(PATIENCE) == 0
        r = p.cli("console", "remote:7", stdin=subprocess.DEVNULL)
        assert r.returncode == 1 and "no console port 7; there are: 0" in r.stderr
        p.grows(name="remote")
        os.close(master)
        os.close(slave)
        assert p.stop() == 0


def unwritable(p, *args, **kw):
    command = [CAUSEWAY, *args, *(["--run-dir", p.dir] if p and "--run-dir" not in args else [])]
    return subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, **kw)


def test_output_that_cannot_be_written():
    with Pmm(board({"a": {}})) as p, open("/dev/full", "w") as full:
        p.grows()
        for args in (["status"], ["status", "--json"], ["logs"], ["logs", "--follow"], ["top"], ["dump"], ["check", p.file],
                     ["layout", p.file], ["status", "--help"]):
            r = unwritable(p if args[0] not in ("check", "layout") else None, *args, stdout=full)
            assert r.returncode == 1 and "cannot write" in r.stderr and r.stderr.count("\n") == 1, (args, r.stderr)
            assert "No space left on device" in r.stderr
        for args in (["--help"], ["--version"]):
            assert unwritable(None, *args, stdout=full).returncode == 1
        r = unwritable(p, "status", preexec_fn=lambda: os.close(1))
        assert r.returncode == 1 and r.stderr == "causeway: cannot write the output: Bad file descriptor\n"
        read, write = os.pipe()
        os.close(read)
        r = unwritable(p, "status", stdout=write)  # a pipe's end is the usual one
        assert r.returncode == -signal.SIGPIPE and r.stderr == ""
        os.close(write)
        assert p.stop() == 0


def test_input_that_cannot_be_read():
    with Pmm(args=["--rng", "--console", "pty", "--", REMOTE]) as p:
        p.grows(name="remote")
        directory = os.open(p.dir, os.O_RDONLY)
        r = p.cli("console", stdin=directory)
        assert r.returncode == 1 and "cannot read the input: Is a directory" in r.stderr
        os.close(directory)
        r = p.cli("console", preexec_fn=lambda: os.close(0))
        assert r.returncode == 1 and "cannot read the input: Bad file descriptor" in r.stderr
        assert p.cli("console", stdin=subprocess.DEVNULL).returncode == 0
        assert p.stop() == 0


def test_the_manual_page_has_the_quick_forms_devices():
    said = subprocess.run([CAUSEWAY, "run", "--help"], capture_output=True, text=True).stdout
    devices = re.findall(r"^  --(\w+)", said.split("Its devices:")[1].split("\n\n")[0], re.M)
    with open(os.path.join(os.environ["CW_SOURCE"], "docs", "man", "causeway.1"), encoding="ascii") as f:
        page = f.read().replace("\\-", "-")
    synopsis = page.split(".SH SYNOPSIS")[1].split(".SH DESCRIPTION")[0]
    assert len(devices) == 4 and all("--" + d in synopsis for d in devices), devices


def test_help_of_every_command():
    out = subprocess.run([CAUSEWAY, "--help"], capture_output=True, text=True).stdout
    for c in ("run", "status", "top", "console", "start", "stop", "restart", "dump", "logs"):
        assert "  %s " % c in out
        r = subprocess.run([CAUSEWAY, c, "--help"], capture_output=True, text=True, timeout=PATIENCE)
        assert r.returncode == 0 and "usage: causeway %s" % c in r.stdout, c
        r = subprocess.run([CAUSEWAY, c, "--nonsense"], capture_output=True, text=True, timeout=PATIENCE)
        assert r.returncode == 2 and r.stderr.count("\n") == 1, c
