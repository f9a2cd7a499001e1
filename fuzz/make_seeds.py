#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Renews the committed seeds of the targets whose input is a program of operations.

Each target runs from its present seeds; of what it then holds, the few small inputs that reach most
replace those files whose names are hashes. Files with other names were written by hand and stay.
Text targets (board, cli, control, gdb, layout_fdt) have only such ones. Needs ./dev build fuzz.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
KEPT = 16  # files
LONGEST = 600  # bytes
TEXT = {"board", "cli", "control", "gdb", "layout_fdt"}


def run(program, *args):
    r = subprocess.run([program, *args], capture_output=True, text=True, errors="replace",
                       check=False)
    if r.returncode:
        sys.exit(f"make_seeds: {os.path.basename(program)} failed:\n{r.stderr[-2000:]}")
    return r.stderr


def features(program, path):
    """What one input reaches, as libFuzzer counts it."""
    return int(re.findall(r"ft: (\d+)", run(program, path, "-runs=0"))[-1])


def renew(target, seconds):
    program = os.path.join(ROOT, "build", "fuzz", "fuzz", "fuzz_" + target)
    seeds = os.path.join(ROOT, "fuzz", "corpus", target)
    os.makedirs(seeds, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        grown, merged = os.path.join(work, "grown"), os.path.join(work, "merged")
        os.mkdir(grown)
        os.mkdir(merged)
        run(program, "-seed=7", f"-max_total_time={seconds}", f"-max_len={LONGEST}", grown, seeds)
        run(program, "-merge=1", merged, grown)
        found = [os.path.join(merged, name) for name in sorted(os.listdir(merged))]
        found = [path for path in found if os.path.getsize(path) <= LONGEST]
        found.sort(key=os.path.getsize, reverse=True)
        found = found[:150]
        with tempfile.TemporaryDirectory() as single:
            rated = []
            for path in found:
                alone = os.path.join(single, os.path.basename(path))
                os.mkdir(alone)
                os.link(path, os.path.join(alone, "input"))
                rated.append((features(program, alone), path))
        for name in os.listdir(seeds):
            if re.fullmatch(r"[0-9a-f]{40}", name):
                os.unlink(os.path.join(seeds, name))
        for _, path in sorted(rated, reverse=True)[:KEPT]:
            with open(path, "rb") as f, open(os.path.join(seeds, os.path.basename(path)), "wb") as g:
                g.write(f.read())
    print(f"{target}: {len(os.listdir(seeds))} seeds", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each target (30)")
    parser.add_argument("target", nargs="+")
    options = parser.parse_args()
    for target in options.target:
        if target in TEXT:
            sys.exit(f"make_seeds: the seeds of {target} are written by hand")
        renew(target, options.seconds)


if __name__ == "__main__":
    main()
