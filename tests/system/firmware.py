# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration firmware from outside: pings, echo services, shell."""
import os
import select
import socket
import threading
import time

import netns
from pmm import BUILD, PATIENCE, until

ECHO = 7
FIRMWARE = os.path.join(BUILD, "firmware", "hvl_net_rng_reloc", "hvl_net_rng_reloc")


def exactly(s, n):
    """So many bytes, or what came before the end."""
    out = bytearray()
    while len(out) < n:
        got = s.recv(n - len(out))
        if not got:
            break
        out += got
    return bytes(out)


def read_all(s):
    out = bytearray()
    while True:
        got = s.recv(65536)
        if not got:
            return bytes(out)
        out += got


class Udp:
    def __init__(self, ip):
        self.s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.s.connect((ip, ECHO))

    def answers(self, data, seconds=PATIENCE):
        self.s.settimeout(seconds)
        try:
            self.s.send(data)
            return self.s.recv(65536) == data
        except (socket.timeout, ConnectionRefusedError):
            return False


class Shell:
    """The remote's console, through its pty."""

    def __init__(self, remote):
        at = next(d for d in remote["devices"] if d["kind"] == "console")["backends"][0]["at"]
        self.fd = os.open(at, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.seen = ""

    def read(self, seconds):
        if select.select([self.fd], [], [], seconds)[0]:
            self.seen += os.read(self.fd, 4096).decode()

    def until(self, text, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end, "no %r in %r" % (text, self.seen)
            self.read(0.1)
        before, self.seen = self.seen.split(text, 1)
        return before

    def prompt(self):
        self.type("\r")
        self.until("remote:~$ ")
        return self

    def type(self, text):
        os.write(self.fd, text.encode())

    def run(self, command, seconds=PATIENCE):
        """What a command prints, its echo left out."""
        self.type(command + "\r")
        self.until(command + "\r\n", seconds)
        return self.until("remote:~$ ", seconds).replace("\r\n", "\n")

    def close(self):
        os.close(self.fd)


class Firmware:
    def __init__(self, p, remote="a", ip="192.168.200.2"):
        self.p, self.remote, self.ip = p, remote, ip

    def started(self, seconds=PATIENCE):
        until(lambda: self.p.lines("echo services", self.remote), seconds)
        return self

    def ping(self, count, interval=0.05, size=56, whole=False, wait=PATIENCE, device=None):
        """How many were sent, how many answered."""
        return netns.Pinger(self.ip, size, whole, device).run(count, interval, wait)

    def answers(self):
        """Whether it answers at this moment, or soon."""
        return self.ping(1, wait=1) == (1, 1)

    def silent(self, count=1, interval=0.1):
        """Nobody answers, and would have within a second."""
        return self.ping(count, interval, wait=1) == (count, 0)

    def udp(self):
        return Udp(self.ip)

    def shell(self):
        return Shell(self.p.remote(self.remote))

    def service(self, name):
        """A connection to a service of its messages, of which each packet is one."""
        def at():
            d = next(d for d in self.p.remote(self.remote)["devices"] if d["kind"] == "rpmsg")
            return next((s["socket"] for s in d["services"] if s["name"] == name and "socket" in s), None)

        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.settimeout(PATIENCE)
        s.connect(until(at))
        return s

    def tcp_exchange(self, size, meanwhile=lambda: None):
        """Sends random bytes to the echo service; whether exactly those came back."""
        data = os.urandom(size)
        with socket.create_connection((self.ip, ECHO), timeout=PATIENCE) as s:
            def send():
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)

            threads = [threading.Thread(target=send), threading.Thread(target=meanwhile)]
            for t in threads:
                t.start()
            back = read_all(s)
            for t in threads:
                t.join()
        return back == data
