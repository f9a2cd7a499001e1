# SPDX-License-Identifier: BSD-3-Clause
"""The unit tests of core and driver on the boards' own processors, reported over their UARTs."""
import glob
import os
import re

import pytest
from pmm import Pmm

SOURCE = os.environ["CW_SOURCE"]
BOARDS = os.environ.get("CW_BOARDS", "virt-a53 zcu102-r5").split()


def programs():
    for name in BOARDS:
        for path in sorted(glob.glob(os.path.join(SOURCE, "build", name, "tests/unit/*/unit_*"))):
            if os.access(path, os.X_OK) and os.path.isfile(path):
                yield pytest.param(name, path, id=name + "-" + os.path.basename(path))


def run(name, path):
    """What it printed, without the PMM's own lines."""
    with open(os.path.join(SOURCE, "boards", name + ".yaml")) as f:
        text, n = re.subn(r"qemu: \S+?([,\s}])", "qemu: %s\\1" % path, f.read())
    assert n == 1
    text = re.sub(r"(?ms)^    devices:.*", "    boot-ms: 90000\n    devices: [ { kind: rng } ]\n", text)
    with Pmm(text, wait=False) as p:
        remote = re.search(r"name: (\S+)\n", text[text.index("remotes:"):])[1]
        for _ in range(1800):
            out = p.output()
            if re.search(r"exit status \d+\n|fault 0x|did not come up", out) or p.p.poll() is not None:
                break
            try:
                p.p.wait(0.05)
            except Exception:  # subprocess.TimeoutExpired
                pass
        if p.p.poll() is None:
            p.stop()
        mark = "[%s] " % remote
        return "".join(x[len(mark):] + "\n" for x in p.output().splitlines() if x.startswith(mark)), \
            p.output()


@pytest.mark.parametrize("name, path", programs())
def test_suite(name, path):
    out, everything = run(name, path)
    ran = re.search(r"\[==========\] Running (\d+) test", out)
    assert ran, everything
    assert "exit status 0\n" in out, out
    assert "[  PASSED  ] %s test(s)." % ran[1] in out, out
    assert "FAILED" not in out and "SKIPPED" not in out


def test_all_are_there():
    """What has no unit test on a board has a reason: elf.h is Linux's."""
    host = {os.path.basename(p) for p in glob.glob(os.path.join(os.environ["CW_BUILD"], "tests/unit/*/unit_*"))
            if re.match(r"unit_(core|driver)_", os.path.basename(p)) and os.access(p, os.X_OK)}
    for name in BOARDS:
        there = {os.path.basename(p) for p in
                 glob.glob(os.path.join(SOURCE, "build", name, "tests/unit/*/unit_*"))}
        assert host - there == {"unit_core_elf"}
