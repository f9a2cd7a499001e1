# SPDX-License-Identifier: BSD-3-Clause
"""The driver library against devices that nobody here wrote: QEMU's own, on trapping virtio-mmio."""
import hashlib
import os
import re

import netns
import pytest
from firmware import Shell
from trap import Trap


@pytest.fixture(scope="module", autouse=True)
def network():
    netns.enter()
    netns.make_tap()


def test_without_console(network, tmp_path):
    t = Trap(str(tmp_path), devices=("rng", "net"))
    try:
        t.started()
        assert t.ping(3) == (3, 3)
    finally:
        t.close()


def test_disk(network, tmp_path):
    image = tmp_path / "disk"
    image.write_bytes(bytes(1 << 20))
    t = Trap(str(tmp_path), devices=("net", "console", "blk"), program="island_trap", disk=str(image))
    try:
        t.started()
        sh = Shell(t.shell_at())
        sh.type("\r")
        sh.until("remote:~$ ")
        assert "qemus: 2048 sectors of 512 bytes" in sh.run("blk info")
        assert "500 sectors written" in sh.run("blk write 100 500 3")
        assert "500 sectors verified" in sh.run("blk verify 100 500 3")
        assert "flushed" in sh.run("blk flush")
        assert image.read_bytes()[100 * 512:100 * 512 + 4] == bytes((100 * 31 + 3 + 7 * i) & 255 for i in range(4))
        assert "10 sectors zeroed" in sh.run("blk zero 100 10")
        assert "failed at sector 2048" in sh.run("blk write 2048 1 1")
        sh.close()
    finally:
        t.close()


def test_files(network, tmp_path):
    """Another server: it answers in another order, and has other words for what went wrong."""
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "greeting").write_text("hello from Linux\n")
    (folder / "from").write_bytes(os.urandom(4 << 20))
    t = Trap(str(tmp_path), devices=("net", "console", "9p"), program="island_trap", folder=str(folder))
    try:
        t.started()
        sh = Shell(t.shell_at())
        sh.type("\r")
        sh.until("remote:~$ ")
        assert "hello from Linux" in sh.run("fs cat /greeting")
        assert hashlib.sha256((folder / "from").read_bytes()).hexdigest() in sh.run("fs sum from")
        assert "%d bytes copied" % (4 << 20) in sh.run("fs cp from to")
        assert (folder / "to").read_bytes() == (folder / "from").read_bytes()
        sh.run("fs mkdir dir")
        sh.run("fs mv to dir/moved")
        assert "dir/moved: file, mode 0644, user %d, %d bytes" % (os.getuid(), 4 << 20) in sh.run("fs stat dir/moved")
        assert set(sh.run("fs ls").splitlines()) == {"d dir", "- from", "- greeting", "- island.log"}
        assert "(errno 39)" in sh.run("fs rm dir")
        assert "no such file" in sh.run("fs cat dir/nothing")
        sh.run("fs rm dir/moved")
        sh.run("fs rm dir")
        assert sorted(os.listdir(folder)) == ["from", "greeting", "island.log"]
        assert (folder / "island.log").read_text().startswith("started")
        sh.close()
    finally:
        t.close()


@pytest.fixture(scope="module", params=("", ",mrg_rxbuf=off,csum=off,guest_csum=off", ",event_idx=off"))
def trap(request, network, tmp_path_factory):
    t = Trap(str(tmp_path_factory.mktemp("trap")), net=request.param)
    try:
        yield t.started()
    finally:
        t.close()


def test_entropy(trap):
    lines = re.findall(r"^  0x[0-9a-f]{2}$", trap.output(), re.M)
    assert len(lines) == 9 and "get_entropy test passed" in trap.output()


def test_pings(trap):
    assert trap.ping(20, 0.02) == (20, 20)
    assert trap.ping(5, 0.02, size=1472, whole=True) == (5, 5)


def test_udp(trap):
    u = trap.udp()
    for i in range(500):
        assert u.answers(os.urandom(1 + i * 2))


def test_tcp(trap):
    assert trap.tcp_exchange(1 << 20)


def test_shell(trap):
    sh = Shell(trap.shell_at())
    sh.type("\r")
    sh.until("remote:~$ ")
    devices = sh.run("device list")
    assert all(kind in devices for kind in ("virtio-rng", "virtio-net", "virtio-serial"))
    assert devices.count("READY") == 3
    assert "4 packets transmitted, 4 received" in sh.run("net ping -c 4 " + netns.LINUX)
    long = "x" * 100
    assert long + ": no such command" in sh.run(long)
    sh.close()
