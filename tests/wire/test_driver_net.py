# SPDX-License-Identifier: BSD-3-Clause
"""The network, with a PMM in Python: where each word of configuration and header lies (spec, and
virtio 1.3 section 5.1). The remote is the example firmware, which answers ARP and echoes UDP."""
import socket
import struct

import pytest

import test_driver
from region import PATIENCE, DevicePage
from test_driver import Remote

MAC, OURS = bytes.fromhex("024300000007"), bytes.fromhex("02000000004d")
US, THEM = socket.inet_aton("192.168.200.77"), socket.inet_aton("192.168.200.2")
CSUM, GUEST_CSUM, MTU, HAS_MAC, MRG, STATUS = 1 << 0, 1 << 1, 1 << 3, 1 << 5, 1 << 15, 1 << 16


class NetRemote(Remote):
    def __init__(self, path, config, features=CSUM | GUEST_CSUM | MTU | HAS_MAC | MRG | STATUS):
        self.config, self.offered = config, features | 1 << 28 | 1 << 29
        self.sent = []
        super().__init__(path)

    def new_life(self):
        super().new_life()
        self.net = DevicePage(self.link, self.layout["devices"][1], self.offered, self.config)
        self.net.publish()

    def loop(self, until, seconds=PATIENCE):
        def step():
            if self.link.up():
                self.net.service()
                chain = self.net.pop(1)
                if chain:
                    head, parts = chain
                    self.sent.append(b"".join(self.memory.read(a, n) for a, n, _ in parts))
                    self.net.push(1, head, 0)
            return until()

        return self.pump(self.give(b"123456789"), step, seconds)

    def receive(self, wanted, seconds=PATIENCE):
        """The first frame sent for which wanted() is true: (header fields, frame), or None."""
        found = []

        def look():
            while self.sent:
                raw = self.sent.pop(0)
                if wanted(raw[12:]):
                    found.append((struct.unpack("<BB5H", raw[:12]), raw[12:]))
            return bool(found)

        self.loop(look, seconds)
        return found[0] if found else None


def config(status=1, pairs=2, mtu=1400):
    return MAC + struct.pack("<3H", status, pairs, mtu)


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setattr(test_driver, "BOARD", test_driver.BOARD +
                        "      - { kind: net, name: net0, backend: { socket: a, peer: b }, size: 128K }\n")
    made = []

    def start(*args, **more):
        made.append(NetRemote(tmp_path, *args, **more))
        return made[0]

    yield start
    for r in made:
        r.close()


def give(r, data, **header):
    """Puts a frame into the remote's next receive buffer."""
    h = {"flags": 0, "gso_type": 0, "hdr_len": 0, "gso_size": 0, "start": 0, "offset": 0, "buffers": 1,
         **header}
    chains = []

    def one():
        if r.link.up() and not chains:
            chain = r.net.pop(0)
            if chain:
                chains.append(chain)
        return bool(chains)

    assert r.loop(one)
    head, parts = chains[0]
    raw = struct.pack("<BB5H", *h.values()) + data
    for addr, length, writable in parts:
        assert writable
        r.memory.write(addr, raw[:length])
        raw = raw[length:]
    assert not raw
    r.net.push(0, head, 12 + len(data))


def arp():
    return (b"\xff" * 6 + OURS + bytes.fromhex("0806 0001 0800 0604 0001") + OURS + US + bytes(6) + THEM +
            bytes(18))


def is_arp_answer(f):
    return f[12:14] == b"\x08\x06" and f[20:22] == b"\0\x02"


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return 0xffff ^ total


def udp(payload):
    body = struct.pack("!HHHH", 1000, 7, 8 + len(payload), 0) + payload
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0, US, THEM)
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    return MAC + OURS + b"\x08\0" + ip + body


def is_echo(f):
    return f[12:14] == b"\x08\0" and f[23] == 17 and f[26:30] == THEM


def test_configuration(make):
    """Status, not the number of pairs, says that the link is up; the address is the device's."""
    r = make(config())
    give(r, arp())
    _, frame = r.receive(is_arp_answer)
    assert frame[6:12] == MAC and frame[:6] == OURS
    assert r.net.features & (CSUM | GUEST_CSUM | MRG) == CSUM | GUEST_CSUM | MRG


def test_link_down_is_believed(make):
    r = make(config(status=0, pairs=1))
    give(r, arp())
    assert r.receive(is_arp_answer, 0.5) is None


def test_header_of_what_is_sent(make):
    """A UDP answer leaves its checksum to the device: 34 and 6, and nothing else is said."""
    r = make(config())
    give(r, arp())
    assert r.receive(is_arp_answer)
    give(r, udp(b"hello there!"))
    header, frame = r.receive(is_echo)
    assert header == (1, 0, 0, 0, 34, 6, 0)
    assert frame[42:54] == b"hello there!"


@pytest.mark.parametrize("header,fine", [
    ({}, True),
    ({"flags": 2}, True),              # the checksum was looked at
    ({"flags": 0x80}, True),           # a bit that nobody defined
    ({"gso_type": 1}, False),          # not negotiated
    ({"hdr_len": 60000}, True),        # of no meaning without a type
    ({"gso_size": 60000}, True),       # of no meaning without a type
    ({"start": 60000}, True),          # of no meaning without the flag
    ({"flags": 1, "start": 34, "offset": 6}, True),
    ({"flags": 1, "start": 60000, "offset": 6}, False),
    ({"flags": 1, "start": 34, "offset": 60000}, False),
])
def test_header_of_what_is_received(make, header, fine):
    r = make(config())
    give(r, arp())
    assert r.receive(is_arp_answer)
    give(r, udp(b"x" * 40), **header)
    assert (r.receive(is_echo, PATIENCE if fine else 0.4) is not None) == fine
    give(r, udp(b"afterwards"))  # one bad frame costs that frame
    assert r.receive(is_echo)


def test_number_of_buffers_is_where_it_belongs(make):
    r = make(config())
    give(r, arp())
    assert r.receive(is_arp_answer)
    give(r, udp(b"x" * 40), buffers=0)  # breaks the contract: the driver begins anew
    assert r.receive(is_echo, 0.4) is None
