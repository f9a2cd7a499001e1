# SPDX-License-Identifier: BSD-3-Clause
"""What emulated boards tell of themselves: firmware/rpmsg_status on their processors."""
import os

import pytest

from page import Page
from pmm import Pmm

SOURCE = os.environ["CW_SOURCE"]


@pytest.mark.parametrize("name, remote", [("virt-a53", "a53"), ("zcu102-r5", "r5")])
def test_board(name, remote):
    with open(os.path.join(SOURCE, "boards", "status-%s.yaml" % name)) as f:
        text = f.read().replace("../build", os.path.join(SOURCE, "build"))
    with Pmm(text) as pmm, Page(pmm.dir) as p:
        p.until_state("live")
        p.until(lambda s: s["sample"]["sequence"] >= 3)
        s = p.read()
        d = s["sample"]
        assert s["remote"] == remote and d["board"] == name and s["refused"] == 0
        assert 0.97 < sum(l["share"] for l in d["loops"]) < 1.03
        assert 0 < d["stack"]["used"] < d["stack"]["size"] == 0x10000
        assert 0 < d["heap"]["used"] < d["heap"]["size"] == 0x40000  # the lines of log
        assert "temperature_c" not in d and d["doorbells"]["in"] and d["doorbells"]["out"]
        p.until(lambda s: "started on " + name in [l["text"] for l in s["log"]])
        for _ in range(2):  # lives differ, though the processor begins the same each time
            p.dies(pmm, remote)
        assert p.read()["sample"]["life"] != d["life"]
        assert pmm.stop() == 0
