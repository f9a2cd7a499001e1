# SPDX-License-Identifier: BSD-3-Clause
"""Files of Linux from a remote's shell, whoever dies meanwhile."""
import hashlib
import os
import signal

import netns
import pytest
from firmware import Firmware
from pmm import BUILD, PATIENCE, Pmm, board, until

ISLAND = os.path.join(BUILD, "firmware", "island", "island")
MIB = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def network():
    netns.enter()
    netns.make_tap()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "export"
    path.mkdir()
    return path


def text(folder, **keys):
    more = "".join(", %s: %s" % (k.replace("_", "-"), v) for k, v in keys.items())
    return board({"a": {"region": "{ base: 0x37000000, size: 4M }", "carrier": "{ process: %s }" % ISLAND,
                        "devices": "[ { kind: net, backend: { tap: tap0 }, size: 128K },"
                                   " { kind: console, size: 32K },"
                                   " { kind: 9p, name: files0, backend: { directory: %s }%s } ]" % (folder, more)}})


def shell_of(p):
    return Firmware(p).started().shell().prompt()


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pattern(size, seed):
    out, x = bytearray(size), seed
    for i in range(size):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        out[i] = x >> 24
    return bytes(out)


def test_each_side_reads_what_the_other_wrote(folder):
    (folder / "greeting").write_text("hello from Linux\n")
    with Pmm(text(folder)) as p:
        sh = shell_of(p)
        assert "hello from Linux" in sh.run("fs cat /greeting")
        (folder / "zeroes").write_bytes(b"before\0behind\n" * 50)
        assert sh.run("fs cat /zeroes") == "before\0behind\n" * 50
        os.unlink(folder / "zeroes")
        assert "no such file" in sh.run("fs cat /nothing")
        sh.run("fs write answer hello from the remote")
        assert (folder / "answer").read_text() == "hello from the remote\n"
        sh.run("fs mkdir dir")
        sh.run("fs mv answer dir/moved")
        assert "dir: directory, mode 0755" in sh.run("fs stat dir")
        assert "dir/moved: file, mode 0644, user %d, 22 bytes" % os.getuid() in sh.run("fs stat dir/moved")
        assert set(sh.run("fs ls").splitlines()) == {"d dir", "- greeting", "- island.log"}
        assert "is not empty (errno 39)" in sh.run("fs rm dir")
        sh.run("fs rm dir/moved")
        sh.run("fs rm dir")
        assert sorted(os.listdir(folder)) == ["greeting", "island.log"]
        assert "70000 bytes written" in sh.run("fs fill pattern 70000 7")
        assert (folder / "pattern").read_bytes() == pattern(70000, 7)
        assert (folder / "island.log").read_text().startswith("started, link 1")
        d = [d for d in p.remote()["devices"] if d["name"] == "files0"][0]
        assert d["kind"] == "9p" and str(folder) in str(d)
        sh.close()
        assert p.stop() == 0


def test_sixty_four_megabytes_both_ways(folder):
    (folder / "from").write_bytes(os.urandom(64 * MIB))
    with Pmm(text(folder)) as p:
        sh = shell_of(p)
        assert digest(folder / "from") in sh.run("fs sum from", 5 * PATIENCE)
        assert "%d bytes copied" % (64 * MIB) in sh.run("fs cp from to", 5 * PATIENCE)
        assert digest(folder / "from") == digest(folder / "to")
        sh.close()
        assert p.stop() == 0


def test_killed_in_the_middle_of_copying(folder):
    """The copy fails or goes on; the next one is whole."""
    (folder / "from").write_bytes(os.urandom(48 * MIB))
    with Pmm(text(folder)) as p:
        for i in range(4):
            lives, started = p.lines("link is up"), p.lines("echo services")
            sh = shell_of(p)
            sh.type("fs cp from to\r")
            sh.until("fs cp from to\r\n")
            until(lambda: (folder / "to").exists() and (folder / "to").stat().st_size > MIB * i)
            if i % 2:
                assert p.cli("restart", "a").returncode == 0
                until(lambda: p.lines("echo services") > started)
                sh.close()
                sh = shell_of(p)
            else:
                os.kill(p.worker(), signal.SIGKILL)
                until(lambda: p.lines("link is up") > lives)
                sh.until("remote:~$ ")
            assert "%d bytes copied" % (48 * MIB) in sh.run("fs cp from to", 5 * PATIENCE)
            assert digest(folder / "from") == digest(folder / "to")
            sh.run("fs rm to")
            sh.close()
        log = (folder / "island.log").read_text().splitlines()
        assert [line.split(",")[0] for line in log] == ["started", "again", "started", "again", "started"]
        assert p.stop() == 0


def test_read_only(folder):
    (folder / "here").write_text("as it was\n")
    with Pmm(text(folder, read_only="true")) as p:
        sh = shell_of(p)
        assert "as it was" in sh.run("fs cat here")
        for command in ("fs write here no", "fs write new no", "fs rm here", "fs mkdir new", "fs mv here there"):
            assert "(errno 30)" in sh.run(command)
        assert os.listdir(folder) == ["here"] and (folder / "here").read_text() == "as it was\n"
        sh.close()
        assert p.stop() == 0


def test_row44_nothing_outside_of_the_export(folder, tmp_path):
    (tmp_path / "secret").write_text("secret\n")
    os.mkdir(tmp_path / "outside")
    (folder / "link").symlink_to("../secret")
    (folder / "absolute").symlink_to("/etc/hostname")
    (folder / "outside").symlink_to("../outside")
    os.mkfifo(folder / "fifo")
    with Pmm(text(folder)) as p:
        sh = shell_of(p)
        for name in ("link", "absolute", "fifo", "outside/x", "../secret"):
            out = sh.run("fs cat %s" % name)
            assert "secret" not in out.replace(name, "") and ("errno" in out or "invalid argument" in out)
        sh.run("fs write outside/new no")
        sh.run("fs write link no")
        assert os.listdir(tmp_path / "outside") == [] and (tmp_path / "secret").read_text() == "secret\n"
        assert Firmware(p).ping(3) == (3, 3)
        sh.close()
        assert p.stop() == 0


def test_a_full_file_system_is_an_error_of_the_file_alone(tmp_path):
    """Fault F20."""
    small = tmp_path / "small"
    small.mkdir()
    prefix = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=256k none %s; exec "$@"' % small, "sh"]
    with Pmm(text(small), prefix=prefix, wait=False) as p:
        until(lambda: p.answers() or p.p.poll() is not None)
        assert p.p.poll() is None, p.output()
        sh = shell_of(p)
        assert "no space (errno 28)" in sh.run("fs fill long 2000000 1")
        assert "long: file" in sh.run("fs stat long")
        sh.run("fs rm long")
        assert "100000 bytes written" in sh.run("fs fill short 100000 1")
        assert hashlib.sha256(pattern(100000, 1)).hexdigest() in sh.run("fs sum short")
        assert Firmware(p).ping(3) == (3, 3)
        sh.close()
        assert p.stop() == 0


def test_small_block(folder):
    """The least that the seed's layout gives."""
    (folder / "from").write_bytes(os.urandom(3 * MIB + 123))
    with Pmm(text(folder, size="24K")) as p:
        sh = shell_of(p)
        assert "%d bytes copied" % (3 * MIB + 123) in sh.run("fs cp from to", 5 * PATIENCE)
        assert digest(folder / "from") == digest(folder / "to")
        sh.close()
        assert p.stop() == 0


def test_no_such_folder(tmp_path):
    with Pmm(text(tmp_path / "nothing"), wait=False) as p:
        assert p.wait() == 2
        assert "nothing: No such file or directory; right is a folder that exists" in p.output()
