# SPDX-License-Identifier: BSD-3-Clause
"""The contract in memory, written from docs/spec/region.md alone: no C header is read here.

Memory, the device-tree fragment, the link (either role), register requests and split rings (either
role). Simple on purpose: it polls, asks for every notification and never keeps two chains in flight.
"""
import mmap
import socket
import struct
import sys
import time

PAGE = 4096
PATIENCE = 60.0  # with what must happen: the end of a hang, and no measure


class WireError(Exception):
    """The other side did not do what the specification says."""


class Memory:
    """A region, addressed as the remote sees it.

    Words are got and put by a single access each, as the contract wants it, which only a cast memoryview
    makes: struct.pack_into() clears the place first, so the other side could see a 0 that was never put.
    """

    def __init__(self, fd, size, base, offset=0):
        assert sys.byteorder == "little"
        self.map = mmap.mmap(fd, size, offset=offset)
        self.base = base
        self.views = {f"<{c}": memoryview(self.map).cast(c) for c in "BHI"}

    def get(self, at, fmt="<I"):
        view = self.views[fmt]
        assert (at - self.base) % view.itemsize == 0
        return view[(at - self.base) // view.itemsize]

    def put(self, at, value, fmt="<I"):
        view = self.views[fmt]
        assert (at - self.base) % view.itemsize == 0
        view[(at - self.base) // view.itemsize] = value

    def close(self):
        for view in self.views.values():
            view.release()
        self.map.close()

    def read(self, at, size):
        return bytes(self.map[at - self.base:at - self.base + size])

    def write(self, at, data):
        self.map[at - self.base:at - self.base + len(data)] = data


def parse_fragment(blob):
    """Section 11, by way of the flattened tree's own format."""
    magic, _, structs, strings = struct.unpack_from(">4I", blob)
    assert magic == 0xd00dfeed
    nodes, stack, at = [], [], structs
    while True:
        token, = struct.unpack_from(">I", blob, at)
        at += 4
        if token == 1:
            end = blob.index(b"\0", at)
            stack.append({"node": blob[at:end].decode()})
            nodes.append(stack[-1])
            at = (end + 4) & ~3
        elif token == 2:
            stack.pop()
        elif token == 3:
            size, name = struct.unpack_from(">2I", blob, at)
            key = blob[strings + name:blob.index(b"\0", strings + name)].decode()
            stack[-1][key] = blob[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token == 9:
            break
    root = nodes[0]
    assert root["compatible"].split(b"\0")[0] == b"causeway,region-1"

    def cell(node, key):
        return struct.unpack(">I", node[key])[0]

    def cells(node, key):
        return struct.unpack(f">{len(node[key]) // 8}Q", node[key])

    layout = {
        "base": cells(root, "reg")[0], "size": cells(root, "reg")[1],
        "line": cell(root, "causeway,line"), "slots": cell(root, "causeway,slots"),
        "dtb": cell(root, "causeway,fragment-size"),
        "pmm_page": cells(root, "causeway,pmm-page")[0],
        "remote_page": cells(root, "causeway,remote-page")[0],
        "hash": cells(root, "causeway,layout-hash")[0], "devices": [],
    }
    for node in nodes[1:]:
        layout["devices"].append({
            "name": node["label"].rstrip(b"\0").decode(), "id": cell(node, "causeway,device-id"),
            "slot": cell(node, "causeway,slot"), "queues": cell(node, "causeway,queues"),
            "queue_size": cell(node, "causeway,queue-size"),
            "block": cells(node, "reg")[0], "size": cells(node, "reg")[1],
        })
    return layout


def layout_hash(layout):
    """Section 3."""
    data = struct.pack("<IQIIIIQQI", 1, layout["base"], layout["size"], layout["line"],
                       layout["dtb"], layout["slots"], layout["pmm_page"], layout["remote_page"],
                       len(layout["devices"]))
    for d in layout["devices"]:
        data += d["name"].encode().ljust(16, b"\0")
        data += struct.pack("<IIIIIQ", d["id"], d["slot"], d["queues"], d["queue_size"], d["size"],
                            d["block"])
    h = 0xcbf29ce484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 % 2**64
    return h


class Link:
    """Section 4, for the side that writes page @mine and reads page @peer."""

    def __init__(self, memory, layout, mine, peer, ring):
        self.m, self.layout, self.mine, self.peer, self.ring = memory, layout, mine, peer, ring
        self.epoch = self.echoed = 0
        self.groups = [0] * 16
        self.seen = [0] * 256
        self.news = set()
        self.ready = set()

    def _zero(self):
        for page, words in ((0x400, 256), (0x800, 256), (0x80, 16)):
            self.m.write(self.mine + page, bytes(4 * words))
        self.groups, self.my_groups = [0] * 16, [0] * 16
        self.seen = [0] * 256

    def begin(self):
        own, echo = self.m.get(self.mine + 0x40), self.m.get(self.peer + 0x44)
        later = echo if 0 < (echo - own) % 2**32 < 2**31 else own
        self.epoch = (later + 1) % 2**32 or 1
        self._zero()
        self.m.put(self.mine + 0x44, 0)
        self.m.put(self.mine + 0x48, 1)
        self.m.put(self.mine + 0x00, 0x4b4c5743)
        self.m.put(self.mine + 0x04, 0x00010000)
        self.m.put(self.mine + 0x08, self.layout["hash"] % 2**32)
        self.m.put(self.mine + 0x0c, self.layout["hash"] >> 32)
        self.m.put(self.mine + 0x40, self.epoch)
        self.echoed = 0

    def announce(self):
        self.m.put(self.mine + 0x48, 2)
        self.ring()

    def poll(self):
        e = self.m.get(self.peer + 0x40)
        if e and e != self.echoed:
            self._zero()
            self.echoed = e
            self.m.put(self.mine + 0x44, e)
            self.ring()
        return self.up()

    def up(self):
        return (self.echoed != 0 and self.m.get(self.peer + 0x40) == self.echoed
                and self.m.get(self.peer + 0x44) == self.epoch)

    def wait_up(self):
        wait(self.poll, "the link to come up", self.ring)

    def kick(self, slot, value):
        self.m.put(self.mine + 0x400 + 4 * slot, value)
        g = slot // 16
        self.my_groups[g] += 1
        self.m.put(self.mine + 0x80 + 4 * g, self.my_groups[g])
        self.ring()

    def look(self):
        """Returns the slots kicked since the last look, and echoes those that are served."""
        found = set()
        for g in range((self.layout["slots"] + 15) // 16):
            word = self.m.get(self.peer + 0x80 + 4 * g)
            if word == self.groups[g]:
                continue
            self.groups[g] = word
            for slot in range(16 * g, min(16 * g + 16, self.layout["slots"])):
                kick = self.m.get(self.peer + 0x400 + 4 * slot)
                if kick != self.seen[slot] and (slot == 0 or slot in self.ready):
                    self.seen[slot] = kick
                    self.m.put(self.mine + 0x800 + 4 * slot, kick)
                    found.add(slot)
        return found


def wait(condition, what, nudge=None, timeout=PATIENCE):
    end, pause = time.monotonic() + timeout, 0.0002
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise WireError(f"waited {timeout} s for {what}")
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
        if nudge and pause == 0.02:
            nudge()


class Refused(WireError):
    def __init__(self, result, entry):
        super().__init__(f"request refused with {result} at entry {entry}")
        self.result, self.entry = result, entry


class DriverDevice:
    """Sections 5 to 8, driver role, of one device."""

    def __init__(self, link, place):
        self.link, self.m, self.place = link, link.m, place
        self.page, self.request_page = place["block"], place["block"] + PAGE
        self.free = place["block"] + 2 * PAGE
        self.rings = {}

    def reg(self, at):
        return self.m.get(self.page + at)

    def open(self):
        assert self.reg(0) == 0x4d445743 and self.reg(4) == 2
        self.seq = self.reg(0x800)
        self.m.put(self.request_page, self.seq)
        self.m.put(self.request_page + 8, self.link.epoch)
        self.m.put(self.request_page + 4, self.link.echoed)
        self.link.ready.add(self.place["slot"])

    def post(self, entries, count=None):
        for i, (offset, width, value) in enumerate(entries):
            self.m.write(self.request_page + 0x10 + 16 * i,
                         struct.pack("<3I", offset, width, value % 2**32))
        self.m.put(self.request_page + 0x0c, len(entries) if count is None else count)
        self.seq = (self.seq + 1) % 2**32
        self.m.put(self.request_page, self.seq)
        self.link.kick(self.place["slot"], self.seq)

    def request(self, *entries, count=None):
        self.post(entries, count)
        wait(lambda: self.reg(0x800) == self.seq and self.reg(0x804) == self.link.echoed
             and self.reg(0x808) == self.link.epoch, "an acknowledgement", self.link.ring)
        self.link.look()
        if self.reg(0x80c):
            raise Refused(self.reg(0x80c), self.reg(0x810))

    def write(self, reg, value, width=4):
        self.request((reg, width, value))

    def config(self, size):
        for _ in range(8):
            before = self.reg(0xfc)
            data = self.m.read(self.page + 0x100, size)
            if before % 2 == 0 and self.reg(0xfc) == before:
                return data
        raise WireError("the configuration does not come to rest")

    def negotiate(self, wanted=0):
        self.write(0x70, 0)
        assert self.reg(0x70) == 0
        self.write(0x70, 3)
        self.write(0x14, 0)
        offered = self.reg(0x10)
        self.write(0x14, 1)
        offered |= self.reg(0x10) << 32
        assert offered >> 32 & 1
        self.features = offered & (wanted | 1 << 32)
        self.request((0x24, 4, 0), (0x20, 4, self.features % 2**32), (0x24, 4, 1),
                     (0x20, 4, self.features >> 32), (0x70, 4, 11))
        assert self.reg(0x70) & 8, "FEATURES_OK"
        return offered

    def alloc(self, size):
        line = self.link.layout["line"]
        at, self.free = self.free, self.free + (size + line - 1) // line * line
        assert self.free <= self.place["block"] + self.place["size"]
        return at

    def program(self, q, size):
        """Everything about queue @q but QueueReady."""
        ring = DriverRing(self, q, size)
        self.link.m.put(self.link.mine + 0x400 + 4 * ring.slot, 0)
        self.request((0x30, 4, q), (0x38, 4, size), (0x80, 4, ring.desc), (0x84, 4, ring.desc >> 32),
                     (0x90, 4, ring.avail), (0x94, 4, ring.avail >> 32), (0xa0, 4, ring.used),
                     (0xa4, 4, ring.used >> 32))
        self.rings[q] = ring
        return ring

    def make_ready(self, q):
        self.request((0x30, 4, q), (0x44, 4, 1))
        assert self.reg(0x44) == 1
        slot = self.rings[q].slot
        self.link.seen[slot] = 0
        self.m.put(self.link.mine + 0x800 + 4 * slot, 0)
        self.link.ready.add(slot)

    def start(self):
        self.write(0x70, 15)

    def bring_up(self, queues, size=8, wanted=0):
        self.open()
        self.negotiate(wanted)
        for q in queues:
            self.program(q, size)
            self.make_ready(q)
        self.start()

    def needs_reset(self):
        return bool(self.reg(0x70) & 64)


class DriverRing:
    """Section 8, driver role."""

    def __init__(self, dev, q, size):
        self.dev, self.m, self.size = dev, dev.m, size
        self.slot = dev.place["slot"] + 1 + q
        self.desc = dev.alloc(16 * size)
        self.avail = dev.alloc(6 + 2 * size)
        self.used = dev.alloc(6 + 8 * size)
        for at, n in ((self.desc, 16 * size), (self.avail, 6 + 2 * size), (self.used, 6 + 8 * size)):
            self.m.write(at, bytes(n))
        self.published = self.taken = 0

    def put_desc(self, i, addr, length, flags=0, nxt=0):
        self.m.write(self.desc + 16 * i, struct.pack("<QIHH", addr, length, flags, nxt))

    def offer(self, head, count=1):
        self.m.put(self.avail + 4 + 2 * (self.published % self.size), head, "<H")
        self.published += count
        self.m.put(self.avail + 2, self.published % 2**16, "<H")
        self.dev.link.kick(self.slot, self.published)

    def collect(self, timeout=PATIENCE):
        wait(lambda: self.m.get(self.used + 2, "<H") != self.taken % 2**16, "a used buffer",
             timeout=timeout)
        at = self.used + 4 + 8 * (self.taken % self.size)
        self.taken += 1
        self.dev.link.look()
        return self.m.get(at), self.m.get(at + 4)


class DevicePage:
    """Sections 5 to 8, device role, of one device: for a Python PMM."""

    def __init__(self, link, place, features, config=b""):
        self.link, self.m, self.place = link, link.m, place
        self.page, self.request_page = place["block"], place["block"] + PAGE
        self.offered = features | 1 << 32
        self.config, self.seq, self.event = config, 0, 0
        self.on_request = None
        self.reset()

    def reset(self):
        self.status = self.dev_sel = self.drv_sel = self.queue_sel = self.features = 0
        self.queues = [{"num": 0, "ready": 0, "addr": [0, 0, 0]} for _ in range(self.place["queues"])]

    def put(self, reg, value):
        self.m.put(self.page + reg, value)

    def refresh(self):
        q = self.queues[self.queue_sel] if self.queue_sel < len(self.queues) else None
        self.put(0x10, self.offered >> 32 * self.dev_sel & 0xffffffff if self.dev_sel < 2 else 0)
        self.put(0x34, self.place["queue_size"] if q else 0)
        self.put(0x44, q["ready"] if q else 0)
        self.put(0x70, self.status)

    def publish(self):
        for reg, value in ((0, 0x4d445743), (4, 2), (8, self.place["id"]), (0xc, 0x59415743),
                           (0xc0, 0), (0xfc, 2)):
            self.put(reg, value)
        self.m.write(self.page + 0x100, self.config)
        self.refresh()
        self.put(0x814, self.event)
        self.put(0x800, self.seq)
        self.link.ready.add(self.place["slot"])

    def tell(self):
        self.event += 1
        self.put(0x814, self.event)
        self.link.kick(self.place["slot"], self.event)

    def execute(self, reg, value):
        q = self.queues[self.queue_sel] if self.queue_sel < len(self.queues) else None
        if reg == 0x70:
            if value == 0:
                self.reset()
            else:
                self.status = value
        elif reg in (0x14, 0x24, 0x30):
            setattr(self, {0x14: "dev_sel", 0x24: "drv_sel", 0x30: "queue_sel"}[reg], value)
        elif reg == 0x20:
            self.features |= value << 32 * self.drv_sel
        elif reg == 0x38:
            q["num"] = value
        elif 0x80 <= reg <= 0xa4:
            shift = 32 if reg & 4 else 0
            q["addr"][(reg - 0x80) // 16] |= value << shift
        elif reg == 0x44:
            q["ready"], q["seen"], q["used"] = value, 0, 0
            slot = self.place["slot"] + 1 + self.queue_sel
            for base in (0x400, 0x800):
                self.m.put(self.link.mine + base + 4 * slot, 0)
            self.link.seen[slot] = 0
            self.link.ready.add(slot)

    def service(self):
        """Executes a request if there is one; True when there was."""
        if (self.m.get(self.request_page + 4) != self.link.epoch
                or self.m.get(self.request_page + 8) != self.link.echoed):
            return False
        seq = self.m.get(self.request_page)
        if seq == self.seq:
            return False
        self.seq = seq
        for i in range(self.m.get(self.request_page + 0xc)):
            offset, _, value = struct.unpack("<3I", self.m.read(self.request_page + 0x10 + 16 * i, 12))
            self.execute(offset, value)
        if self.on_request and not self.on_request():
            return True
        self.refresh()
        for at, value in ((0x804, self.link.epoch), (0x808, self.link.echoed), (0x80c, 0), (0x810, 0)):
            self.put(at, value)
        self.put(0x800, self.seq)
        self.tell()
        return True

    def pop(self, q):
        """The next chain of queue @q: (head, [(address, length, writable)]) or None."""
        v = self.queues[q]
        if not v["ready"] or not self.status & 4:
            return None
        desc, avail, _ = v["addr"]
        if self.m.get(avail + 2, "<H") == v["seen"] % 2**16:
            return None
        head = i = self.m.get(avail + 4 + 2 * (v["seen"] % v["num"]), "<H")
        v["seen"] += 1
        parts = []
        while True:
            addr, length, flags, nxt = struct.unpack("<QIHH", self.m.read(desc + 16 * i, 16))
            parts.append((addr, length, bool(flags & 2)))
            if not flags & 1:
                return head, parts
            i = nxt

    def push(self, q, head, length):
        v = self.queues[q]
        used = v["addr"][2]
        self.m.write(used + 4 + 8 * (v["used"] % v["num"]), struct.pack("<2I", head, length % 2**32))
        v["used"] += 1
        self.m.put(used + 2, v["used"] % 2**16, "<H")
        self.link.kick(self.place["slot"] + 1 + q, v["used"])


def drain(sock):
    """Clear a doorbell."""
    try:
        while sock.recv(64, socket.MSG_DONTWAIT):
            pass
    except BlockingIOError:
        pass
