#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev soak: the whole system under load and faults for as long as you like.

Frames, half of the time: two remotes with network, entropy and console; at random, one after the other: the worker killed, a
remote killed, stopped for a while or restarted, its memory filled with junk. After each fault both must
answer again, and what an echo service returns must be what was sent. Descriptors and memory of keeper
and worker must not grow. Messages, the other half: clients of two remotes' services while worker, remotes and clients
are restarted every second; each message must be answered or reported lost. The same seed gives the same faults. Exit status 1 at the first that was wrong.
"""
import argparse
import os
import random
import signal
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("CW_BUILD", os.path.join(TOP, "build", "gcc"))
os.environ.setdefault("CW_SOURCE", TOP)
sys.path[:0] = [os.path.join(TOP, "tests"), os.path.join(TOP, "tests", "system")]
import netns  # noqa: E402
import soak_messages  # noqa: E402
from firmware import FIRMWARE  # noqa: E402
from pmm import Pmm, board, fds, until  # noqa: E402

IP, TAPS = "192.168.200.2", {"a": "tap0", "b": "tap7"}
PATIENCE = 60.0


def ping(name, count=5):
    return netns.Pinger(IP, device=TAPS[name]).run(count, 0.01, wait=5) == (count, count)


def echoes(name, count=50):
    """Datagrams that come back are the ones that were sent; returns how many came back."""
    import socket
    good = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, TAPS[name].encode())
        s.settimeout(1)
        s.connect((IP, 7))
        for i in range(count):
            data = os.urandom(1 + i * 29)
            try:
                s.send(data)
                got = s.recv(65536)
            except (socket.timeout, ConnectionRefusedError):
                continue
            assert got == data or len(got) != len(data), "an echo came back changed"
            good += got == data
    return good


def kill_worker(p, _name, _rng):
    os.kill(p.worker(), signal.SIGKILL)


def kill_remote(p, name, _rng):
    os.kill(p.remote(name)["pid"], signal.SIGKILL)


def pause_remote(p, name, rng):
    pid = p.remote(name)["pid"]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(rng.random())
    os.kill(pid, signal.SIGCONT)


def restart_remote(p, name, _rng):
    assert p.ask(do="restart", remote=name)["ok"]


def junk(p, name, rng):
    """Junk behind the link pages, as the remote itself could write it."""
    pid = p.remote(name)["pid"]
    with open("/proc/%d/fd/3" % pid, "r+b", buffering=0) as f:
        for _ in range(rng.randrange(1, 200)):
            f.seek(rng.randrange(0x3000, 1 << 20))
            f.write(rng.randbytes(rng.choice((1, 4, 64))))


FAULTS = [kill_worker, kill_remote, pause_remote, restart_remote, junk]


def resident(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * 4


def well(p, name):
    return p.remote(name)["pid"] and ping(name, 3) and echoes(name, 10) == 10


def recover(p, name, fault):
    """Junk may leave a remote beyond help; that it can be restarted is what counts then."""
    end = time.monotonic() + PATIENCE
    asked = fault is not junk
    while not well(p, name):
        if not asked and time.monotonic() > end - PATIENCE + 3:
            assert p.ask(do="restart", remote=name)["ok"]
            asked = True
        assert time.monotonic() < end, f"remote {name} does not answer {PATIENCE:.0f} s after {fault.__name__}"


def soak(p, seconds, rng):
    begun = shown = time.monotonic()
    faults = {f.__name__: 0 for f in FAULTS}
    first = None
    while time.monotonic() - begun < seconds:
        fault, name = rng.choice(FAULTS), rng.choice("ab")
        other = "b" if name == "a" else "a"
        fault(p, name, rng)
        faults[fault.__name__] += 1
        if fault is not kill_worker:
            assert ping(other), f"{fault.__name__} of {name} was felt by {other}"
        recover(p, name, fault)
        if fault is junk:  # what lies in its memory still may be felt at any time, and is nobody else's doing
            restart_remote(p, name, rng)
            recover(p, name, restart_remote)
        recover(p, other, fault)
        now = {"keeper fds": fds(p.pid), "keeper": resident(p.pid), "worker": resident(p.worker())}
        first = first or now
        assert now["keeper fds"] <= first["keeper fds"] + 4, f"descriptors grow: {first} {now}"
        assert now["keeper"] <= first["keeper"] + 1024, f"memory grows: {first} {now}"
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            print(f"{shown - begun:6.0f} s  " + ", ".join(f"{v} {k}" for k, v in faults.items()) +
                  f"; keeper {now['keeper']} KB, worker {now['worker']} KB", flush=True)
    return sum(faults.values())


def frames(seconds, rng):
    netns.enter()
    netns.make_tap("tap0", "192.168.200.254")
    netns.make_tap("tap7", "192.168.200.253")
    net = ("[ { kind: rng, name: virt-rng }, { kind: net, size: 128K, backend: { tap: %s } }, "
           "{ kind: console } ]")
    remote = {"region": "{ base: 0x37000000, size: 1M }", "carrier": "{ process: %s }" % FIRMWARE,
              "recovery": "always"}
    with Pmm(board({n: {**remote, "devices": net % t} for n, t in TAPS.items()})) as p:
        until(lambda: well(p, "a") and well(p, "b"), 10)
        try:
            n = soak(p, seconds, rng)
        except AssertionError as e:
            raise AssertionError(f"{e}\n" + "\n".join(p.output().splitlines()[-20:])) from None
        assert p.stop() == 0
    return n


WORKLOADS = {"messages": soak_messages.soak, "frames": frames}


def main():
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("minutes", nargs="?", type=float, default=60, help="how long (60)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats the faults of a run")
    parser.add_argument("--only", choices=WORKLOADS, help="all of the time for one of them")
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.minutes:g} minutes", flush=True)
    names = [options.only] if options.only else list(WORKLOADS)
    for name in names:
        try:
            n = WORKLOADS[name](options.minutes * 60 / len(names), random.Random(options.seed))
        except AssertionError as e:
            print(f"FAILED: {name}: {e}\nagain with --seed {options.seed} --only {name}")
            return 1
        print(f"{name}: {n} faults, and everything answered after each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
