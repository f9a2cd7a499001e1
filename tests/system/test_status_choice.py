# SPDX-License-Identifier: BSD-3-Clause
"""Which remote causeway-status-page shows and asks, and what it says where that is not clear."""
import os
import subprocess

import pytest

from page import PROGRAM, Page
from pmm import BUILD, PATIENCE, Pmm, board, until

FIRMWARE = os.path.join(BUILD, "firmware", "rpmsg_status", "rpmsg_status")


def status_remote(base):
    return {"region": "{ base: 0x%x, size: 1M }" % base, "recovery": "never", "carrier": "{ process: %s }" % FIRMWARE,
            "devices": "[ { kind: rpmsg } ]"}


def mixed(**top):
    return board({"first": {"recovery": "never"}, "second": status_remote(0x38000000)}, **top)


def two(**top):
    return board({"one": status_remote(0x37000000), "two": status_remote(0x38000000)}, **top)


def ask(pmm, *args):
    r = subprocess.run([PROGRAM, "--run-dir", pmm.dir, *args], capture_output=True, text=True, timeout=PATIENCE)
    return r.returncode, r.stdout, r.stderr.removeprefix("causeway-status-page: ").rstrip("\n")


def test_name_state_and_samples_are_of_one_remote():
    """The first of the board has no messages."""
    with Pmm(mixed()) as pmm, Page(pmm.dir) as p:
        p.until_state("live")
        assert p.read()["remote"] == "second"
        assert pmm.cli("stop", "first").returncode == 0
        until(lambda: pmm.status()["remotes"][0]["state"] == "offline")
        n = p.read()["sample"]["sequence"]
        p.until(lambda s: s["sample"]["sequence"] >= n + 2)
        s = p.read()
        assert s["state"] == "live" and s["remote"] == "second" and s["carrier"]["state"] == "running"
        assert pmm.cli("stop", "second").returncode == 0
        p.until_state("offline")
        assert p.output() == ""


NO_DEVICE = "; right is a device {kind: rpmsg} in the board file"


@pytest.mark.parametrize("text, args, says", [
    (two, [], "several remotes of board test have messages: say which: one, two"),
    (two, ["nosuch"], "board test has no remote nosuch; there are: one, two"),
    (mixed, ["first"], "remote first has no messages" + NO_DEVICE),
    (lambda: board({"a": {}}), [], "no remote of board test has messages" + NO_DEVICE),
])
def test_a_choice_that_cannot_be_made(text, args, says):
    """Said once, in the data, and by who asks for a sample."""
    with Pmm(text()) as pmm, Page(pmm.dir, *args) as p:
        p.until(lambda s: s["carrier"].get("trouble") == says)
        s = p.read()
        assert s["carrier"]["pmm"] and "sample" not in s
        assert s["state"] == ("waiting" if args == ["first"] else "offline")
        n = s["written"]
        p.until(lambda s: s["written"] > n + 2000)
        assert p.output() == "causeway-status-page: %s\n" % says
        assert ask(pmm, "--sample", *args) == (1, "", says)
        assert ask(pmm, "--period", "500", *args) == (1, "", says)


def test_a_board_by_its_file():
    with Pmm(two()) as pmm:
        file = os.path.join(pmm.tmp.name, "test.yaml")
        assert os.path.exists(file)
        with Page(pmm.dir, "-b", file, "two") as p:
            p.until_state("live")
            assert p.read()["remote"] == "two"
            assert p.output() == ""
        for name in file, "test.yaml", "test":
            assert ask(pmm, "-b", name, "--period", "1000", "one") == (0, "the period is 1000 ms\n", "")


def test_several_boards():
    with Pmm(mixed(name="a")) as a, Pmm(two(name="b"), run_dir=a.dir, wait=False) as b:
        until(lambda: os.path.exists(a.dir + "/b.sock"))
        with Page(a.dir) as p:
            says = p.until(lambda s: "trouble" in s["carrier"]) and p.read()["carrier"]["trouble"]
            assert says in ("several boards run: say which with --board: a, b",
                            "several boards run: say which with --board: b, a")
            assert ask(a, "--sample") == (1, "", says)
            assert p.output() == "causeway-status-page: %s\n" % says
        code, _, says = ask(a, "-b", "a", "--sample", "first")
        assert code == 1 and says == "remote first has no messages" + NO_DEVICE
        code, _, says = ask(a, "-b", "c.yaml", "--sample", "two")
        assert code == 1 and says.startswith("board c does not run here (")
        assert b.stop() == 0 and a.stop() == 0


def test_what_a_killed_keeper_left_is_no_choice(tmp_path):
    """Its socket and its folder of sockets, of another board in the same run directory."""
    run = str(tmp_path / "run")
    with Pmm(two(name="a"), run_dir=run) as killed:
        until(lambda: os.path.exists(run + "/a.rpmsg/two/status"))
        killed.p.kill()
        killed.p.wait()
    with Pmm(mixed(), run_dir=run, wait=False) as pmm, Page(run) as p:
        p.until_state("live")
        assert os.path.exists(run + "/a.sock") and os.path.isdir(run + "/a.rpmsg")
        assert p.read()["remote"] == "second"
        assert ask(pmm, "--period", "1000") == (0, "the period is 1000 ms\n", "")


def test_no_such_service():
    """A remote with messages that tells nothing of itself."""
    text = board({"a": {**status_remote(0x37000000), "carrier": "{ process: %s }" % os.path.join(
        BUILD, "firmware", "island", "island")}})
    with Pmm(text) as pmm:
        until(lambda: os.listdir(pmm.dir + "/test.rpmsg/a"))
        assert ask(pmm, "--sample") == (1, "", "remote a has no service control, which firmware has that tells how "
                                               "it is; see causeway rpmsg ls")


def test_no_remote_to_ask():
    with Pmm(mixed()) as pmm:
        until(lambda: os.path.exists(pmm.dir + "/test.rpmsg/second/control"))
        assert pmm.cli("stop", "second").returncode == 0
        until(lambda: pmm.status()["remotes"][1]["state"] == "offline")
        assert ask(pmm, "--sample") == (1, "", "remote second is offline, the link to it down")
        assert pmm.stop() == 0
        for args in [], ["-b", "test", "second"]:
            code, _, says = ask(pmm, "--sample", *args)
            assert code == 1 and says.startswith(("no board runs here", "board test does not run here"))


def test_one_that_was_chosen_stays():
    """While the PMM is away, another's board has another remote; and nothing is said of it on standard error."""
    with Pmm(mixed()) as pmm, Page(pmm.dir) as p:
        p.until_state("live")
        assert pmm.stop() == 0
        p.until_state("offline")
        assert p.read()["carrier"] == {"pmm": False}
        with Pmm(two(name="other"), run_dir=pmm.dir) as other:
            n = p.read()["written"]
            p.until(lambda s: s["written"] > n + 2000)
            s = p.read()
            assert s["state"] == "offline" and s["remote"] == "second" and s["carrier"] == {"pmm": False}
            assert other.stop() == 0
        with Pmm(mixed(), run_dir=pmm.dir):
            p.until(lambda s: s["state"] in ("live", "restarted"))
        assert p.output() == ""
