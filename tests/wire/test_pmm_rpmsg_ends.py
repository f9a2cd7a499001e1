# SPDX-License-Identifier: BSD-3-Clause
"""How the messages of a remote in Python end: reset, a bad ring, a new life, a killed worker or keeper."""
import os
import signal
import subprocess

from conftest import CAUSEWAY
from region import wait
from rpmsg_remote import TO_REMOTE, Remote, begin, channel, closes, remote


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_reset_ends_it(pmm):
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    s = remote.call("echo")
    s.send(b"unread by the remote")
    remote.write(0x70, 0)
    assert s.recv(100) == b""
    wait(lambda: remote.files() == [], "the file to go")
    s.close()
    again = Remote(pmm)
    again.announce(b"echo", 1040)
    again.serves("echo", 1040)


def test_a_ring_that_makes_no_sense_ends_it(pmm):
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        remote.m.put(remote.rings[TO_REMOTE].avail + 2, remote.rings[TO_REMOTE].published + 1000 & 0xffff, "<H")
        remote.link.kick(remote.rings[TO_REMOTE].slot, remote.rings[TO_REMOTE].published + 1000)
        assert closes(s)
        wait(remote.needs_reset, "DEVICE_NEEDS_RESET")
        wait(lambda: remote.files() == [], "the file to go")
    again = Remote(pmm)
    again.announce(b"echo", 1030)
    again.call("echo").close()


def test_a_remote_that_begins_again(pmm):
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    remote.announce(b"old", 1031)
    with remote.call("echo") as s:
        pmm.connect()
        assert s.recv(100) == b""
    wait(lambda: remote.files() == [], "the files to go")
    again = Remote(pmm)
    again.announce(b"echo", 1030)
    again.serves()
    assert again.files() == ["echo"]
    assert channel(again)["lost"] == 1


def test_a_worker_that_is_killed(pmm):
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        worker = pmm.worker()
        os.kill(worker, signal.SIGKILL)
        assert closes(s)
        wait(lambda: remote.files() == [], "the file to go")
        wait(lambda: pmm.ready() and pmm.worker() != worker, "another worker")
    pmm.connect()
    again = Remote(pmm)
    again.announce(b"echo", 1030)
    again.serves()


def test_a_remote_that_is_left_alone(pmm):
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        subprocess.run([CAUSEWAY, "detach", "peer", "--run-dir", pmm.dir + "/run"], check=True)
        assert closes(s)
    wait(lambda: remote.files() == [], "the file to go")
    subprocess.run([CAUSEWAY, "attach", "peer", "--run-dir", pmm.dir + "/run"], check=True)
    pmm.connect()
    again = Remote(pmm)
    again.announce(b"echo", 1030)
    again.call("echo").close()


def test_memory_that_is_gone(pmm):
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        os.truncate(pmm.dir + "/ram", 0)  # nothing here touches it from now on
        pmm.ring()
        assert closes(s)
    wait(lambda: remote.files() == [], "the file to go", pmm.ring)
    wait(lambda: pmm.status()["remotes"][0]["link"] == "memory gone", "it to be told")


def test_nothing_is_left(begin):
    pmm = begin()
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    s = remote.call("echo")
    assert pmm.stop() == 0
    assert closes(s)
    s.close()
    assert not os.path.exists(pmm.dir + "/run")


def test_what_a_killed_keeper_leaves_is_taken_over(begin):
    pmm = begin()
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    remote.announce(b"gone", 1031)
    remote.call("gone").close()
    s, worker = remote.call("echo"), pmm.worker()
    pmm.process.kill()
    pmm.process.wait()
    assert closes(s)
    s.close()
    wait(lambda: not alive(worker), "its worker to be gone, and to let go of the memory")
    assert remote.files() == ["echo", "gone"]
    pmm.start()
    assert remote.files() == []
    pmm.connect()
    again = Remote(pmm)
    again.announce(b"echo", 1030)
    again.call("echo").close()
    assert again.files() == ["echo"]
    assert pmm.stop() == 0
    assert not os.path.exists(pmm.dir + "/run")
