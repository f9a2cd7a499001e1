# SPDX-License-Identifier: BSD-3-Clause
"""causeway run: starting, stopping, and what is left. Row numbers: docs/security.md."""
import os
import signal
import time

import pytest
from pmm import REMOTE, Pmm, alive, board, fds, until


def test_entropy_arrives_and_nothing_is_left():
    with Pmm(board({"a": {}})) as p:
        p.grows()
        worker, remote = p.worker(), p.remote()["pid"]
        assert p.stop() == 0
        assert not alive(worker) and not alive(remote)
        assert not os.path.exists(p.dir)


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGHUP])
def test_other_signals_stop_in_order_too(sig):
    with Pmm(board({"a": {}})) as p:
        p.grows()
        assert p.stop(sig) == 0
        assert not os.path.exists(p.dir)


def test_quick_form():
    with Pmm(args=["--rng", "--", REMOTE, "good"]) as p:
        p.grows(name="remote")
        assert p.status()["board"] == "quick"
        assert p.stop() == 0


def test_quick_form_ends_with_its_firmware():
    with Pmm(args=["--rng", "--", REMOTE, "exit", "0"], wait=False) as p:
        assert p.wait() == 0
        assert not os.path.exists(p.dir)


def test_two_quick_forms_get_different_names():
    with Pmm(args=["--rng", "--", REMOTE]) as p:
        with Pmm(args=["--rng", "--", REMOTE], run_dir=p.dir, wait=False) as q:
            until(lambda: os.path.exists(os.path.join(p.dir, "quick-2.sock")))
            q.grows(name="remote")
            assert q.stop() == 0
        p.grows(name="remote")
        assert p.stop() == 0


@pytest.mark.parametrize("args, said", [
    (["/nonexistent/fw"], "No such file"),
    (["/etc/passwd"], "Permission denied"),
    (["/bin/sh/x"], "Not a directory"),
    (["/"], "is no file"),
    ([REMOTE, "exit-now", "3"], "exit status 3"),
    ([REMOTE, "exit-now", "0"], "exit status 0"),
])
def test_firmware_that_cannot_run(args, said):
    with Pmm(args=["--rng", "--", *args], wait=False) as p:
        assert p.wait() == 1
        complaint = [x for x in p.output().splitlines() if said in x]
        assert len(complaint) == 1 and complaint[0].startswith("causeway: remote remote")
        assert not os.path.exists(p.dir)


def test_firmware_that_is_no_elf(tmp_path):
    fw = tmp_path / "fw"
    fw.write_text("#!/bin/sh\nsleep 9\n")
    fw.chmod(0o755)
    with Pmm(args=["--rng", "--", str(fw)], wait=False) as p:
        assert p.wait() == 1
        assert "is no ELF file" in p.output()
    data = bytearray(open(REMOTE, "rb").read(4096))
    data[18:20] = b"\xf3\x00" if data[18:20] != b"\xf3\x00" else b"\x3e\x00"
    fw.write_bytes(data)
    with Pmm(args=["--rng", "--", str(fw)], wait=False) as p:
        assert p.wait() == 1
        assert "built for another machine" in p.output()


def test_bad_board_file_starts_nothing():
    with Pmm("name: x\nremotes: 7\n", wait=False) as p:
        assert p.wait() == 2
        assert not os.path.exists(p.dir)


def test_missing_tap_is_one_line():
    text = board({"a": {"devices": "[ { kind: net, name: n, backend: { tap: cw-nope9 } } ]"}})
    with Pmm(text, wait=False) as p:
        assert p.wait() == 1
        assert len(p.output().splitlines()) == 1, p.output()
        assert not os.path.exists(p.dir)


def test_second_run_of_a_board_is_refused():
    text = board({"a": {}})
    with Pmm(text) as p:
        with Pmm(text, run_dir=p.dir, wait=False) as q:
            assert q.wait() == 1
            assert "runs already" in q.output()
        p.grows()  # and the first did not notice
        assert p.stop() == 0


def test_second_owner_of_memory_is_refused(tmp_path):
    """Fault F24."""
    mem = {"memory": "{ file: %s }" % (tmp_path / "ram")}
    with Pmm(board({"a": dict(mem)}, name="one")) as p:
        p.grows()
        with Pmm(board({"a": dict(mem)}, name="two"), wait=False) as q:
            assert q.wait() == 1
            assert "another PMM" in q.output()
            assert not os.path.exists(q.dir)
        p.grows()
        assert p.stop() == 0
    assert [x.name for x in tmp_path.iterdir()] == ["ram"]


def test_killed_keeper_leaves_no_process_and_is_taken_over(tmp_path):
    text = board({"a": {"memory": "{ file: %s }" % (tmp_path / "ram")}, "b": {}})
    with Pmm(text) as p:
        p.grows()
        pids = [p.worker()] + [r["pid"] for r in p.status()["remotes"]]
        p.p.kill()
        p.p.wait()
        until(lambda: not any(alive(x) for x in pids))
        with Pmm(text, run_dir=p.dir) as q:  # stale socket, stale locks
            q.grows()
            assert q.stop() == 0
        assert not os.path.exists(p.dir)
    assert [x.name for x in tmp_path.iterdir()] == ["ram"]


def test_orphans_end_with_the_board():
    with Pmm(board({"a": {"run": "orphan"}})) as p:
        until(lambda: p.lines("orphan "))
        pid = int(next(x for x in p.output().splitlines() if "orphan" in x).split()[-1])
        assert alive(pid)
        assert p.stop() == 0
        assert not alive(pid)


def test_strange_surroundings():
    """Row 58: closed and surplus descriptors, blocked signals, a full environment."""
    surplus = [os.dup(0) for _ in range(50)]
    for fd in surplus:
        os.set_inheritable(fd, True)
    env = dict(os.environ, LD_BIND_NOW="1", SECRET="x" * 10000)

    def mess():
        os.close(0)
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 60))
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        os.umask(0)

    try:
        with Pmm(board({"a": {"run": "facts"}}), preexec_fn=mess, close_fds=False, env=env) as p:
            until(lambda: p.lines("facts end"))
            out = [x[4:] for x in p.output().splitlines() if x.startswith("[a] ")]
            assert sorted(x.split("=")[0][4:] for x in out if x.startswith("env ")) == [
                "CAUSEWAY_DOORBELL_FD", "CAUSEWAY_REGION_FD", "CAUSEWAY_REMOTE",
                "CAUSEWAY_SPIN"]
            assert sorted(int(x.split()[1]) for x in out if x.startswith("fd ")) == [0, 1, 2, 3, 4]
            assert "group own" in out
            for line in out:
                if line.startswith("status CapBnd") and os.geteuid():
                    continue  # the bounding set is root's to drop; no_new_privs stands for it
                if line.startswith("status Cap") or line.startswith("status Sig"):
                    assert int(line.split()[2], 16) == 0, line
                if line.startswith("status NoNew"):
                    assert line.split()[2] == "1"
            worker = p.worker()
            if os.geteuid() == 0:  # nobody else may look
                until(lambda: fds(worker) <= 4)
                assert open("/proc/%d/environ" % worker, "rb").read().strip(b"\0") == b""
            assert os.stat(p.sock()).st_mode & 0o077 == 0
            assert p.stop() == 0
    finally:
        for fd in surplus:
            os.close(fd)


def test_run_directory_of_others_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with Pmm(board({"a": {}}), run_dir=str(tmp_path), wait=False) as p:
        assert p.wait() == 1
        assert "only you can write to" in p.output()


def test_a_thousand_cycles_leak_nothing():
    with Pmm(board({"a": {"run": "good"}, "b": {}})) as p:
        p.grows()
        root, worker = os.geteuid() == 0, p.worker()  # nobody else may look into a worker
        before = fds(p.pid), root and fds(worker)
        for i in range(1000):
            assert p.ask(do="restart", remote="a")["ok"]
            until(lambda: p.remote("a")["starts"] >= i + 2, step=0.001)
        p.grows()
        assert p.worker() == worker
        until(lambda: fds(p.pid) <= before[0] and (not root or fds(worker) == before[1]))
        p.grows(name="b")
        assert p.stop() == 0


def test_many_boards_leave_nothing():
    shm = set(os.listdir("/dev/shm"))
    for _ in range(40):
        with Pmm(args=["--rng", "--console", "--", REMOTE, "good"]) as p:
            assert p.stop() == 0
            assert not os.path.exists(p.dir)
    assert set(os.listdir("/dev/shm")) <= shm


def test_idle_costs_nothing():
    """At most 0.2 % of a processor for each process; a bound ten times as wide for a busy host."""
    with Pmm(board({"a": {"run": "idle"}})) as p:
        until(lambda: p.lines("up"))
        pids = [p.pid, p.worker()]

        def rest():
            """The host may be busy, and what was begun not be done; who looks again and again never gets there."""
            before = [cpu(x) for x in pids]
            time.sleep(3)
            return all(cpu(x) - used <= 0.06 for x, used in zip(pids, before))

        until(rest)
        assert p.stop() == 0


def cpu(pid):
    f = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")


def test_options_stand_anywhere_before_the_firmware(tmp_path):
    with Pmm(board({"a": {}}), args=["--quiet"]) as p:
        until(lambda: p.remote()["link"] == "up")
        assert "[a]" not in p.output()
        assert p.stop() == 0
    with Pmm(None, args=["--rng", "--quiet", "--", REMOTE, "good", "--quiet"], wait=False) as p:
        until(lambda: p.answers())
        assert "[remote]" not in p.output()
        assert p.stop() == 0


def test_empty_lines_are_lines():
    with Pmm(None, args=["--rng", "--", "/bin/echo", "-e", "one\\n\\ntwo"], wait=False) as p:
        assert p.wait() == 0
        assert "[remote] one\n[remote] \n[remote] two\n" in p.output()


def test_a_last_line_without_an_end():
    for _ in range(10):
        with Pmm(None, args=["--rng", "--", "/bin/echo", "-n", "last words"], wait=False) as p:
            assert p.wait() == 0
            assert "[remote] last words\n" in p.output()
