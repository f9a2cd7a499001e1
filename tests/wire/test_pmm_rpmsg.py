# SPDX-License-Identifier: BSD-3-Clause
"""Messages of a remote in Python through the real PMM: services, clients, names, floods, long ones."""
import ctypes
import json
import os
import select
import stat
import struct
import subprocess
import time

import pytest

from conftest import BOARD, CAUSEWAY
from region import PATIENCE, DriverDevice, wait
from rpmsg import F_BUFSZ, F_CREDIT, F_FRAGMENT, F_NS, name_service, pack
from rpmsg_remote import (
    BUFFERS, DESTROY, NS, TO_HOST, Remote, begin, channel, fill, remote, rpmsg_status, send_whole,
    wait_channel, wait_service, whole)


def test_configuration_and_features(pmm):
    dev = DriverDevice(pmm.link, pmm.place("rpmsg0"))
    dev.open()
    assert dev.negotiate() & (F_NS | F_BUFSZ | F_FRAGMENT | F_CREDIT) == F_NS | F_BUFSZ | F_FRAGMENT | F_CREDIT
    assert dev.reg(8) == 7
    assert struct.unpack("<BHII", dev.config(11)) == (1, 11, 512, 512)


def test_services_are_sockets(remote):
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        assert stat.S_IMODE(os.stat(remote.folder).st_mode) == 0o700
        assert remote.files() == ["echo"]
        src = remote.carry(s, b"question")
        assert src >= 1024
        assert b"echo" in remote.announced and src != remote.announced[b"echo"]
        remote.send(1030, src, b"answer")
        assert s.recv(1000) == b"answer"
        remote.announce(b"echo", 1030, DESTROY)
        assert s.recv(1000) == b""
    wait(lambda: remote.files() == [], "the file to go")


def test_a_client_leaves_answers_unread(remote):
    """What it said before reaches the remote all the same."""
    remote.announce(b"echo", 1030)
    remote.keep = True  # no room: what is said waits in the socket
    with remote.call("echo") as s:
        for i in range(3 * BUFFERS):
            s.send(b"%d" % i)
        src, _, first = remote.hear()
        remote.send(1030, src, b"unread")
        wait(lambda: select.select([s], [], [], 0)[0], "the answer")
    said = [first]
    remote.keep = False
    while len(said) < 3 * BUFFERS:
        remote.give_all()
        said.append(remote.hear()[2])
    assert said == [b"%d" % i for i in range(3 * BUFFERS)]


def test_two_clients(remote):
    remote.announce(b"echo", 1030)
    with remote.call("echo") as a, remote.call("echo") as b:
        from_a = remote.carry(a, b"a")
        from_b = remote.carry(b, b"b")
        assert from_a != from_b
        remote.send(1030, from_b, b"for b")
        remote.send(1030, from_a, b"for a")
        remote.send(1030, remote.announced[b"echo"], b"for all")
        for s, first in ((a, b"for a"), (b, b"for b")):
            assert s.recv(100) == first
            assert s.recv(100) == b"for all"


def test_status(remote):
    assert rpmsg_status(remote)["services"] == []
    remote.announce(b"e\x1b[31mcho", 1030)
    with remote.call("e__31mcho") as s:
        for i in range(3):
            src = remote.carry(s, b"one %d" % i)
        remote.send(1030, src, b"back")
        remote.send(1030, src, b"")
        assert s.recv(10) == b"back"
        expected = {"name": "e?[31mcho", "address": 1030, "socket": remote.path("e__31mcho"), "clients": 1,
                    "to_linux": 2, "to_remote": 3, "dropped": 1}
        wait(lambda: rpmsg_status(remote)["services"] == [expected], "the counters")
        text = subprocess.run([CAUSEWAY, "status", "--run-dir", remote.pmm.dir + "/run"], capture_output=True,
                              text=True, check=True).stdout
        assert "service e?[31mcho at 1030: 1 client, 2 to Linux, 3 to the remote, 1 dropped\n" in text
        assert remote.folder in text and "\x1b" not in text
    remote.announce(b"e\x1b[31mcho", 1030, DESTROY)
    wait(lambda: rpmsg_status(remote)["services"] == [], "its end")


def test_a_service_has_a_window(pmm):
    """Section 5, as the remote sees it: who keeps its limit loses nothing, though its listener reads late."""
    remote = Remote(pmm, F_NS | F_BUFSZ | F_CREDIT)
    remote.announce(b"echo", 1030)
    told = []

    def hear_limits():
        ring = remote.rings[TO_HOST]
        while not told or ring.m.get(ring.used + 2, "<H") != ring.taken % 2**16:
            src, dst, flags, data = remote.hear_any()
            if dst != NS:
                of, to, limit = struct.unpack("<3I", data)
                assert (dst, of, to, flags) == (61, src, 1030, 0)
                told.append((src, limit))
        return told[-1]

    linux, first = hear_limits()
    assert first == 512  # messages of 496 bytes in half of 512K
    sent = got = 0
    with remote.call("echo") as s:
        while sent < 4000:
            _, limit = hear_limits()
            if sent == min(limit, got + 1024, 4000):
                assert sent - got >= 512  # so many at least unread
                while got < sent:
                    number, = struct.unpack_from("<I", s.recv(1000))
                    assert number == got
                    got += 1
                wait(lambda: hear_limits()[1] > sent, "more credit")
            else:
                remote.send(1030, linux, struct.pack("<I", sent) + bytes(492))
                sent += 1
                if sent == limit:
                    wait_service(remote, to_linux=sent)  # what it gives for those
        assert 10 <= len(told) <= 40
    wait_service(remote, to_linux=sent, dropped=0)
    assert not remote.needs_reset()


NAMES = [(b"../x", "_._x"), (b"..", "_."), (b".", "_"), (b".hidden", "_hidden"), (b"a b/c", "a_b_c"),
         (b"\xff\xfe\x01", "___"), (b"n" * 32, "n" * 31), (b"m" * 31, "m" * 31), (b"/etc/passwd", "_etc_passwd"),
         (b"nul\0after", "nul"), (b"$(x);`y`", "__x___y_"), (b"-rf", "-rf")]


def test_names_are_cleaned(remote):
    around = sorted(os.listdir(remote.pmm.dir)), sorted(os.listdir(remote.pmm.dir + "/run"))
    for i, (name, _) in enumerate(NAMES):
        remote.announce(name, 1100 + i)
    wait(lambda: len(remote.files()) == len(NAMES), "all of them")
    assert remote.files() == sorted(file for _, file in NAMES)
    assert (sorted(os.listdir(remote.pmm.dir)), sorted(os.listdir(remote.pmm.dir + "/run"))) == around
    for i, (name, file) in enumerate(NAMES):
        with remote.call(file) as s:
            remote.carry(s, name, 1100 + i)


def test_one_name_several_times(remote):
    for addr in (1, 2, 3):
        remote.announce(b"x", 1100 + addr)
    remote.announce(b"x.1", 1104)
    remote.announce(b"x", 1101)  # said once more
    wait(lambda: remote.files() == ["x", "x.1", "x.1.1", "x.2"], "four")
    for file, addr in (("x", 1101), ("x.1", 1102), ("x.2", 1103), ("x.1.1", 1104)):
        remote.serves(file, addr)
    with remote.call("x.1") as s:
        remote.announce(b"x", 1102, DESTROY)
        assert s.recv(1) == b""
    wait(lambda: remote.files() == ["x", "x.1.1", "x.2"], "it to go")
    remote.announce(b"x", 1105)
    wait(lambda: remote.files() == ["x", "x.1", "x.1.1", "x.2"], "its place to be taken")


def test_repeated_announcements(remote):
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        for _ in range(3):
            remote.announce(b"echo", 1030)
        remote.announce(b"other", 1030)  # the address is echo's
        remote.announce(b"echo", 1031, DESTROY)
        remote.announce(b"never", 1030, DESTROY)
        remote.carry(s, b"still there")
        assert remote.files() == ["echo"] and len(rpmsg_status(remote)["services"]) == 1
        wait_channel(remote, ns_bad=1)


def test_more_services_than_places(remote):
    for i in range(40):
        remote.announce(b"s%d" % i, 1100 + i)
    wait(lambda: len(remote.files()) == 32, "32 of them")
    wait_channel(remote, ns_full=8)
    remote.announce(b"s3", 1103, DESTROY)
    remote.announce(b"s39", 1139)
    wait(lambda: "s39" in remote.files(), "one more in its place")
    assert len(remote.files()) == 32 and "s3" not in remote.files()


class Watch:
    """What happens in a folder."""

    def __init__(self, folder):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.fd = self.libc.inotify_init1(os.O_NONBLOCK)
        assert self.libc.inotify_add_watch(self.fd, folder.encode(), 0x80) > 0  # IN_MOVED_TO

    def created(self):
        n = 0
        while True:
            try:
                data = os.read(self.fd, 1 << 16)
            except BlockingIOError:
                return n
            while data:
                size, = struct.unpack_from("<I", data, 12)
                data = data[16 + size:]
                n += 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)


def test_a_flood_of_announcements(remote):
    """Row 48: however fast services come and go, the keeper makes so many sockets a second, and the last word holds."""
    with Watch(remote.folder) as w:
        begin = time.monotonic()
        for i in range(1500):
            remote.announce(b"flood%d" % (i % 50), 1100 + i)
            remote.announce(b"flood%d" % (i % 50), 1100 + i, DESTROY)
        remote.announce(b"last", 9000)
        remote.serves("last", 9000)
        wait(lambda: remote.files() == ["last"], "the others to go")
        seconds = time.monotonic() - begin
        assert w.created() <= 34 + 50 * seconds
    assert remote.pmm.status()["workers"][0]["starts"] == 1


def test_bad_messages(remote):
    """Rows 47 and 48: dropped, counted, the buffer given back (send_raw() sees to that); the rest goes on."""
    remote.announce(b"echo", 1030)
    before = channel(remote)
    with remote.call("echo") as s:
        src = remote.carry(s, b"hello")
        remote.send_raw(pack(1030, src, b"x" * 10, length=11))
        remote.send_raw(pack(1030, src, b"", length=65535))
        remote.send_raw(pack(1030, src, b"x"), length=15)
        remote.send_raw(b"", length=1)
        remote.send_raw(pack(0xffffffff, src, b"x"))
        remote.send_raw(pack(1030, 0xffffffff, b"x"))
        bad = 6
        remote.send(1030, 5, b"x")
        remote.send(1030, src + 128, b"x")
        remote.send(1030, 61, b"x" * 12)  # credit was not agreed upon
        unknown = 3
        for raw in (b"", b"x" * 39, name_service(b"a", 1031) + b"x", name_service(b"", 1031),
                    name_service(b"a", 0xffffffff), name_service(b"a", 53), name_service(b"a", 1031, 2),
                    name_service(b"a", 1031, 0x80000001)):
            remote.send(1030, NS, raw)
        ns_bad = 8
        remote.send_raw(pack(1030, src, b"reserved", reserved=0x12345678))
        remote.send_raw(pack(77, src, b"from whomever"), length=400)
        remote.send(1030, src, b"flag", 2)
        for text in (b"reserved", b"from whomever", b"flag"):
            assert s.recv(100) == text
        # A length of 15 is no message to the ring's user either: it is given back there and counted as strange.
        wait(lambda: sum(channel(remote)[k] for k in ("bad", "unknown", "ns_bad")) - before["bad"]
             >= bad - 2 + unknown + ns_bad, "the counters")
        now = channel(remote)
        assert now["unknown"] == unknown and now["ns_bad"] == ns_bad
        assert remote.files() == ["echo"] and now["up"]
    assert not remote.needs_reset()


def test_nobody_waits_for_a_client_that_does_not_read(remote):
    remote.announce(b"echo", 1030)
    with remote.call("echo") as slow, remote.call("echo") as good:
        to_slow = remote.carry(slow, b"slow")
        to_good = remote.carry(good, b"good")
        n = 0
        while (rpmsg_status(remote)["services"][0]["dropped"]) < 20:
            for _ in range(100):
                remote.send(1030, to_slow, b"%0400d" % n)
                n += 1
            remote.send(1030, to_good, b"%08d" % n)
            assert good.recv(100) == b"%08d" % n
        dropped = rpmsg_status(remote)["services"][0]["dropped"]
        remote.send(1030, remote.announced[b"echo"], b"all" * 140)
        assert good.recv(1000) == b"all" * 140
        # It has the first ones whole and in order, then what came after it read again.
        for i in range(n - dropped):
            assert slow.recv(1000) == b"%0400d" % i
        wait(lambda: rpmsg_status(remote)["services"][0]["dropped"] == dropped + 1, "its own loss to be counted")
        remote.send(1030, to_slow, b"again")
        assert slow.recv(100) == b"again"


def test_messages_wait_for_a_remote_without_room(pmm):
    remote = Remote(pmm)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s, remote.call("echo") as other:
        remote.keep = True
        sent = fill(remote, s)
        assert sent > 100
        other.send(b"other")
        got = []
        remote.keep = False
        remote.give_all()
        while len(got) < sent + 1:
            src, dst, data = remote.hear()
            assert dst == 1030
            got.append(data)
        at = got.index(b"other")
        assert at < 200, "the others have their turn"
        del got[at]
        assert got == [b"%08d" % i for i in range(sent)]


def test_what_cannot_travel(remote):
    """Without pieces: longer than a buffer; in any case: no bytes."""
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        for text in (b"x" * 497, b"x" * 70000, b"", b"y" * 496):
            s.send(text)
        assert remote.hear()[1:] == (1030, b"y" * 496)
        wait(lambda: rpmsg_status(remote)["services"][0]["dropped"] == 3, "the three to be counted")
        remote.carry(s, b"z")


def test_long_messages(pmm):
    remote = Remote(pmm, F_NS | F_BUFSZ | F_FRAGMENT)
    remote.announce(b"echo", 1030)
    text = bytes(i * 7 % 251 for i in range(65536))
    with remote.call("echo") as s:
        for n in (497, 3000, 65536):
            s.send(text[:n])
            src, data = whole(remote, None, 1030)
            assert data == text[:n]
        s.send(text + b"x")  # dropped
        send_whole(remote, 1030, src, text)
        assert s.recv(1 << 17) == text
        send_whole(remote, 1030, remote.announced[b"echo"], text[:5000])
        assert s.recv(1 << 17) == text[:5000]
    # Several at once: one after the other for the remote, also of who does not wait for it.
    clients = [remote.call("echo") for _ in range(5)]
    for i, c in enumerate(clients):
        for k in range(3):
            c.send(bytes([i, k]) + text[:20000])
        c.close()
    seen = {}
    for _ in range(15):
        src, data = whole(remote, None, 1030)
        assert data[2:] == text[:20000]
        seen.setdefault(src, []).append((data[0], data[1]))
    assert sorted(seen.values()) == [[(i, k) for k in range(3)] for i in range(5)]


@pytest.mark.parametrize("data", [b"\x00" * 65536, b"\x1b\\\"\xff" * 16384, b"\\" * 65536, b"plain"],
                         ids=["zeros", "mixed", "backslashes", "plain"])
def test_recv_json_is_whole(pmm, data):
    """However much longer JSON makes it: bytes that nobody can print, and backslashes, which are doubled."""
    remote = Remote(pmm, F_NS | F_BUFSZ | F_FRAGMENT)
    remote.announce(b"raw", 1030)
    wait(lambda: remote.files() == ["raw"], "the socket")
    with subprocess.Popen([CAUSEWAY, "rpmsg", "recv", "raw", "-n", "1", "--json", "--run-dir", pmm.dir + "/run"],
                          stdout=subprocess.PIPE) as p:
        wait(lambda: rpmsg_status(remote)["services"][0]["clients"], "it to join")
        send_whole(remote, 1030, remote.announcement(b"raw"), data)
        out = p.communicate(timeout=PATIENCE)[0]
    line, = out.splitlines()
    said = json.loads(line)
    assert p.returncode == 0 and said["bytes"] == len(data) and bytes.fromhex(said["hex"]) == data
    assert said["text"] == "".join("\\\\" if c == 92 else chr(c) if 32 <= c < 127 else "\\x%02x" % c for c in data)


def test_a_command_waits_for_its_service(pmm):
    """It is begun before the remote has announced one: as after causeway start."""
    remote = Remote(pmm, F_NS)

    def in_time():
        """It waits for a second, in which we may not have been let run: then once more."""
        with subprocess.Popen([CAUSEWAY, "rpmsg", "send", "late", "here", "--run-dir", pmm.dir + "/run"],
                              stderr=subprocess.PIPE, text=True) as p:
            wait(lambda: p.poll() is not None or os.path.exists("/proc/%d/fd/3" % p.pid), "it to ask")
            time.sleep(0.1)
            remote.announce(b"late", 1030)
            said = p.communicate(timeout=PATIENCE)[1]
        if p.returncode == 0:
            return said == ""
        remote.announce(b"late", 1030, DESTROY)
        wait(lambda: remote.files() == [], "it to go")
        return False

    wait(in_time, "one that was begun before")
    assert remote.hear()[2] == b"here"


def test_as_many_clients_as_there_are_places(remote):
    remote.announce(b"echo", 1030)
    clients = [remote.call("echo") for _ in range(64)]
    for c in clients:
        c.send(b"x")
    assert len({remote.hear()[0] for _ in clients}) == 64
    with remote.call("echo") as late:
        late.send(b"late")
        clients[7].send(b"y")
        assert remote.hear()[2] == b"y"  # nobody else was heard
        assert rpmsg_status(remote)["services"][0]["clients"] == 64
        clients.pop().close()
        assert remote.hear()[2] == b"late"
    for c in clients:
        c.close()
    wait(lambda: rpmsg_status(remote)["services"][0]["clients"] == 0, "all to have left")


def test_all_places_at_once(begin):
    """Where no other device's descriptors could be lent."""
    pmm = begin(BOARD.split("      - {{")[0] + "      - {{ kind: rpmsg, name: rpmsg0 }}\n")
    remote = Remote(pmm)
    for i in range(32):
        remote.announce(b"s%d" % i, 1100 + i)
    clients = [remote.call(f"s{i % 32}") for i in range(64)]
    for i, c in enumerate(clients):
        c.send(b"%d" % i)
    assert sorted(int(remote.hear()[2]) for _ in clients) == list(range(64))
    assert remote.pmm.status()["workers"][0]["starts"] == 1
    for c in clients:
        c.close()
    assert pmm.stop() == 0


@pytest.mark.parametrize("size", [16, 17, 40, 56, 100])
def test_buffers_of_odd_sizes(pmm, size):
    """Row 71: a host decides what it posts; the PMM sends what fits and nothing else."""
    remote = Remote(pmm, size=size)
    remote.announce(b"echo", 1030)
    with remote.call("echo") as s:
        s.send(b"x" * (size - 15))
        s.send(b"y" * (size - 16))
        if size > 16:
            assert remote.hear()[2] == b"y" * (size - 16)
        remote.send(1030, 1030, b"")
        wait(lambda: rpmsg_status(remote)["services"][0]["dropped"] == (1 if size > 16 else 2), "what does not fit")
    assert not remote.needs_reset()
