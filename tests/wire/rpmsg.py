# SPDX-License-Identifier: BSD-3-Clause
"""RPMsg on a resource table, both roles, written from docs/spec/rpmsg.md and the facts it builds on (Linux's
and OpenAMP's layout of tables and vrings): no C header is read here. It polls, and uses each buffer as it comes.
"""
import struct

from region import wait

BASE = 0x38000000
F_NS, F_BUFSZ, F_FRAGMENT, F_CREDIT = 1, 2, 1 << 16, 1 << 17
ACK, DRIVER, DRIVER_OK, NEEDS_RESET, FAILED = 1, 2, 4, 64, 128
STATUS, GFEATURES = 20 + 24, 20 + 16


def table(num, align, da, sizes, features, config=None):
    """One virtio device of id 7; @sizes: bytes of a buffer to the host, to the remote."""
    config = config or struct.pack("<BHII", 1, 11, *sizes)
    head = struct.pack("<4I", 1, 1, 0, 0) + struct.pack("<I", 20)
    vdev = struct.pack("<6I4B", 3, 7, 9, features, 0, len(config), 0, 2, 0, 0)
    rings = b"".join(struct.pack("<5I", da[i], align, num, 5 + i, 0) for i in range(2))
    return head + vdev + rings + config


class Vring:
    """A legacy split ring as Linux lays it out."""

    def __init__(self, memory, da, num, align):
        self.m, self.num, self.desc = memory, num, da
        self.avail = da + 16 * num
        self.used = (self.avail + 6 + 2 * num + align - 1) // align * align
        self.end = self.used + 6 + 8 * num
        self.published = self.taken = 0

    def zero(self):
        self.m.write(self.desc, bytes(self.end - self.desc))

    # driver role

    def offer(self, i, addr, length, write):
        self.m.write(self.desc + 16 * i, struct.pack("<QIHH", addr, length, 2 if write else 0, 0))
        self.m.put(self.avail + 4 + 2 * (self.published % self.num), i, "<H")
        self.published += 1
        self.m.put(self.avail + 2, self.published % 65536, "<H")

    def collect(self):
        """(descriptor, length), or None."""
        if self.m.get(self.used + 2, "<H") == self.taken % 65536:
            return None
        at = self.used + 4 + 8 * (self.taken % self.num)
        self.taken += 1
        return self.m.get(at), self.m.get(at + 4)

    # device role

    def pop(self):
        """(descriptor, address, length, write), or None."""
        if self.m.get(self.avail + 2, "<H") == self.taken % 65536:
            return None
        i = self.m.get(self.avail + 4 + 2 * (self.taken % self.num), "<H")
        self.taken += 1
        addr, length, flags, _ = struct.unpack("<QIHH", self.m.read(self.desc + 16 * i, 16))
        assert flags in (0, 2)
        return i, addr, length, flags == 2

    def push(self, i, length):
        self.m.write(self.used + 4 + 8 * (self.published % self.num), struct.pack("<2I", i, length))
        self.published += 1
        self.m.put(self.used + 2, self.published % 65536, "<H")


def pack(src, dst, data, flags=0, reserved=0, length=None):
    return struct.pack("<3I2H", src, dst, reserved, len(data) if length is None else length, flags) + data


def name_service(name, addr, flags=0):
    return name.ljust(32, b"\0") + struct.pack("<2I", addr, flags)


class Side:
    def __init__(self, memory, kick):
        self.m, self.kick = memory, kick

    def status(self):
        return self.m.get(BASE + STATUS, "<B")

    def set_status(self, value):
        self.m.put(BASE + STATUS, value, "<B")
        self.kick(9)

    def parse(self, addr, room):
        src, dst, reserved, length, flags = struct.unpack("<3I2H", self.m.read(addr, 16))
        assert reserved == 0 and length + 16 <= room
        return src, dst, flags, self.m.read(addr + 16, length)

    def expect(self, what="a message"):
        return wait(self.receive, what)


class Host(Side):
    """As Linux's driver: all buffers in one block, those to receive first; a transmit descriptor is as long as
    its message unless @whole (as OpenAMP's)."""

    def begin(self, rings, align, num, sizes, features, whole=False):
        self.sizes, self.whole = sizes, whole
        self.rx, self.tx = (Vring(self.m, da, num, align) for da in rings)
        self.rx.zero()
        self.tx.zero()
        self.num = num
        self.block = BASE + 0x8000
        self.free = list(range(num))
        self.set_status(ACK)
        self.set_status(ACK | DRIVER)
        self.m.put(BASE + GFEATURES, features)
        for i in range(num):
            self.rx.offer(i, self.block + i * sizes[0], sizes[0], True)
        self.set_status(ACK | DRIVER | DRIVER_OK)
        self.kick(5)

    def tx_buffer(self, i):
        return self.block + self.num * self.sizes[0] + i * self.sizes[1]

    def send_raw(self, raw, length=None):
        wait(self.recycle, "a buffer to send")
        i = self.free.pop(0)
        self.m.write(self.tx_buffer(i), raw)
        if length is None:
            length = self.sizes[1] if self.whole else len(raw)
        self.tx.offer(i, self.tx_buffer(i), length, False)
        self.kick(6)

    def recycle(self):
        while (got := self.tx.collect()) is not None:
            assert got[1] == 0, "a remote writes nothing into a readable buffer"
            self.free.append(got[0])
        return self.free

    def send(self, src, dst, data, flags=0):
        self.send_raw(pack(src, dst, data, flags))

    def receive(self):
        got = self.rx.collect()
        if got is None:
            return None
        i, used = got
        assert i < self.num and used <= self.sizes[0]
        message = self.parse(self.block + i * self.sizes[0], used)
        self.rx.offer(i, self.block + i * self.sizes[0], self.sizes[0], True)
        self.kick(5)
        return message


class Remote(Side):
    """As OpenAMP's device: used lengths are those of the descriptors."""

    def begin(self, rings, align, num):
        wait(lambda: self.status() & DRIVER_OK, "DRIVER_OK", lambda: self.kick(9))
        self.features = self.m.get(BASE + GFEATURES)
        self.tx, self.rx = (Vring(self.m, da, num, align) for da in rings)

    def send_raw(self, raw, used=None):
        i, addr, length, write = wait(self.tx.pop, "an empty buffer")
        assert write and len(raw) <= length
        self.m.write(addr, raw)
        self.tx.push(i, length if used is None else used)
        self.kick(5)
        return length

    def send(self, src, dst, data, flags=0):
        return self.send_raw(pack(src, dst, data, flags))

    def receive(self):
        got = self.rx.pop()
        if got is None:
            return None
        i, addr, length, write = got
        assert not write
        message = self.parse(addr, length)
        self.rx.push(i, length)
        self.kick(6)
        return message
