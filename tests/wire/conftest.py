# SPDX-License-Identifier: BSD-3-Clause
"""A running PMM whose remote is this test, attached through a memory file and a socket."""
import json
import os
import socket
import struct
import subprocess
import time

import pytest

from region import PATIENCE, Link, Memory, layout_hash, parse_fragment

BUILD = os.environ["CW_BUILD"]
CAUSEWAY = os.path.join(BUILD, "cli", "causeway")
BASE, SIZE = 0x37000000, 0x100000
RANDOM = bytes(range(0x41, 0x5b)) + bytes(range(0x61, 0x7b)) + b"0123456789!"  # 63 bytes

BOARD = """\
name: wire
remotes:
  - name: peer
    region: {{ base: {base:#x}, size: {size:#x} }}
    memory: {{ file: {dir}/ram }}
    carrier: attach
    doorbell: {{ socket: {dir}/bell }}
    lost-ms: 600000
    devices:
      - {{ kind: rng, name: rng0, backend: {{ file: {dir}/random }} }}
      - {{ kind: net, name: net0, mac: "02:43:00:00:00:07", mtu: 1400,
           backend: {{ socket: {dir}/frames, peer: {dir}/world }} }}
      - {{ kind: console, name: console0, backend: {{ socket: {dir}/console }}, cols: 80, rows: 25 }}
      - {{ kind: console, name: console1, ports: [ {{ backend: {{ socket: {dir}/port0 }} }},
           {{ backend: {{ socket: {dir}/port1 }} }} ] }}
      - {{ kind: blk, name: disk0, backend: {{ file: {dir}/disk }}, id: wire-disk }}
      - {{ kind: 9p, name: files0, backend: {{ directory: {dir}/export }}, tag: wire-files }}
      - {{ kind: vsock, name: vsock0, backend: {{ socket: {dir}/sockets }}, size: 128K }}
      - {{ kind: rpmsg, name: rpmsg0 }}
"""

DISK = bytes((i // 512 * 3 + i) % 256 for i in range(256 * 512))


class Pmm:
    def __init__(self, path, board=BOARD):
        self.dir = str(path)
        (path / "random").write_bytes(RANDOM)
        (path / "ram").write_bytes(bytes(SIZE))
        (path / "disk").write_bytes(DISK)
        (path / "export" / "dir").mkdir(parents=True)
        (path / "export" / "dir" / "file").write_bytes(DISK[:5000])
        (path / "board.yaml").write_text(board.format(base=BASE, size=SIZE, dir=self.dir))
        self.world = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.world.bind(self.dir + "/world")
        self.world.settimeout(PATIENCE)
        self.bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log = open(self.dir + "/log", "wb")
        self.process = None
        self.start()
        self.fd = os.open(self.dir + "/ram", os.O_RDWR)
        self.memory = Memory(self.fd, SIZE, BASE)
        self.layout = parse_fragment(self.memory.read(BASE, 8192))
        assert layout_hash(self.layout) == self.layout["hash"]
        self.bell.bind(self.dir + "/bell.remote")
        self.connect()

    def start(self):
        self.process = subprocess.Popen(
            [CAUSEWAY, "run", "--run-dir", self.dir + "/run", self.dir + "/board.yaml"],
            stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not self.ready():
            assert self.process.poll() is None, open(self.dir + "/log").read()
            assert time.monotonic() < end
            time.sleep(0.01)

    def ready(self):
        r = subprocess.run([CAUSEWAY, "status", "--json", "--run-dir", self.dir + "/run"],
                           capture_output=True, text=True, check=False)
        return r.returncode == 0 and all(w["ready"] for w in json.loads(r.stdout)["workers"])

    def status(self):
        return json.loads(subprocess.run(
            [CAUSEWAY, "status", "--json", "--run-dir", self.dir + "/run"],
            capture_output=True, text=True, check=True).stdout)

    def worker(self):
        return self.status()["workers"][0]["pid"]

    def ring(self):
        try:
            self.bell.sendto(b"r", socket.MSG_DONTWAIT, self.dir + "/bell")
        except (BlockingIOError, ConnectionRefusedError, FileNotFoundError):
            pass

    def connect(self):
        """A new life of the remote."""
        self.link = Link(self.memory, self.layout, self.layout["remote_page"],
                         self.layout["pmm_page"], self.ring)
        self.link.begin()
        self.link.announce()
        self.link.wait_up()

    def place(self, name):
        return next(d for d in self.layout["devices"] if d["name"] == name)

    def stop(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.memory.close()
        for s in (self.world, self.bell):
            s.close()
        os.close(self.fd)
        self.log.close()
        return code


@pytest.fixture
def pmm(tmp_path):
    p = Pmm(tmp_path)
    yield p
    assert p.stop() == 0


def pack_desc(addr, length, flags=0, nxt=0):
    return struct.pack("<QIHH", addr, length, flags, nxt)
