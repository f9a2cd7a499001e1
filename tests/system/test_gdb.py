# SPDX-License-Identifier: BSD-3-Clause
"""A real gdb on the emulated Cortex-A53, by way of a console port: `causeway gdb`."""
import os
import re
import select
import signal
import socket
import subprocess
import time

import pytest

import netns
from firmware import Firmware
from pmm import CAUSEWAY, PATIENCE, Pmm, alive, until

SOURCE = os.environ["CW_SOURCE"]
NOWHERE = "0x50000000"  # no RAM, no device


@pytest.fixture(scope="module", autouse=True)
def network():
    netns.enter()
    netns.make_tap()


def text_of(door):
    with open(os.path.join(SOURCE, "boards", "virt-a53-gdb.yaml")) as f:
        text = f.read().replace("../build/virt-a53/a53.gdb", door)
    # What is stopped must not be taken for dead, and what the machine did not let run must not either.
    text = text.replace("    devices:\n", "    lost-ms: 2000\n    probe-ms: 500\n    devices:\n")
    return text.replace("../build", os.path.join(SOURCE, "build"))


@pytest.fixture
def remote(tmp_path):
    """The remote, up; at the end it must be as well as at the beginning."""
    door = str(tmp_path / "door")
    with Pmm(text_of(door)) as p:
        p.door = door
        p.firmware = Firmware(p, "a53", "192.168.200.3").started()
        until(lambda: ports(p)[1]["open"])
        p.expect = {"crashes": 0, "links_up": 1, "starts": 1}
        yield p
        assert well(p)
        assert {k: p.remote()[k] for k in p.expect} == p.expect, p.output()
        assert p.stop() == 0


def ports(p):
    return p.remote()["devices"][2]["backends"]


def well(p):
    until(p.firmware.answers)
    until(lambda: p.firmware.udp().answers(b"echo"))
    until(lambda: p.firmware.ping(3) == (3, 3))
    return True


class Gdb:
    """`causeway gdb` at work, its commands typed one by one."""

    def __init__(self, p, *args):
        self.p = subprocess.Popen([CAUSEWAY, "gdb", "--run-dir", p.dir, "a53", "--", "-nx", "-q", *args],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.seen, self.n = "", 0
        self.hello = self.run("set pagination off", "set confirm off", "set width 0")

    def start(self, *commands):
        self.n += 1
        for c in (*commands, "echo <%d>\\n" % self.n):
            self.p.stdin.write(c.encode() + b"\n")
        self.p.stdin.flush()

    def finish(self, seconds=PATIENCE):
        mark, end = "<%d>\n" % self.n, time.monotonic() + seconds
        while mark not in self.seen:
            assert time.monotonic() < end, "no end of command %d: %s" % (self.n, self.seen)
            if select.select([self.p.stdout], [], [], 0.1)[0]:
                got = os.read(self.p.stdout.fileno(), 65536).decode()
                assert got, "gdb ended: " + self.seen
                self.seen += got
        out, self.seen = self.seen.split(mark, 1)
        return out

    def run(self, *commands, seconds=PATIENCE):
        """What the commands print."""
        self.start(*commands)
        return self.finish(seconds)

    def end(self, *last):
        for c in last:
            self.p.stdin.write(c.encode() + b"\n")
        self.p.stdin.close()
        self.p.stdout.read()
        return self.p.wait(PATIENCE)


@pytest.fixture
def gdb(remote):
    g = Gdb(remote)
    yield g
    if g.p.poll() is None:
        g.p.kill()
    g.p.wait()
    until(lambda: not ports(remote)[1]["joined"])


def stopped(g, p):
    return p.firmware.silent() and g.p.poll() is None


def test_look_around(remote, gdb):
    assert "By hand: gdb-multiarch " in gdb.hello and "target remote %s" % remote.door in gdb.hello
    assert stopped(gdb, remote)
    r = gdb.run("info registers")
    assert re.search(r"^pc +0x402\w+ +0x402\w+ <stop", r, re.M)
    assert re.search(r"^sp +0x402\w+", r, re.M) and re.search(r"^x30 +0x402\w+", r, re.M)
    assert re.search(r"^cpsr +0x\w*3c5 ", r, re.M)
    assert re.search(r"services_run .*services.c:\d+\n.* main \(\)", gdb.run("backtrace"))
    assert "= 1\n" in gdb.run("print app.links")
    assert '"virt-a53"' in gdb.run("print app.machine->board")
    assert "0x4b4c5743" in gdb.run("x/1wx app.layout->pmm_page")  # the region itself
    assert "Thread 1" in gdb.run("info threads")
    assert gdb.end("detach") == 0


def test_write(remote, gdb):
    assert "= 7" in gdb.run("set var app.started = 7", "print app.started")
    text = "x" * 100
    assert "'x' <repeats 100 times>" in gdb.run(
        'set var *(char (*)[101]) console.line.text = "%s"' % text, "print console.line.text")
    gdb.run('set var *(char (*)[101]) console.line.text = {0 <repeats 101 times>}')
    assert "= 0x1234" in gdb.run("set $x5 = 0x1234", "print/x $x5")
    gdb.end("detach")


def test_registers_survive(remote, gdb):
    """Instructions that gdb wrote are those executed, and every register is what it was at the stop."""
    gdb.run("set $at = (unsigned *) 0x41000000")  # RAM that nothing uses
    for i, code in enumerate((0x9e670000, 0xd503201f, 0x9e660001)):  # fmov d0, x0; nop; fmov x1, d0
        gdb.run("set var $at[%d] = %#x" % (i, code))
    gdb.run("set $was = $pc", *["set $was%d = $x%d" % (i, i) for i in range(31)])
    gdb.run("set $pc = $at", *["set $x%d = 0x1122334455660000 + %d" % (i, i) for i in range(31)])
    gdb.run("set $x1 = 0", "stepi", "x/64wx app.layout", "stepi", "x/64wx app.layout", "stepi")
    r = gdb.run("info registers")
    for i in range(31):
        want = 0x1122334455660000 + (0 if i == 1 else i)  # d0 has come through
        assert re.search(r"(?m)^(\(gdb\) )?x%d +%#x " % (i, want), r), (i, r)
    assert re.search(r"(?m)^cpsr +0x\w*3c5 ", r)  # not as it is while a step is made
    gdb.run("set $pc = $was", *["set $x%d = $was%d" % (i, i) for i in range(31)])
    assert gdb.end("detach") == 0


def test_bad_addresses(remote, gdb):
    for at in (NOWHERE, "0x7fffffff", "0xffffffff00000000", "0x8fffffffffffffff"):
        assert "Cannot access memory at address" in gdb.run("x/4wx " + at), at
        assert "Cannot access memory at address" in gdb.run("set var *(int *) %s = 1" % at), at
    assert "= 1\n" in gdb.run("print app.links")
    assert gdb.end("detach") == 0


def test_breakpoint(remote, gdb):
    """A shell's command is stopped, looked at, stepped through, and goes on."""
    sh = remote.firmware.shell()
    assert "Breakpoint 1 at" in gdb.run("break kernel_uptime")
    gdb.start("continue")
    until(remote.firmware.answers)
    sh.type("kernel uptime\r")
    out = gdb.finish()
    assert re.search(r"Breakpoint 1, kernel_uptime \(argc=0, argv=0x\w+\) at .*commands.c:\d+", out)
    assert "= 0\n" in gdb.run("print argc")
    bt = gdb.run("backtrace")
    for i, name in enumerate(("kernel_uptime", "run", "key", "shell_type", "shell_poll", "services_run", "main")):
        assert re.search(r"#%d .*\b%s \(" % (i, name), bt), bt
    assert stopped(gdb, remote)
    # Steps: one instruction, into a function, out of it, over one that talks to the very console.
    pc = [int(re.search(r"0x\w+", gdb.run("print/x $pc"))[0], 16)]
    for _ in range(5):
        gdb.run("stepi")
        pc.append(int(re.search(r"0x\w+", gdb.run("print/x $pc"))[0], 16))
    assert len(set(pc)) == 6 and pc[1] - pc[0] == 4
    out = gdb.run("break shell_out", "continue")
    assert "Breakpoint 2, shell_out (fmt=" in out and "Uptime" in out
    out = gdb.run("delete 2", "finish")
    assert "Run till exit from #0" in out and re.search(r"^kernel_uptime .*|.* in kernel_uptime ", out, re.M)
    sh.until("Uptime: ")  # and it came through while the debugger was there
    out = gdb.run("next", "next")
    assert "Links" in out or "commands.c" in out or "run (" in out
    gdb.start("continue")
    sh.until("Links: 1")
    sh.until("remote:~$ ")
    gdb.p.send_signal(signal.SIGINT)
    assert "SIGINT" in gdb.finish()
    assert gdb.end("detach") == 0
    assert "Uptime" in sh.run("kernel uptime")  # no breakpoint was left behind
    sh.close()


def test_steps_through_the_console(remote, gdb):
    """From a function of the shell, line by line, through one that the debugger's own way needs."""
    sh = remote.firmware.shell()
    gdb.run("break shell.c:put if len > 5")
    gdb.start("continue")
    sh.type("kernel uptime\r")
    assert "Breakpoint 1, put (u=" in gdb.finish()
    seen = gdb.run("delete", *["step"] * 8)
    assert "cw_console_write" not in re.sub(r"^\d+\t.*$", "", seen, flags=re.M), seen
    assert "shell_out" in gdb.run("backtrace")
    assert gdb.end("detach") == 0
    sh.until("Links: 1")
    sh.close()


def test_no_breakpoint_on_the_way_out(remote, gdb):
    for name in ("cw_console_read", "cw_bus_poll", "memcpy", "machine_irq"):
        assert "Cannot insert breakpoint" in gdb.run("break " + name, "continue", "delete"), name
    gdb.run("break kernel_uptime", "delete")
    assert gdb.end("detach") == 0


def test_kept_code_calls_nothing_outside():
    """What makes it sound to use the console's driver at any stop: docs/porting.md, step 10."""
    name = re.search(r"qemu: (\S+)", text_of("x"))[1]
    nm = subprocess.run(["aarch64-linux-gnu-nm", name], capture_output=True, text=True, check=True).stdout
    at = {line.split()[2]: int(line.split()[0], 16) for line in nm.splitlines()}
    low, high = at["__kept_start"], at["__kept_end"]
    code = subprocess.run(["aarch64-linux-gnu-objdump", "-d", "--start-address=%d" % low,
                           "--stop-address=%d" % high, name], capture_output=True, text=True, check=True)
    calls = re.findall(r"(?m)\t(?:bl|b|b\.\w+|cbn?z|tbn?z)\t.*?([0-9a-f]{8}) <(\w+)", code.stdout)
    assert len(calls) > 500
    outside = {name for to, name in calls if not low <= int(to, 16) < high}
    # Start-up, and the stub once breakpoints are out of memory; these ask, and change nothing.
    assert outside <= {"main", "snprintf", "strlen", "strcmp", "reach_up", "reach_wait", "app_now"}, outside


def test_interrupt(remote, gdb):
    for _ in range(3):
        gdb.start("continue")
        until(remote.firmware.answers)
        gdb.p.send_signal(signal.SIGINT)
        assert "Program received signal SIGINT" in gdb.finish()
    assert gdb.end("detach") == 0


def test_stopped_is_not_dead(remote, gdb):
    """Longer than it takes to call a remote lost, and with traffic for its other devices."""
    sh = remote.firmware.shell()
    sh.type("kernel up")
    pid, end = remote.remote()["pid"], time.monotonic() + 4
    while time.monotonic() < end:
        assert remote.firmware.ping(1, wait=0.1) == (1, 0)
    r = remote.remote()
    assert (r["link"], r["pid"]) == ("up", pid)
    assert gdb.end("detach") == 0
    sh.type("time\r")
    sh.until("Uptime")
    sh.close()


@pytest.mark.parametrize("how", ["killed", "quit"])
def test_debugger_that_goes(remote, gdb, how):
    """While everything stands still, with breakpoints: the remote goes on, and none is left."""
    sh = remote.firmware.shell()
    gdb.run("break kernel_uptime", "break shell_out")
    gdb.start("continue")
    sh.type("kernel uptime\r")
    gdb.finish()
    assert stopped(gdb, remote)
    if how == "killed":
        gdb.p.kill()
    else:
        gdb.end("quit")
    sh.until("Links: 1")
    sh.until("remote:~$ ")
    assert "Uptime" in sh.run("kernel uptime")
    sh.close()


def test_debugger_killed_while_it_runs(remote, gdb):
    sh = remote.firmware.shell()
    gdb.run("break kernel_uptime")
    gdb.start("continue")
    until(remote.firmware.answers)
    gdb.p.kill()
    until(lambda: not ports(remote)[1]["joined"])
    assert "Uptime" in sh.run("kernel uptime")
    sh.close()
    again = Gdb(remote)  # and the next one finds everything
    assert stopped(again, remote) and again.end("detach") == 0


def test_one_debugger_at_a_time(remote, gdb):
    r = remote.cli("gdb", "a53")
    assert r.returncode == 1
    assert "somebody is at this port of a53 already" in r.stderr
    assert "gdb: socket %s, joined" % remote.door in remote.cli("status").stdout
    with socket.socket(socket.AF_UNIX) as s:  # by hand: waits for its turn
        s.settimeout(0.3)
        s.connect(remote.door)
        s.sendall(b"$?#3f")
        with pytest.raises(socket.timeout):
            s.recv(1)
        assert "= 1\n" in gdb.run("print app.links")
        assert gdb.end("detach") == 0
        s.settimeout(PATIENCE)
        assert s.recv(100).startswith(b"+")


def test_traffic_goes_on_between_stops(remote):
    """Many stops in the midst of a transfer, each with some steps: not a byte is lost or double."""
    def packet(text):
        return b"$%s#%02x" % (text, sum(text) & 255)

    def disturb():
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(remote.door)
            f = s.makefile("rb")

            def until_end():
                out = b""
                while not out.endswith(b"#"):
                    out += f.read(1)
                f.read(2)
                return out

            for i in range(300):
                s.sendall(b"\x03")
                assert b"$T02" in until_end()
                for _ in range(i % 7):
                    s.sendall(b"+" + packet(b"s"))
                    assert b"$T05" in until_end()
                s.sendall(b"+" + packet(b"c"))
                stops.append(i)
            s.sendall(b"+\x03")
            until_end()
            s.sendall(b"+" + packet(b"D"))
            assert b"$OK" in until_end()

    stops = []
    assert remote.firmware.tcp_exchange(4 << 20, disturb)
    assert len(stops) == 300
    assert remote.remote()["devices"][1]["errors"] == 0


def test_fault_is_told_first(remote, gdb):
    """A wild jump stops where it happened, and with everything put right the remote goes on."""
    sh = remote.firmware.shell()
    gdb.run("break kernel_uptime")
    gdb.start("continue")
    sh.type("kernel uptime\r")
    gdb.finish()
    out = gdb.run("set $old = $pc", "set $pc = 0", "continue")
    assert "Program received signal SIGSEGV" in out
    assert re.search(r"= 0x0\b", gdb.run("print/x $pc"))
    gdb.run("delete", "set $pc = $old")
    assert gdb.end("detach") == 0
    sh.until("Links: 1")
    sh.close()


def test_fault_that_stays(remote, gdb):
    """Once the debugger has left, it ends as it does without one: the remote tells of its panic."""
    sh = remote.firmware.shell()
    sh.until("remote:~$ ")
    gdb.start("continue")
    until(remote.firmware.answers)
    sh.type("kernel crash\r")
    assert re.search(r"SIGTRAP.*\n.*kernel_crash", gdb.finish())
    assert remote.remote()["crashes"] == 0
    gdb.end("detach")
    until(lambda: "remote a53: panicked with code 0x" in remote.output())
    until(lambda: remote.lines("echo services", "a53") == 2)
    sh.close()
    remote.expect = {"crashes": 1, "links_up": 2, "starts": 2}
    until(lambda: ports(remote)[1]["open"])


def test_worker_killed_while_it_stands(remote, gdb):
    """It takes the debugger along; the remote goes on, and brings its devices up again."""
    sh, old = remote.firmware.shell(), remote.worker()
    gdb.run("break kernel_uptime")
    gdb.start("continue")
    sh.type("kernel uptime\r")
    gdb.finish()
    os.kill(old, signal.SIGKILL)
    until(lambda: remote.worker() not in (0, old))
    assert well(remote)
    assert "Uptime" in sh.run("kernel uptime")
    sh.close()
    remote.expect = {"crashes": 0, "starts": 1}
    until(lambda: ports(remote)[1]["open"])
    again = Gdb(remote)
    assert "= 2\n" in again.run("print app.links") and again.end("detach") == 0


def test_remote_ends_under_the_debugger(remote, gdb):
    pid = remote.remote()["pid"]
    assert remote.cli("restart", "a53").returncode == 0
    until(lambda: not alive(pid))
    until(lambda: remote.lines("echo services", "a53") == 2)
    remote.expect = {"crashes": 0, "links_up": 2, "starts": 2}


@pytest.mark.parametrize("bytes_,answer", [
    (b"$" + 5000 * b"a" + b"#00", b"-"),
    (b"$m0,4#00", b"-"),
    (b"$m0,4#zz", b"-"),
    (b"\x03", b"$T02thread:1;#"),
    (b"$m40200000,fffffffff#" + b"%02x" % (sum(b"m40200000,fffffffff") & 255), b"+$E01#a6"),
    (b"$Z0,40200000,8#" + b"%02x" % (sum(b"Z0,40200000,8") & 255), b"+$E01#a6"),
    (b"$G00#" + b"%02x" % (sum(b"G00") & 255), b"+$E01#a6"),
    (b"$\xff\x00}#" + b"%02x" % ((0xff + 0x7d) & 255), b"+$#00"),
    (b"$vCont;c:1#" + b"%02x" % (sum(b"vCont;c:1") & 255), b"+"),
], ids=str)
def test_nonsense(remote, bytes_, answer):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(PATIENCE)
        s.connect(remote.door)
        s.sendall(bytes_)
        got = b""
        while not got.startswith(answer):
            assert answer.startswith(got) or got.startswith(b"$T"), got
            got += s.recv(1)
    assert well(remote)


def test_random_bytes(remote):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(0.2)
        s.connect(remote.door)
        for _ in range(50):
            s.sendall(os.urandom(500) + b"$qC#b4")
            try:
                s.recv(65536)
            except socket.timeout:
                pass
    assert well(remote)


def test_command(remote, tmp_path):
    """What `causeway gdb` says and does without a debugger on the way."""
    r = remote.cli("gdb", "--print")
    assert r.returncode == 0
    assert re.fullmatch(r"gdb-multiarch /\S+/hvl_net_rng_reloc_gdb -ex 'target remote %s'\n" % remote.door,
                        r.stdout)
    assert remote.cli("gdb", "--print", "a53:gdb", "--", "-ex", "p 'a'").stdout.endswith(
        " -ex 'p '\\''a'\\'''\n")
    r = remote.cli("gdb", "a53:shell", "--print")
    assert r.returncode == 0 and "target remote /dev/pts/" in r.stdout  # without word of who leaves
    r = remote.cli("gdb", "a53:none")
    assert r.returncode == 1 and "no console port none; there are: 0 shell, 1 gdb" in r.stderr
    r = remote.cli("gdb", "other")
    assert r.returncode == 1 and "no remote is called other; there are: a53" in r.stderr
    assert remote.cli("gdb", "a53", "b").returncode == 2
    r = remote.cli("gdb", "a53", env={**os.environ, "GDB": "/nonexistent"})
    assert r.returncode == 1 and "cannot start /nonexistent: No such file" in r.stderr
    r = remote.cli("gdb", "a53", env={"PATH": "/nonexistent"})
    assert r.returncode == 1 and "gdb-multiarch is not installed; on Debian: apt install gdb-multiarch" in r.stderr
    r = remote.cli("gdb", "a53", "--", *["-ex", "p 1"] * 40)
    assert r.returncode == 2 and "words" in r.stderr
    assert remote.cli("stop", "a53").returncode == 0
    until(lambda: remote.remote()["state"] == "offline")
    r = remote.cli("gdb")
    assert r.returncode == 1 and re.search(r"remote a53 \(offline, link \w+\) has not opened this port", r.stderr)
    assert remote.cli("start", "a53").returncode == 0
    remote.expect = {"crashes": 0, "starts": 2}
