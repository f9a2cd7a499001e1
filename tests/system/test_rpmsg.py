# SPDX-License-Identifier: BSD-3-Clause
"""A remote's messages as Linux programs and people see them: a socket a service, and `causeway rpmsg`."""
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import termios

import pytest
from firmware import Firmware
from page import Keeper, Service
from pmm import BUILD, CAUSEWAY, PATIENCE, Pmm, board, until

ISLAND = os.path.join(BUILD, "firmware", "island", "island")
PROMPT = b"remote:~$ "
SERVICES = "calls", "ping", "rpmsg-tty"
LONG = "--timeout", "60"  # nothing is lost only because the machine stalled


def text(more="", recovery="{ limit: 5, seconds: 60 }", firmware=ISLAND, **top):
    return board({"a": {"recovery": recovery, "region": "{ base: 0x37000000, size: 4M }", "carrier": "{ process: %s }" % firmware,
                        "devices": "[ { kind: console, size: 32K }, { kind: rpmsg, name: rpmsg0 %s } ]" % more}}, **top)


class Messages(Pmm):
    """A board with the example remote `a`, whose services are there."""

    def __init__(self, more="", recovery="{ limit: 5, seconds: 60 }", firmware=ISLAND, **kw):
        super().__init__(text(more, recovery, firmware), **kw)
        until(lambda: all(os.path.exists(self.path(s)) for s in SERVICES))

    def path(self, service):
        return os.path.join(self.dir, "test.rpmsg", "a", service)

    def call(self, service):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(PATIENCE)
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
            s.settimeout(2)
            return echoes(s, data)
    except OSError:
        return False


def listed(p, service):
    """As `causeway rpmsg ls` tells of it."""
    return next(s for s in json.loads(p.cli("rpmsg", "ls", "--json").stdout)["services"] if s["service"] == service)


def tty(s, line, end=PROMPT):
    """What the remote's shell says to a line, up to its next prompt."""
    s.send(line)
    said = b""
    while not said.endswith(end):
        got = s.recv(4096)
        assert got, said
        said += got
    return said[:-len(end)].decode()


def test_quick_form():
    with Pmm(args=["--console", "--rpmsg", "--", ISLAND]) as p:
        until(lambda: os.path.exists(os.path.join(p.dir, "quick.rpmsg", "remote", "ping")))
        r = p.cli("rpmsg", "ping", "-n", "3", "-i", "0", *LONG)
        assert r.returncode == 0 and "3 sent, 3 received, 0 lost" in r.stdout
        assert p.stop() == 0


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


@pytest.mark.parametrize("more, size", [("", 8), ("", 400), (", to-host: 4K, to-remote: 4K, size: 300K", 4000)])
def test_answers_are_read_late(more, size):
    """It asks as long as anybody takes it, and reads then: every answer is there, and another one is not held up."""
    with Messages(more) as p, p.call("ping") as late, p.call("ping") as good:
        text = [b"%08d" % i + bytes(size - 8) for i in range(2000)]
        asked = got = 0
        while got < len(text):
            try:
                late.settimeout(0.2 if size > 8 else 10)  # so many small ones are kept
                while asked < len(text):
                    late.send(text[asked])
                    asked += 1
            except OSError:
                late.settimeout(PATIENCE)
            assert asked == len(text) or size > 8
            assert echoes(good, b"beside")
            while got < asked and (asked == len(text) or select.select([late], [], [], 0)[0]):
                assert late.recv(5000) == text[got]
                got += 1
        until(lambda: listed(p, "ping")["to_linux"] > len(text))
        assert listed(p, "ping")["dropped"] == 0
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


def test_a_remote_that_stays_away():
    """Stopped, or dead and not started again: nobody waits for its services."""
    with Messages(recovery="never") as p:
        for end in (lambda: p.cli("stop", "a"), lambda: os.kill(p.remote("a")["pid"], signal.SIGKILL)):
            with p.call("ping") as a:
                assert echoes(a, b"before")
                end()
                assert a.recv(10) == b""
            until(lambda: not os.path.exists(p.path("ping")) and p.remote("a")["link"] == "down")
            assert p.cli("start", "a").returncode == 0
            until(lambda: answers(p))
            until(lambda: p.remote("a")["link"] == "up")
        assert p.stop() == 0


def test_a_remote_whose_firmware_is_not_there(tmp_path):
    """It cannot be started again: it is away, and comes when the file does."""
    firmware, aside = tmp_path / "island", tmp_path / "aside"
    shutil.copy(ISLAND, firmware)
    with Messages(firmware=firmware) as p, p.call("ping") as a:
        assert echoes(a, b"before")
        firmware.rename(aside)
        assert p.ask(do="restart", remote="a")["ok"]
        assert a.recv(10) == b""
        until(lambda: not os.path.exists(p.path("ping")) and p.remote("a")["link"] == "down")
        aside.rename(firmware)
        assert p.cli("start", "a").returncode == 0
        until(lambda: answers(p))
        firmware.rename(aside)
        os.kill(p.remote("a")["pid"], signal.SIGKILL)
        until(lambda: p.remote("a")["link"] == "down")
        aside.rename(firmware)
        until(lambda: answers(p))  # by itself: it crashed
        assert p.stop() == 0


def test_a_killed_keeper_leaves_no_board():
    """Its socket and its folders are there, and mean nothing to who leaves out the board."""
    with Pmm(text(name="killed")) as k:
        k.p.kill()
        k.p.wait()
        assert {"killed.sock", "killed.rpmsg"} <= set(os.listdir(k.dir))
        r = k.cli("status")
        assert r.returncode == 1 and "no board runs here" in r.stderr
        with Messages(run_dir=k.dir, wait=False) as p:
            r = p.cli("rpmsg", "ping", "-n", "1")
            assert r.returncode == 0, r.stderr
            assert app(p, "rpmsg-echo", "hello").stdout == "hello\n"
            assert p.stop() == 0


EVIL, SHOWN = "\x1b[2J\x1b]0;x\x07 \u009b~\r\n\x7f!", "?[2J?]0;x? ??~???!"  # what a terminal would obey


def app(p, name, *args):
    return subprocess.run([os.path.join(BUILD, "apps", name, name), *args], capture_output=True, text=True,
                          timeout=PATIENCE, env={**os.environ, "CAUSEWAY_RUN_DIR": p.dir})


def test_calls_to_the_remote():
    def call(*args):
        r = app(p, "rpmsg-call", *args)
        return r.returncode, (r.stdout + r.stderr).strip()

    with Messages() as p:
        assert call("1", "hello") == (0, "hello") and call("1") == (0, "")
        assert re.fullmatch(r"\d+ ms", call("2")[1])
        assert call("1", EVIL) == (0, SHOWN)
        assert call("3", "4 5 60") == (0, "69")
        assert call("3", "4 x") == (1, "rpmsg-call: status 1")
        assert call("3") == (1, "rpmsg-call: bad length")
        assert call("9") == (1, "rpmsg-call: not supported")
        assert call("1", "hello", "a", "test") == (0, "hello")
        assert call("1", "hello", "b") == (1, "rpmsg-call: no such device")
        for wrong in ([], ["65537"], ["abc"], ["-1"], ["1x"], [""]):
            code, said = call(*wrong)
            assert code == 2 and said.startswith("usage: rpmsg-call NUMBER"), wrong
        assert call("1", "x" * 480) == (0, "x" * 480)
        assert call("1", "x" * 481) == (1, "rpmsg-call: invalid argument")
        for i in range(20):  # each is a client of its own, more than the remote has room for
            assert call("1", str(i)) == (0, str(i))
        for again in (lambda: os.kill(p.worker(), signal.SIGKILL), lambda: p.cli("restart", "a")):
            again()
            until(lambda: call("1", "there") == (0, "there"))
        assert p.stop() == 0


def test_the_example_application():
    def run(p, *args):
        return app(p, "rpmsg-echo", *args)

    with Messages() as p:
        r = run(p, "how are you")
        assert (r.returncode, r.stdout, r.stderr) == (0, "how are you\n", "")
        assert run(p, EVIL).stdout == SHOWN + "\n"
        with Pmm(text(name="other"), run_dir=p.dir, wait=False) as q:
            until(lambda: os.path.exists(os.path.join(p.dir, "other.rpmsg", "a", "ping")))
            for args in ([], ["hello", "a"]):
                r = run(p, *args)
                assert r.returncode == 1 and "where several run, say which" in r.stderr
            assert app(p, "rpmsg-call", "1").returncode == 2
            for args in ("hello", "a", "test"), ("hello", "a", "other"):
                assert run(p, *args).stdout == "hello\n"
            assert q.stop() == 0
        assert p.stop() == 0
        r = run(p)
        assert (r.returncode, r.stdout) == (1, "") and r.stderr.startswith("rpmsg-echo: link is down")


class Running:
    """A `causeway rpmsg` that goes on until it is told to stop."""

    def __init__(self, p, *args):
        self.p = subprocess.Popen([CAUSEWAY, "rpmsg", "--run-dir", p.dir, *args], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def type(self, line, end):
        """Types a line, and waits until something is said."""
        said = ""
        self.p.stdin.write(line)
        self.p.stdin.flush()
        while end not in said:
            got = os.read(self.p.stdout.fileno(), 4096).decode()
            assert got, said
            said += got

    def stop(self, sig=signal.SIGINT):
        self.p.send_signal(sig)
        out, err = self.p.communicate(timeout=PATIENCE)
        return self.p.returncode, out, err


def clients(p, service):
    d = p.remote("a")["devices"][1]
    return next((s["clients"] for s in d["services"] if s["name"] == service), 0)


def test_ls():
    with Messages() as p:
        r = p.cli("rpmsg", "ls")
        assert r.returncode == 0 and r.stderr == ""
        head, *lines = r.stdout.splitlines()
        assert head.split()[:4] == ["REMOTE", "SERVICE", "ADDRESS", "CLIENTS"]
        assert sorted(line.split()[:2] for line in lines) == [["a", s] for s in SERVICES]
        with p.call("ping") as s:
            assert echoes(s, b"hello")
            until(lambda: [listed(p, "ping")[k] for k in ("clients", "to_linux", "to_remote", "dropped")] == [1, 1, 1, 0])
            found = json.loads(p.cli("rpmsg", "ls", "a", "--json").stdout)["services"]
        ping = next(f for f in found if f["service"] == "ping")
        assert ping["socket"] == p.path("ping") and ping["remote"] == "a"
        assert p.stop() == 0


def test_send_and_recv():
    with Messages() as p:
        sh = p.shell()
        r = Running(p, "recv", "ping", "-n", "3")
        until(lambda: clients(p, "ping") == 1)
        for line in ("one", "two words", "three\\"):
            sh.run("msg send ping " + line)
        assert r.p.communicate(timeout=PATIENCE)[0].splitlines() == ["one", "two words", "three\\\\"]
        assert r.p.returncode == 0
        for form, shown in (("--hex", "3 bytes\n0000  6f 6e 65" + 39 * " " + "  one\n"), ("--raw", "one"),
                            ("--json", '{"bytes":3,"text":"one","hex":"6f6e65"}\n')):
            until(lambda: clients(p, "ping") == 0)  # the one before has left
            r = Running(p, "recv", "a", "ping", "-n", "1", form)
            until(lambda: clients(p, "ping") == 1)
            sh.run("msg send ping one")
            assert r.p.communicate(timeout=PATIENCE)[0] == shown
        until(lambda: clients(p, "ping") == 0)
        r = Running(p, "recv", "ping", "-n", "1")  # what a terminal would obey is shown
        until(lambda: clients(p, "ping") == 1)
        sh.run("msg bench ping 1 2")
        assert r.p.communicate(timeout=PATIENCE)[0] == "\\x00\\x00\n"
        sh.close()
        assert listed(p, "ping")["to_remote"] == 0
        assert p.cli("rpmsg", "send", "a", "ping", "hello").returncode == 0
        r = p.cli("rpmsg", "send", "ping", "-", input="".join("%d\n" % i for i in range(500)) + "\n\n")
        assert r.returncode == 0 and "2 empty lines were left out" in r.stderr
        r = p.cli("rpmsg", "send", "ping", "-", "--raw", input="two\nlines\n")
        assert r.returncode == 0 and r.stderr == ""
        until(lambda: listed(p, "ping")["to_remote"] == 502)
        assert p.stop() == 0


def test_what_is_shown_is_one_messages_only(tmp_path):
    """Bytes, and text that looks like bytes; with a newline at the end, and without."""
    (tmp_path / "fake.rpmsg" / "x").mkdir(parents=True)
    keeper, service = Keeper(tmp_path), Service(str(tmp_path / "fake.rpmsg" / "x" / "log"))
    keeper.others.append({"name": "x", "state": "running", "link": "up", "devices": [
        {"kind": "rpmsg", "channel": {"up": True}, "services": [{"name": "log", "socket": service.path}]}]})
    shown = {b"a": "a", b"a\n": r"a\x0a", b"\x01": r"\x01", rb"\x01": r"\\x01", b"\\": r"\\", rb"\\": r"\\\\"}
    for form in ([], ["--json"]):
        r = subprocess.Popen([CAUSEWAY, "rpmsg", "recv", "--run-dir", str(tmp_path), "x", "log", "-n", str(len(shown)), *form],
                             stdout=subprocess.PIPE, text=True)
        service.joined()
        for m in shown:
            service.send(m)
        lines = r.communicate(timeout=PATIENCE)[0].splitlines()
        service.clients.pop().close()
        assert [json.loads(line)["text"] if form else line for line in lines] == list(shown.values())
    service.close()
    keeper.close()


def test_recv_ends():
    with Messages() as p:
        r = Running(p, "recv", "ping")
        until(lambda: clients(p, "ping") == 1)
        assert r.stop() == (0, "", "")
        r = p.cli("rpmsg", "recv", "ping", "--timeout", "0.05")
        assert r.returncode == 1 and r.stderr == "causeway: service ping of remote a said nothing for 0.05 s\n"
        assert p.stop() == 0


def test_output_and_input_that_fail():
    with Messages() as p, open("/dev/full", "w") as full:
        sh = p.shell()
        for args in (["recv", "ping"], ["recv", "ping", "-n", "1"], ["ping"], ["ls"], ["tty"]):
            r = subprocess.Popen([CAUSEWAY, "rpmsg", *args, "--run-dir", p.dir], stdin=subprocess.PIPE, stdout=full,
                                 stderr=subprocess.PIPE, text=True)
            if args[0] == "recv":
                until(lambda: clients(p, "ping") == 1)
                sh.run("msg send ping hello")
                until(lambda: clients(p, "ping") == 0)  # the next is another
            elif args[0] == "tty":
                r.stdin.write("\r")
                r.stdin.flush()
            assert r.wait(PATIENCE) == 1, args
            assert r.stderr.read() == "causeway: cannot write the output: No space left on device\n"
            r.communicate()
        sh.close()
        directory = os.open(p.dir, os.O_RDONLY)
        for raw in ([], ["--raw"]):
            r = p.cli("rpmsg", "send", "ping", "-", *raw, stdin=directory)
            assert (r.returncode, r.stderr) == (1, "causeway: cannot read the input: Is a directory\n")
            r = p.cli("rpmsg", "send", "ping", "-", *raw, preexec_fn=lambda: os.close(0))
            assert (r.returncode, r.stderr) == (1, "causeway: cannot read the input: Bad file descriptor\n")
        os.close(directory)
        assert p.stop() == 0


def state(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rsplit(")", 1)[1].split()[0]


def test_a_remote_without_room_sleeps():
    """Long messages under way both ways, and a worker that takes none: the remote, which may hold an answer, waits asleep."""
    with Messages() as p, p.call("ping") as s:
        worker, remote = p.worker(), p.remote("a")["pid"]
        for _ in range(10):
            for _ in range(14):
                s.send(bytes(8192))
            for _ in range(7):
                assert s.recv(65536) == bytes(8192)
            os.kill(worker, signal.SIGSTOP)
            try:
                until(lambda: state(remote) == "S")
            finally:
                os.kill(worker, signal.SIGCONT)
            for _ in range(7):
                assert s.recv(65536) == bytes(8192)
        assert p.stop() == 0


def test_ping():
    with Messages() as p:
        r = p.cli("rpmsg", "ping", "-n", "3", "-i", "0.01", "-s", "100", *LONG)
        assert r.returncode == 0 and len(re.findall(r"100 bytes from a: number \d+, \d+ us", r.stdout)) == 3
        assert "--- ping of a ---\n3 sent, 3 received, 0 lost\n" in r.stdout
        least, avg, p99, most = map(int, re.search(r"min (\d+), avg (\d+), p99 (\d+), max (\d+) us", r.stdout).groups())
        assert least <= avg <= most and p99 == most  # of three
        r = p.cli("rpmsg", "ping", "a", "-n", "1000", "-i", "0", *LONG)
        assert r.stdout.startswith("--- ping of a ---\n1000 sent, 1000 received, 0 lost\n")
        remote = p.remote("a")["pid"]
        os.kill(remote, signal.SIGSTOP)
        try:
            r = p.cli("rpmsg", "ping", "-n", "1", "--timeout", "0.05")
        finally:
            os.kill(remote, signal.SIGCONT)
        assert r.returncode == 1 and "1 sent, 0 received, 1 lost" in r.stdout
        until(lambda: clients(p, "ping") == 0)
        r = Running(p, "ping", "-i", "0.01", *LONG)
        until(lambda: clients(p, "ping") == 1)
        r.p.stdout.readline()
        code, out, err = r.stop()
        assert code == 0 and ", 0 lost\n" in out and err == ""
        assert p.stop() == 0


def test_ping_over_restarts():
    """The client library is told of each loss once, and messages flow again."""
    with Messages() as p:
        r = Running(p, "ping", "-i", "0.01", *LONG)
        for kill in (lambda: os.kill(p.worker(), signal.SIGKILL), lambda: p.cli("restart", "a")):
            r.p.stdout.readline()
            kill()
            assert "went away" in r.p.stderr.readline()
            for _ in range(3):
                assert " bytes from a: number " in r.p.stdout.readline()
        code, out, err = r.stop()
        sent, lost = map(int, re.search(r"(\d+) sent, \d+ received, (\d+) lost", out).groups())
        assert code == (lost > 0) and lost <= 2 and sent > 6 and err == ""
        assert p.stop() == 0


def test_tty():
    with Messages() as p:
        one, two = Running(p, "tty"), Running(p, "tty", "a", "rpmsg-tty")
        one.type("kernel uptime\r", "Links: 1\r\n")
        with p.call("rpmsg-tty") as s:
            assert tty(s, b"\r", PROMPT + b"\r\n" + PROMPT) == ""
            assert "Links: 1" in tty(s, b"kernel uptime\r")
        two.type("msg ls\r", "endpoints, up:")
        two.type(120 * "x" + "y\r", "such command")  # longer than a piece, and than a line
        for r in (one, two):
            assert r.p.communicate(timeout=PATIENCE)[1] == ""
            assert r.p.returncode == 0
        assert p.stop() == 0


def test_tty_ends_while_its_service_is_away():
    with Messages(recovery="never") as p:
        r = Running(p, "tty")
        r.type("kernel uptime\r", "Links: 1\r\n" + PROMPT.decode())
        assert p.cli("stop", "a").returncode == 0
        assert "went away" in r.p.stderr.readline()
        assert r.p.communicate(timeout=PATIENCE)[0] == "" and r.p.returncode == 0  # standard input ends here
        assert p.stop() == 0


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_tty_leaves_the_terminal_as_it_was(one, sig):
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    r = subprocess.Popen([CAUSEWAY, "rpmsg", "tty", "--run-dir", one.dir], stdin=slave, stdout=slave, stderr=slave)
    said = b""
    while b"leaves" not in said:
        said += os.read(master, 1000)
    assert termios.tcgetattr(slave) != before
    r.send_signal(sig)
    assert r.wait(PATIENCE) == -sig
    assert termios.tcgetattr(slave) == before
    os.close(master)
    os.close(slave)


def test_bench():
    with Messages() as p:
        r = p.cli("rpmsg", "bench", "--json")
        found = json.loads(r.stdout)
        assert (found["remote"], found["service"]) == ("a", "ping") and r.stderr == ""
        assert [f["bytes"] for f in found["sizes"]] == [16, 64, 256, 480, 1024, 4096, 8192]
        assert all(f["answered"] and f["messages_per_s"] > 0 for f in found["sizes"])
        r = Running(p, "bench")
        r.p.stdout.readline()
        r.p.stdout.readline()
        code, out, err = r.stop()
        assert (code, err) == (0, "") and out.count("\n") < 7
        r = p.cli("rpmsg", "bench", "a", "rpmsg-tty")
        assert r.returncode == 1 and "service rpmsg-tty of remote a echoes nothing" in r.stderr
        assert p.stop() == 0


@pytest.mark.parametrize("args,code,said", [
    ([], 2, "say what to do"),
    (["explain"], 2, "it cannot 'explain'; right is one of ls, send, recv, ping, bench, tty"),
    (["send", "ping"], 2, "send takes [REMOTE] SERVICE and TEXT or -"),
    (["send", "a", "ping", "hi", "there"], 2, "send takes"),
    (["send", "ping", "hi", "--raw"], 2, "--raw is for standard input"),
    (["recv"], 2, "recv takes [REMOTE] SERVICE"),
    (["recv", "ping", "--hex", "--json"], 2, "one of --raw, --hex and --json"),
    (["recv", "ping", "--timeout", "soon"], 2, "'soon' is not right for --timeout"),
    (["recv", "ping", "-n", "some"], 2, "'some' is not right for -n"),
    (["ping", "-s", "7"], 2, "a ping of 7 bytes is none; right is 8 to 65536"),
    (["recv", "ping", "--timeout=soon"], 2, "'soon' is not right for --timeout"),
    (["ls", "-s", "7"], 2, "rpmsg ls has no option -s; see causeway rpmsg ls --help"),
    (["ls", "--count", "7"], 2, "rpmsg ls has no option --count"),
    (["ls", "--raw"], 2, "rpmsg ls has no option --raw"),
    (["send", "nosuch", "hi"], 1, "remote a has no service nosuch; there are: "),
    (["send", "b", "ping", "hi"], 1, "no remote is called b; there are: a"),
    (["send", "ping", ""], 1, "a message of 0 bytes is none"),
])
def test_mistakes(one, args, code, said):
    r = one.cli("rpmsg", *args)
    assert r.returncode == code and said in r.stderr, r.stderr


@pytest.fixture(scope="module")
def one():
    with Messages() as p:
        yield p


def test_without_messages(tmp_path):
    with Pmm(board({"a": {}})) as p:
        for args in (["ls"], ["ls", "a"], ["ping"], ["tty"]):
            r = p.cli("rpmsg", *args)
            assert r.returncode == 1 and "right is a device {kind: rpmsg} in the board file" in r.stderr
    r = subprocess.run([CAUSEWAY, "rpmsg", "ls", "--run-dir", str(tmp_path)], capture_output=True, text=True)
    assert r.returncode == 1 and "no board runs here" in r.stderr


def test_a_remote_that_does_not_use_them():
    with Pmm(board({"a": {"region": "{ base: 0x37000000, size: 4M }",
                          "devices": "[ { kind: rng, name: rng0 }, { kind: rpmsg, name: rpmsg0 } ]"}})) as p:
        until(lambda: p.remote("a")["link"] == "up")
        r = p.cli("rpmsg", "ping")
        assert r.returncode == 1 and "remote a has no service ping; its messages are not up (link up)" in r.stderr
        r = p.cli("rpmsg", "ls")
        assert r.returncode == 0 and "remote a: its messages are not up (link up)" in r.stderr
        assert p.stop() == 0
