# SPDX-License-Identifier: BSD-3-Clause
"""The fault runner must notice a rule that is gone: each mutant takes one out and a case has to fail.

Rules that only matter when both sides run at the very same time are not here: model/ holds those.
A mutant is (file, text, replacement, workload). A text that is no longer in the file is an error: the
mutant has to follow the code.
"""
import glob
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

SOURCE = os.environ.get("CW_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))

MUTANTS = {
    "echo_wait": (
        "core/link.c",
        " &&\n\t       cw_load32_acquire(&link->peer->peer_epoch) == link->epoch;",
        ";",
        "rng",
    ),
    "max_of_both_epochs": (
        "core/link.c", "((int32_t)(echo - own) > 0 ? echo : own) + 1", "own", "rng"),
    "ring_again": ("core/link.c", "\t\tring(link);\n\t}\n\tlink->backoff", "\t}\n\tlink->backoff",
                   "net --lose"),
    "device_resets_with_the_link": (
        "device/bus.c", "\t\t\tcw_device_mmio_link(bus->dev[i], up);", "\t\t\t(void)up;", "net"),
    # RPMsg: delivered twice, lost without a word, told twice, never found again
    "marked_rings": (
        "core/rpmsg_classic.c", "\t\t\treturn true;\n\t}\n\treturn false;", "\t\t\tbreak;\n\t}\n\treturn false;",
        "classic_remote"),
    "the_mark_without_event_idx": (
        "core/rpmsg_classic.c", "return q->event_idx ? &q->used->flags", "return true ? &q->used->flags",
        "classic_plain"),
    "the_end_is_told": (
        "core/rpmsg.c", "\t\tch->conf.ops->link(ch->conf.ctx, false);", "\t\t(void)ch;", "rpmsg"),
    "the_end_of_a_peer_is_told": (
        "core/rpmsg_ns.c", "\t\tcw_rpmsg_bind_(e, CW_RPMSG_ANY);", "\t\te->dst = CW_RPMSG_ANY;", "rpmsg"),
    "the_channel_ends_with_the_device": (
        "device/rpmsg.c", "\tcw_rpmsg_down(self(dev)->channel);", "\t(void)dev;", "rpmsg"),
    "held_messages_are_void": ("core/rpmsg_send.c", " || s[id].stamp != stamp", "", "rpmsg"),
    "announced_again": (
        "core/rpmsg.c", "\t\t\tcw_rpmsg_ns_begin_(&ch->conf.endpoint[i]);", "\t\t\tch->todo = false;", "rpmsg"),
    "asks_to_let_go": (
        "core/rpmsg_classic.c", "\tif (s && c->state == HOST_IDLE) {", "\tif (0) {", "classic_remote"),
    "asks_for_fresh_rings": (
        "core/rpmsg_classic.c", "\tset_status(c, status(c) | CW_STATUS_NEEDS_RESET);", "\t(void)c;", "classic_remote"),
}


FLAGS = ["cc", "-O1", "-std=c11", "-w", "-D_GNU_SOURCE", "-DCW_SHM_HOOKS", f"-I{SOURCE}/include",
         f"-I{SOURCE}/tests/fault"]


def compiled(source, path, folder):
    """The object of @source, whose text is in @path."""
    out = folder / (source.replace("/", "_") + ".o")
    subprocess.run([*FLAGS, f"-I{os.path.dirname(os.path.join(SOURCE, source))}", "-c", "-o", out, path],
                   check=True)
    return out


@pytest.fixture(scope="session")
def objects(tmp_path_factory):
    folder = tmp_path_factory.mktemp("objects")
    sources = [os.path.relpath(p, SOURCE) for d in ("core", "driver", "device", "tests/fault")
               for p in glob.glob(os.path.join(SOURCE, d, "*.c"))]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(sources, pool.map(lambda s: compiled(s, os.path.join(SOURCE, s), folder), sources)))


def build(tmp_path, objects, mutant):
    name, old, new, _ = mutant
    with open(os.path.join(SOURCE, name), encoding="utf-8") as f:
        text = f.read()
    assert old in text, f"{name} has changed: the mutant must follow"
    path = tmp_path / os.path.basename(name)
    path.write_text(text.replace(old, new, 1))
    program = tmp_path / "fault"
    mine = {**objects, name: compiled(name, path, tmp_path)}
    subprocess.run(["cc", "-o", program, *mine.values()], check=True)
    return program


def run(program, args):
    return subprocess.run([program, *args.split()], capture_output=True, text=True, timeout=500,
                          env={**os.environ, "FAULT_FIRST": "1"})


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_mutant_is_noticed(name, tmp_path, objects):
    mutant = MUTANTS[name]
    program = build(tmp_path, objects, mutant)
    first = run(program, mutant[3])
    assert first.returncode != 0, f"no case fails without {name}"
    if first.returncode != 1:
        return  # it crashed, which is noticed too
    case = re.search(r"^FAIL (\S+)", first.stdout, re.M)
    assert case, first.stdout
    # The id replays exactly this failure.
    again = run(program, " ".join([case.group(1), *mutant[3].split()[1:]]))
    assert again.returncode == 1 and case.group(1) in again.stdout
