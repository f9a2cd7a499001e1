# SPDX-License-Identifier: BSD-3-Clause
"""Either side dies, hangs or lies; the other goes on. Fault numbers: docs/security.md."""
import os
import shutil
import signal
import time

from pmm import REMOTE, Pmm, alive, board, fds, until


def kill_worker(p, sig=signal.SIGKILL):
    old = p.worker()
    os.kill(old, sig)
    until(lambda: p.worker() not in (0, old))
    return old


def test_worker_killed():
    """Faults F7, F12: the keeper starts another, the remote sets itself up again. How soon: ./dev bench."""
    with Pmm(board({"a": {}})) as p:
        p.grows()
        before, pid = fds(p.pid), p.remote()["pid"]
        for life in range(2, 12):
            kill_worker(p)
            until(lambda: p.lines("life %d" % life))
        p.grows()
        assert p.remote()["pid"] == pid  # the remote was not restarted for it
        assert p.status()["workers"][0]["starts"] == 11
        until(lambda: fds(p.pid) <= before)  # the last client of status is let go a moment later
        assert p.stop() == 0


def test_hung_worker_is_replaced():
    """Fault F11."""
    with Pmm(board({"a": {}})) as p:
        p.grows()
        old = p.worker()
        os.kill(old, signal.SIGSTOP)
        until(lambda: p.lines("life 2"))
        assert not alive(old) and "hangs" in p.output()
        assert p.stop() == 0


def test_remote_killed_is_started_again():
    """Faults F1, F2. How soon: ./dev bench."""
    with Pmm(board({"a": {}, "b": {}})) as p:
        p.grows(by=20)
        for n in range(2, 5):
            os.kill(p.remote("a")["pid"], signal.SIGKILL)
            until(lambda: p.remote("a")["starts"] == n and p.remote("a")["pid"])
            p.grows()
        assert p.remote("b")["starts"] == 1
        assert p.status()["workers"][0]["starts"] == 1
        assert p.stop() == 0


def test_recovery_gives_up_at_its_limit():
    text = board({"a": {"run": "abort", "recovery": "{ limit: 3, seconds: 3600 }"}, "b": {}})
    with Pmm(text) as p:
        until(lambda: "left as it is" in p.output())
        time.sleep(0.3)
        assert p.remote("a")["starts"] == 4 and p.remote("a")["state"] == "crashed"
        p.grows(name="b")
        assert p.ask(do="start", remote="a")["ok"]
        until(lambda: p.remote("a")["starts"] == 5)
        assert p.stop() == 0


def test_recovery_never():
    with Pmm(board({"a": {"run": "abort", "recovery": "never"}, "b": {}})) as p:
        until(lambda: p.remote("a")["state"] == "crashed")
        time.sleep(0.3)
        assert p.remote("a")["starts"] == 1 and p.remote("a")["crashes"] == 1
        assert p.stop() == 0


def test_remote_that_ends_in_order_is_not_started_again():
    with Pmm(board({"a": {"run": "exit 0"}, "b": {}})) as p:
        until(lambda: p.remote("a")["state"] == "offline")
        time.sleep(0.2)
        assert p.remote("a")["starts"] == 1 and p.remote("a")["crashes"] == 0
        assert p.stop() == 0


def test_panic_is_a_crash():
    with Pmm(board({"a": {"run": "panic", "recovery": "{ limit: 3, seconds: 3600 }"}, "b": {}})) as p:
        until(lambda: "left as it is" in p.output() or p.remote("a")["starts"] > 4)
        assert p.remote("a")["starts"] == 4
        assert "panicked with code 0x1234" in p.output()
        assert p.stop() == 0


def test_hung_remote_is_lost_and_recovered():
    """Fault F1: a kick that nobody looks at for lost-ms."""
    text = board({"a": {"run": "hang", "lost-ms": 200, "recovery": "{ limit: 1, seconds: 3600 }"},
                  "b": {}})
    with Pmm(text) as p:
        until(lambda: p.remote("a")["starts"] == 2)
        assert "does not answer" in p.output()
        p.grows(name="b")
        assert p.stop() == 0


def test_deaf_remote_is_found_by_probes():
    """One that hangs with nothing to do: nobody would ever miss an answer of it."""
    text = board({"a": {"run": "deaf", "lost-ms": 200, "probe-ms": 100,
                        "recovery": "{ limit: 1, seconds: 3600 }"}, "b": {"probe-ms": 50, "lost-ms": 5000}})
    with Pmm(text) as p:
        until(lambda: "remote a: does not answer" in p.output())
        until(lambda: "left as it is" in p.output())
        time.sleep(0.5)
        assert p.remote("b")["starts"] == 1 and p.remote("b")["link"] == "up"
        assert p.stop() == 0


def test_deaf_remote_is_found_by_status():
    with Pmm(board({"a": {"run": "deaf", "lost-ms": 200, "recovery": "never"}, "b": {}})) as p:
        until(lambda: p.lines("deaf"))
        until(lambda: p.remote("a")["link"] == "lost")  # which asks, each time
        assert p.remote("b")["link"] == "up"
        assert p.stop() == 0


def test_halted_remote_is_left_alone():
    # Not so short that one is lost who only was not let run, before it could say that it is halted.
    with Pmm(board({"a": {"run": "halted", "lost-ms": 3000}, "b": {}})) as p:
        until(lambda: p.remote("a")["link"] == "lost")
        time.sleep(0.3)
        assert p.remote("a")["starts"] == 1 and "it is halted" in p.output()
        assert p.stop() == 0


def test_stopped_remote_is_left_alone():
    """A debugger holds it: that is no crash, and it goes on afterwards."""
    with Pmm(board({"a": {"lost-ms": 3000}})) as p:
        p.grows()
        pid = p.remote()["pid"]
        os.kill(pid, signal.SIGSTOP)
        until(lambda: p.remote().get("frozen"))
        n = p.lines("entropy")
        until(lambda: p.remote()["pid"] == pid and "it is halted" in p.output())  # being asked, it does not answer
        assert p.lines("entropy") <= n + 1
        os.kill(pid, signal.SIGCONT)
        p.grows()
        assert p.remote()["starts"] == 1
        assert p.stop() == 0


def test_remote_stops_and_starts_by_command():
    with Pmm(board({"a": {}, "b": {"autostart": "false"}})) as p:
        p.grows()
        assert p.remote("b")["state"] == "offline"
        assert p.cli("start", "b").returncode == 0
        p.grows(name="b")
        assert p.cli("stop", "a").returncode == 0
        assert p.remote("a")["state"] == "offline" and p.remote("a")["crashes"] == 0
        n = p.lines("entropy")
        assert p.cli("restart", "b").returncode == 0
        p.grows(name="b")
        assert p.lines("entropy") == n
        assert p.cli("start", "a").returncode == 0
        p.grows()
        assert p.cli("stop").returncode == 0
        assert p.wait() == 0 and not os.path.exists(p.dir)


def test_a_start_that_fails_says_why(tmp_path):
    """At once: the keeper knows it, running before or not; with the firmware back it starts."""
    firmware, aside = tmp_path / "firmware", tmp_path / "aside"
    shutil.copy(REMOTE, firmware)
    with Pmm(board({"a": {"carrier": "{ process: %s, args: [good] }" % firmware, "recovery": "never"}})) as p:
        until(lambda: p.remote()["link"] == "up")
        assert p.remote()["failures"] == 0 and "failure" not in p.remote()
        firmware.rename(aside)
        why = f"remote a: firmware {firmware}: No such file or directory\n"
        for what in "restart", "restart", "start":
            r = p.cli(what, "a")
            assert r.returncode == 1 and r.stderr.endswith(why) and r.stderr.startswith("causeway: ")
        assert p.output().count("causeway: " + why) == 3
        assert "  last failure: " + why in p.cli("status").stdout
        assert p.remote()["failures"] == 3 and not p.remote()["retries"]
        aside.rename(firmware)
        assert p.cli("restart", "a").returncode == 0
        until(lambda: p.remote()["link"] == "up")
        os.kill(p.remote()["pid"], signal.SIGKILL)
        until(lambda: p.remote()["failures"] == 4)
        assert p.remote()["failure"] == "killed by signal 9 (Killed)"
        shutil.copy("/bin/false", aside)
        aside.rename(firmware)
        r = p.cli("restart", "a")
        assert (r.returncode, r.stderr) == (1, "causeway: restart: exit status 1\n")
        assert p.stop() == 0


def test_two_workers_fail_apart():
    with Pmm(board({"a": {"worker": 0}, "b": {"worker": 1}}, workers=2)) as p:
        p.grows()
        p.grows(name="b")
        assert p.worker(0) != p.worker(1)
        b = p.lines("life 2", "b")
        kill_worker(p)
        until(lambda: p.lines("life 2"))
        p.grows(name="b")
        assert p.lines("life 2", "b") == b == 0
        assert p.stop() == 0


def survives(p, name="b", seconds=1.0):
    """The other remote is served all along, by the worker that was there at the beginning."""
    worker = p.worker()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        p.grows(name=name)
    assert p.worker() == worker and p.status()["workers"][0]["starts"] == 1


def test_remote_abuses_its_descriptors():
    with Pmm(board({"a": {"run": "fds"}, "b": {}})) as p:
        until(lambda: p.lines("abused"))
        for refused in ("truncate -1", "grow -1", "seal -1"):
            assert p.lines(refused) == 1
        survives(p)
        assert p.stop() == 0


def test_doorbell_storm():
    """Row 33, fault F15: it is masked, and the neighbour is served."""
    with Pmm(board({"a": {"run": "flood"}, "b": {}})) as p:
        until(lambda: p.lines("up"))
        survives(p)
        until(lambda: p.remote("a")["storms"])
        assert p.stop() == 0


def test_garbage_everywhere():
    """Rows 1 to 34 at random, all the time: the neighbour is served."""
    with Pmm(board({"a": {"run": "garbage", "recovery": "never"}, "b": {}})) as p:
        until(lambda: p.lines("up"))
        survives(p, seconds=3)
        assert p.stop() == 0


def test_memory_that_goes_away(tmp_path):
    """Fault F18: the region is quarantined, the worker and its other remotes go on."""
    ram = tmp_path / "ram"
    with Pmm(board({"a": {"memory": "{ file: %s }" % ram, "recovery": "never"}, "b": {}})) as p:
        p.grows()
        os.truncate(ram, 0)
        until(lambda: p.remote("a")["link"] == "memory gone")
        survives(p)
        assert p.stop() == 0


def test_printing_is_escaped_and_cut():
    """Row 57."""
    with Pmm(board({"a": {"run": "escapes"}, "b": {}})) as p:
        until(lambda: p.lines("last"))
        out = p.output()
        assert "[a] a\\x1b[31mred\\x07\\x7f\\x80" in out and "[a] %s%n%x" in out
        assert not any(ord(c) < 32 and c != "\n" for c in out)
        assert max(len(x) for x in out.splitlines()) < 600
        assert p.ask(do="logs", remote="a")["text"].count("x" * 500) == 5
        assert p.stop() == 0


def test_printing_without_end():
    begin = time.monotonic()
    with Pmm(board({"a": {"run": "spam"}, "b": {}})) as p:
        until(lambda: p.lines("spam") > 100)
        survives(p)
        until(lambda: p.lines("lines not shown"))
        assert p.lines("spam") <= 501 + 200 * (time.monotonic() - begin)  # limited: a burst, then so many a second
        until(lambda: len(p.ask(do="logs", remote="a")["text"]) > 60000)
        text = p.ask(do="logs", remote="a")["text"]
        assert len(text) <= 65536 and text.startswith("spam")
        assert p.stop() == 0
