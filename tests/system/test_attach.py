# SPDX-License-Identifier: BSD-3-Clause
"""A remote that somebody else runs, over a memory file and a doorbell with names: either side may
come first, leave, and come again (fault F26)."""
import os
import signal
import socket
import subprocess
import threading
import time

import netns
import pytest
from firmware import FIRMWARE, Firmware
from pmm import PATIENCE, REMOTE, Pmm, board, rests, until

SIZE = 256 * 1024


@pytest.fixture(autouse=True)
def no_remote_is_left():
    yield
    while Remote.running:
        Remote.running[0].end()


class Remote:
    """The test firmware, started by the test instead of the PMM."""

    running = []

    def __init__(self, directory, poll_us=0, program=(REMOTE, "good"), size=SIZE, lose=0):
        self.dir, self.lose, self.lost = directory, lose, 0
        self.path = os.path.join(directory, "bell")
        self.log = open(os.path.join(directory, "remote.log"), "w+")
        fd = os.open(os.path.join(directory, "ram"), os.O_RDWR)
        pass_fds, self.ends = [fd], []
        env = {"CAUSEWAY_REGION_FD": str(fd), "CAUSEWAY_REMOTE": "a", "CAUSEWAY_SPIN": "0",
               "CAUSEWAY_REGION_SIZE": str(size)}
        if poll_us:
            env["CAUSEWAY_POLL_US"] = str(poll_us)
        else:
            theirs = self.bridge()
            pass_fds.append(theirs.fileno())
            env["CAUSEWAY_DOORBELL_FD"] = str(theirs.fileno())
        self.p = subprocess.Popen(list(program), env=env, pass_fds=pass_fds, stdout=self.log,
                                  stderr=self.log)
        self.running.append(self)
        os.close(fd)

    def bridge(self):
        """Rings between the firmware's descriptor and the two names, as an emulator would."""
        if os.path.exists(self.path + ".remote"):
            os.unlink(self.path + ".remote")
        self.bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.bell.bind(self.path + ".remote")
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ends = [self.bell, mine]
        threading.Thread(target=self.carry, args=(self.bell, mine.send), daemon=True).start()
        threading.Thread(target=self.carry, daemon=True, args=(
            mine, lambda data: self.bell.sendto(data, self.path))).start()
        return theirs

    def carry(self, source, send):
        """Passes rings on; with lose=3 every third is lost, in each direction."""
        rings = 0
        while True:
            try:
                data = source.recv(16)
                if not data:
                    return
            except OSError:
                return
            rings += 1
            if self.lose and rings % self.lose == 0:
                self.lost += 1
                continue
            try:
                send(data)
            except OSError:
                pass  # nobody is there: nobody sleeps

    def lines(self, what="entropy"):
        with open(self.log.name) as f:
            return f.read().count(what)

    def grows(self, seconds=PATIENCE):
        n = self.lines()
        until(lambda: self.lines() > n + 3, seconds)

    def end(self):
        self.running.remove(self)
        self.p.kill()
        self.p.wait()
        for s in self.ends:
            s.shutdown(socket.SHUT_RDWR)
            s.close()
        self.log.close()


def text(tmp, poll=False):
    return board({"a": {"carrier": "attach", "memory": "{ file: %s }" % (tmp / "ram"),
                        "doorbell": "{ poll: 500 }" if poll else
                        "{ socket: %s }" % (tmp / "bell")}})


def test_pmm_first(tmp_path):
    with Pmm(text(tmp_path)) as p:
        assert p.remote()["state"] == "attached"
        for _ in range(3):  # each remote takes over from one that was killed
            r = Remote(str(tmp_path))
            r.grows()
            r.end()
        assert p.status()["workers"][0]["starts"] == 1
        assert p.stop() == 0
    assert sorted(x.name for x in tmp_path.iterdir()) == ["bell.remote", "ram", "remote.log"]


def test_pmm_leaves_and_comes_back(tmp_path):
    r = None
    for sig in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
        with Pmm(text(tmp_path)) as p:
            r = r or Remote(str(tmp_path))
            r.grows()
            p.p.send_signal(sig)
            p.p.wait()
            rests(r.lines)
            assert r.p.poll() is None
    r.end()


def test_remote_first(tmp_path):
    (tmp_path / "ram").touch()
    with Pmm(text(tmp_path)) as p:  # the fragment has to be there: then it goes away again
        assert p.stop() == 0
    r = Remote(str(tmp_path))
    time.sleep(0.3)
    assert r.lines() == 0
    with Pmm(text(tmp_path)) as p:
        r.grows()
        assert p.stop() == 0
    r.end()


def test_without_any_doorbell(tmp_path):
    with Pmm(text(tmp_path, poll=True)) as p:
        r = Remote(str(tmp_path), poll_us=500)
        r.grows()
        os.kill(p.worker(), signal.SIGKILL)
        until(lambda: r.lines("life 2"))
        r.grows()
        r.end()
        assert p.stop() == 0


@pytest.mark.parametrize("doorbell", ["socket", "{ poll: 500 }"])
def test_process_with_either_doorbell(doorbell):
    with Pmm(board({"a": {"doorbell": doorbell}}, poll="false")) as p:
        p.grows(by=20)
        assert p.status()["workers"][0]["spins"] == 0
        assert p.stop() == 0


def test_process_in_the_middle_of_a_file(tmp_path):
    with open(tmp_path / "ram", "wb") as f:
        f.write(b"\xaa" * (1 << 20))
    mem = "{ file: %s, offset: 0x40000 }" % (tmp_path / "ram")
    with Pmm(board({"a": {"memory": mem}})) as p:
        p.grows()
        assert p.stop() == 0
    data = open(tmp_path / "ram", "rb").read()
    assert set(data[:0x40000]) == set(data[0x40000 + SIZE:]) == {0xaa}


def test_every_third_ring_is_lost(tmp_path):
    """A doorbell is a hint: what is lost costs milliseconds, never an answer."""
    netns.enter()
    netns.make_tap()
    size = 1 << 20
    config = board({"a": {
        "region": "{ base: 0x37000000, size: 1M }", "carrier": "attach",
        "memory": "{ file: %s }" % (tmp_path / "ram"), "doorbell": "{ socket: %s }" % (tmp_path / "bell"),
        "devices": "[ { kind: rng }, { kind: net, size: 128K, backend: { tap: tap0 } }, "
                   "{ kind: console } ]"}})
    with Pmm(config) as p:
        r = Remote(str(tmp_path), program=(FIRMWARE,), size=size, lose=3)
        until(lambda: r.lines("echo services"))
        f = Firmware(p)
        assert f.ping(200, 0.005) == (200, 200)
        udp = f.udp()
        assert all(udp.answers(b"%d" % i) for i in range(500))
        assert f.tcp_exchange(1 << 20)
        assert r.lost > 100
        r.end()
        assert p.stop() == 0


def test_detach_and_attach(tmp_path):
    """Left alone it runs on and waits; served again it goes on by itself, also by another worker."""
    d = str(tmp_path)
    with Pmm(text(tmp_path)) as p:
        remote = Remote(d)
        remote.grows()
        for kill in (False, True):
            assert p.cli("detach", "a").returncode == 0
            until(lambda: (p.remote()["state"], p.remote()["link"]) == ("detached", "down"))
            until(lambda: p.remote()["devices"][0]["state"] == "idle")  # nobody goes on with its memory
            if kill:
                worker = p.worker()
                os.kill(worker, signal.SIGKILL)
                until(lambda: p.worker() not in (0, worker))
            rests(remote.lines)
            assert remote.p.poll() is None
            assert p.remote()["link"] == "down"
            assert p.cli("attach", "a").returncode == 0
            remote.grows()
            assert p.remote()["state"] == "attached"
        assert p.stop() == 0


def test_a_process_cannot_be_detached():
    with Pmm(board({"a": {}})) as p:
        r = p.cli("detach", "a")
        assert r.returncode == 1
        assert "a process cannot go on without us" in p.output()
        assert p.remote()["state"] == "running"
        assert p.stop() == 0
