# SPDX-License-Identifier: BSD-3-Clause
"""A disk from a remote's shell, whoever dies meanwhile."""
import os
import signal
import time

import netns
import pytest
from firmware import Firmware
from pmm import BUILD, Pmm, board, until

ISLAND = os.path.join(BUILD, "firmware", "island", "island")
SECTORS = 32768


@pytest.fixture(scope="module", autouse=True)
def network():
    netns.enter()
    netns.make_tap()


def text(image, **keys):
    more = "".join(", %s: %s" % (k.replace("_", "-"), v) for k, v in keys.items())
    return board({"a": {"region": "{ base: 0x37000000, size: 4M }", "carrier": "{ process: %s }" % ISLAND,
                        "devices": "[ { kind: net, backend: { tap: tap0 }, size: 128K },"
                                   " { kind: console, size: 32K },"
                                   " { kind: blk, name: disk0, backend: { file: %s }%s } ]" % (image, more)}})


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "disk.img"
    with open(path, "wb") as f:
        f.truncate(SECTORS * 512)
    return str(path)


def pattern(sector, seed):
    return bytes((i * 7 + sector * 31 + (sector >> 8) * 17 + seed) & 0xff for i in range(512))


def sector(image, number):
    with open(image, "rb") as f:
        f.seek(512 * number)
        return f.read(512)


def shell_of(p):
    return Firmware(p).started().shell().prompt()


def test_what_the_remote_writes_is_in_the_file(image):
    with Pmm(text(image, id="blue")) as p:
        sh = shell_of(p)
        assert "blue: %d sectors of 512 bytes" % SECTORS in sh.run("blk info")
        assert "300 sectors written" in sh.run("blk write 1000 300 5")
        assert "flushed" in sh.run("blk flush")
        for n in (1000, 1150, 1299):
            assert sector(image, n) == pattern(n, 5)
        assert not any(sector(image, 999) + sector(image, 1300))
        with open(image, "r+b") as f:  # and the other way round
            f.seek(512 * 7)
            f.write(pattern(7, 9))
        assert "1 sectors verified" in sh.run("blk verify 7 1 9")
        assert "sector 1000 differs" in sh.run("blk verify 1000 300 6")
        assert "16 sectors zeroed" in sh.run("blk zero 1000 16")
        assert not any(sector(image, 1000)) and sector(image, 1016) == pattern(1016, 5)
        assert "failed at sector %d: invalid argument" % SECTORS in sh.run("blk write %d 1 1" % SECTORS)
        sh.close()
        assert p.stop() == 0


def test_it_is_kept_over_restarts_and_kills(image):
    with Pmm(text(image)) as p:
        sh = shell_of(p)
        assert "500 sectors written" in sh.run("blk write 0 500 1")
        assert "flushed" in sh.run("blk flush")
        sh.close()
        os.kill(p.worker(), signal.SIGKILL)
        until(lambda: p.lines("link is up again") == 1)
        sh = shell_of(p)
        assert "500 sectors verified" in sh.run("blk verify 0 500 1")
        sh.close()
        assert p.cli("restart", "a").returncode == 0
        until(lambda: p.lines("echo services") == 2)
        sh = shell_of(p)
        assert "500 sectors verified" in sh.run("blk verify 0 500 1")
        sh.close()
        p.p.kill()
        p.p.wait()
    with Pmm(text(image)) as p:  # at once: the old worker may have TAP and disk for a moment
        sh = shell_of(p)
        assert "500 sectors verified" in sh.run("blk verify 0 500 1")
        sh.close()
        assert p.stop() == 0


def test_worker_killed_in_the_middle_of_writing(image):
    """A command that was under way fails or goes on; the disk is not the worse for it."""
    with Pmm(text(image)) as p:
        for i in range(5):
            lives = p.lines("link is up")
            sh = shell_of(p)
            sh.type("blk write 0 20000 %d\r" % i)
            time.sleep(0.05 * (i + 1))
            os.kill(p.worker(), signal.SIGKILL)
            until(lambda: p.lines("link is up") > lives)
            sh.until("remote:~$ ")
            assert "200 sectors written" in sh.run("blk write 0 200 %d" % (i + 50))
            assert "200 sectors verified" in sh.run("blk verify 0 200 %d" % (i + 50))
            assert sector(image, 100) == pattern(100, i + 50)
            sh.close()
        assert p.remote()["crashes"] == 0
        assert p.stop() == 0


def test_read_only(image):
    with Pmm(text(image, read_only="true")) as p:
        sh = shell_of(p)
        assert "read only" in sh.run("blk info")
        assert "failed at sector 0" in sh.run("blk write 0 1 1")
        assert not any(sector(image, 0))
        sh.close()
        assert p.stop() == 0


def test_a_full_file_system_is_an_error_of_the_disk_alone(image, tmp_path):
    """Fault F20: the image is sparse, and there is no room behind it."""
    small = tmp_path / "small"
    small.mkdir()
    prefix = ["unshare", "-m", "sh", "-c",
              'mount -t tmpfs -o size=256k none %s; truncate -s 16M %s/disk.img; exec "$@"' % (small, small), "sh"]
    with Pmm(text(small / "disk.img"), prefix=prefix, wait=False) as p:
        # The file is there only in that namespace, so its check outside is not the one that counts.
        until(lambda: p.answers() or p.p.poll() is not None)
        assert p.p.poll() is None, p.output()
        sh = shell_of(p)
        out = sh.run("blk write 0 2000 3")
        assert "writing failed at sector" in out and "input or output error" in out
        assert "100 sectors verified" in sh.run("blk verify 0 100 3")
        f = Firmware(p)
        assert f.ping(3) == (3, 3)
        sh.close()
        assert p.stop() == 0


def test_somebody_makes_it_shorter(image):
    """Row 55: no signal, no crash; errors where there is nothing any more."""
    with Pmm(text(image)) as p:
        sh = shell_of(p)
        assert "100 sectors written" in sh.run("blk write 0 100 1")
        os.truncate(image, 50 * 512)
        assert "reading failed at sector 50" in sh.run("blk verify 0 100 1")
        assert "50 sectors verified" in sh.run("blk verify 0 50 1")
        sh.close()
        assert p.stop() == 0


def test_one_writer(image):
    with Pmm(text(image)) as p:
        only = board({"a": {"devices": "[ { kind: blk, backend: { file: %s } } ]" % image}}, name="other")
        with Pmm(only, run_dir=p.dir, wait=False) as q:
            assert q.wait() == 1
            assert "disk.img is in use as a disk already" in q.output()
        assert p.stop() == 0


def test_what_was_flushed_is_there_when_the_worker_is_killed(image):
    """Ten times. That a flush reaches the file itself is in tests/conform."""
    with Pmm(text(image)) as p:
        for i in range(10):
            lives = p.lines("link is up")
            sh = shell_of(p)
            assert "20 sectors written" in sh.run("blk write %d 20 %d" % (i * 20, i))
            assert "flushed" in sh.run("blk flush")
            os.kill(p.worker(), signal.SIGKILL)
            for k in range(i + 1):
                assert sector(image, k * 20 + 19) == pattern(k * 20 + 19, k)
            until(lambda: p.lines("link is up") > lives)
            sh.close()
        assert p.stop() == 0
