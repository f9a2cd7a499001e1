# SPDX-License-Identifier: BSD-3-Clause
"""A network of the test's own: takes this process into a user and a network namespace."""
import ctypes
import fcntl
import itertools
import os
import select
import socket
import struct
import subprocess
import time

import pytest

from pmm import PATIENCE

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


class Pinger:
    """Echo requests, counted: ping(8) waits for the last answers no longer than two round trips, and a machine may stall."""

    numbers = itertools.count(os.getpid())

    def __init__(self, address, size=56, whole=False, device=None):
        self.address, self.id, self.data = address, next(self.numbers) & 0xffff, os.urandom(size)
        self.s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        if whole:
            IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
            self.s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        if device:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        self.sent, self.seen = 0, set()

    def send(self):
        self.sent += 1
        head = struct.pack("!BBHHH", 8, 0, 0, self.id, self.sent)
        check = struct.pack("!H", 0xffff ^ inet_sum(head + self.data))
        try:
            self.s.sendto(head[:2] + check + head[4:] + self.data, (self.address, 0))
        except OSError:
            pass  # there is no way to it: no answer will come

    def listen(self, seconds, behind=0):
        """Until all but so many are answered, or the time is up."""
        end = time.monotonic() + seconds
        while len(self.seen) + behind < self.sent and select.select([self.s], [], [], max(0, end - time.monotonic()))[0]:
            packet = self.s.recv(65536)
            kind, _, _, id_, n = struct.unpack_from("!BBHHH", packet, 20)
            if (kind, id_) == (0, self.id) and packet[28:] == self.data:
                self.seen.add(n)

    def run(self, count, interval=1.0, wait=PATIENCE):
        """How many were sent, and how many answered, the last ones within so many seconds."""
        with self.s:
            for i in range(count):
                begin = time.monotonic()
                self.send()
                if i < count - 1:
                    self.listen(interval)
                    time.sleep(max(0, begin + interval - time.monotonic()))
                if wait == PATIENCE:  # none may be lost: no more than there are buffers for
                    self.listen(wait, 16)
            self.listen(wait)
        return self.sent, len(self.seen)


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

    def receive(self, wanted, seconds=PATIENCE):
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
