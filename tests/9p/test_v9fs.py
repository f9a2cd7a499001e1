# SPDX-License-Identifier: BSD-3-Clause
"""Linux's own 9P client, in an emulated guest, mounts an export and uses it as programs do."""
import glob
import os
import re
import subprocess

import pytest
from serve import BUILD, SOURCE, Server

LINUX = os.path.join(SOURCE, "build", "linux")


@pytest.fixture(scope="module")
def initrd(tmp_path_factory):
    root = tmp_path_factory.mktemp("guest")
    (root / "modules").mkdir()
    (root / "dev").mkdir()
    os.link(os.path.join(BUILD, "tests", "9p", "guest9p"), root / "init")
    for m in glob.glob(os.path.join(LINUX, "*.ko")):
        os.symlink(m, root / "modules" / os.path.basename(m))
    image = tmp_path_factory.mktemp("initrd") / "initrd"
    with open(image, "wb") as f:
        names = "\n".join(["init", "dev", "modules"] + ["modules/" + n for n in os.listdir(root / "modules")])
        subprocess.run(["cpio", "-o", "-L", "-H", "newc", "--quiet"], input=names.encode(), stdout=f, cwd=root,
                       check=True)
    return image


def boot(initrd, sock, **words):
    line = "console=ttyS0 quiet panic=-1 " + " ".join("%s=%s" % w for w in words.items())
    r = subprocess.run(["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "192", "-display", "none",
                        "-no-reboot", "-nodefaults", "-serial", "stdio",
                        "-kernel", os.path.join(LINUX, "vmlinuz"), "-initrd", str(initrd), "-append", line,
                        "-chardev", "socket,id=g,path=" + sock,
                        "-netdev", "user,id=n0,restrict=on,guestfwd=tcp:10.0.2.100:564-chardev:g",
                        "-device", "e1000,netdev=n0,romfile="],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=120,
                       check=False)
    return r.stdout + r.stderr


@pytest.mark.parametrize("cache,seed", [("none", 1), ("mmap", 2)])
def test_guest(initrd, tmp_path, cache, seed):
    assert os.path.exists(LINUX + "/vmlinuz"), "scripts/fetch-linux gets it"
    (tmp_path / "export").mkdir()
    with Server(tmp_path / "s", tmp_path / "export") as s:
        out = boot(initrd, s.socket, cache=cache, seed=seed, ops=600)
    said = re.search(r"guest: (\d+) good, (\d+) bad", out)
    assert said and said[2] == "0" and int(said[1]) > 1400, out
    assert os.listdir(tmp_path / "export") == []
