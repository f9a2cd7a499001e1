# SPDX-License-Identifier: BSD-3-Clause
"""The fault runner must notice a rule that is gone: each mutant takes one out and a case has to fail.

Rules that only matter when both sides run at the very same time are not here: model/ holds those.
A mutant is (file, text, replacement, workload). A text that is no longer in the file is an error: the
mutant has to follow the code.
"""
import os
import re
import shutil
import subprocess

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
}


def build(tmp_path, mutant=None):
    for folder in ("core", "driver", "device", "include", "tests/fault"):
        shutil.copytree(os.path.join(SOURCE, folder), tmp_path / folder)
    if mutant:
        name, old, new, _ = mutant
        path = tmp_path / name
        text = path.read_text()
        assert old in text, f"{name} has changed: the mutant must follow"
        path.write_text(text.replace(old, new, 1))
    sources = [str(p) for d in ("core", "driver", "device", "tests/fault")
               for p in sorted((tmp_path / d).glob("*.c"))]
    program = str(tmp_path / "fault")
    subprocess.run(["cc", "-O1", "-std=c11", "-w", "-D_GNU_SOURCE", "-DCW_SHM_HOOKS",
                    f"-I{tmp_path}/include", f"-I{tmp_path}/tests/fault", "-o", program, *sources],
                   check=True)
    return program


def run(program, args):
    return subprocess.run([program, *args.split()], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "FAULT_FIRST": "1"})


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_mutant_is_noticed(name, tmp_path):
    mutant = MUTANTS[name]
    program = build(tmp_path, mutant)
    first = run(program, mutant[3])
    assert first.returncode != 0, f"no case fails without {name}"
    if first.returncode != 1:
        return  # it crashed, which is noticed too
    case = re.search(r"^FAIL (\S+)", first.stdout, re.M)
    assert case, first.stdout
    # The id replays exactly this failure.
    again = run(program, case.group(1) + mutant[3][3:])
    assert again.returncode == 1 and case.group(1) in again.stdout
