# SPDX-License-Identifier: BSD-3-Clause
"""The same firmware on emulated processors: what it does, what it survives, what is said when not."""
import os
import re
import signal
import struct
import subprocess
import time

import pytest

import netns
from firmware import Firmware
from pmm import BUILD, Pmm, alive, until

SOURCE = os.environ["CW_SOURCE"]
BOARDS = {"virt-a53": ("a53", "192.168.200.3"), "zcu102-r5": ("r5", "192.168.200.4")}


@pytest.fixture(scope="module", autouse=True)
def network():
    netns.enter()
    netns.make_tap()


def text_of(name, **change):
    """boards/NAME.yaml with absolute paths, and with some lines changed: {key: value}."""
    with open(os.path.join(SOURCE, "boards", name + ".yaml")) as f:
        text = f.read().replace("../build", os.path.join(SOURCE, "build"))
    for key, value in change.items():
        key = key.replace("_", "-")
        text, n = re.subn(r"(?m)^(\s*%s:) .*$" % key, r"\1 " + value, text)
        if not n:
            text = text.replace("    devices:\n", "    %s: %s\n    devices:\n" % (key, value))
    return text


@pytest.fixture(params=BOARDS, scope="class")
def live(request, network):
    """A board that is up, for tests that leave it so."""
    remote, ip = BOARDS[request.param]
    with Pmm(text_of(request.param)) as p:
        p.firmware = Firmware(p, remote, ip)
        p.firmware.started(30)
        yield p
        assert p.stop() == 0


class TestLive:
    def test_entropy(self, live):
        lines = [line for line in live.output().splitlines() if re.search(r"\]   0x[0-9a-f]{2}$", line)]
        assert len(lines) == 9 and "get_entropy test passed" in live.output()

    def test_ping_both_ways(self, live):
        f = live.firmware
        assert f.ping("-c", "20", "-i", "0.02") == (20, 20)
        assert f.ping("-c", "5", "-i", "0.02", "-s", "1472", "-M", "do") == (5, 5)
        sh = f.shell()
        assert "4 packets transmitted, 4 received" in sh.run("net ping -c 4 " + netns.LINUX)
        sh.close()

    def test_echo(self, live):
        f = live.firmware
        udp = f.udp()
        for size in (0, 1, 64, 1000, 1472, 3000, 8000):
            assert udp.answers(os.urandom(size)), size
        assert f.tcp_exchange(1 << 20)

    def test_shell(self, live):
        sh = live.firmware.shell()
        devices = sh.run("device list")
        for name in ("virt-rng", "net0", "console0"):
            assert re.search(r"- %s .*\(READY\)" % name, devices)
        assert re.search(r"Uptime: \d+ ms", sh.run("kernel uptime"))
        assert "nonsense: no such command" in sh.run("nonsense")
        sh.close()

    def test_worker_killed_under_traffic(self, live):
        f, old = live.firmware, live.worker()

        def disturb():
            time.sleep(0.1)
            os.kill(old, signal.SIGKILL)

        assert f.tcp_exchange(2 << 20, disturb)
        until(lambda: live.worker() not in (0, old))
        assert f.ping("-c", "5", "-i", "0.02") == (5, 5)
        assert live.remote()["starts"] == 1

    def test_emulator_killed_under_traffic(self, live):
        f, old = live.firmware, live.remote()["pid"]
        lives = live.lines("echo services", f.remote)
        udp = f.udp()
        assert udp.answers(b"before")
        os.kill(old, signal.SIGKILL)
        until(lambda: live.lines("echo services", f.remote) > lives, 30)
        until(lambda: udp.answers(b"after", 0.2), 5)
        assert live.remote()["pid"] != old and live.remote()["crashes"] >= 1

    def test_restarts(self, live):
        f = live.firmware
        for _ in range(20):
            lives = live.lines("echo services", f.remote)
            assert live.cli("restart", f.remote).returncode == 0
            until(lambda: live.lines("echo services", f.remote) > lives, 30)
            until(lambda: f.ping("-c", "1") == (1, 1), 5)

    def test_stop_and_start(self, live):
        f, pid = live.firmware, live.remote()["pid"]
        assert live.cli("stop", f.remote).returncode == 0
        until(lambda: live.remote()["state"] == "offline")
        assert not alive(pid)
        lives = live.lines("echo services", f.remote)
        assert live.cli("start", f.remote).returncode == 0
        until(lambda: live.lines("echo services", f.remote) > lives, 30)

    def test_halted_is_not_dead(self, live):
        """A debugger's halt, here by SIGSTOP of the emulator, is waited out."""
        f, pid = live.firmware, live.remote()["pid"]
        os.kill(pid, signal.SIGSTOP)
        assert f.ping("-c", "3", "-i", "0.5") == (3, 0)
        os.kill(pid, signal.SIGCONT)
        until(lambda: f.ping("-c", "1") == (1, 1))
        assert live.remote()["pid"] == pid


def run_bad(text):
    with Pmm(text, wait=False) as p:
        return p.wait(30), p.output()


def elf(machine, address, entry=None, cut=0):
    """A program of 64 bytes that does nothing good; @machine 40: 32 bits, 183: 64."""
    entry = address if entry is None else entry
    if machine == 183:
        data = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, machine, 1, entry, 64, 0, 0,
                           64, 56, 1, 64, 0, 0)
        data += struct.pack("<IIQQQQQQ", 1, 5, 120, address, address, 64, 64, 8)
        code = struct.pack("<I", 0x14000000)  # b .
    else:
        data = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF\x01\x01\x01", 2, machine, 1, entry, 52, 0, 0,
                           52, 32, 1, 40, 0, 0)
        data += struct.pack("<IIIIIIII", 1, 84, address, address, 64, 64, 5, 8)
        code = struct.pack("<I", 0xeafffffe)  # b .
    data += 16 * code
    return data[:len(data) - cut]


@pytest.mark.parametrize("content,said", [
    (b"#!/bin/sh\n", "is no ELF file"),
    (elf(62, 0x40200000), "is built for another processor; this remote needs Arm, 64 bits"),
    (elf(40, 0x40200000), "is built for another processor"),
    (elf(183, 0x10000000), "segment 0, 0x10000000-0x1000003f, is not within its RAM, 0x40000000-0x43ffffff"),
    (elf(183, 0x43ffffe0), "is not within its RAM"),
    (elf(183, 0x40200000, entry=0x40200040), "entry address that lies in no executable segment: 0x40200040"),
    (elf(183, 0x40200000, cut=1), "segment 0 lies outside the file"),
])
def test_bad_firmware(tmp_path, content, said):
    path = tmp_path / "fw"
    path.write_bytes(content)
    status, out = run_bad(text_of("virt-a53", qemu=str(path)))
    assert status == 1 and said in out and str(path) in out
    assert "[a53]" not in out  # nothing was started


def test_firmware_in_the_region(tmp_path):
    path = tmp_path / "fw"
    path.write_bytes(elf(40, 0x37000000))
    status, out = run_bad(text_of("zcu102-r5", qemu=str(path)))
    assert status == 1
    assert "segment 0, 0x37000000-0x3700003f, overlaps the region, 0x37000000-0x37ffffff" in out


def test_guest_that_never_comes_up(tmp_path):
    path = tmp_path / "fw"
    path.write_bytes(elf(183, 0x40200000))
    status, out = run_bad(text_of("virt-a53", qemu=str(path), boot_ms="1500"))
    assert status == 1
    assert "remote a53: did not come up within 1500 ms" in out and "it printed nothing" in out


def test_wrong_emulator_option():
    status, out = run_bad(text_of("virt-a53", machine="virt-a53\n      args: [ -nonsense ]"))
    assert status == 1 and "[a53]" in out and "nonsense" in out and "ended at once" in out


def test_keeper_killed_leaves_no_emulator():
    with Pmm(text_of("virt-a53")) as p:
        Firmware(p, "a53", "192.168.200.3").started(30)
        pid = p.remote()["pid"]
        p.p.kill()
        p.p.wait()
        until(lambda: not alive(pid))


@pytest.mark.parametrize("name", BOARDS)
def test_exception_is_a_panic(name):
    """A processor's exception is told by the remote itself, and recovered at once."""
    remote, ip = BOARDS[name]
    with Pmm(text_of(name, recovery="{ limit: 1, seconds: 60 }", lost_ms="60000")) as p:
        f = Firmware(p, remote, ip).started(30)
        sh = f.shell()
        sh.until("remote:~$ ")
        sh.type("kernel crash\r")
        until(lambda: re.search(r"remote %s: panicked with code 0x[0-9a-f]+" % remote, p.output()), 10)
        assert "exception" in p.output()
        until(lambda: p.lines("echo services", remote) == 2, 30)
        sh.close()
        until(lambda: f.ping("-c", "1") == (1, 1))
        assert p.stop() == 0


@pytest.mark.parametrize("name", BOARDS)
def test_core_file(tmp_path, name):
    """What a crashed remote leaves is read by gdb, without any other file than its firmware."""
    remote, ip = BOARDS[name]
    text = text_of(name, coredump="{ directory: %s, limit: 64M }" % tmp_path, recovery="never")
    firmware = re.search(r"qemu: (\S+)", text)[1]
    with Pmm(text) as p:
        Firmware(p, remote, ip).started(30)
        os.kill(p.remote()["pid"], signal.SIGKILL)
        until(lambda: "its memory is in" in p.output())
        core = re.search(r"its memory is in (\S+)", p.output())[1]
        assert p.stop() == 0
    assert os.path.dirname(core) == str(tmp_path) and os.stat(core).st_mode & 0o777 == 0o600
    assert os.stat(core).st_blocks * 512 < 8 << 20  # only what was used
    r = subprocess.run(["gdb-multiarch", "-nx", "-batch", firmware, core, "-ex", "p app.links", "-ex",
                        "p app.machine->board", "-ex", "x/2wx app.layout->pmm_page"],
                       capture_output=True, text=True, timeout=60)
    assert "= 1" in r.stdout and '"%s"' % name in r.stdout, r.stdout + r.stderr
    assert "0x4b4c5743" in r.stdout and "0x00010000" in r.stdout


@pytest.mark.parametrize("name,oks", [("virt-a53", 9), ("zcu102-r5", 9), ("all", 5)])
def test_demo(name, oks):
    r = subprocess.run([os.path.join(SOURCE, "scripts", "demo"), "--board", name],
                       capture_output=True, text=True, timeout=120,
                       env={**os.environ, "CAUSEWAY_BUILD": BUILD})
    assert r.returncode == 0, r.stdout + r.stderr
    assert r.stdout.count("  ok: ") == oks and "FAILED" not in r.stdout
