# SPDX-License-Identifier: BSD-3-Clause
"""A remote in Python, written from docs/spec/region.md, against the real PMM."""
import os
import signal
import socket
import struct

import pytest

from conftest import DISK, RANDOM, pack_desc
from region import PATIENCE, DriverDevice, Refused, wait

WRITE, NEXT, INDIRECT = 2, 1, 4
HEADER = bytes(12)


def rng(pmm, size=8, wanted=0):
    dev = DriverDevice(pmm.link, pmm.place("rng0"))
    dev.bring_up([0], size, wanted)
    return dev


def ask(dev, length, i=0):
    """One request for @length bytes; returns what arrived."""
    ring = dev.rings[0]
    buf = dev.alloc(max(length, 1))
    ring.put_desc(i, buf, length, WRITE)
    ring.offer(i)
    head, used = ring.collect()
    assert head == i and used <= length
    return dev.m.read(buf, used)


def test_entropy_is_exactly_what_the_source_gave(pmm):
    dev = rng(pmm)
    assert ask(dev, 9) + ask(dev, 20) + ask(dev, 40) == (RANDOM + RANDOM)[:69]


def test_features_and_registers(pmm):
    dev = DriverDevice(pmm.link, pmm.place("net0"))
    dev.open()
    offered = dev.negotiate()
    for bit in (5, 16, 28, 29, 32, 40):
        assert offered >> bit & 1, bit
    dev.request((0x30, 4, 1))
    assert dev.reg(0x34) == 64
    dev.request((0x30, 4, 2))
    assert dev.reg(0x34) == 0
    assert dev.reg(8) == 1
    mac, status, _, mtu = struct.unpack("<6sHHH", dev.config(12))
    assert (mac, status, mtu) == (bytes.fromhex("024300000007"), 1, 1400)


def test_queues_are_programmed_and_made_ready_in_any_order(pmm):
    dev = DriverDevice(pmm.link, pmm.place("net0"))
    dev.open()
    dev.negotiate()
    rx, tx = dev.program(0, 8), dev.program(1, 16)
    dev.make_ready(1)
    dev.make_ready(0)
    dev.start()
    exchange(pmm, dev, rx, tx)


def exchange(pmm, dev, rx, tx):
    into, out = dev.alloc(1536), dev.alloc(1536)
    rx.put_desc(3, into, 1536, WRITE)
    rx.offer(3)
    frame = bytes.fromhex("ffffffffffff024300000007 0800") + os.urandom(200)
    dev.m.write(out, HEADER + frame)
    tx.put_desc(5, out, 12 + len(frame))
    tx.offer(5)
    assert tx.collect() == (5, 0)
    assert pmm.world.recv(2048) == frame
    back = bytes(reversed(frame))
    pmm.world.sendto(back, pmm.dir + "/frames")
    assert rx.collect() == (3, 12 + len(back))
    assert dev.m.read(into, 12 + len(back)) == struct.pack("<10xH", 1) + back


def test_net_header_in_pieces(pmm):
    """hostile-input row 28: a header in pieces of one byte works."""
    dev = DriverDevice(pmm.link, pmm.place("net0"))
    dev.bring_up([0, 1], 16)
    tx, out = dev.rings[1], dev.alloc(256)
    dev.m.write(out, HEADER + b"x" * 60)
    for i in range(12):
        tx.put_desc(i, out + i, 1, NEXT, i + 1)
    tx.put_desc(12, out + 12, 60)
    tx.offer(0)
    assert tx.collect() == (0, 0)
    assert pmm.world.recv(2048) == b"x" * 60


def test_console_both_ways(pmm):
    dev = DriverDevice(pmm.link, pmm.place("console0"))
    dev.bring_up([0, 1], 8, wanted=1)
    assert struct.unpack("<HH", dev.config(4)) == (80, 25)
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(PATIENCE)
    client.connect(pmm.dir + "/console")
    into, out = dev.alloc(64), dev.alloc(64)
    dev.rings[0].put_desc(0, into, 64, WRITE)
    dev.rings[0].offer(0)
    client.send(b"to the remote")
    assert dev.rings[0].collect() == (0, 13)
    assert dev.m.read(into, 13) == b"to the remote"
    dev.m.write(out, b"from the remote")
    dev.rings[1].put_desc(0, out, 15)
    dev.rings[1].offer(0)
    dev.rings[1].collect()
    assert client.recv(100) == b"from the remote"


FLUSH, DISCARD, ZEROES = 1 << 9, 1 << 13, 1 << 14


def disk(pmm, wanted=FLUSH | DISCARD | ZEROES):
    dev = DriverDevice(pmm.link, pmm.place("disk0"))
    dev.bring_up([0], 8, wanted)
    return dev


def disk_request(dev, kind, sector, data=b"", room=0):
    """virtio 1.3 section 5.2.6: header, data, status; returns the status and what came."""
    ring, mark = dev.rings[0], dev.free
    head, payload, status = dev.alloc(16), dev.alloc(max(len(data), room, 1)), dev.alloc(1)
    dev.m.write(head, struct.pack("<IIQ", kind, 0xdeadbeef, sector))
    dev.m.write(payload, data)
    dev.m.write(status, b"\xff")
    ring.put_desc(0, head, 16, NEXT, 1 if data or room else 2)
    if data or room:
        ring.put_desc(1, payload, len(data) or room, NEXT | (WRITE if room else 0), 2)
    ring.put_desc(2, status, 1, WRITE)
    ring.offer(0)
    assert ring.collect() == (0, room + 1 if not dev.m.read(status, 1)[0] else 1)
    dev.free = mark
    return dev.m.read(status, 1)[0], dev.m.read(payload, room)


def test_disk_configuration(pmm):
    dev = disk(pmm)
    assert dev.reg(8) == 2
    (capacity, size_max, seg_max, geometry, blk_size, exponent, alignment, min_io, opt_io, writeback, unused,
     queues, discard, discard_segs, discard_align, zeroes, zeroes_segs, unmap) = \
        struct.unpack("<QIIIIBBHIBBHIIIIIB3x", dev.config(60))
    block = os.stat(pmm.dir + "/disk").st_blksize
    assert (capacity, size_max, seg_max, geometry, blk_size) == (256, 0, 62, 0, 512)
    assert (512 << exponent, alignment, min_io * 512, opt_io) == (block, 0, block, 128)
    assert (writeback, unused, queues) == (0, 0, 1)
    assert (discard, discard_segs, discard_align * 512) == (1 << 22, 16, block)
    assert (zeroes, zeroes_segs, unmap) == (1 << 22, 16, 1)


def test_disk_requests(pmm):
    dev = disk(pmm)
    assert disk_request(dev, 0, 5, room=1024) == (0, DISK[2560:3584])
    assert disk_request(dev, 1, 7, b"seven..." * 64) == (0, b"")
    assert disk_request(dev, 4, 0) == (0, b"")
    assert disk_request(dev, 0, 7, room=512) == (0, b"seven..." * 64)
    assert disk_request(dev, 8, 0, room=20) == (0, b"wire-disk".ljust(20, b"\0"))
    assert disk_request(dev, 13, 0, struct.pack("<QII", 20, 4, 1)) == (0, b"")
    assert disk_request(dev, 0, 19, room=6 * 512) == (0, DISK[19 * 512:20 * 512] + bytes(2048) + DISK[24 * 512:25 * 512])
    assert disk_request(dev, 11, 0, struct.pack("<QII", 30, 8, 0)) == (0, b"")
    with open(pmm.dir + "/disk", "rb") as f:
        there = f.read()
    assert there[7 * 512:8 * 512] == b"seven..." * 64 and there[:2560] == DISK[:2560]


@pytest.mark.parametrize("kind, sector, data, room, status", [
    (0, 256, b"", 512, 1), (0, 255, b"", 1024, 1), (0, 2**64 - 1, b"", 512, 1), (0, 2**55, b"", 512, 1),
    (0, 0, b"", 511, 1), (1, 0, bytes(513), 0, 1), (8, 0, b"", 19, 1), (99, 0, b"", 512, 2),
    (13, 0, struct.pack("<QII", 255, 2, 0), 0, 1), (13, 0, struct.pack("<QII", 0, 1, 2), 0, 2),
    (11, 0, struct.pack("<QII", 0, 1, 1), 0, 2), (11, 0, struct.pack("<QII", 2**64 - 1, 2, 0), 0, 1),
])
def test_row37_impossible_disk_requests(pmm, kind, sector, data, room, status):
    dev = disk(pmm)
    assert disk_request(dev, kind, sector, data, room)[0] == status
    assert disk_request(dev, 0, 1, room=512) == (0, DISK[512:1024])
    assert not dev.needs_reset()


class Files:
    """A 9P2000.L client of its own: one message at a time, each with a tag of its own."""

    def __init__(self, pmm):
        self.dev = DriverDevice(pmm.link, pmm.place("files0"))
        self.dev.bring_up([0], 8, 1)
        self.out, self.into = self.dev.alloc(8192), self.dev.alloc(8192)
        self.tag = 100

    def raw(self, message, room=8192):
        ring = self.dev.rings[0]
        self.dev.m.write(self.out, message)
        ring.put_desc(0, self.out, len(message), NEXT, 1)
        ring.put_desc(1, self.into, room, WRITE)
        ring.offer(0)
        head, used = ring.collect()
        assert head == 0
        return self.dev.m.read(self.into, used)

    def ask(self, kind, body):
        """The answer's body; an error is minus its number."""
        self.tag += 1
        answer = self.raw(struct.pack("<IBH", 7 + len(body), kind, self.tag) + body)
        size, got, tag = struct.unpack("<IBH", answer[:7])
        assert size == len(answer) and tag == self.tag
        if got == 7:
            return -struct.unpack("<I", answer[7:])[0]
        assert got == kind + 1
        return answer[7:]

    def begin(self):
        assert self.ask(100, struct.pack("<IH", 8192, 8) + b"9P2000.L") == struct.pack("<IH", 8192, 8) + b"9P2000.L"
        qid = self.ask(104, struct.pack("<IIHHI", 5, 2**32 - 1, 0, 0, 0))
        assert len(qid) == 13 and qid[0] == 0x80

    def walk(self, newfid, *names):
        return self.ask(110, struct.pack("<IIH", 5, newfid, len(names)) +
                        b"".join(struct.pack("<H", len(n)) + n for n in names))


def test_files(pmm):
    files = Files(pmm)
    assert files.dev.reg(8) == 9
    length, tag = struct.unpack("<H30s", files.dev.config(32))
    assert tag[:length] == b"wire-files" and not any(tag[length:])
    files.begin()
    qids = files.walk(6, b"dir", b"file")
    assert len(qids) == 2 + 2 * 13 and qids[:3] == b"\2\0\x80" and qids[15] == 0
    attr = files.ask(24, struct.pack("<IQ", 6, 0x7ff))
    assert len(attr) == 153 and struct.unpack("<Q", attr[49:57]) == (5000,)
    assert len(files.ask(12, struct.pack("<II", 6, 0))) == 17
    for _ in range(2):  # by the disk's thread, and at once
        assert files.ask(116, struct.pack("<IQI", 6, 1000, 8000)) == struct.pack("<I", 4000) + DISK[1000:5000]
    assert files.ask(120, struct.pack("<I", 6)) == b""
    assert files.ask(116, struct.pack("<IQI", 6, 0, 1)) == -9
    assert files.walk(6, b"nothing") == -2
    assert len(files.walk(7, b"dir")) == 15
    assert len(files.ask(12, struct.pack("<II", 7, 0))) == 17
    entries = files.ask(40, struct.pack("<IQI", 7, 0, 4000))
    names, at = set(), 4
    while at < len(entries):
        (_, _, _, length), at = struct.unpack("<13sQBH", entries[at:at + 24]), at + 24
        names.add(entries[at:at + length])
        at += length
    assert names - {b".", b".."} == {b"file"}


def test_row42_bad_frames_of_files(pmm):
    files = Files(pmm)
    files.begin()
    for size, message in ((12, bytes(11)), (10, bytes(11)), (0, bytes(7)), (2**32 - 1, bytes(64))):
        message = struct.pack("<IBH", size, 24, 77) + message[7:]
        assert files.raw(message) == struct.pack("<IBHI", 11, 7, 77, 71)
    for length in range(1, 7):
        assert files.raw(bytes(length)) == struct.pack("<IBHI", 11, 7, 0xffff, 71)
    assert files.raw(struct.pack("<IBH", 7, 250, 9))[4:7] == struct.pack("<BH", 7, 9)
    assert files.raw(struct.pack("<IBHIQ", 19, 24, 1, 5, 0x7ff), 10) == b""
    assert len(files.walk(6, b"dir")) == 15 and not files.dev.needs_reset()


def test_event_index_suppresses_notifications(pmm):
    dev = rng(pmm, 8, wanted=1 << 29)
    ring = dev.rings[0]
    pmm.memory.put(ring.avail + 4 + 2 * 8, 100, "<H")  # used_event far ahead
    kicks = pmm.memory.get(pmm.layout["pmm_page"] + 0x400 + 4 * ring.slot)
    ask(dev, 4)
    assert pmm.memory.get(pmm.layout["pmm_page"] + 0x400 + 4 * ring.slot) == kicks


def test_indirect_descriptors(pmm):
    dev = rng(pmm, 8, wanted=1 << 28)
    ring = dev.rings[0]
    table, buf = dev.alloc(64), dev.alloc(64)
    dev.m.write(table, pack_desc(buf, 3, WRITE | NEXT, 1) + pack_desc(buf + 16, 5, WRITE))
    ring.put_desc(2, table, 32, INDIRECT)
    ring.offer(2)
    assert ring.collect() == (2, 8)
    assert dev.m.read(buf, 3) + dev.m.read(buf + 16, 5) == RANDOM[:8]


def test_remote_restarts(pmm):
    ask(rng(pmm), 9)
    for _ in range(5):
        pmm.connect()
        assert len(ask(rng(pmm), 9)) == 9


def test_worker_killed_and_replaced(pmm):
    ask(rng(pmm), 9)
    old = pmm.worker()
    os.kill(old, signal.SIGKILL)
    wait(lambda: not pmm.link.up(), "the link to go down")
    pmm.link.wait_up()
    assert ask(rng(pmm), 9) == RANDOM[:9]
    assert pmm.worker() != old


def test_request_of_a_former_link_is_not_answered(pmm):
    dev = rng(pmm)
    dev.m.put(dev.request_page + 4, dev.link.echoed + 1)
    seq = dev.reg(0x800)
    dev.post([(0x70, 4, 0)])
    with pytest.raises(Exception):
        wait(lambda: dev.reg(0x800) != seq, "nothing", timeout=0.3)


# ---- what a driver gets for breaking the rules ---------------------------------------------------


@pytest.fixture
def hostile(pmm):
    """The device under attack is rng0; whatever happens, net0 and the worker go on."""
    pmm.pid = pmm.worker()
    pmm.net = DriverDevice(pmm.link, pmm.place("net0"))
    pmm.net.bring_up([0, 1])
    yield pmm
    exchange(pmm, pmm.net, pmm.net.rings[0], pmm.net.rings[1])
    assert pmm.worker() == pmm.pid
    # After the reset that it asked for, the device serves again.
    assert len(ask(rng(pmm), 9)) == 9


def refused(dev, result, *entries, **more):
    with pytest.raises(Refused) as e:
        dev.request(*entries, **more)
    assert e.value.result == result


def fresh(pmm):
    dev = DriverDevice(pmm.link, pmm.place("rng0"))
    dev.open()
    dev.negotiate(1 << 28)
    return dev


@pytest.mark.parametrize("size", [0, 3, 12, 32, 1024, 65535, 65536, 0xffffffff])
def test_row2_queue_size(hostile, size):
    dev = fresh(hostile)
    refused(dev, 3, (0x30, 4, 0), (0x38, 4, size))


def test_row1_queue_that_does_not_exist(hostile):
    dev = fresh(hostile)
    for q in (1, 2, 40, 0xffffffff):
        refused(dev, 4, (0x30, 4, q), (0x38, 4, 8))
        refused(dev, 3, (0x30, 4, q), (0x44, 4, 1))


@pytest.mark.parametrize("which", range(3))
@pytest.mark.parametrize("at", ["outside", "wraps", "end", "unaligned", "pages", "other", "overlap"])
def test_row3_4_ring_address(hostile, which, at):
    dev = fresh(hostile)
    dev.program(0, 8)
    place, net = dev.place, hostile.place("net0")
    bad = {"outside": 0x1000, "wraps": 2**64 - 16, "end": place["block"] + place["size"] - 16,
           "unaligned": dev.rings[0].desc + 0x801, "pages": place["block"],
           "other": net["block"] + 0x4000,
           "overlap": dev.rings[0].avail if which == 0 else dev.rings[0].desc}[at]
    if at == "overlap" and which == 0:
        bad &= ~15
    reg = 0x80 + 16 * which
    refused(dev, 5, (reg, 4, bad), (reg + 4, 4, bad >> 32), (0x44, 4, 1))
    assert dev.reg(0x44) == 0


def test_row5_6_7_states(hostile):
    dev = fresh(hostile)
    dev.program(0, 8)
    dev.make_ready(0)
    refused(dev, 4, (0x44, 4, 1))
    refused(dev, 4, (0x38, 4, 4))
    refused(dev, 4, (0x70, 4, 3))
    dev.write(0x70, 0)
    refused(dev, 4, (0x70, 4, 4))
    dev.request((0x70, 4, 3), (0x24, 4, 0), (0x20, 4, 0xffffffff), (0x24, 4, 1), (0x20, 4, 1),
                (0x70, 4, 11))
    assert not dev.reg(0x70) & 8


def test_row9_torn_and_odd_requests(hostile):
    dev = fresh(hostile)
    refused(dev, 1, count=0)
    refused(dev, 1, count=9)
    refused(dev, 1, count=0xffffffff)
    refused(dev, 2, (0x50, 4, 0))
    refused(dev, 2, (0x70, 2, 0))
    refused(dev, 2, (0x1000, 4, 0))
    refused(dev, 2, (0x100, 3, 0))
    dev.seq -= 17  # a sequence that went back is a new one
    dev.write(0x30, 0)


def test_row10_config_writes_are_ignored(hostile):
    dev = fresh(hostile)
    for off in (0x100, 0x104, 0x7fc):
        dev.request((off, 4, 0xffffffff))


def test_row11_device_page_overwritten(hostile):
    dev = fresh(hostile)
    dev.m.write(dev.page, os.urandom(4096))
    hostile.connect()
    hostile.net = DriverDevice(hostile.link, hostile.place("net0"))
    hostile.net.bring_up([0, 1])


def test_register_fuzz(hostile):
    dev = fresh(hostile)
    seed = int.from_bytes(os.urandom(4), "little")
    print("seed", seed)
    import random
    r = random.Random(seed)
    for _ in range(400):
        entries = [(r.choice([r.randrange(0x200) & ~3, 0x70, 0x38, 0x44, 0x80, 0x30, r.getrandbits(32)]),
                    r.choice([4, 4, 4, 1, 2, 3, 0]), r.choice([0, 1, 8, r.getrandbits(32)]))
                   for _ in range(r.randrange(1, 9))]
        try:
            dev.request(*entries)
        except Refused:
            pass


def attack(pmm, offer):
    """Runs @offer on a fresh queue of 8; the device must ask for a reset, at once."""
    dev = rng(pmm, 8, 1 << 28)
    offer(dev, dev.rings[0])
    wait(dev.needs_reset, "DEVICE_NEEDS_RESET")


def test_row14_available_index_jumps(hostile):
    attack(hostile, lambda dev, ring: ring.offer(0, 9))


def test_row15_available_index_goes_back(hostile):
    attack(hostile, lambda dev, ring: ring.offer(0, 2**16 - 1))


def test_row16_head_out_of_range(hostile):
    attack(hostile, lambda dev, ring: ring.offer(8))
    attack(hostile, lambda dev, ring: ring.offer(0xffff))


def test_row18_next_out_of_range(hostile):
    def offer(dev, ring):
        ring.put_desc(0, dev.alloc(64), 8, WRITE | NEXT, 8)
        ring.offer(0)
    attack(hostile, offer)


@pytest.mark.parametrize("length", [1, 2, 8])
def test_row19_chain_loops(hostile, length):
    def offer(dev, ring):
        buf = dev.alloc(64)
        for i in range(length):
            ring.put_desc(i, buf, 8, WRITE | NEXT, (i + 1) % length)
        ring.offer(0)
    attack(hostile, offer)


@pytest.mark.parametrize("where", ["outside", "wraps", "crosses", "pages", "rings", "other"])
def test_row20_21_buffer_outside(hostile, where):
    def offer(dev, ring):
        end = dev.place["block"] + dev.place["size"]
        addr, size = {"outside": (0x1000, 64), "wraps": (2**64 - 32, 64), "crosses": (end - 8, 64),
                      "pages": (dev.page, 64), "rings": (ring.used, 8),
                      "other": (hostile.place("net0")["block"] + 0x3000, 64)}[where]
        ring.put_desc(0, addr, size, WRITE)
        ring.offer(0)
    attack(hostile, offer)


def test_row23_length_of_four_gigabytes(hostile):
    def offer(dev, ring):
        ring.put_desc(0, dev.alloc(64), 0xffffffff, WRITE)
        ring.offer(0)
    attack(hostile, offer)


def test_row24_readable_behind_writable(hostile):
    def offer(dev, ring):
        buf = dev.alloc(64)
        ring.put_desc(0, buf, 8, WRITE | NEXT, 1)
        ring.put_desc(1, buf + 8, 8)
        ring.offer(0)
    attack(hostile, offer)


@pytest.mark.parametrize("case", ["next", "length", "empty", "5000", "nested", "outside", "loop"])
def test_row25_indirect_table(hostile, case):
    def offer(dev, ring):
        table, buf = dev.alloc(128), dev.alloc(64)
        end = dev.place["block"] + dev.place["size"]
        entry = pack_desc(buf, 8, WRITE)
        if case == "nested":
            entry = pack_desc(table, 16, INDIRECT)
        if case == "loop":
            entry = pack_desc(buf, 8, WRITE | NEXT, 0)
        dev.m.write(table, entry)
        size = {"length": 17, "empty": 0, "5000": 5000 * 16}.get(case, 16)
        ring.put_desc(0, end - 8 if case == "outside" else table, size,
                      INDIRECT | (NEXT if case == "next" else 0), 1)
        ring.offer(0)
    attack(hostile, offer)


def test_row27_nothing_to_write_to(hostile):
    def offer(dev, ring):
        ring.put_desc(0, dev.alloc(64), 8)
        ring.offer(0)
    attack(hostile, offer)


def test_row30_device_words_overwritten(hostile):
    dev = rng(hostile)
    ask(dev, 4)
    ring = dev.rings[0]
    dev.m.put(ring.used + 2, 0x7777, "<H")
    ring.taken = 1
    buf = dev.alloc(64)
    ring.put_desc(1, buf, 4, WRITE)
    ring.offer(1)
    wait(lambda: dev.m.get(ring.used + 2, "<H") == 2, "the index that the device keeps for itself")


def test_row33_storm_of_kicks(hostile):
    dev = rng(hostile)
    for i in range(20000):
        dev.m.put(hostile.layout["remote_page"] + 0x400 + 4 * (i % 256), i)
        dev.m.put(hostile.layout["remote_page"] + 0x80 + 4 * (i % 16), i)
        hostile.ring()
    hostile.connect()
    hostile.net = DriverDevice(hostile.link, hostile.place("net0"))
    hostile.net.bring_up([0, 1])


def test_whole_remote_side_is_noise(hostile):
    """Everything that this remote may write, many times, while the worker looks on."""
    for _ in range(50):
        for d in hostile.layout["devices"]:
            hostile.memory.write(d["block"] + 4096, os.urandom(d["size"] - 4096))
        hostile.memory.write(hostile.layout["remote_page"] + 0x50, os.urandom(4096 - 0x50))
        hostile.ring()
    hostile.connect()
    hostile.net = DriverDevice(hostile.link, hostile.place("net0"))
    hostile.net.bring_up([0, 1])


def test_state_words(pmm):
    """Section 4: what the PMM says of itself, and what it understands of us."""
    page = pmm.link.peer
    assert (pmm.memory.get(page + 0x48), pmm.memory.get(page + 0x4c)) == (2, 0)
    pmm.memory.put(pmm.link.mine + 0x4c, 0xabcd)
    pmm.memory.put(pmm.link.mine + 0x48, 5)
    pmm.link.ring()

    def told():
        with open(pmm.dir + "/log") as f:
            return "panicked with code 0xabcd" in f.read()

    wait(told, "the PMM to say that we panicked", pmm.link.ring)


def test_refused_entry_and_event_counter(pmm):
    """Section 5: which entry was refused, and that every acknowledgement is counted."""
    dev = DriverDevice(pmm.link, pmm.place("net0"))
    dev.open()
    before = dev.reg(0x814)
    with pytest.raises(Refused) as e:
        dev.request((0x30, 4, 0), (0x30, 4, 1), (0x38, 4, 3))  # no power of two
    assert (e.value.result, e.value.entry) == (3, 2)
    assert dev.reg(0x814) == before + 1
    dev.request((0x30, 4, 0))
    assert dev.reg(0x814) == before + 2 and dev.reg(0x810) == 0


@pytest.mark.parametrize("header,fine", [
    ((0x80, 0, 0, 0, 0, 0, 0), True),       # a flag that is to be ignored
    ((0, 3, 0, 0, 0, 0, 0), False),         # a kind of GSO that was never offered
    ((0, 0, 60000, 0, 0, 0, 0), False),     # headers behind the frame's end
    ((0, 0, 0, 60000, 0, 0, 0), True),      # of no meaning without GSO
    ((0, 0, 0, 0, 60000, 60000, 0), True),  # of no meaning without the flag
    ((1, 0, 0, 0, 34, 6, 0), False),        # checksum offload was not negotiated
])
def test_fields_of_the_net_header(pmm, header, fine):
    dev = DriverDevice(pmm.link, pmm.place("net0"))
    dev.bring_up([0, 1], 8)
    tx, out = dev.rings[1], dev.alloc(256)
    for i, (head, data) in enumerate(((struct.pack("<BB5H", *header), b"t" * 60), (HEADER, b"e" * 60))):
        dev.m.write(out, head + data)
        tx.put_desc(i, out, 72)
        tx.offer(i)
        assert tx.collect() == (i, 0)
    assert pmm.world.recv(2048) == (b"t" if fine else b"e") * 60


def test_console_configuration(pmm):
    dev = DriverDevice(pmm.link, pmm.place("console0"))
    dev.open()
    assert struct.unpack("<HHII", dev.config(12)) == (80, 25, 1, 0)


def test_console_control_messages(pmm):
    """Virtio 1.3 section 5.3.6.2: id, event, value; here DEVICE_READY brings a PORT_ADD for each port."""
    dev = DriverDevice(pmm.link, pmm.place("console1"))
    dev.bring_up([0, 1, 2, 3], 8, 1 << 1)
    rx, tx, at = dev.rings[2], dev.rings[3], dev.alloc(256)
    for i in range(2):
        rx.put_desc(i, at + 64 * i, 64, WRITE)
        rx.offer(i)
    dev.m.write(at + 128, struct.pack("<IHH", 0, 0, 1))
    tx.put_desc(0, at + 128, 8)
    tx.offer(0)
    assert tx.collect() == (0, 0)
    told = [rx.collect() for _ in range(2)]
    messages = [struct.unpack("<IHH", dev.m.read(at + 64 * i, 8)) for i, _ in told]
    assert [(m[0], m[1]) for m in messages] == [(0, 1), (1, 1)]


def test_registers_that_nothing_else_uses(pmm):
    """Section 5: InterruptACK is swallowed, InterruptStatus and QueueNotify are no registers to write;
    SHM registers read as all ones; QueueReset reads 0; the configuration at rest is even and not 0."""
    dev = DriverDevice(pmm.link, pmm.place("net0"))
    dev.open()
    assert [dev.reg(r) for r in (0xb0, 0xb4, 0xb8, 0xbc)] == [0xffffffff] * 4
    assert (dev.reg(0xac), dev.reg(0xc0), dev.reg(0x60)) == (0, 0, 0)
    assert dev.reg(0xfc) and dev.reg(0xfc) % 2 == 0
    dev.request((0x64, 4, 3), (0xac, 4, 5))
    for reg in (0x60, 0x50, 0xb0, 0xfc):
        with pytest.raises(Refused) as e:
            dev.request((reg, 4, 0))
        assert e.value.result == 2
    dev.negotiate()
    dev.program(0, 8)
    dev.request((0x30, 4, 0), (0xa4, 4, 1))  # the used ring is above 4 GB now
    with pytest.raises(Refused) as e:
        dev.request((0x44, 4, 1))
    assert e.value.result == 5
