# SPDX-License-Identifier: BSD-3-Clause
"""Memory that the kernel must not touch: /dev/mem and UIO maps, each a file that a mount namespace
puts in its place. What that changes (every payload copied) is in the suites conform_*_copied."""
import os
import subprocess

import pytest
from pmm import REMOTE, Pmm, board, until

SIZE = 256 * 1024
BASE = 0x37000000
MAP = 1


def namespace(tmp):
    """Runs a command where /dev/mem is tmp/mem and /sys/class/uio has one device, uio0."""
    uio = os.path.join(tmp, "uio0-maps")
    os.makedirs(uio)
    for name, value in (("size", SIZE), ("addr", BASE)):
        with open(os.path.join(uio, name), "w") as f:
            f.write("0x%x\n" % value)
    with open(os.path.join(tmp, "mem"), "wb") as f:  # sparse
        f.truncate(BASE + SIZE)
    with open(os.path.join(tmp, "uio0"), "wb") as f:
        f.truncate(4096 * MAP + SIZE)
    script = ("set -e; mkdir -p {0}/dev; rm -f {0}/dev/mem; touch {0}/dev/null {0}/dev/urandom; ln -s {0}/mem {0}/dev/mem;"
              "mount --bind /dev/null {0}/dev/null; mount --bind /dev/urandom {0}/dev/urandom;"
              "mount --rbind {0}/dev /dev; mount -t tmpfs t /sys/class;"
              "mkdir -p /sys/class/uio/uio0/maps; cp -r {0}/uio0-maps /sys/class/uio/uio0/maps/map{1};"
              'exec "$@"').format(tmp, MAP)
    return ["unshare", *(["-r"] if os.geteuid() else []), "-m", "sh", "-c", script, "sh"]


def serves(tmp, memory, file, offset):
    """The remote is started by the test, on the file that stands for the memory."""
    text = board({"a": {"carrier": "attach", "memory": memory, "doorbell": "{ poll: 1000 }"}})
    with Pmm(text, prefix=namespace(tmp)) as p:
        fd = os.open(os.path.join(tmp, file), os.O_RDWR)
        with open(os.path.join(tmp, "remote.log"), "w+") as log:
            remote = subprocess.Popen([REMOTE, "good"], pass_fds=[fd], stdout=log, stderr=log, env={
                "CAUSEWAY_REGION_FD": str(fd), "CAUSEWAY_REMOTE": "a", "CAUSEWAY_POLL_US": "1000",
                "CAUSEWAY_REGION_SIZE": str(SIZE), "CAUSEWAY_REGION_OFFSET": str(offset)})
            os.close(fd)
            try:
                until(lambda: open(log.name).read().count("entropy") > 20)
                assert p.remote()["devices"][0]["rx_bytes"] > 100
            finally:
                remote.kill()
                remote.wait()
        assert p.stop() == 0


def test_devmem(tmp_path):
    serves(str(tmp_path), "{ devmem: 0x%x }" % BASE, "mem", BASE)


def test_uio(tmp_path):
    serves(str(tmp_path), "{ uio: %s/uio0, map: %d }" % (tmp_path, MAP), "uio0", 4096 * MAP)


@pytest.mark.parametrize("memory, size, said", [
    ("{ uio: %s/uio0, map: 3 }", "256K", "has no map 3"),
    ("{ uio: %s/uio7, map: 1 }", "256K", "uio7 has no map 1"),
    ("{ uio: %s/uio0, map: 1 }", "512K", "has 262144 bytes; the region has 524288"),
])
def test_refused(tmp_path, memory, size, said):
    text = board({"a": {"carrier": "attach", "memory": memory % tmp_path, "doorbell": "{ poll: 1000 }",
                        "region": "{ base: 0x37000000, size: %s }" % size}})
    with Pmm(text, prefix=namespace(str(tmp_path)), wait=False) as p:
        assert p.wait() == 1
        assert said in p.output()


def test_two_pmms(tmp_path):
    text = board({"a": {"carrier": "attach", "memory": "{ uio: %s/uio0, map: 1 }" % tmp_path,
                        "doorbell": "{ poll: 1000 }"}})
    prefix = namespace(str(tmp_path))
    with Pmm(text, prefix=prefix) as p:
        with Pmm(text, prefix=prefix, wait=False) as q:
            assert q.wait() == 1
            assert "belong to another PMM that runs" in q.output()
        assert p.stop() == 0
