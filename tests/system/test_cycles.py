# SPDX-License-Identifier: BSD-3-Clause
"""A thousand starts and stops: nothing may be left, nothing may grow."""
import os
import time

from pmm import Pmm, alive, board, fds, until

CYCLES = 1000

# The address sanitizer keeps freed memory for a while, which would look like growth.
os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"


def resident(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * 4096


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        return len(f.read().split())


def worker_fds(pid):
    """A worker is locked in: of an ordinary user's not even he may look at its descriptors."""
    try:
        return fds(pid)
    except PermissionError:
        return "locked in"


def keeper_fds(pid):
    """At rest: who asked last may not be closed yet."""
    return min((time.sleep(0.01), fds(pid))[1] for _ in range(20))


def cycle(p, i):
    assert p.ask(do="start", remote="a")["ok"]
    until(lambda: p.remote()["link"] == "up" and p.remote()["devices"][0]["rx_bytes"] > cycle.bytes,
          step=0.001)
    r = p.remote()
    cycle.bytes = r["devices"][0]["rx_bytes"]
    assert r["starts"] == i + 1 and r["crashes"] == 0
    assert p.ask(do="stop", remote="a")["ok"]
    until(lambda: p.remote()["state"] == "offline", step=0.001)
    assert not alive(r["pid"])


def test_a_thousand_cycles_of_a_remote():
    cycle.bytes = 0
    with Pmm(board({"a": {"autostart": "false"}}), options=["--quiet"]) as p:
        seen = {}
        for i in range(CYCLES):
            cycle(p, i)
            if i in (50, CYCLES - 1):
                worker = p.worker()
                seen[i] = {"fds": keeper_fds(p.pid), "worker fds": worker_fds(worker), "children": children(p.pid),
                           "files": sorted(os.listdir(p.dir)), "worker": worker}
                seen[i, "memory"] = resident(p.pid), resident(worker)
        assert seen[50] == seen[CYCLES - 1]
        for before, after in zip(seen[50, "memory"], seen[CYCLES - 1, "memory"]):
            assert after <= before + 256 * 1024
        assert p.stop() == 0


def test_fifty_cycles_of_the_pmm(tmp_path):
    for _ in range(50):
        with Pmm(board({"a": {}}), run_dir=str(tmp_path / "run")) as p:
            until(lambda: p.remote()["link"] == "up")
            pids = [p.worker(), p.remote()["pid"]]
            assert p.stop() == 0
            assert not any(alive(pid) for pid in pids)
            assert not os.path.exists(p.dir)
