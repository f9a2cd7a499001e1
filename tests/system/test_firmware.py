# SPDX-License-Identifier: BSD-3-Clause
"""The example firmware on a Linux process: what it prints, answers and survives."""
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import pytest

import netns
from firmware import ECHO, FIRMWARE, Firmware, Shell, Udp
from pmm import BUILD, CAUSEWAY, PATIENCE, Pmm, board, until

REMOTE_IP = "192.168.200.2"
PROBE = os.path.join(BUILD, "firmware", "fdt_probe", "fdt_probe")
SOURCE = os.environ["CW_SOURCE"]


@pytest.fixture(scope="module", autouse=True)
def network():
    netns.enter()
    netns.make_tap()


def demo(rng="getrandom", devices=True, **more):
    """A board with one remote, `a`, that runs the demonstration."""
    kinds = ["{ kind: rng, name: virt-rng, backend: %s }" % rng]
    if devices:
        kinds += ["{ kind: net, size: 128K, backend: { tap: tap0 } }", "{ kind: console }"]
    remote = {"region": "{ base: 0x37000000, size: 1M }",
              "carrier": "{ process: %s }" % FIRMWARE,
              "devices": "[ %s ]" % ", ".join(kinds), **more}
    return board({"a": remote})


def started(p):
    until(lambda: p.lines("echo services"))
    return p


def uart(p):
    return [line[4:] for line in p.output().splitlines() if line.startswith("[a] ")]


def hex_lines(p):
    return [line.strip() for line in uart(p) if re.fullmatch(r"  0x[0-9a-f]{2}", line)]


def ping(*args, **kw):
    return Firmware(None, ip=REMOTE_IP).ping(*args, **kw)


def tcp_exchange(size, meanwhile=lambda: None):
    return Firmware(None, ip=REMOTE_IP).tcp_exchange(size, meanwhile)


# --- entropy ----------------------------------------------------------------------------------

def entropy_of(tmp_path, content):
    path = tmp_path / "bytes"
    path.write_bytes(content)
    with Pmm(demo(rng="{ file: %s }" % path, devices=False)) as p:
        until(lambda: p.lines("get_entropy test"))
        lines = hex_lines(p), uart(p)
        assert p.stop() == 0
    return lines


def test_entropy_exactly_what_the_device_gave(tmp_path):
    content = bytes([0xde, 0xad, 0xbe, 0xef, 0x00, 0x01, 0x7f, 0x80, 0xff])
    printed, all_lines = entropy_of(tmp_path, content)
    assert printed == ["0x%02x" % b for b in content]
    assert re.fullmatch(r"Board: \w+", all_lines[0])
    assert re.fullmatch(r"random device is 0x[0-9a-f]+, name is virt-rng", all_lines[1])
    assert re.fullmatch(r"main:\d+ - get_entropy test passed", all_lines[11])


def test_entropy_like_the_fill_is_asked_for_again(tmp_path):
    """Two zeroes among nine could be bytes that never came: asked again over 0xa5."""
    content = bytes([1, 0, 2, 0, 3, 4, 5, 6, 7])
    printed, all_lines = entropy_of(tmp_path, content)
    assert printed == 2 * ["0x%02x" % b for b in content]
    assert "passed" in all_lines[20]


def test_entropy_like_both_fills_fails(tmp_path):
    content = bytes([0, 0, 0xa5, 0xa5, 1, 2, 3, 4, 5])
    printed, all_lines = entropy_of(tmp_path, content)
    assert len(printed) == 18
    assert all_lines[20].endswith("get_entropy test failed")


# --- layout -----------------------------------------------------------------------------------

def test_probe_finds_everything_by_the_fragment():
    quick = ["--rng", "--net", "tap=tap0", "--console", "pty", "--", PROBE]
    with Pmm(args=quick, wait=False) as p:
        assert p.wait() == 0
        out = p.output()
        assert len(re.findall(r"\] \w+: virtio device [143], slot \d+, .*: opened", out)) == 3
        assert "entropy: 4 bytes" in out and re.search(r"MAC (..:){5}.. MTU 1500", out)


def test_compiled_in_layout_fits_its_board_alone(tmp_path):
    program = os.path.join(BUILD, "firmware", *["hvl_net_rng_reloc_header"] * 2)
    with open(os.path.join(SOURCE, "boards", "process.yaml")) as f:
        text = re.sub(r"process: \S+", "process: " + program, f.read(), count=0)
    with Pmm(text.replace("name: process:", "name:")) as p:
        until(lambda: "get_entropy test passed" in p.output())
        assert ping(1) == (1, 1)
        assert p.stop() == 0
    with Pmm(args=["--rng", "--", program]) as p:
        until(lambda: "waiting for the PMM (layout differs)" in p.output())
        assert "get_entropy" not in p.output()
        assert p.stop() == 0


def test_alone_it_says_what_it_wants():
    r = subprocess.run([FIRMWARE], capture_output=True, text=True, timeout=PATIENCE)
    assert r.returncode == 1 and "causeway run" in r.stderr


# --- network ----------------------------------------------------------------------------------

@pytest.mark.parametrize("doorbell", ["socket", "{ poll: 500 }"])
def test_ping_and_echo(doorbell):
    with Pmm(demo(doorbell=doorbell)) as p:
        started(p)
        assert ping(20, 0.02) == (20, 20)
        assert ping(5, 0.02, size=1472, whole=True) == (5, 5)
        udp = Udp(REMOTE_IP)
        step = 1 if doorbell == "socket" else 97
        for size in range(1, 1473, step):
            assert udp.answers(os.urandom(size)), size
        assert udp.answers(b"")
        for size in (1473, 3000, 8000):  # in fragments
            assert udp.answers(os.urandom(size)), size
        assert tcp_exchange(1 << 20)
        net = next(d for d in p.remote()["devices"] if d["kind"] == "net")
        assert net["errors"] == net["faults"] == net["strange"] == 0
        assert p.stop() == 0


def test_two_remotes_at_once():
    """Each on its own TAP; both have the address that is compiled in, so the TAP says which."""
    netns.make_tap("tap7", "192.168.200.253")
    net = ("[ { kind: rng, name: virt-rng }, { kind: net, size: 128K, backend: { tap: %s } }, "
           "{ kind: console } ]")
    remote = {"region": "{ base: 0x37000000, size: 1M }", "carrier": "{ process: %s }" % FIRMWARE}
    with Pmm(board({"a": {**remote, "devices": net % "tap0"},
                    "b": {**remote, "devices": net % "tap7"}})) as p:
        until(lambda: p.lines("echo services") and p.lines("echo services", "b"))
        pingers = [netns.Pinger(REMOTE_IP, device=tap) for tap in ("tap0", "tap7")]
        for _ in range(300):
            for pinger in pingers:
                pinger.send()
                pinger.listen(0.005)
                pinger.listen(PATIENCE, 16)
        assert all(pinger.run(0) == (300, 300) for pinger in pingers)
        frames = [next(d for d in p.remote(name)["devices"] if d["kind"] == "net")["tx_packets"]
                  for name in "ab"]
        assert min(frames) >= 300
        os.kill(p.remote("a")["pid"], signal.SIGKILL)  # one's trouble is not the other's
        assert ping(20, 0.005, device="tap7") == (20, 20)
        assert p.stop() == 0
    netns.ip("link", "del", "tap7")


def test_many_connections():
    with Pmm(demo()) as p:
        started(p)
        for _ in range(3):
            socks = [socket.create_connection((REMOTE_IP, ECHO), timeout=PATIENCE) for _ in range(8)]
            for i, s in enumerate(socks):
                s.sendall(b"%d" % i)
            for i, s in enumerate(socks):
                assert s.recv(10) == b"%d" % i
                s.close()
        assert p.stop() == 0


def test_who_does_not_read_stops_only_himself():
    with Pmm(demo()) as p:
        started(p)
        with socket.create_connection((REMOTE_IP, ECHO), timeout=PATIENCE) as lazy:
            lazy.setblocking(False)
            with pytest.raises(BlockingIOError):
                while True:
                    lazy.send(bytes(65536))
            assert ping(5, 0.02) == (5, 5)
            assert tcp_exchange(100000)
        assert p.stop() == 0


US, REMOTE = socket.inet_aton("192.168.200.77"), socket.inet_aton(REMOTE_IP)


def udp_packet(data, spoil=0):
    head = struct.pack("!HHHH", 1000, ECHO, 8 + len(data), 0)
    check = 0xffff ^ netns.transport_sum(netns.ipv4(US, REMOTE, 17, head + data))
    return netns.ipv4(US, REMOTE, 17, head[:6] + struct.pack("!H", check ^ spoil) + data)


def syn_packet():
    head = struct.pack("!HHIIBBHHH", 1001, ECHO, 7, 0, 0x50, 2, 4096, 0, 0)
    check = 0xffff ^ netns.transport_sum(netns.ipv4(US, REMOTE, 6, head))
    return netns.ipv4(US, REMOTE, 6, head[:16] + struct.pack("!H", check) + head[18:])


def test_checksums_left_to_the_device():
    """Linux believes what it hands to itself: only on a wire do checksums come to light."""
    with Pmm(demo()) as p:
        started(p)
        w = netns.Wire()
        try:
            w.send(b"\xff" * 6 + w.MAC + bytes.fromhex("0806 0001 0800 0604 0001") + w.MAC + US +
                   bytes(6) + REMOTE)
            arp = w.receive(lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\0\x02")
            head = arp[6:12] + w.MAC + b"\x08\0"

            def answer(packet, seconds=PATIENCE):
                w.send(head + packet)
                return w.receive(lambda f: f[12:14] == b"\x08\0" and f[26:30] == REMOTE, seconds)

            for size in (1, 18, 19, 64, 1000, 1471, 1472):
                data = os.urandom(size)
                got = answer(udp_packet(data))
                assert got[42:42 + size] == data
                assert netns.transport_sum(got[14:]) == 0xffff, size
            got = answer(syn_packet())
            assert got[14 + 33] == 0x12 and netns.transport_sum(got[14:]) == 0xffff
            assert answer(udp_packet(b"spoilt", spoil=0x100), 0.3) is None
            assert answer(udp_packet(b"sound"))[42:47] == b"sound"
        finally:
            w.close()
        assert p.stop() == 0


def test_stopped_remote_answers_nothing():
    with Pmm(demo()) as p:
        started(p)
        assert ping(2, 0.1) == (2, 2)
        pid = p.remote()["pid"]
        os.kill(pid, signal.SIGSTOP)
        assert Firmware(None, ip=REMOTE_IP).silent(3)
        os.kill(pid, signal.SIGCONT)
        until(Firmware(None, ip=REMOTE_IP).answers)
        assert p.stop() == 0


# --- the shell --------------------------------------------------------------------------------

def test_shell():
    with Pmm(demo()) as p:
        started(p)
        sh = Shell(p.remote())
        sh.type("\r")
        sh.until("remote:~$ ")
        sh.until("remote:~$ ")
        devices = sh.run("device list")
        for name in ("virt-rng", "net0", "console0"):
            assert re.search(r"- %s .*\(READY\)" % name, devices)
        mac = next(d for d in p.remote()["devices"] if d["kind"] == "net")
        assert mac["state"] == "running"
        iface = sh.run("net iface")
        assert "IPv4 192.168.200.2 mask 255.255.255.0" in iface and ": up, MTU 1500" in iface
        assert "00:00:00:00:00:00" not in iface
        out = sh.run("net ping -c 4 192.168.200.254")
        assert "4 packets transmitted, 4 received" in out and len(re.findall("icmp_seq=", out)) == 4
        assert "3 received" in sh.run("net ping 192.168.200.254")
        uptime = [int(re.search(r"Uptime: (\d+) ms", sh.run("kernel uptime"))[1])
                  for _ in range(2)]
        assert 0 < uptime[0] <= uptime[1] < 600000
        listed = sh.run("help")
        for command in ("device list", "net iface", "net ping", "kernel uptime", "help"):
            assert command in listed
        sh.close()
        assert p.stop() == 0


@pytest.fixture(scope="class")
def shell(network):
    with Pmm(demo()) as p:
        sh = Shell(started(p).remote())
        sh.until("remote:~$ ")
        yield sh
        sh.close()
        assert p.stop() == 0


class TestShell:
    """One remote for all of them: none disturbs the next."""

    @pytest.mark.parametrize("typed,said", [
        ("nonsense", "nonsense: no such command; try help"),
        ("net", "no such command; try help"),
        ("net ping", "usage: net ping"),
        ("net ping -c 0 192.168.200.254", "usage: net ping"),
        ("net ping -c 1x 192.168.200.254", "usage: net ping"),
        ("net ping -c -1 192.168.200.254", "usage: net ping"),
        ("net ping nowhere", "nowhere is no IPv4 address"),
        ("a b c d e f g h i j k l m n", "more than 12 words"),
    ])
    def test_shell_refuses(self, shell, typed, said):
        assert said in shell.run(typed)

    def test_shell_keys(self, shell):
        shell.type("kernel\x1b[A uptine\x7f\x7fme\r")
        assert "Uptime" in shell.until("remote:~$ ")
        shell.type("net ping -c 1000 192.168.200.254\r")
        shell.until("icmp_seq=2 ")
        shell.type("\x03")
        assert "received" in shell.until("remote:~$ ")

    def test_ping_of_nobody_ends(self, shell):
        out = shell.run("net ping -c 2 192.168.200.77")
        assert out.count("timed out") == 2 and "2 packets transmitted, 0 received" in out


def test_ports_by_name(tmp_path):
    """Ports have names on both sides, and each side sees the other open and close one."""
    at, log = str(tmp_path / "extra"), str(tmp_path / "log")
    ports = ("{ name: shell, backend: pty }, { name: extra, backend: { socket: %s } }, "
             "{ name: log, backend: { log: %s } }" % (at, log))
    text = demo().replace("{ kind: console }", "{ kind: console, ports: [ %s ] }" % ports)

    def port(p, i):
        return p.remote("a")["devices"][2]["backends"][i]

    def console(p, remote, **kw):
        return subprocess.run([CAUSEWAY, "console", "--run-dir", p.dir, remote], capture_output=True,
                              text=True, timeout=PATIENCE, **kw)

    def line(sh, name):
        return re.search(r"(?m)^- \d %s .*$" % name, sh.run("port list"))[0]

    with Pmm(text) as p:
        sh = Firmware(started(p)).shell()
        until(lambda: port(p, 1)["open"])
        assert [port(p, i)["name"] for i in range(3)] == ["shell", "extra", "log"]
        assert "joined" not in port(p, 0) and not port(p, 1)["joined"]
        assert re.search(r"port extra: socket %s$" % at, p.cli("status").stdout, re.M)
        assert "nobody" in line(sh, "extra") and "somebody" in line(sh, "shell")

        with socket.socket(socket.AF_UNIX) as s, socket.socket(socket.AF_UNIX) as t:
            s.settimeout(PATIENCE)
            t.settimeout(PATIENCE)
            s.connect(at)
            until(lambda: port(p, 1)["joined"])
            until(lambda: "open   somebody" in line(sh, "extra"))
            assert "extra: socket %s, joined" % at in p.cli("status").stdout
            sh.run("port close extra")
            assert s.recv(1) == b""  # so the client sees it
            # The report follows when the worker comes to rest.
            until(lambda: not port(p, 1)["open"] and not port(p, 1)["joined"])
            assert "closed by the remote" in p.cli("status").stdout
            t.connect(at)  # waits
            assert "closed nobody" in line(sh, "extra")
            sh.run("port open extra")
            until(lambda: "open   somebody" in line(sh, "extra"))
            until(lambda: port(p, 1)["open"] and port(p, 1)["joined"])
        until(lambda: "nobody" in line(sh, "extra"))
        until(lambda: not port(p, 1)["joined"])
        assert "usage: port open NAME" in sh.run("port open nonsense")
        sh.close()

        # Half a second after its input has ended it leaves, whoever was not let answer.
        until(lambda: "Uptime:" in console(p, "a:shell", input="kernel uptime\n").stdout)
        assert console(p, "a:extra", input="").returncode == 0
        r = console(p, "a:none", input="")
        assert r.returncode == 1
        assert "remote a has no console port none; there are: 0 shell, 1 extra, 2 log" in r.stderr
        r = console(p, "a:log", input="")
        assert r.returncode == 1 and "cannot join log" in r.stderr
        assert p.stop() == 0


def test_console_that_nobody_reads():
    """Output has nowhere to go: the network is served all the same, and the shell comes back."""
    with Pmm(demo()) as p:
        started(p)
        sh = Shell(p.remote())
        for _ in range(300):
            try:
                sh.type("help\r")
            except BlockingIOError:
                break
        assert ping(20, 0.02) == (20, 20)

        def marker():
            sh.read(0.2)
            try:
                sh.type("marker\r")
            except BlockingIOError:
                pass
            return "marker" in sh.seen

        until(marker)
        sh.close()
        assert p.stop() == 0


# --- restarts ---------------------------------------------------------------------------------

def kill_worker(p):
    old = p.worker()
    os.kill(old, signal.SIGKILL)
    until(lambda: p.worker() not in (0, old))


def test_worker_killed_under_ping():
    with Pmm(demo()) as p:
        started(p)
        pid = p.remote()["pid"]
        killer = threading.Timer(0.5, kill_worker, [p])
        killer.start()
        _, received = ping(200, 0.01, wait=1)  # how many are lost is ./dev bench's
        killer.join()
        assert received > 0
        until(lambda: p.lines("link is up again (2)"))
        assert ping(5, 0.02) == (5, 5)
        assert p.remote()["pid"] == pid  # the remote itself went on
        assert p.lines("Board:") == 1
        assert p.stop() == 0


def test_worker_killed_under_tcp():
    with Pmm(demo()) as p:
        started(p)

        def disturb():
            for _ in range(3):
                time.sleep(0.15)
                kill_worker(p)

        assert tcp_exchange(24 << 20, disturb)
        assert p.status()["workers"][0]["starts"] == 4
        assert p.stop() == 0


def test_shell_survives_the_worker():
    with Pmm(demo()) as p:
        sh = Shell(started(p).remote())
        sh.until("remote:~$ ")
        kill_worker(p)
        until(lambda: p.lines("link is up again (2)"))
        assert "Links: 2" in sh.run("kernel uptime")
        assert "IPv4 192.168.200.2" in sh.run("net iface")
        sh.close()
        assert p.stop() == 0


def test_remote_killed_under_traffic():
    with Pmm(demo()) as p:
        started(p)
        udp = Udp(REMOTE_IP)
        for life in range(2, 6):
            assert udp.answers(b"before %d" % life)
            old = p.remote()["pid"]
            os.kill(old, signal.SIGKILL)
            until(lambda: p.lines("echo services") == life)
            until(lambda: udp.answers(b"after %d" % life, 0.2))
            assert p.remote()["pid"] != old
        assert p.stop() == 0


def test_demo_script():
    """What ./dev demo runs, as a whole."""
    r = subprocess.run([os.path.join(SOURCE, "scripts", "demo")], capture_output=True, text=True,
                       timeout=PATIENCE, env={**os.environ, "CAUSEWAY_BUILD": BUILD})
    assert r.returncode == 0, r.stdout + r.stderr
    assert r.stdout.count("  ok: ") == 9 and "FAILED" not in r.stdout
