# SPDX-License-Identifier: BSD-3-Clause
"""A remote that does with messages what it likes: nobody else feels it, and it costs Linux no more than its share.

Rows 47 to 49: floods of announcements and of messages to nobody, buffers that are never given or given twice. The other
device of this remote goes on, so does the other remote in the same worker, and keeper and worker neither grow nor spin.
"""
import contextlib
import os
import time

import pytest

from conftest import BOARD, BUILD, Pmm
from region import wait
from rpmsg import pack
from test_pmm import ask, rng
from rpmsg_remote import BUFFERS, DESTROY, TO_HOST, TO_REMOTE, Remote, closes, fill

OTHER = """\
  - name: other
    region: {{ base: 0x38000000, size: 256K }}
    carrier: {{ process: REMOTE, args: [ good ] }}
    lost-ms: 600000
    devices: [ {{ kind: rng, name: rng0 }} ]
""".replace("REMOTE", os.path.join(BUILD, "tests", "system", "system_remote"))
TICK = os.sysconf("SC_CLK_TCK")


@pytest.fixture
def pmm(tmp_path):
    p = Pmm(tmp_path, BOARD + OTHER)
    p.rng = rng(p)
    yield p
    assert p.stop() == 0


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def lines(pmm):
    with open(pmm.dir + "/log", encoding="utf-8", errors="replace") as f:
        return f.read().count("[other] entropy")


def others_go_on(pmm):
    assert len(ask(pmm.rng, 16)) == 16
    before = lines(pmm)
    wait(lambda: lines(pmm) > before, "the other remote to go on")
    status = pmm.status()
    assert len(status["workers"]) == 1 and status["workers"][0]["starts"] == 1


def unknown(pmm):
    peer = next(r for r in pmm.status()["remotes"] if r["name"] == "peer")
    return next(d for d in peer["devices"] if d["kind"] == "rpmsg")["channel"]["unknown"]


class Cost:
    """What the keeper and the worker take meanwhile."""

    def __init__(self, pmm):
        self.pids = {"keeper": pmm.process.pid, "worker": pmm.worker()}
        self.cpu = {k: cpu(p) for k, p in self.pids.items()}
        self.memory = {k: resident(p) for k, p in self.pids.items()}
        self.begun = time.monotonic()

    def share(self, who):
        return (cpu(self.pids[who]) - self.cpu[who]) / (time.monotonic() - self.begun)

    def check_memory(self, most=512):
        for who, pid in self.pids.items():
            assert resident(pid) <= self.memory[who] + most, f"the {who} grew from {self.memory[who]} KB"


def test_announcements_without_end(pmm):
    remote = Remote(pmm)
    for i in range(60):  # what is allocated once has been
        remote.announce(b"warm%d" % i, 5000 + i)
        remote.announce(b"warm%d" % i, 5000 + i, DESTROY)
    wait(lambda: remote.files() == [], "all to go")
    cost = Cost(pmm)
    n = 0
    while time.monotonic() - cost.begun < 3:
        for _ in range(100):
            remote.announce(b"flood%d" % (n % 77), 1100 + n % 3000)
            remote.announce(b"flood%d" % (n % 77), 1100 + n % 3000, DESTROY)
            n += 1
        assert len(ask(pmm.rng, 16)) == 16
    assert cost.share("keeper") < 0.1, f"{n} announcements"
    wait(lambda: remote.files() == [], "all to go")
    cost.check_memory()
    others_go_on(pmm)
    remote.announce(b"echo", 1030)
    remote.serves()


def test_messages_to_nobody(pmm):
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    cost = Cost(pmm)
    for i in range(3000):
        remote.send(1030, 2000 + i * 7919 % 100000, b"x" * (i % 400))
        if i % 500 == 0:
            assert len(ask(pmm.rng, 16)) == 16
    wait(lambda: unknown(pmm) == 3000, "them to be counted")
    cost.check_memory()
    others_go_on(pmm)
    remote.serves()


def test_buffers_that_never_come(pmm):
    """Clients wait; the worker sleeps."""
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s, remote.call("echo") as other:
        remote.keep = True
        sent = fill(remote, s) + fill(remote, other)
        others_go_on(pmm)

        def rest():
            """The other remote's entropy, and no more: a worker that looks again and again takes all it gets."""
            cost = Cost(pmm)
            time.sleep(1.5)
            cost.check_memory()
            return cost.share("worker") < 0.1

        wait(rest, "the worker to sleep")
        remote.keep = False
        remote.give_all()
        for _ in range(sent):
            assert remote.hear()[1] == 1030


def test_row49_buffers_given_twice(pmm):
    """Whoever lends one buffer twice reads, or says, the same twice: it hurts itself."""
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        remote.keep = True
        s.send(b"first")
        src = remote.hear()[0]
        remote.keep = False
        twice = (remote.kept[0] + 1) % BUFFERS  # in place of the one that was kept
        remote.rings[TO_HOST].offer(twice)
        for i in range(3 * BUFFERS):
            remote.carry(s, b"message %d" % i)
        ring = remote.rings[TO_REMOTE]
        text = pack(1030, src, b"said once")
        remote.m.write(remote.out[0], text)
        ring.put_desc(0, remote.out[0], len(text))
        ring.offer(0)
        ring.offer(0)
        assert [ring.collect()[0], ring.collect()[0]] == [0, 0]
        assert [s.recv(100), s.recv(100)] == [b"said once"] * 2
        others_go_on(pmm)
        assert not remote.needs_reset()


@pytest.mark.parametrize("queue", [TO_HOST, TO_REMOTE])
def test_row49_more_buffers_than_there_are(pmm, queue):
    """Indices that cannot be end the channel and nothing else."""
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        remote.carry(s, b"before")
        ring = remote.rings[queue]
        ring.offer(0, BUFFERS + 1 - (queue == TO_HOST))
        with contextlib.suppress(BrokenPipeError):  # it may end before all are sent
            for i in range(BUFFERS + 1 if queue == TO_HOST else 0):
                s.send(b"for each that there was")
        assert closes(s)
    wait(remote.needs_reset, "DEVICE_NEEDS_RESET")
    others_go_on(pmm)
    again = Remote(pmm)
    again.announce(b"echo", 1030)
    again.serves()
