# SPDX-License-Identifier: BSD-3-Clause
"""The same firmware on emulated processors: what it does, what it survives, what is said when not."""
import os
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

import netns
from firmware import Firmware
from pmm import BUILD, CAUSEWAY, PATIENCE, Pmm, alive, until

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
    for key, value in {"lost_ms": "10000", **change}.items():  # one that is only not let run is not lost
        key = key.replace("_", "-")
        text, n = re.subn(r"(?m)^(\s*%s:) .*$" % key, r"\1 " + value, text)
        if not n:
            text = text.replace("    devices:\n", "    %s: %s\n    devices:\n" % (key, value))
    return text


@pytest.fixture(params=BOARDS, scope="class")
def live(request, network, tmp_path_factory):
    """A board that is up, for tests that leave it so."""
    remote, ip = BOARDS[request.param]
    folder = tmp_path_factory.mktemp("export")
    text = text_of(request.param).replace("name: rpmsg0", "name: rpmsg0\n        files: { directory: %s }" % folder)
    with Pmm(text) as p:
        p.folder = folder
        p.firmware = Firmware(p, remote, ip)
        p.firmware.started()
        yield p
        assert p.stop() == 0


class TestLive:
    def test_entropy(self, live):
        lines = [line for line in live.output().splitlines() if re.search(r"\]   0x[0-9a-f]{2}$", line)]
        assert len(lines) == 9 and "get_entropy test passed" in live.output()

    def test_messages(self, live):
        with live.firmware.service("ping") as a, live.firmware.service("ping") as b:
            for n in (1, 7, 496, 497, 5000):  # of any length, also where words must be aligned
                data = os.urandom(n)
                for s in (a, b):
                    s.send(data)
                assert b.recv(8192) == data and a.recv(8192) == data
            for i in range(1000):
                a.send(b"%d" % i)
                if i >= 50:
                    assert a.recv(100) == b"%d" % (i - 50)
        r = live.cli("rpmsg", "ping", "-n", "200", "-i", "0", "--timeout", "60")
        assert "200 sent, 200 received, 0 lost" in r.stdout, r.stdout + r.stderr
        with live.firmware.service("rpmsg-tty") as s:
            s.send(b"kernel uptime\r")
            said = b""
            while b"Links: 1\r\n" not in said:
                said += s.recv(1000)

    def test_fopen_opens_a_file_of_linux(self, live):
        sh = live.firmware.shell()
        assert sh.run("fcall stdio notes") == "stdio: 200 lines written, read and changed in notes\n"
        lines = (live.folder / "notes").read_text().splitlines(True)
        assert lines[:2] == ["line 000 of stdio\n", "line 001 of stdio\n"]
        assert lines[198:] == ["line 198 of stdio\n", "LAST 199 of stdio\n", "appended\n"]
        assert os.listdir(live.folder) == ["notes"] and (live.folder / "notes").stat().st_mode & 0o777 == 0o644
        assert "stdio: writing lines failed" in sh.run("fcall stdio ../notes")
        with open(live.folder / "five", "w") as five:
            five.truncate((5 << 30) + 12345)
        assert ", 5368721465 bytes\n" in sh.run("fcall stat five")
        assert sh.run("fcall cat notes") == "".join(lines)
        sh.close()

    def test_ping_both_ways(self, live):
        f = live.firmware
        assert f.ping(20, 0.02) == (20, 20)
        assert f.ping(5, 0.02, size=1472, whole=True) == (5, 5)
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
        assert f.ping(5, 0.02) == (5, 5)
        assert live.remote()["starts"] == 1

    def test_emulator_killed_under_traffic(self, live):
        f, old = live.firmware, live.remote()["pid"]
        lives = live.lines("echo services", f.remote)
        udp = f.udp()
        assert udp.answers(b"before")
        os.kill(old, signal.SIGKILL)
        until(lambda: live.lines("echo services", f.remote) > lives)
        until(lambda: udp.answers(b"after", 0.2))
        assert live.remote()["pid"] != old and live.remote()["crashes"] >= 1

    def test_restarts(self, live):
        f = live.firmware
        for _ in range(20):
            lives = live.lines("echo services", f.remote)
            assert live.cli("restart", f.remote).returncode == 0
            until(lambda: live.lines("echo services", f.remote) > lives)
            until(f.answers)

    def test_stop_and_start(self, live):
        f, pid = live.firmware, live.remote()["pid"]
        assert live.cli("stop", f.remote).returncode == 0
        until(lambda: live.remote()["state"] == "offline")
        assert not alive(pid)
        lives = live.lines("echo services", f.remote)
        assert live.cli("start", f.remote).returncode == 0
        until(lambda: live.lines("echo services", f.remote) > lives)

    def test_halted_is_not_dead(self, live):
        """A debugger's halt, here by SIGSTOP of the emulator, is waited out."""
        f, pid = live.firmware, live.remote()["pid"]
        os.kill(pid, signal.SIGSTOP)
        assert f.silent(3, 0.5)
        os.kill(pid, signal.SIGCONT)
        until(f.answers)
        assert live.remote()["pid"] == pid


@pytest.fixture
def bridge(network):
    """tap0, tap1 and tap2 on one bridge, which has Linux's address meanwhile."""
    taps = ("tap0", "tap1", "tap2")
    netns.ip("link", "add", "br0", "type", "bridge", "forward_delay", "0")
    netns.ip("addr", "flush", "dev", "tap0")
    for name in taps:
        if name != "tap0":
            netns.ip("tuntap", "add", name, "mode", "tap")
        netns.ip("link", "set", name, "master", "br0", "up")
    netns.ip("addr", "add", netns.LINUX + "/24", "dev", "br0")
    netns.ip("link", "set", "br0", "up")
    yield
    netns.ip("link", "del", "br0")
    for name in taps[1:]:
        netns.ip("link", "del", name)
    netns.ip("addr", "add", netns.LINUX + "/24", "dev", "tap0")


def test_worker_killed_under_all_three(bridge):
    """One PMM, three processors, one worker: killed under traffic, all three go on by themselves."""
    with Pmm(text_of("all")) as p:
        fs = [Firmware(p, name, ip).started() for name, ip in
              (("island", "192.168.200.2"), ("a53", "192.168.200.3"), ("r5", "192.168.200.4"))]
        pids = [p.remote(f.remote)["pid"] for f in fs]
        for _ in range(3):
            worker = p.worker()
            os.kill(worker, signal.SIGKILL)
            until(lambda: p.worker() not in (0, worker))
            for f in fs:
                until(f.answers)
        assert [p.remote(f.remote)["pid"] for f in fs] == pids
        assert all(p.remote(f.remote)["crashes"] == 0 for f in fs)
        assert p.stop() == 0


@pytest.mark.parametrize("name", BOARDS)
def test_reset_without_a_word(name, tmp_path):
    """Fault F2, as by a watchdog: memory stays as it is, nobody tells the PMM, and nobody reloads."""
    remote, ip = BOARDS[name]
    at = str(tmp_path / "qmp")
    machine = "machine: %s\n      args: [ -qmp, 'unix:%s,server=on,wait=off' ]" % (name, at)
    with Pmm(text_of(name).replace("machine: " + name, machine)) as p:
        f = Firmware(p, remote, ip).started()
        pid = p.remote(remote)["pid"]
        with socket.socket(socket.AF_UNIX) as qmp:
            qmp.connect(at)
            qmp.sendall(b'{"execute":"qmp_capabilities"}')
            for i in range(2, 22):
                qmp.sendall(b'{"execute":"system_reset"}')
                until(lambda: p.lines("get_entropy test passed", remote) == i)
                until(f.answers)
        r = p.remote(remote)
        assert (r["pid"], r["starts"], r["crashes"]) == (pid, 1, 0)
        assert p.stop() == 0


@pytest.mark.parametrize("name", BOARDS)
def test_halted_by_a_debugger_is_not_dead(name, tmp_path):
    remote, ip = BOARDS[name]
    at = str(tmp_path / "gdb")
    machine = "machine: %s\n      args: [ -gdb, 'unix:%s,server=on,wait=off' ]" % (name, at)
    text = text_of(name, lost_ms="3000", probe_ms="500").replace("machine: " + name, machine)
    with Pmm(text) as p:
        f = Firmware(p, remote, ip).started()
        pid = p.remote(remote)["pid"]
        with socket.socket(socket.AF_UNIX) as gdb:
            gdb.connect(at)  # which halts it
            until(f.silent)
            time.sleep(4)  # longer than it takes to call one lost who is not halted
            r = p.remote(remote)
            assert (r["pid"], r["crashes"], r["starts"]) == (pid, 0, 1), p.output()
            gdb.sendall(b"+$D#44")
            until(f.answers)
        r = p.remote(remote)
        assert (r["pid"], r["crashes"]) == (pid, 0), p.output()
        assert p.stop() == 0


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


def entry(kind, da=0, length=0x1000, name=b"x", pa=None):
    if kind == 2:
        return struct.pack("<IIII32s", 2, da, length, 0, name)
    return struct.pack("<IIIIII32s", kind, da, da if pa is None else pa, length, 0, 0, name)


def table(*entries, version=1, reserved=0, count=None):
    at, offsets, body = 16 + 4 * len(entries), [], b""
    for e in entries:
        offsets.append(at + len(body))
        body += e
    return struct.pack("<IIII", version, len(entries) if count is None else count, reserved, 0) + \
        struct.pack("<%dI" % len(offsets), *offsets) + body


def with_table(tmp_path, data):
    """The demonstration firmware of the A53, with another resource table in place of its own."""
    tmp_path.joinpath("table").write_bytes(data)
    path = str(tmp_path / "fw")
    subprocess.run(["aarch64-linux-gnu-objcopy", "--update-section",
                    ".resource_table=%s" % (tmp_path / "table"),
                    re.search(r"qemu: (\S+)", text_of("virt-a53"))[1], path],
                   check=True, stderr=subprocess.DEVNULL)
    return path


ANY = 0xffffffff


@pytest.mark.parametrize("data,said", [
    (table(entry(2, 0x50000000)), "entry 0: 'x', 0x50000000-0x50000fff, is not within its RAM, 0x40000000-0x43ffffff"),
    (table(entry(0, 0x42000000), entry(0, 0x42000800)), "entry 1: 'x', 0x42000800-0x420017ff, overlaps another carveout"),
    (table(entry(0, 0x20000000)), "entry 0: 'x', 0x20000000-0x20000fff, is not within its RAM"),
    (table(entry(0, ANY, 0x5000000)), "entry 0: no room in its RAM for a carveout that may be anywhere"),
    (table(entry(1, 0x9000000, pa=0x8000000)), "entry 0: device memory at another address than its own"),
    (table(entry(2), version=2), "resource table: is not of version 1"),
    (table(entry(2), count=4000), "resource table: "),
    (table(entry(2))[:-8], "entry 0: "),
], ids=lambda x: x[:24] if isinstance(x, str) else "")
def test_bad_resource_table(tmp_path, data, said):
    status, out = run_bad(text_of("virt-a53", qemu=with_table(tmp_path, data)))
    assert status == 1 and said in out


def test_resource_table(tmp_path):
    """A carveout that may be anywhere is given, below one that is fixed; what else is there is no matter."""
    data = table(entry(0, 0x43fff000), entry(0, ANY, 0x2000), entry(1, 0x9000000), entry(4), entry(200))
    with Pmm(text_of("virt-a53", qemu=with_table(tmp_path, data))) as p:
        f = Firmware(p, "a53", "192.168.200.3").started()
        assert f.ping(3) == (3, 3)
        at = int(subprocess.run(["aarch64-linux-gnu-objdump", "-h", "-j", ".resource_table", str(tmp_path / "fw")],
                                capture_output=True, text=True).stdout.split(".resource_table")[1].split()[1], 16)
        pid = p.remote("a53")["pid"]
        with open("/proc/%d/fd/3" % pid, "rb") as ram:  # QEMU's RAM: what the remote finds
            ram.seek(at - 0x40000000 + 16 + 5 * 4 + 56)
            assert struct.unpack("<III", ram.read(12)) == (0, 0x43ffd000, 0x43ffd000)
        assert p.stop() == 0


@pytest.mark.parametrize("name", BOARDS)
def test_trace(name):
    """Text in the remote's memory is in its log, escaped; another life begins anew."""
    remote, ip = BOARDS[name]
    with Pmm(text_of(name)) as p:
        Firmware(p, remote, ip).started()
        until(lambda: "trace0: link is up" in p.cli("logs", remote).stdout)
        os.kill(p.worker(), signal.SIGKILL)
        until(lambda: "trace0: link is up again (2)" in p.cli("logs", remote).stdout)
        assert p.cli("restart", remote).returncode == 0
        until(lambda: p.cli("logs", remote).stdout.count("trace0: link is up\n") == 2)
        assert p.stop() == 0


def test_guest_that_never_comes_up(tmp_path):
    path = tmp_path / "fw"
    path.write_bytes(elf(183, 0x40200000))
    status, out = run_bad(text_of("virt-a53", qemu=str(path), boot_ms="1500"))
    assert status == 1
    assert "remote a53: did not come up within 1500 ms" in out and "it printed nothing" in out


@pytest.mark.parametrize("name", BOARDS)
def test_the_emulator_translates_barriers(name, tmp_path):
    """QEMU before 8 leaves all of them out on a machine of one processor, and the rings need them."""
    remote, ip = BOARDS[name]
    log = tmp_path / "ops"
    machine = "machine: %s\n      args: [ -d, op, -D, %s ]" % (name, log)
    with Pmm(text_of(name).replace("machine: " + name, machine)) as p:
        Firmware(p, remote, ip).started()
        assert p.stop() == 0
    with open(log, errors="replace") as f:
        assert sum(" mb " in line for line in f) > 20


def test_no_emulator():
    hide = ["unshare", "-m", "sh", "-c",
            'mount --bind /dev/null /usr/bin/qemu-system-aarch64; exec "$@"', "sh"]
    with Pmm(text_of("virt-a53"), prefix=hide, wait=False) as p:
        assert p.wait() == 1
        assert "qemu-system-aarch64 is not installed; on Debian: apt install qemu-system-arm" in p.output()


def test_wrong_emulator_option():
    status, out = run_bad(text_of("virt-a53", machine="virt-a53\n      args: [ -nonsense ]"))
    assert status == 1 and "[a53]" in out and "nonsense" in out and "ended at once" in out


def test_keeper_killed_leaves_no_emulator():
    with Pmm(text_of("virt-a53")) as p:
        Firmware(p, "a53", "192.168.200.3").started()
        pid = p.remote()["pid"]
        p.p.kill()
        p.p.wait()
        until(lambda: not alive(pid))


@pytest.mark.parametrize("name", BOARDS)
def test_exception_is_a_panic(name):
    """A processor's exception is told by the remote itself, and recovered at once."""
    remote, ip = BOARDS[name]
    with Pmm(text_of(name, recovery="{ limit: 1, seconds: 3600 }", lost_ms="60000")) as p:
        f = Firmware(p, remote, ip).started()
        sh = f.shell()
        sh.until("remote:~$ ")
        sh.type("kernel crash\r")
        until(lambda: re.search(r"remote %s: panicked with code 0x[0-9a-f]+" % remote, p.output()))
        assert "exception" in p.output()
        until(lambda: p.lines("echo services", remote) == 2)
        sh.close()
        until(f.answers)
        assert p.stop() == 0


@pytest.mark.parametrize("name", BOARDS)
def test_messages_over_restarts(name):
    """A program is told of a loss once, and its messages flow again: a killed worker, a new remote."""
    remote, ip = BOARDS[name]
    with Pmm(text_of(name)) as p:
        Firmware(p, remote, ip).started()
        r = subprocess.Popen([CAUSEWAY, "rpmsg", "ping", "--run-dir", p.dir, "-i", "0.05", "--timeout", "60"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for kill in (lambda: os.kill(p.worker(), signal.SIGKILL), lambda: p.cli("restart", remote)):
            assert " bytes from " in r.stdout.readline()
            kill()
            assert "went away" in r.stderr.readline()
            for _ in range(3):
                assert " bytes from " in r.stdout.readline()
        r.send_signal(signal.SIGINT)
        assert r.communicate(timeout=PATIENCE)[1] == ""
        assert p.stop() == 0


@pytest.mark.parametrize("name", BOARDS)
def test_core_file(tmp_path, name):
    """What a crashed remote leaves is read by gdb, without any other file than its firmware."""
    remote, ip = BOARDS[name]
    text = text_of(name, coredump="{ directory: %s, limit: 64M }" % tmp_path, recovery="never")
    firmware = re.search(r"qemu: (\S+)", text)[1]
    with Pmm(text) as p:
        Firmware(p, remote, ip).started()
        os.kill(p.remote()["pid"], signal.SIGKILL)
        until(lambda: "its memory is in" in p.output())
        core = re.search(r"its memory is in (\S+)", p.output())[1]
        assert p.stop() == 0
    assert os.path.dirname(core) == str(tmp_path) and os.stat(core).st_mode & 0o777 == 0o600
    assert os.stat(core).st_blocks * 512 < 8 << 20  # only what was used
    r = subprocess.run(["gdb-multiarch", "-nx", "-batch", firmware, core, "-ex", "p app.links", "-ex",
                        "p app.machine->board", "-ex", "x/2wx app.layout->pmm_page"],
                       capture_output=True, text=True, timeout=PATIENCE)
    assert "= 1" in r.stdout and '"%s"' % name in r.stdout, r.stdout + r.stderr
    assert "0x4b4c5743" in r.stdout and "0x00010000" in r.stdout


@pytest.mark.parametrize("args,oks", [("--board virt-a53", 9), ("--board zcu102-r5", 9), ("--board all", 5),
                                      ("island", 10)])
def test_demo(args, oks):
    r = subprocess.run([os.path.join(SOURCE, "scripts", "demo"), *args.split()],
                       capture_output=True, text=True, timeout=120,
                       env={**os.environ, "CAUSEWAY_BUILD": BUILD})
    assert r.returncode == 0, r.stdout + r.stderr
    assert r.stdout.count("  ok: ") == oks and "FAILED" not in r.stdout
