#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev fuzz: runs each target on its committed seeds for a while, or hunts the planted bugs.

A crasher is kept under build/fuzz/ and the command that replays it is printed. With --planted each
target's one-line bug (fuzz/planted.json) is put into a copy of the sources and has to be found.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGETS = ["chain", "ring", "link", "requests", "dev_rng", "dev_net", "dev_console", "dev_blk", "dev_9p",
           "dev_9p_ring", "dev_vsock", "drv_rng", "drv_net", "drv_console", "drv_blk", "drv_9p", "drv_vsock", "board",
           "layout_fdt", "elf", "rsctable", "rpmsg", "rpmsg_ns", "rpc", "files", "status", "cli", "control", "gdb"]


def fuzz(build, target, seconds, work):
    os.makedirs(work, exist_ok=True)
    seeds = os.path.join(ROOT, "fuzz", "corpus", target)
    command = [os.path.join(build, "fuzz", "fuzz_" + target), "-seed=1", "-max_len=4096",
               "-rss_limit_mb=4096", f"-max_total_time={seconds}", "-print_final_stats=1",
               f"-artifact_prefix={work}/{target}-", os.path.join(work, target)]
    os.makedirs(os.path.join(work, target), exist_ok=True)
    if os.path.isdir(seeds):
        command.append(seeds)
    begun = time.monotonic()
    # Leaks are looked for at the end of a run, not after each input.
    r = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                       timeout=seconds + 60)
    return r, time.monotonic() - begun


def number(pattern, text):
    found = re.findall(pattern, text)
    return found[-1] if found else "?"


def run_all(targets, seconds):
    build, bad = os.path.join(ROOT, "build", "fuzz"), 0
    print(f"{'target':<14}{'result':<10}{'exec/s':>9}{'edges':>8}{'corpus':>8}")
    for target in targets:
        r, _ = fuzz(build, target, seconds, os.path.join(build, "work"))
        text = r.stderr
        good = r.returncode == 0
        bad += not good
        rate = number(r"average_exec_per_sec:\s*(\d+)", text)
        edges, corpus = number(r"cov: (\d+)", text), number(r"corp: (\d+)", text)
        print(f"{target:<14}{'fine' if good else 'CRASHED':<10}{rate:>9}{edges:>8}{corpus:>8}",
              flush=True)
        if not good:
            kept = number(r"Test unit written to (\S+)", text)
            print(f"  replay: build/fuzz/fuzz/fuzz_{target} {os.path.relpath(kept, ROOT)}")
            print("  " + "\n  ".join(text.strip().split("\n")[-15:]))
    print(f"{len(targets) - bad} passed, {bad} failed")
    return bad


def plant(bug, copy):
    shutil.rmtree(copy, ignore_errors=True)
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                           check=True).stdout.split()
    for name in files:
        os.makedirs(os.path.dirname(os.path.join(copy, name)) or copy, exist_ok=True)
        shutil.copy2(os.path.join(ROOT, name), os.path.join(copy, name))
    path = os.path.join(copy, bug["file"])
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if bug["old"] not in text:
        sys.exit(f"fuzz: {bug['file']} has changed; the planted bug of {bug['target']} must follow")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(bug["old"], bug["new"], 1))


def hunt(targets, seconds):
    missed = 0
    with open(os.path.join(ROOT, "fuzz", "planted.json"), encoding="utf-8") as f:
        bugs = [b for b in json.load(f) if b["target"] in targets]
    for bug in bugs:
        copy = os.path.join(ROOT, "build", "planted", bug["target"])
        plant(bug, copy)
        for command in (["cmake", "--preset", "fuzz"],
                        ["cmake", "--build", "--preset", "fuzz", "-j2", "--target",
                         "fuzz_" + bug["target"]]):
            subprocess.run(command, cwd=copy, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        r, took = fuzz(os.path.join(copy, "build", "fuzz"), bug["target"], seconds,
                       os.path.join(copy, "work"))
        found = r.returncode != 0
        missed += not found
        print(f"{bug['target']:<14}{'found' if found else 'NOT FOUND':<11}{took:>6.1f} s  {bug['file']}",
              flush=True)
    print(f"{len(bugs) - missed} passed, {missed} failed")
    return missed


def main():
    parser = argparse.ArgumentParser(prog="./dev fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each target (30)")
    parser.add_argument("--only", action="append", choices=TARGETS, help="this target (all)")
    parser.add_argument("--planted", action="store_true", help="find the planted bugs")
    options = parser.parse_args()
    targets = options.only or TARGETS
    return 1 if (hunt if options.planted else run_all)(targets, options.seconds) else 0


if __name__ == "__main__":
    sys.exit(main())
