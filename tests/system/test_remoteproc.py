# SPDX-License-Identifier: BSD-3-Clause
"""The carrier remoteproc against a file system that behaves like Linux's (remoteproc_fs.py)."""
import json
import os
import signal
import subprocess
import sys

import pytest
from pmm import REMOTE, Pmm, alive, board, rests, until

HERE = os.path.dirname(os.path.abspath(__file__))
SIZE = 256 * 1024


class Sysfs:
    def __init__(self, tmp, **inject):
        self.tmp = str(tmp)
        self.folder = os.path.join(self.tmp, "remoteproc0")
        os.makedirs(self.folder)
        os.makedirs(os.path.join(self.tmp, "firmware"))
        with open(os.path.join(self.tmp, "firmware", "island.elf"), "wb") as f:
            f.write(b"\x7fELF and so on")
        with open(os.path.join(self.tmp, "firmware", "text.elf"), "wb") as f:
            f.write(b"#!/bin/sh")
        with open(os.path.join(self.tmp, "ram"), "wb") as f:
            f.truncate(SIZE)
        self.inject(**inject)
        self.log = open(os.path.join(self.tmp, "fs.log"), "w")
        self.p = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "remoteproc_fs.py"), self.folder, self.tmp, "--",
             REMOTE, "good"], stdout=self.log, stderr=self.log)
        until(lambda: os.path.exists(os.path.join(self.folder, "state")) or self.p.poll() is not None)
        assert self.p.poll() is None, open(self.log.name).read()

    def inject(self, **what):
        path = os.path.join(self.tmp, "inject.json")
        with open(path + ".new", "w") as f:
            json.dump({k.replace("_", "-"): v for k, v in what.items()}, f)
        os.rename(path + ".new", path)

    def get(self, name):
        with open(os.path.join(self.folder, name)) as f:
            return f.read().strip()

    def set(self, name, value):
        with open(os.path.join(self.folder, name), "w") as f:
            f.write(value)

    def events(self):
        try:
            with open(os.path.join(self.tmp, "events")) as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def pid(self):
        with open(os.path.join(self.tmp, "pid")) as f:
            return int(f.read())

    def entropy(self):
        with open(os.path.join(self.tmp, "remote.log")) as f:
            return f.read().count("entropy")

    def grows(self):
        n = self.entropy()
        until(lambda: self.entropy() > n + 3)

    def board(self, firmware="island.elf", **more):
        name = ", firmware: %s" % firmware if firmware else ""
        return board({"a": {"carrier": "{ remoteproc: %s%s }" % (self.folder, name),
                            "memory": "{ file: %s/ram }" % self.tmp,
                            "doorbell": "{ poll: 1000 }", **{k.replace("_", "-"): v for k, v in more.items()}}})

    def close(self):
        subprocess.run(["umount", "-l", self.folder], check=False)
        self.p.terminate()
        self.p.wait()
        try:
            os.kill(self.pid(), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass
        self.log.close()


@pytest.fixture
def sysfs(tmp_path):
    """Calls make() with what fails; ends what was made."""
    if os.geteuid() or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("mounting a FUSE file system needs root and /dev/fuse")
    made = []

    def make(**inject):
        made.append(Sysfs(tmp_path, **inject))
        return made[-1]
    yield make
    for s in made:
        s.close()


def test_started_served_stopped(sysfs):
    s = sysfs()
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        s.grows()
        r = p.remote()
        assert (r["state"], r["starts"], r["crashes"]) == ("running", 1, 0)
        assert s.get("recovery") == "disabled"  # what becomes of it is the board file's to say
        assert p.cli("stop", "a").returncode == 0
        assert s.get("state") == "offline" and p.remote()["state"] == "offline"
        assert p.cli("start", "a").returncode == 0
        until(lambda: p.remote()["link"] == "up")
        s.grows()
        assert p.stop() == 0
    assert s.get("state") == "offline" and s.get("recovery") == "enabled"
    assert [e for e in s.events() if "firmware" in e] == ["firmware island.elf"]


def test_the_pmm_is_killed_and_the_processor_does_not_run_on(sysfs):
    s = sysfs()
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        os.kill(p.pid, signal.SIGKILL)
        until(lambda: s.get("state") == "offline")
    assert not alive(s.pid())


def test_it_crashes_and_is_recovered(sysfs, tmp_path):
    s = sysfs()
    core = "{ directory: %s }" % tmp_path
    with Pmm(s.board(coredump=core)) as p:
        for crash in (1, 2, 3):
            until(lambda: p.remote()["link"] == "up")
            s.grows()
            os.kill(s.pid(), signal.SIGKILL)
            until(lambda n=crash: p.remote()["crashes"] == n and p.remote()["starts"] == n + 1)
        until(lambda: p.remote()["link"] == "up")
        s.grows()
        assert "crashed: Linux says that it crashed" in p.output()
        assert p.stop() == 0
    assert s.events().count("recovered, coredump enabled") == 3


def test_recovery_never_leaves_it_crashed(sysfs):
    s = sysfs()
    with Pmm(s.board(recovery="never")) as p:
        until(lambda: p.remote()["link"] == "up")
        os.kill(s.pid(), signal.SIGKILL)
        until(lambda: p.remote()["state"] == "crashed")
        assert s.get("state") == "crashed"
        assert p.cli("start", "a").returncode == 0
        until(lambda: p.remote()["link"] == "up")
        assert p.stop() == 0


def test_a_panic_is_recovered_by_stop_and_start(sysfs):
    """It says PANIC itself, which Linux knows nothing of."""
    s = sysfs()
    with Pmm(s.board(lost_ms=2000)) as p:
        until(lambda: p.remote()["link"] == "up")
        os.kill(s.pid(), signal.SIGSTOP)  # it hangs: probes are not answered
        until(lambda: p.remote()["crashes"] == 1)
        until(lambda: p.remote()["link"] == "up")
        assert "state stop" in s.events()
        assert p.stop() == 0


@pytest.mark.parametrize("what, said", [
    ({"start": "EIO"}, "cannot start it: Input/output error"),
    ({"start": "ENOMEM"}, "no memory where the firmware wants it"),
    ({"start": "EINVAL"}, "refuses the firmware, or the processor's state"),
    ({"start": "ETIMEDOUT"}, "the processor does not answer"),
    ({"firmware": "EBUSY"}, "it can be changed only while it is offline"),
    ({"firmware": "EACCES"}, "no permission"),
])
def test_what_linux_refuses_is_told_apart(sysfs, what, said):
    s = sysfs(**what)
    with Pmm(s.board(), wait=False) as p:
        assert p.wait() == 1
        assert said in p.output() and "Linux did not start it" in p.output()
    assert s.get("state") == "offline"


@pytest.mark.parametrize("firmware, said", [
    ("nothing.elf", "Linux finds no such firmware; it looks in /lib/firmware"),
    ("text.elf", "refuses the firmware"),
])
def test_firmware_that_is_none(sysfs, firmware, said):
    s = sysfs()
    with Pmm(s.board(firmware), wait=False) as p:
        assert p.wait() == 1
        assert said in p.output()


def started_by_others(s):
    """Once a PMM was there: this firmware reads the device-tree fragment from its memory."""
    with Pmm(s.board(autostart="false")) as p:
        assert p.stop() == 0
    s.set("firmware", "island.elf")
    s.set("state", "start")


def test_one_that_runs_already_is_left_running(sysfs):
    s = sysfs()
    started_by_others(s)
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        s.grows()
        assert p.stop() == 0
    assert s.get("state") == "running" and alive(s.pid())
    assert s.events()[-1] == "recovery enabled"
    assert [e for e in s.events() if "state" in e] == ["state start"]


def test_stopping_one_that_was_found_running(sysfs):
    """Who says stop means it, whoever started it; and restart is another life."""
    s = sysfs()
    started_by_others(s)
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        first = s.pid()
        assert p.cli("restart", "a").returncode == 0
        until(lambda: s.pid() != first and p.remote()["link"] == "up")
        assert p.cli("stop", "a").returncode == 0
        assert s.get("state") == "offline" and not alive(s.pid())
        assert p.stop() == 0


def crash(s):
    pid = s.pid()
    os.kill(pid, signal.SIGKILL)
    until(lambda: s.get("state") == "crashed")


def test_stopped_right_after_a_crash(sysfs):
    """Putting recovery back to enabled would start it."""
    s = sysfs()
    with Pmm(s.board(recovery="never")) as p:
        until(lambda: p.remote()["link"] == "up")
        helper = p.remote()["pid"]
        os.kill(helper, signal.SIGSTOP)  # it has not looked yet
        crash(s)
        assert p.ask(do="stop", remote="a")["ok"]
        os.kill(helper, signal.SIGCONT)
        until(lambda: p.remote()["state"] == "offline")
        assert s.get("state") == "crashed" and s.get("recovery") == "disabled"
        assert p.stop() == 0
    assert s.get("state") == "crashed"


def test_one_that_crashed_before(sysfs):
    """It is recovered as the board file says, with the firmware that the board file says."""
    s = sysfs()
    started_by_others(s)
    s.set("recovery", "disabled")
    crash(s)
    os.link(os.path.join(s.tmp, "firmware", "island.elf"), os.path.join(s.tmp, "firmware", "new.elf"))
    with Pmm(s.board("new.elf")) as p:
        until(lambda: s.get("firmware") == "new.elf" and s.get("state") == "running")
        until(lambda: alive(s.pid()) and p.remote()["link"] == "up")
        assert "it had crashed before" in p.output()
        assert p.stop() == 0
    assert s.get("state") == "offline" and s.get("recovery") == "disabled"


def test_settings_are_put_back(sysfs, tmp_path):
    s = sysfs()
    with Pmm(s.board(coredump="{ directory: %s }" % tmp_path)) as p:
        until(lambda: p.remote()["link"] == "up")
        os.kill(s.pid(), signal.SIGKILL)
        until(lambda: p.remote()["starts"] == 2 and p.remote()["link"] == "up")
        assert (s.get("recovery"), s.get("coredump")) == ("disabled", "enabled")
        assert p.stop() == 0
    assert (s.get("recovery"), s.get("coredump")) == ("enabled", "disabled")


def test_recovery_that_linux_fails(sysfs):
    s = sysfs()
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        s.inject(recovery_fails=True)
        os.kill(s.pid(), signal.SIGKILL)
        until(lambda: p.remote()["starts"] == 2 and "state start" in s.events()[-3:])
        until(lambda: s.get("state") == "running" and alive(s.pid()) and p.remote()["link"] == "up")
        s.inject(recovery="EIO")
        os.kill(s.pid(), signal.SIGKILL)
        until(lambda: "cannot recover it: Input/output error" in p.output())
        s.inject()
        until(lambda: p.remote()["link"] == "up")
        assert p.stop() == 0


def test_a_pmm_right_after_one_that_was_killed(sysfs):
    """The old one's processor is being stopped still: the new one waits for that."""
    s = sysfs(stop_takes=1)
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        os.kill(p.pid, signal.SIGKILL)
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        assert p.remote()["crashes"] == 0 and s.get("state") == "running"
        s.inject()
        assert p.stop() == 0
    assert s.get("state") == "offline" and s.get("recovery") == "enabled"


def test_detach_that_is_refused_stops_no_recovery(sysfs):
    s = sysfs()
    with Pmm(s.board(recovery="always")) as p:
        until(lambda: p.remote()["link"] == "up")
        for _ in range(4):  # the pause grows
            crashes = p.remote()["crashes"]
            until(lambda: alive(s.pid()) and s.get("state") == "running")
            os.kill(s.pid(), signal.SIGKILL)
            until(lambda: p.remote()["crashes"] > crashes)
        starts = p.remote()["starts"]
        p.ask(do="detach", remote="a")
        until(lambda: p.remote()["starts"] > starts or p.remote()["state"] == "running")
        until(lambda: p.remote()["link"] == "up")
        assert p.stop() == 0


def test_attach_and_detach(sysfs):
    """Started by a boot loader: Linux attaches to it, and detaching leaves it running."""
    s = sysfs()
    started_by_others(s)
    s.set("state", "detach")
    with Pmm(s.board(None)) as p:
        until(lambda: p.remote()["link"] == "up" and s.get("state") == "attached")
        r = p.cli("detach", "a")
        assert r.returncode == 0, r.stderr
        assert s.get("state") == "detached" and p.remote()["state"] == "detached"
        until(lambda: p.remote()["link"] == "down")
        assert alive(s.pid())
        rests(s.entropy)
        assert p.cli("attach", "a").returncode == 0
        until(lambda: p.remote()["link"] == "up")
        s.grows()
        assert p.stop() == 0
    assert alive(s.pid())


def test_it_cannot_be_detached(sysfs):
    s = sysfs(detach="EINVAL")
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        assert p.cli("detach", "a").returncode == 1
        assert "cannot detach it" in p.output()
        s.grows()
        assert p.stop() == 0


def test_it_cannot_be_stopped(sysfs):
    """Fault F6: told, and no storm of attempts."""
    s = sysfs(stop="EIO")
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        assert p.cli("stop", "a").returncode == 0
        until(lambda: p.remote()["state"] == "crashed")
        assert "cannot stop it: Input/output error" in p.output()
        assert "it cannot be stopped" in p.output()
        assert s.events().count("state stop EIO") == 1
        s.inject()
        assert p.cli("restart", "a").returncode == 0
        until(lambda: p.remote()["link"] == "up")
        assert p.stop() == 0
    assert s.get("state") == "offline"


def test_a_start_that_linux_refuses(sysfs):
    """That comes out a moment after the processor was told, and who asked hears of it."""
    s = sysfs()
    with Pmm(s.board(recovery="never")) as p:
        until(lambda: p.remote()["link"] == "up")
        s.inject(start="EIO")
        for what in "restart", "start", "restart", "start":
            r = p.cli(what, "a")
            assert (r.returncode, r.stderr) == (1, f"causeway: {what}: Linux did not start it\n")
        s.inject()
        assert p.cli("start", "a").returncode == 0
        until(lambda: p.remote()["link"] == "up")
        assert p.stop() == 0


def test_a_slow_stop_holds_up_nobody(sysfs):
    s = sysfs(stop_takes=4)
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        assert p.ask(do="stop", remote="a")["ok"]
        for _ in range(20):
            assert p.answers()
        assert p.remote()["state"] == "running"
        until(lambda: p.remote()["state"] == "offline")
        assert p.stop() == 0


def test_others_use_it_too(sysfs):
    s = sysfs(in_use=True)
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        assert p.ask(do="stop", remote="a")["ok"]
        until(lambda: "it was told to stop, and is still: running" in p.output())
        s.inject()
        assert p.cli("restart", "a").returncode == 0
        assert p.stop() == 0


def test_somebody_else_stops_it(sysfs):
    s = sysfs()
    with Pmm(s.board()) as p:
        until(lambda: p.remote()["link"] == "up")
        s.set("state", "stop")
        until(lambda: p.remote()["state"] == "offline")
        assert "somebody else stopped it" in p.output() and p.remote()["crashes"] == 0
        assert p.stop() == 0


def test_the_processor_goes_away(sysfs):
    s = sysfs()
    with Pmm(s.board(recovery="never")) as p:
        until(lambda: p.remote()["link"] == "up")
        s.inject(gone=True)
        until(lambda: p.remote()["state"] == "crashed")
        assert "it has gone" in p.output()
        s.inject()
        assert p.stop() == 0


def test_there_is_no_such_processor(tmp_path):
    text = board({"a": {"carrier": "{ remoteproc: remoteproc77 }",
                        "memory": "{ file: %s/ram }" % tmp_path, "doorbell": "{ poll: 1000 }"}})
    with Pmm(text, wait=False) as p:
        assert p.wait() == 1
        assert "there is no /sys/class/remoteproc/remoteproc77/state" in p.output()
        assert not os.path.exists(str(tmp_path / "ram"))


def test_trace_buffers(sysfs, tmp_path):
    """What a processor writes into its trace, which Linux shows in debugfs, is its log."""
    s = sysfs()
    folder = tmp_path / "debug" / "remoteproc" / "remoteproc0"
    folder.mkdir(parents=True)
    folder.joinpath("trace0").write_bytes(b"one\ntwo \x1b[31m\n\0old rubbish")
    prefix = ["unshare", "-m", "sh", "-c",
              'mount --bind %s/debug /sys/kernel/debug; exec "$@"' % tmp_path, "sh"]
    with Pmm(s.board(), prefix=prefix) as p:
        until(lambda: p.remote()["link"] == "up")
        until(lambda: p.lines("one") == 1 and p.lines("two \\x1b[31m") == 1)
        folder.joinpath("trace0").write_bytes(b"one\ntwo \x1b[31m\nthree\n\0")
        until(lambda: p.lines("three") == 1)
        assert p.lines("one") == 1
        folder.joinpath("trace0").write_bytes(b"one again\n")
        until(lambda: p.lines("one again") == 1)
        assert "three" in p.cli("logs").stdout and p.lines("rubbish") == 0
        assert p.stop() == 0
