# SPDX-License-Identifier: BSD-3-Clause
"""diod's own clients read what is there, and nothing else."""
import os
import shutil
import subprocess

import pytest
from serve import Server

DIODLS, DIODCAT = (shutil.which(n, path="/usr/sbin:/usr/bin:/sbin:/bin") for n in ("diodls", "diodcat"))


def run(program, server, *paths, aname="/", options=()):
    assert program, "diod is not installed"
    r = subprocess.run([program, "-s", server.socket, "-a", aname, *options, *paths], capture_output=True,
                       timeout=60, check=False)
    return r.returncode, r.stdout, r.stderr.decode()


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "export"
    (root / "sub" / "deep").mkdir(parents=True)
    (root / "empty").write_bytes(b"")
    (root / "small").write_bytes(b"hello\n")
    (root / "large").write_bytes(os.urandom(3_000_001))
    (root / "sub" / "deep" / "f").write_bytes(b"deep")
    (tmp_path / "secret").write_bytes(b"secret")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")
    os.mkfifo(root / "fifo")
    with Server(tmp_path / "s", root) as s:
        s.root = root
        yield s


def test_lists(tree):
    status, out, err = run(DIODLS, tree)
    assert status == 0, err
    assert set(out.decode().split()) >= {"sub", "empty", "small", "large", "out", "fifo"}
    status, out, err = run(DIODLS, tree, "sub/deep", options=["-l"])
    assert status == 0 and "f" in out.decode().split(), err


def test_lists_many(tree):
    names = {"%04d%s" % (i, "x" * (i % 200)) for i in range(3000)}
    for n in names:
        (tree.root / "sub" / n).touch()
    status, out, _ = run(DIODLS, tree, "sub")
    assert status == 0
    assert set(out.decode().split()) - {".", ".."} == names | {"deep"}


@pytest.mark.parametrize("msize", ["4096", "65536", "1048576"])
def test_reads(tree, msize):
    for name in ("empty", "small", "large", "sub/deep/f"):
        status, out, err = run(DIODCAT, tree, name, options=["-m", msize])
        assert status == 0 and out == (tree.root / name).read_bytes(), err


def test_stays_inside(tree):
    for name in ("out", "up/secret", "../secret", "sub/../../secret", "fifo"):
        status, out, _ = run(DIODCAT, tree, name)
        assert status != 0 and out == b"", name


def test_any_name_will_do(tree):
    assert run(DIODCAT, tree, "small", aname=str(tree.root))[1] == b"hello\n"


def test_many_at_once(tree):
    many = [subprocess.Popen([DIODCAT, "-s", tree.socket, "-a", "/", "large"], stdout=subprocess.PIPE)
            for _ in range(8)]
    assert all(p.communicate(timeout=60)[0] == (tree.root / "large").read_bytes() for p in many)
