# SPDX-License-Identifier: BSD-3-Clause
"""Linux's own 9P client, in an emulated guest, mounts an export and uses it as programs do."""
import os
import re
import sys

import pytest
from serve import BUILD, SOURCE, Server

sys.path.append(os.path.join(SOURCE, "tests", "guest"))
from guest import boot, initrd, modules  # noqa: E402


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return initrd(tmp_path_factory.mktemp("initrd") / "initrd",
                  {"init": os.path.join(BUILD, "tests", "9p", "guest9p"), **modules("9p")}, folders=["dev"])


def mounted(image, sock, **words):
    return boot(image, " ".join("%s=%s" % w for w in words.items()),
                "-chardev", "socket,id=g,path=" + sock,
                "-netdev", "user,id=n0,restrict=on,guestfwd=tcp:10.0.2.100:564-chardev:g",
                "-device", "e1000,netdev=n0,romfile=")


@pytest.mark.parametrize("cache,seed", [("none", 1), ("mmap", 2)])
def test_guest(image, tmp_path, cache, seed):
    (tmp_path / "export").mkdir()
    with Server(tmp_path / "s", tmp_path / "export") as s:
        out = mounted(image, s.socket, cache=cache, seed=seed, ops=600)
    said = re.search(r"guest: (\d+) good, (\d+) bad", out)
    assert said and said[2] == "0" and int(said[1]) > 1400, out
    assert os.listdir(tmp_path / "export") == []
