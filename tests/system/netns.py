# SPDX-License-Identifier: BSD-3-Clause
"""A network of the test's own: takes this process into a user and a network namespace."""
import ctypes
import os
import subprocess

import pytest

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LINUX = "192.168.200.254"


def ip(*args):
    subprocess.run(["ip", *args], check=True)


def enter():
    """For the rest of this process's life. Skips where nobody may do that."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        pytest.skip("no namespaces here: %s" % os.strerror(ctypes.get_errno()))
    for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid),
                       ("gid_map", "0 %d 1" % gid)):
        with open("/proc/self/" + name, "w") as f:
            f.write(text)
    ip("link", "set", "lo", "up")


def make_tap(name="tap0", address=LINUX):
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("/dev/net/tun cannot be opened: sudo chmod 0666 /dev/net/tun")
    ip("tuntap", "add", name, "mode", "tap")
    ip("addr", "add", address + "/24", "dev", name)
    ip("link", "set", name, "up")
