# SPDX-License-Identifier: BSD-3-Clause
"""A network of the test's own: takes this process into a user and a network namespace."""
import ctypes
import fcntl
import os
import select
import struct
import subprocess
import time

import pytest

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LINUX = "192.168.200.254"


def ip(*args):
    subprocess.run(["ip", *args], check=True)


def enter():
    """For the rest of this process's life. Skips where nobody may do that."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        pytest.skip("no namespaces here: %s" % os.strerror(ctypes.get_errno()))
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid),
                       ("gid_map", "0 %d 1" % gid)):
        with open("/proc/self/" + name, "w") as f:
            f.write(text)
    ip("link", "set", "lo", "up")


def make_tap(name="tap0", address=LINUX):
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("/dev/net/tun cannot be opened: sudo chmod 0666 /dev/net/tun")
    ip("tuntap", "add", name, "mode", "tap")
    ip("addr", "add", address + "/24", "dev", name)
    ip("link", "set", name, "up")


class Wire:
    """A TAP of ours on a bridge with tap0: whole frames, and the kernel fills every checksum in."""

    MAC = bytes.fromhex("02000000004d")

    def __init__(self, name="tap1"):
        self.fd = os.open("/dev/net/tun", os.O_RDWR)
        IFF_TAP, IFF_NO_PI, TUNSETIFF = 0x0002, 0x1000, 0x400454ca
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        ip("link", "add", "br0", "type", "bridge", "forward_delay", "0")
        for port in ("tap0", name):
            ip("link", "set", port, "master", "br0")
            ip("link", "set", port, "up")
        ip("link", "set", "br0", "up")

    def send(self, frame):
        os.write(self.fd, frame)

    def receive(self, wanted, seconds=3.0):
        """The first frame for which wanted() is true, or None."""
        end = time.monotonic() + seconds
        while select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
            frame = os.read(self.fd, 2048)
            if wanted(frame):
                return frame
        return None

    def close(self):
        os.close(self.fd)
        ip("link", "set", "tap0", "nomaster")
        ip("link", "del", "br0")


def inet_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def ipv4(source, to, protocol, payload):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                         source, to)
    check = struct.pack("!H", 0xffff ^ inet_sum(header))
    return header[:10] + check + header[12:] + payload


def transport_sum(packet):
    """0xffff for an IPv4 packet whose TCP or UDP checksum is right."""
    size = struct.unpack("!H", packet[2:4])[0]
    payload = packet[20:size]
    return inet_sum(packet[12:20] + struct.pack("!HH", packet[9], len(payload)) + payload)
