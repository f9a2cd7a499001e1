# SPDX-License-Identifier: BSD-3-Clause
"""A PMM under test: starts `causeway run`, reads what it prints, asks its control socket."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

BUILD = os.environ["CW_BUILD"]
CAUSEWAY = os.path.join(BUILD, "cli", "causeway")
REMOTE = os.path.join(BUILD, "tests", "system", "system_remote")

# For what must happen: no measure of anything, but the end of a hang. A machine that tests may stall for seconds.
PATIENCE = 60.0


def until(what, seconds=PATIENCE, step=0.005):
    """Waits until what() is true, and returns what it returned."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got:
            return got
        assert time.monotonic() < end, "it did not happen within %s s" % seconds
        time.sleep(step)


def rests(lines, seconds=0.2):
    """Waits until a count does not grow any more: what was under way may be printed late."""
    def same():
        n = lines()
        time.sleep(seconds)
        return lines() == n

    until(same)


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def fds(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def held(pid):
    """Descriptors of a worker, which only root may count: 0 for others."""
    try:
        return fds(pid)
    except PermissionError:
        return 0


def board(remotes, **top):
    """
    A board file's text: remotes is {name: {...}} laid over a default with one entropy device. One that is only not
    let run is not lost.
    """
    lines = ["name: %s" % top.pop("name", "test")]
    lines += ["%s: %s" % kv for kv in top.items()]
    lines.append("remotes:")
    for name, r in remotes.items():
        args = r.pop("run", "good").split()
        r = {"region": "{ base: 0x37000000, size: 256K }", "memory": "memfd",
             "doorbell": "socket", "lost-ms": 10000, "devices": "[ { kind: rng, name: rng0 } ]",
             "carrier": "{ process: %s, args: [ %s ] }" % (REMOTE, ", ".join(args)), **r}
        lines.append("  - name: %s" % name)
        lines += ["    %s: %s" % kv for kv in r.items()]
    return "\n".join(lines) + "\n"


class Program:
    """A process and what it prints, in a folder of its own; nothing stays when the test leaves it."""

    def __init__(self, name):
        self.tmp = tempfile.TemporaryDirectory(prefix="cw-%s-" % name)
        self.log = open(os.path.join(self.tmp.name, "log"), "w+")

    def run(self, command, **popen):
        self.p = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, **popen)
        self.pid = self.p.pid

    def output(self):
        with open(self.log.name, errors="replace") as f:
            return f.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()
        self.log.close()
        self.tmp.cleanup()


class Pmm(Program):
    def __init__(self, text=None, args=(), wait=True, run_dir=None, options=(), prefix=(), **popen):
        super().__init__("system")
        self.dir = run_dir or os.path.join(self.tmp.name, "run")
        command = [*prefix, CAUSEWAY, "run", "--run-dir", self.dir, *options]
        if text is not None:
            self.file = os.path.join(self.tmp.name, "test.yaml")
            with open(self.file, "w") as f:
                f.write(text)
            command.append(self.file)
        self.run(command + list(args), **popen)
        if wait:
            until(lambda: self.answers() or self.p.poll() is not None)
            assert self.p.poll() is None, self.output()

    def sock(self):
        names = [n for n in os.listdir(self.dir) if n.endswith(".sock")] \
            if os.path.isdir(self.dir) else []
        return os.path.join(self.dir, names[0]) if names else "/nonexistent"

    def answers(self):
        try:
            return self.status()["ok"]
        except OSError:
            return False

    def ask(self, **request):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(PATIENCE)
            s.connect(self.sock())
            s.sendall(json.dumps(request).encode() + b"\n")
            return json.loads(s.makefile().readline())

    def cli(self, *args, **kw):
        return subprocess.run([CAUSEWAY, args[0], "--run-dir", self.dir, *args[1:]],
                              capture_output=True, text=True, timeout=PATIENCE, **kw)

    def status(self):
        return self.ask(do="status")

    def remote(self, name=None):
        remotes = self.status()["remotes"]
        return next(r for r in remotes if name in (None, r["name"]))

    def worker(self, i=0):
        return self.status()["workers"][i]["pid"]

    def lines(self, what, name="a"):
        return sum(1 for line in self.output().splitlines()
                   if line.startswith("[%s] " % name) and what in line)

    def grows(self, what="entropy", name="a", seconds=PATIENCE, by=1):
        """Waits for more such lines from a remote."""
        begin = self.lines(what, name)
        until(lambda: self.lines(what, name) >= begin + by, seconds)

    def stop(self, sig=signal.SIGTERM):
        """Ends it and returns the exit status; whatever it was, nothing may be left."""
        if self.p.poll() is None:
            self.p.send_signal(sig)
        return self.wait()

    def wait(self, seconds=PATIENCE):
        code = self.p.wait(seconds)
        assert "a system call that it may not make" not in self.output()
        return code
