# SPDX-License-Identifier: BSD-3-Clause
"""causeway-status-page: with a remote that is none, then with a real one."""
import glob
import os
import resource
import signal
import socket
import struct
import subprocess
import threading


import pytest

from page import PROGRAM, Keeper, Page, Service, sample
from pmm import BUILD, PATIENCE, Pmm, board, until
from test_attach import Remote, no_remote_is_left  # noqa: F401

FIRMWARE = os.path.join(BUILD, "firmware", "rpmsg_status", "rpmsg_status")


class Fake:
    """A board `fake` with a remote `r`, as far as a client can see."""

    def __init__(self, tmp):
        self.run = str(tmp / "run")
        self.folder = self.run + "/fake.rpmsg/r"
        os.makedirs(self.folder)
        self.keeper = Keeper(self.run)
        self.services = {}
        self.start()

    def start(self):
        for name in "status", "log", "control":
            self.services[name] = Service(self.folder + "/" + name)

    def end(self):
        for s in self.services.values():
            s.close()
        self.services = {}

    def __getattr__(self, name):
        return self.services[name]

    def close(self):
        self.end()
        self.keeper.close()


@pytest.fixture
def fake(tmp_path):
    f = Fake(tmp_path)
    yield f
    f.close()


def page(fake, *args, **kw):
    p = Page(fake.run, "--board", "fake", *args, "r", **kw)
    fake.status.joined()
    return p


def test_samples_become_json(fake):
    with page(fake) as p:
        assert p.read()["state"] == "waiting"
        assert sorted(os.listdir(p.dir)) == ["history.json", "index.html", "page.css", "page.js", "status.json"]
        for n in 1, 2, 3:
            fake.status.send(sample(n))
        p.until(lambda s: s["received"] == 3)
        s = p.read()
        assert s["state"] == "live" and s["remote"] == "r" and s["service"] and s["refused"] == 0
        p.until(lambda s: s["carrier"] == {"pmm": True, "state": "running", "link": "up", "starts": 1, "crashes": 0})
        d = s["sample"]
        assert d["sequence"] == 3 and d["life"] == "1234abcd" and d["board"] == "fake"
        assert d["stack"] == {"size": 65536, "used": 4096} and d["temperature_c"] == 42.5
        assert [q["index"] for q in d["queues"]] == [0, 1]
        assert sum(l["share"] for l in d["loops"]) == pytest.approx(1)
        until(lambda: len(p.rows()) == 3)
        assert p.stop() == 0
        assert p.read()["state"] == "stopped"


def test_log_is_asked_for_and_kept(fake):
    with page(fake) as p:
        assert fake.log.hear()[0]  # whoever keeps lines tells them on any message
        fake.log.send(b"one")
        fake.log.send(b"two\n\x1b[2J")
        p.until(lambda s: [l["text"] for l in s["log"]] == ["one", "two??[2J"])


def wished(fake):
    """Whether a sample was asked for."""
    m, _ = fake.control.hear()
    return struct.unpack("<HH4xI", m) == (1, 2, 0)


def is_content(fake):
    """It asks no more; what it asked before it had the sample may still be there."""
    heard = 0
    with pytest.raises(AssertionError):
        while heard < 10:
            fake.control.hear(1.5)
            heard += 1
    return heard < 10


def test_the_first_sample_is_asked_for(fake):
    """Each time that the service was joined: the remote's own came when nobody had."""
    with page(fake) as p:
        assert wished(fake)
        fake.status.send(sample(1))
        p.until_state("live")
        fake.end()
        fake.start()
        fake.status.joined()
        assert wished(fake)
        fake.status.send(sample(2))
        p.until(lambda s: s["sample"]["sequence"] == 2)
        assert is_content(fake)


def test_it_is_asked_for_until_it_is_there(fake):
    """A worker that ends takes what it was told along, and its sockets, so soon that nobody is told of a loss."""
    with page(fake) as p:
        assert wished(fake)
        fake.end()
        fake.start()
        fake.status.joined()
        for _ in range(3):
            assert wished(fake)
        fake.status.send(sample(1))
        p.until_state("live")
        assert is_content(fake)


def test_it_is_asked_for_when_that_can_be_done(fake):
    fake.services.pop("control").close()
    with page(fake) as p:
        fake.log.joined()
        assert p.read()["state"] == "waiting"
        fake.services["control"] = Service(fake.folder + "/control")
        assert wished(fake)


def test_silent_then_live(fake):
    with page(fake) as p:
        fake.status.send(sample(1))
        p.until_state("live")
        fake.status.send(sample(2, period=500))  # how long it waits is told by tests/unit
        p.until_state("silent")
        assert p.read()["service"]
        fake.status.send(sample(3))
        p.until_state("live")


def test_a_long_period_is_no_silence(fake):
    with page(fake) as p:
        fake.status.send(sample(1, period=60000))
        p.until_state("live")
        written = p.read()["written"]
        p.until(lambda s: s["written"] > written + 3000)
        assert p.read()["state"] == "live"


def test_ends_and_restarts(fake):
    with page(fake) as p:
        fake.status.send(sample(40))
        p.until_state("live")
        fake.end()
        fake.keeper.state, fake.keeper.crashes = "crashed", 1
        p.until_state("crashed")
        p.until(lambda s: not s["service"])
        fake.start()
        fake.keeper.state, fake.keeper.starts = "running", 2
        p.until_state("waiting")
        fake.status.joined().send(sample(1, life=99))
        p.until_state("restarted")
        s = p.read()
        assert s["restarts"] == 1 and s["restarted"] == s["last_sample"] and s["carrier"]["crashes"] == 1
        fake.keeper.state = "offline"
        p.until_state("offline")


def test_a_link_that_is_lost_is_not_live(fake):
    """The services of one that is attached stay until somebody takes its place, and its carrier knows nothing of it."""
    with page(fake) as p:
        fake.keeper.state = "attached"
        fake.status.send(sample(1, period=60000))
        p.until_state("live")
        for link in "lost", "down":
            fake.keeper.link = link
            p.until(lambda s: s["state"] == "silent" and s["carrier"]["link"] == link)
        fake.keeper.link = "up"
        p.until_state("waiting")
        fake.status.send(sample(1, period=60000, life=2))
        p.until_state("restarted")


def test_a_killed_attached_remote(tmp_path):
    text = board({"a": {"carrier": "attach", "lost-ms": 1000, "memory": "{ file: %s }" % (tmp_path / "ram"), "doorbell":
                        "{ poll: 1000 }", "region": "{ base: 0x37000000, size: 1M }", "devices": "[ { kind: rpmsg, name: rpmsg0 } ]"}})
    with Pmm(text) as pmm, Page(pmm.dir) as p:
        for state in "live", "restarted":
            r = Remote(str(tmp_path), poll_us=1000, program=[FIRMWARE], size=1 << 20)
            p.until_state(state)
            ask = subprocess.run([PROGRAM, "--run-dir", pmm.dir, "--period", "60000"], capture_output=True, text=True,
                                 timeout=PATIENCE)
            assert ask.returncode == 0, ask.stderr
            p.until(lambda s: s["sample"]["period_ms"] == 60000)
            r.end()
            p.until_state("silent")
            assert p.read()["carrier"]["link"] in ("down", "lost")


def test_pmm_that_goes_and_comes(fake):
    with page(fake) as p:
        fake.status.send(sample(1))
        p.until_state("live")
        fake.close()
        os.unlink(fake.run + "/fake.sock")
        p.until_state("offline")
        assert p.read()["carrier"] == {"pmm": False}
        fake.keeper = Keeper(fake.run)
        fake.start()
        fake.status.joined().send(sample(2))
        p.until_state("live")


def test_a_pmm_that_is_frozen_holds_nothing_up(fake):
    fake.keeper.close()
    os.unlink(fake.run + "/fake.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.bind(fake.run + "/fake.sock")
        s.listen(0)  # one that connects waits for an answer, the next one even for that
        with page(fake) as p:
            for n in range(1, 8):
                fake.status.send(sample(n))
                p.until(lambda s: s["received"] == n and s["state"] == "live")


def test_history_is_bounded(fake):
    with page(fake, "--history", "20") as p:
        for n in range(1, 51):
            fake.status.send(sample(n))
        until(lambda: [r[3] for r in p.rows()] == list(range(31, 51)))


def send(fake, first, last):
    """Many samples, as fast as they are taken."""
    for c in fake.status.clients:
        c.setblocking(True)
    for n in range(first, last):
        fake.status.send(sample(n, period=60000))


def version(p, name="history.json"):
    s = os.stat(os.path.join(p.dir, name))
    return s.st_ino, s.st_mtime_ns


def test_history_is_written_when_it_has_another_row(fake):
    with page(fake) as p:
        for n in 1, 2, 3:
            fake.status.send(sample(n, period=60000))
            until(lambda: len(p.rows()) == n)
            was, written = version(p), p.read()["written"]
            p.until(lambda s: s["written"] >= written + 3000)  # and status.json goes on
            assert version(p) == was


def test_a_long_history_is_written_less_often(fake):
    with page(fake, "--history", "40000") as p:
        send(fake, 0, 30000)
        p.until(lambda s: s["received"] == 30000)
        until(lambda: len(p.rows()) == 30000)
        was = version(p)
        send(fake, 30000, 30001)
        until(lambda: version(p) != was)
        assert version(p)[1] - was[1] > 3.5e9 and len(p.rows()) == 30001
        was = version(p)
        send(fake, 30001, 30100)
        p.until(lambda s: s["received"] == 30100)
        assert p.stop() == 0
        assert len(p.rows()) == 30100  # what was still to be written


def test_a_full_disk_is_told_once(fake):
    """Here a limit, by which status.json fits and history.json does not; when there is room it is as it should be."""
    def limit(bytes):
        resource.prlimit(p.p.pid, resource.RLIMIT_FSIZE, (bytes, resource.RLIM_INFINITY))

    with page(fake) as p:
        says = "causeway-status-page: cannot write history.json in %s: File too large\n" % p.dir
        send(fake, 0, 200)
        until(lambda: len(p.rows()) == 200)
        for times in 1, 2:
            limit(5000)
            for n in range(5):
                send(fake, 200 + n, 201 + n)
                written = p.read()["written"]
                p.until(lambda s: s["written"] >= written + 1000)
            assert p.output() == times * says
            limit(resource.RLIM_INFINITY)
            until(lambda: len(p.rows()) == 200 + 5 * times)
        assert not glob.glob(p.dir + "/.*")


def test_hostile_messages(fake):
    good = sample(1)
    bad = [b"x", good[:-1], good + b"\0", good[:72] + b"\xff\xff" + good[74:], b"\2" + good[1:],
           struct.pack("<HH", 1, 4), good[:24] + struct.pack("<I", 99) + good[28:], os.urandom(480), b"\1\0" + bytes(60000)]
    with page(fake) as p:
        for m in bad:
            fake.status.send(m)
        p.until(lambda s: s["refused"] == len(bad))
        s = p.read()
        assert s["state"] == "waiting" and "sample" not in s and "length" in s["refusal"]
        names = [(b"<script>x</s", 0.5), (b"\x00", 0.1), (b'"\\\n\x1b\x7f\xff</p>', 0.2)]
        fake.status.send(sample(1, loops=names, board=b"</script><script"))
        fake.log.send(b"<img src=x onerror=alert(1)>" * 2000)
        p.until_state("live")
        s = p.until(lambda s: s["log"]) and p.read()
        assert [l["name"] for l in s["sample"]["loops"]] == ["<script>x</s", "", '"\\????</p>']
        assert s["sample"]["board"] == "</script><script" and len(s["log"][0]["text"]) == 200


def test_a_reader_never_sees_half_a_file(fake):
    with page(fake, "--history", "2000") as p:
        ended, seen = threading.Event(), []

        def read():
            while not ended.is_set():
                for name in "status.json", "history.json":
                    seen.append(p.read(name))  # raises on half a file

        t = threading.Thread(target=read)
        t.start()
        for n in range(1, 1500):
            fake.status.send(sample(n))
            if n % 100 == 0:
                p.until(lambda s: s["received"] == n)
        ended.set()
        t.join()
        assert len(seen) > 20
        p.until(lambda s: s["received"] == 1499)
        assert not glob.glob(p.dir + "/.*")


def test_control(fake):
    def answer(result, value):
        m, c = fake.control.hear()
        version, command, tag, wanted = struct.unpack("<HHII", m)
        assert version == 1
        c.send(struct.pack("<HHIII", 1, command, tag ^ 1, 0, 5))  # somebody else's
        c.send(b"no answer")
        c.send(struct.pack("<HHIII", 1, command, tag, result, value))
        return command, wanted

    def ask(*args):
        return subprocess.Popen([PROGRAM, "--run-dir", fake.run, "--board", "fake", *args, "r"],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    p = ask("--period", "250")
    assert answer(0, 250) == (1, 250)
    assert p.communicate(timeout=PATIENCE) == ("the period is 250 ms\n", "") and p.returncode == 0
    p = ask("--sample")
    assert answer(0, 17) == (2, 0)
    assert p.communicate(timeout=PATIENCE) == ("sample 17 was sent\n", "") and p.returncode == 0
    p = ask("--period", "100")
    answer(4, 0)
    out, err = p.communicate(timeout=PATIENCE)
    assert p.returncode == 1 and "refused: the value is out of its range" in err


@pytest.mark.parametrize("args, says", [
    ([], "say one of --directory, --period and --sample"),
    (["-d", "x", "--sample"], "say one of"),
    (["--period", "99"], "--period takes a number from 100 to 60000, not '99'"),
    (["--period", "-1"], "not '-1'"),
    (["-d", "x", "--history", "0"], "--history takes a number from 1 to 100000"),
    (["-d", "x", "--history", "1x"], "not '1x'"),
    (["-d", "x", "a", "b"], "'b' is one too many"),
    (["--nonsense"], "--help"),
])
def test_wrong_usage(args, says, tmp_path):
    r = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=PATIENCE, cwd=tmp_path)
    assert r.returncode == 2 and says in r.stderr and os.listdir(tmp_path) == []


def test_directories_that_will_not_do(fake):
    def run(directory):
        return subprocess.run([PROGRAM, "-d", directory, "--run-dir", fake.run], capture_output=True,
                              text=True, timeout=PATIENCE)

    with page(fake) as p:
        r = run(p.dir)
        assert r.returncode == 1 and "another causeway-status-page writes there" in r.stderr
        r = run(p.dir + "/no/such")
        assert r.returncode == 1 and "No such file or directory" in r.stderr
        r = run(p.dir + "/page.js")
        assert r.returncode == 1 and "Not a directory" in r.stderr


def test_help():
    r = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    assert r.returncode == 0 and "--directory" in r.stdout and not r.stderr


# ---- a real remote ----

def real():
    return board({"a": {"region": "{ base: 0x37000000, size: 1M }", "recovery": "never",
                        "carrier": "{ process: %s }" % FIRMWARE,
                        "devices": "[ { kind: console, size: 32K }, { kind: rpmsg, name: rpmsg0 } ]"}})


def uptimes(p):
    h = p.read("history.json")
    at = h["columns"].index("uptime_ms")
    return [row[at] for row in h["rows"]]


def test_a_real_remote(tmp_path):
    with Pmm(real()) as pmm, Page(pmm.dir) as p:
        p.until_state("live")
        p.until(lambda s: s["sample"]["sequence"] >= 3)
        s = p.read()
        assert s["remote"] == "a" and s["refused"] == 0 and s["sample"]["board"] == "hosted"
        assert [l["name"] for l in s["sample"]["loops"]] == ["devices", "messages", "shell", "status", "idle"]
        assert 0.98 < sum(l["share"] for l in s["sample"]["loops"]) < 1.02
        assert 0 < s["sample"]["stack"]["used"] < s["sample"]["stack"]["size"]
        assert {q["device"] for q in s["sample"]["queues"]} == {"rpmsg0", "console0"}
        # Linux has nearly all buffers that it may write, and at rest none that it is to read.
        p.until(lambda s: [q["in_flight"] > q["size"] / 2 for q in s["sample"]["queues"][:2]] == [True, False])
        p.until(lambda s: s["sample"]["queues"][1]["in_flight"] == 0)
        p.until(lambda s: "started on hosted" in [l["text"] for l in s["log"]])

        def ask(*args):
            r = subprocess.run([PROGRAM, "--run-dir", pmm.dir, *args], capture_output=True, text=True, timeout=PATIENCE)
            assert r.returncode == 0, r.stderr
            return r.stdout

        assert ask("--period", "100") == "the period is 100 ms\n"
        n = p.read()["sample"]["sequence"]
        p.until(lambda s: s["sample"]["sequence"] >= n + 20)
        assert min(b - a for a, b in zip(uptimes(p), uptimes(p)[1:])) < 1000  # as it was before
        assert "sample " in ask("--sample")
        ask("--period", "60000")
        p.until(lambda s: s["sample"]["period_ms"] == 60000)
        n = p.read()["sample"]["sequence"]
        ask("--sample")
        p.until(lambda s: s["sample"]["sequence"] > n)

        # The PMM's worker dies: the same life of the remote goes on.
        ask("--period", "100")
        life = p.read()["sample"]["life"]
        os.kill(pmm.worker(), signal.SIGKILL)
        p.until(lambda s: s["sample"]["links"] == 2)
        s = p.read()
        assert s["sample"]["life"] == life and s["restarts"] == 0
        p.until(lambda s: "link 2 is up" in [l["text"] for l in s["log"]])

        # The remote dies.
        n = p.dies(pmm, "a")
        p.until_state("restarted")
        s = p.read()
        assert s["restarts"] == n and s["sample"]["life"] != life and s["carrier"]["starts"] == n + 1
        assert pmm.stop() == 0
        p.until_state("offline")


def test_each_life_shows_at_once(tmp_path):
    """A remote that samples once a minute, joined late, and every life after: half a minute tells that apart."""
    with Pmm(real()) as pmm:
        until(lambda: os.path.exists(pmm.dir + "/test.rpmsg/a/control"))
        r = subprocess.run([PROGRAM, "--run-dir", pmm.dir, "--period", "60000"], capture_output=True, timeout=PATIENCE)
        assert r.returncode == 0
        with Page(pmm.dir) as p:
            p.until_state("live", 30)
            for links in 2, 3:
                os.kill(pmm.worker(), signal.SIGKILL)
                p.until(lambda s: s["sample"]["links"] == links, 30)
            assert pmm.stop() == 0


def test_each_request_is_answered(tmp_path):
    """More at once than there are buffers, and every kind that is wrong."""
    with Pmm(real()) as pmm:
        path = pmm.dir + "/test.rpmsg/a/control"
        until(lambda: os.path.exists(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(PATIENCE)
            s.connect(path)
            for version, command, value, result, answer in (
                    (1, 1, 100, 0, 100), (1, 1, 99, 4, 0), (1, 1, 60001, 4, 0), (1, 3, 0, 2, 0),
                    (2, 1, 100, 1, 1), (1, 2, 7, 4, 0)):
                s.send(struct.pack("<HHII", version, command, 77, value))
                assert struct.unpack("<HHIII", s.recv(100)) == (1, command, 77, result, answer)
            for short in b"\1", b"\1\0\1\0\5\0\0\0", bytes(13), bytes(400):
                s.send(short)
                assert struct.unpack("<HHIII", s.recv(100))[3] in (1, 3)
            for first in range(0, 500, 100):
                for tag in range(first, first + 100):
                    s.send(struct.pack("<HHII", 1, 1, tag, 200))
                for tag in range(first, first + 100):
                    assert struct.unpack("<HHIII", s.recv(100)) == (1, 1, tag, 0, 200)


def test_the_log_is_told_to_who_asks():
    with Pmm(real()) as pmm:
        path = pmm.dir + "/test.rpmsg/a/log"
        until(lambda: os.path.exists(path))
        until(lambda: pmm.lines("link 1"))
        for _ in range(2):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
                s.settimeout(PATIENCE)
                s.connect(path)
                s.send(b"?")
                assert s.recv(200) == b"started on hosted"
                assert s.recv(200) == b"link 1 is up"
