# SPDX-License-Identifier: BSD-3-Clause
"""A PMM in Python, written from docs/spec/region.md, against the real driver library.

The remote is the example firmware for the hosted port, which asks for nine bytes of entropy first.
"""
import fcntl
import os
import re
import socket
import subprocess
import time

import pytest

from conftest import BUILD, CAUSEWAY
from region import PATIENCE, DevicePage, Link, Memory, drain, parse_fragment

FIRMWARE = os.path.join(BUILD, "firmware", "hvl_net_rng_reloc", "hvl_net_rng_reloc")
BASE, SIZE = 0x37000000, 0x100000
BOARD = f"""\
name: wire
remotes:
  - name: peer
    region: {{ base: {BASE:#x}, size: {SIZE:#x} }}
    carrier: attach
    memory: {{ file: ram }}
    doorbell: {{ poll: 1000 }}
    devices:
      - {{ kind: rng, name: virt-rng }}
"""


class Remote:
    """The firmware as a process, and everything a PMM needs to serve it."""

    def __init__(self, path):
        board = path / "board.yaml"
        board.write_text(BOARD)
        blob = subprocess.run([CAUSEWAY, "layout", "-f", "dtb", str(board)], capture_output=True,
                              check=True).stdout
        self.layout = parse_fragment(blob)
        self.fd = os.memfd_create("region")
        os.ftruncate(self.fd, SIZE)
        self.memory = Memory(self.fd, SIZE, BASE)
        self.memory.write(BASE, blob)
        self.bell, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.text = ""
        self.process = None
        self.start()
        self.new_life()

    def start(self):
        region = fcntl.fcntl(self.fd, fcntl.F_DUPFD, 10)
        bell = fcntl.fcntl(self.theirs.fileno(), fcntl.F_DUPFD, 10)
        self.process = subprocess.Popen(
            [FIRMWARE], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, pass_fds=(region, bell),
            env={"CAUSEWAY_REGION_FD": str(region), "CAUSEWAY_DOORBELL_FD": str(bell),
                 "CAUSEWAY_REMOTE": "peer"})
        os.close(region)
        os.close(bell)
        os.set_blocking(self.process.stdout.fileno(), False)

    def ring(self):
        try:
            self.bell.send(b"r", socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass

    def new_life(self):
        self.link = Link(self.memory, self.layout, self.layout["pmm_page"],
                         self.layout["remote_page"], self.ring)
        self.link.begin()
        self.rng = DevicePage(self.link, self.layout["devices"][0], 1 << 28 | 1 << 29)
        self.rng.publish()
        self.link.announce()

    def pump(self, serve, until, seconds=PATIENCE):
        """Runs the PMM's loop until @until() or the time is up; returns what @until said."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            drain(self.bell)
            if self.link.poll():
                self.link.look()
                self.rng.service()
                chain = self.rng.pop(0)
                if chain:
                    serve(*chain)
            self.text += (self.process.stdout.read() or b"").decode()
            if until():
                return True
            time.sleep(0.0005)
        return False

    def said(self, pattern):
        return lambda: re.search(pattern, self.text)

    def give(self, data):
        def serve(head, parts):
            (addr, length, writable), = parts
            assert writable
            self.memory.write(addr, data[:length])
            self.rng.push(0, head, min(length, len(data)))
        return serve

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.memory.close()
        os.close(self.fd)
        self.bell.close()
        self.theirs.close()


@pytest.fixture
def remote(tmp_path):
    r = Remote(tmp_path)
    yield r
    r.close()


def printed(text):
    return bytes(int(x, 16) for x in re.findall(r"^  0x([0-9a-f]{2})$", text, re.M))


def test_remote_prints_exactly_our_bytes(remote):
    data = bytes.fromhex("0102030405060708ff")
    assert remote.pump(remote.give(data), remote.said("get_entropy test"))
    assert "test passed" in remote.text
    assert printed(remote.text) == data


def test_short_answers_are_gathered(remote):
    rest = [b"\x11\x12", b"\x13", b"\x14\x15\x16\x17\x18\x19\x1a\x1b"]

    def serve(head, parts):
        addr, length, _ = parts[0]
        data = rest.pop(0)[:length]
        remote.memory.write(addr, data)
        remote.rng.push(0, head, len(data))

    assert remote.pump(serve, remote.said("get_entropy test passed"))
    assert printed(remote.text) == bytes(range(0x11, 0x1a))


def test_row60_length_above_what_was_offered(remote):
    def serve(head, parts):
        remote.memory.write(parts[0][0], b"\xee" * 256)
        remote.rng.push(0, head, 4096)

    assert remote.pump(serve, remote.said("get_entropy test"))
    assert "test failed" in remote.text and "ee" not in re.findall(r"0x(..)\n", remote.text)


@pytest.mark.parametrize("wrong", [1, 2, 0xffff, 0xffffffff])
def test_row59_used_id_that_is_not_ours(remote, wrong):
    def serve(head, parts):
        del head, parts
        remote.rng.push(0, wrong, 9)

    assert remote.pump(serve, remote.said("get_entropy test"))
    assert "test failed" in remote.text and not printed(remote.text)


def test_row61_used_index_jumps(remote):
    def serve(head, parts):
        remote.memory.write(parts[0][0], b"123456789")
        del head
        used = remote.rng.queues[0]["addr"][2]
        remote.memory.put(used + 2, 77, "<H")
        remote.link.kick(remote.rng.place["slot"] + 1, 77)

    assert remote.pump(serve, remote.said("get_entropy test"))
    assert "test failed" in remote.text and not printed(remote.text)


def test_no_bytes_are_no_entropy(remote):
    def serve(head, parts):
        del parts
        remote.rng.push(0, head, 0)

    assert remote.pump(serve, remote.said("get_entropy test"))
    assert "test failed" in remote.text and not printed(remote.text)


def test_row66_an_answer_that_never_comes(remote):
    assert remote.pump(lambda head, parts: None, remote.said("get_entropy test"))
    assert "test failed" in remote.text and not printed(remote.text)


def test_row72_requests_that_nobody_answers(remote):
    """The driver neither hangs nor goes on: it takes a new epoch and begins anew."""
    remote.rng.on_request = lambda: False
    epoch = remote.layout["remote_page"] + 0x40
    assert remote.pump(lambda *_: None, lambda: remote.memory.get(epoch) > 1)
    remote.rng.on_request = None
    remote.rng.seq = remote.memory.get(remote.rng.request_page)
    remote.new_life()
    assert remote.pump(remote.give(b"abcdefghi"), remote.said("test passed"))


def test_row65_needs_reset_at_any_request(remote):
    """The device asks for a reset again and again; in the end it serves."""
    times = [0]

    def on_request():
        times[0] += 1
        if times[0] % 5 == 0 and times[0] < 40:
            remote.rng.status |= 64
        return True

    remote.rng.on_request = on_request
    assert remote.pump(remote.give(b"abcdefghi"), remote.said("test (passed|failed)"))


def test_pmm_restarts_before_the_answer(remote):
    asked = []
    assert remote.pump(lambda head, parts: asked.append(head), lambda: asked)
    remote.new_life()
    assert remote.pump(remote.give(b"ABCDEFGHI"), remote.said("get_entropy test"))
    assert printed(remote.text) == b"ABCDEFGHI"


def test_another_version_is_refused(tmp_path):
    r = Remote(tmp_path)
    r.memory.put(r.layout["pmm_page"] + 4, 0x00020000)
    assert r.pump(lambda *_: None, r.said("contract version differs"))
    r.close()


def test_another_layout_is_refused(tmp_path):
    r = Remote(tmp_path)
    r.memory.put(r.layout["pmm_page"] + 8, 1)
    assert r.pump(lambda *_: None, r.said("layout differs"))
    r.close()
