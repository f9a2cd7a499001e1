# SPDX-License-Identifier: BSD-3-Clause
"""The workload of messages: clients that talk to the service ping of two remotes while everything is restarted.

Each client keeps some messages under way and has an account of them: sent, answered, or lost with the end of its
connection, which is how a client is told. Answers come in order, whole, once, and to the client that asked; a message
that is neither answered nor reported in time is an error.
"""
import collections
import os
import select
import signal
import socket
import struct
import threading
import time

from pmm import Pmm, board, fds, held, until

REMOTES = "ab"
SERVICE = "ping"
CLIENTS = 6
UNDERWAY = 4
SILENCE = 45.0  # seconds without an answer on a connection that is up: something was lost
HEAD = struct.Struct("<3I")
ISLAND = os.path.join(os.environ["CW_BUILD"], "firmware", "island", "island")


class Wrong(AssertionError):
    pass


class Client(threading.Thread):
    """One client after another in one place; restart() ends the present one whatever it waits for."""

    def __init__(self, number, path, seed):
        super().__init__(daemon=True)
        self.number, self.path, self.seed = number, path, seed
        self.life, self.n = 0, 0
        self.ending = self.restarting = False
        self.count = collections.Counter()
        self.error = None

    def restart(self):
        self.restarting = True

    def message(self):
        self.n += 1
        size = (self.n * 7919 + self.seed) % 480
        return HEAD.pack(self.number, self.life, self.n) + bytes((self.n + i) & 255 for i in range(size))

    def run(self):
        try:
            while not self.ending:
                self.live()
        except Wrong as e:
            self.error = f"client {self.number}: {e}"
        except Exception as e:  # whatever it is, it is to be seen
            self.error = f"client {self.number}: {type(e).__name__}: {e}"

    def live(self):
        self.life += 1
        self.restarting = False
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            try:
                s.connect(self.path)
            except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError):
                time.sleep(0.005)
                return
            self.count["connected"] += 1
            s.setblocking(False)
            under = collections.deque()
            try:
                self.talk(s, under)
            except (ConnectionResetError, BrokenPipeError):
                pass
            self.count["abandoned" if self.restarting or self.ending else "reported"] += len(under)

    def talk(self, s, under):
        """Until the connection ends or we are to; what is still under way then was told, or given up by us."""
        heard = time.monotonic()
        while True:
            if self.restarting or (self.ending and not under):
                self.restarting = True
                return
            while len(under) < UNDERWAY and not self.ending:
                text = self.message()
                try:
                    s.send(text)
                except BlockingIOError:
                    self.n -= 1
                    break
                under.append(text)
                self.count["sent"] += 1
            if select.select([s], [], [], 0.2)[0]:
                text = s.recv(4096)
                if not text:
                    return
                self.answered(under, text)
                heard = time.monotonic()
            elif under and time.monotonic() - heard > SILENCE:
                raise Wrong(f"{len(under)} messages neither answered nor reported in {SILENCE:.0f} s")

    def answered(self, under, text):
        if not under or text != under[0]:
            what = HEAD.unpack_from(text) if len(text) >= HEAD.size else len(text)
            raise Wrong(f"got {what}, expected {HEAD.unpack_from(under[0]) if under else 'nothing'}")
        under.popleft()
        self.count["answered"] += 1


def kill_worker(p, _where, _rng):
    os.kill(p.worker(), signal.SIGKILL)


def kill_remote(p, where, _rng):
    os.kill(p.remote(where)["pid"], signal.SIGKILL)


def restart_remote(p, where, _rng):
    assert p.ask(do="restart", remote=where)["ok"]


def pause_remote(p, where, rng):
    pid = p.remote(where)["pid"]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(rng.random() / 2)
    os.kill(pid, signal.SIGCONT)


FAULTS = (kill_worker, kill_worker, restart_remote, restart_remote, kill_remote, pause_remote, None, None)


def resident(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * 4


def tried(fault, *args):
    """A fault that came just after another finds nobody to hit."""
    try:
        fault(*args)
        return True
    except (ProcessLookupError, TypeError, KeyError, AssertionError):
        return False


def total(clients):
    return sum((c.count for c in clients), collections.Counter())


def flow(clients, seconds=60):
    """Every client gets an answer from now on."""
    before = [c.count["answered"] for c in clients]
    until(lambda: all(c.error or c.count["answered"] > n for c, n in zip(clients, before)), seconds)


def check(clients):
    for c in clients:
        assert not c.error, c.error


def soak(seconds, rng):
    remote = {"region": "{ base: 0x37000000, size: 1M }", "carrier": "{ process: %s }" % ISLAND, "recovery": "always",
              "devices": "[ { kind: rpmsg, name: rpmsg0 }, { kind: console } ]"}
    with Pmm(board({n: dict(remote) for n in REMOTES})) as p:
        folder = {n: f"{p.dir}/test.rpmsg/{n}" for n in REMOTES}
        until(lambda: all(os.path.exists(f"{folder[n]}/{SERVICE}") for n in REMOTES), 10)
        quiet = sizes(p)
        services = {n: sorted(os.listdir(folder[n])) for n in REMOTES}
        clients = [Client(i, f"{folder[REMOTES[i % 2]]}/{SERVICE}", rng.randrange(1 << 30)) for i in range(CLIENTS)]
        for c in clients:
            c.start()
        try:
            faults = restarts(p, clients, seconds, rng)
            flow(clients)
            for c in clients:
                c.ending = True
            for c in clients:
                c.join(SILENCE + 5)
                assert not c.is_alive(), f"client {c.number} does not come to an end"
        except AssertionError as e:
            raise AssertionError(f"{e}\n" + "\n".join(p.output().splitlines()[-20:])) from None
        finally:
            for c in clients:
                c.ending = c.restarting = True
        check(clients)
        n = total(clients)
        assert n["sent"] == n["answered"] + n["reported"] + n["abandoned"], n
        until(lambda: services == {n: sorted(os.listdir(folder[n])) for n in REMOTES}, 10)
        until(lambda: sizes(p)["worker fds"] <= quiet["worker fds"], 10)
        now = sizes(p)
        assert now["keeper fds"] <= quiet["keeper fds"] + 2, f"descriptors grow: {quiet} {now}"
        assert now["keeper"] <= quiet["keeper"] + 512, f"the keeper grows: {quiet} {now}"
        assert now["worker"] <= quiet["worker"] + 1024, f"the worker grows: {quiet} {now}"
        assert p.stop() == 0
        assert not os.path.exists(p.dir), "the run directory is left"
    report(n, now)
    return faults


def sizes(p):
    worker = p.worker()
    return {"keeper": resident(p.pid), "worker": resident(worker), "keeper fds": fds(p.pid), "worker fds": held(worker)}


def report(n, now):
    print(f"messages: {n['sent']} sent, {n['answered']} answered, {n['reported']} reported lost, "
          f"{n['abandoned']} given up by clients that were restarted; {n['connected']} connections; "
          f"keeper {now['keeper']} KB, worker {now['worker']} KB", flush=True)


def restarts(p, clients, seconds, rng):
    """Something ends every second; now and then all is to flow again before the next."""
    end, done = time.monotonic() + seconds, 0
    shown = time.monotonic()
    first = None
    while time.monotonic() < end:
        fault, where = rng.choice(FAULTS), rng.choice(REMOTES)
        if fault is None:
            rng.choice(clients).restart()
            done += 1
        else:
            done += tried(fault, p, where, rng)
        time.sleep(rng.random() * 2)
        check(clients)
        if not done % 10:
            flow(clients)
            now = sizes(p)
            first = first or now
            assert now["keeper"] <= first["keeper"] + 512, f"the keeper grows: {first} {now}"
            assert now["keeper fds"] <= first["keeper fds"] + 4, f"descriptors grow: {first} {now}"
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            report(total(clients), sizes(p))
    return done
