# SPDX-License-Identifier: BSD-3-Clause
"""File calls: a remote's files on Linux, by messages."""
import os
import re
import signal

import pytest
from pmm import until
from test_rpmsg import Messages


class Files(Messages):
    def __init__(self, folder, more="", beside=""):
        self.folder = folder
        super().__init__("%s, files: { directory: %s%s }" % (beside, folder, more))

    def text(self, name):
        with open(os.path.join(self.folder, name), encoding="utf-8") as f:
            return f.read()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "export"
    path.mkdir()
    (path / "hello").write_text("from Linux\n")
    (tmp_path / "secret").write_text("no\n")
    (path / "link").symlink_to("../secret")
    return str(path)


def test_files_of_linux_in_the_shell(folder):
    with Files(folder) as p:
        s = p.shell()
        assert s.run("fcall cat hello") == "from Linux\n"
        assert s.run("fcall write note first words") == ""
        assert p.text("note") == "first words\n"
        s.run("fcall append /note and more")
        assert p.text("note") == "first words\nand more\n"
        assert sorted(s.run("fcall ls").split()) == sorted("- hello - note l link".split())
        assert s.run("fcall stat note") == "note: file, mode 0644, 21 bytes\n"
        assert s.run("fcall mkdir d") + s.run("fcall mv note d/n") == ""
        assert s.run("fcall cat d/n") == "first words\nand more\n"
        assert "no such file" in s.run("fcall cat note")
        assert "not permitted" in s.run("fcall cat link")
        assert "invalid argument" in s.run("fcall cat ../secret")
        assert s.run("fcall rm d/n") + s.run("fcall rm d") == ""
        assert not os.path.exists(os.path.join(folder, "d"))
        for size in (3000321, 1, 0):
            assert s.run("fcall fill long %d" % size) == "%d bytes written\n" % size
            assert os.path.getsize(os.path.join(folder, "long")) == size
        text = "".join("%d\0%s\n" % (i, "\n" * (i % 7)) for i in range(300))
        with open(os.path.join(folder, "zeroes"), "w", encoding="utf-8") as f:
            f.write(text)
        assert s.run("fcall cat zeroes") == text
        # Who asks for files is no service of its own.
        assert sorted(os.listdir(os.path.dirname(p.path("ping")))) == ["calls", "ping", "rpmsg-tty"]
        assert p.stop() == 0


def test_read_only(folder):
    with Files(folder, ", read-only: true") as p:
        s = p.shell()
        assert s.run("fcall cat hello") == "from Linux\n"
        assert "not permitted (error 11)" in s.run("fcall write hello bad")
        assert "not permitted" in s.run("fcall rm hello")
        assert p.text("hello") == "from Linux\n"


def test_the_smallest_buffers(folder):
    """With which a name of 255 bytes can be listed; smaller ones are refused (tests/bad/rpmsg_files.yaml)."""
    names = ["hello", "link", "n" * 60, "N" * 255]
    for name in names[2:]:
        open(os.path.join(folder, name), "w").close()
    with Files(folder, beside=", to-host: 300, to-remote: 300") as p:
        s = p.shell()
        assert sorted(s.run("fcall ls").split()[1::2]) == sorted(name[:200] for name in names)
        assert s.run("fcall stat " + names[2]).startswith(names[2] + ": file, ")
        assert s.run("fcall cat hello") == "from Linux\n"
        assert p.stop() == 0


def test_nobody_has_them_unasked():
    with Messages() as p:
        s = p.shell()
        assert "deadline passed" in s.run("fcall cat hello")


def test_a_worker_that_dies_in_the_middle_of_a_long_write_is_told(folder):
    with Files(folder) as p:
        s = p.shell()
        s.type("fcall fill long 90000000\r")
        long = os.path.join(folder, "long")
        until(lambda: os.path.exists(long) and os.path.getsize(long) > 100000)
        worker = p.worker()
        os.kill(worker, signal.SIGKILL)
        # Its console was away too at that moment.
        until(lambda: p.worker() not in (0, worker))
        until(lambda: "link or device was reset, after" in s.run("fcall"), seconds=30)
        written = int(re.search(r"after (\d+) bytes", s.run("fcall")).group(1))
        # What was said to be written is; of the rest at most one message more.
        assert written <= os.path.getsize(long) <= written + 4096
        until(lambda: s.run("fcall cat hello") == "from Linux\n")
        assert p.stop() == 0
