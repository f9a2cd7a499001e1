#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Searches the Spin models completely, as they are and with each rule removed in turn.

A rule is a line of a model file:

    #define NAME number /* TSO WEAK  what it says */
    /* again NAME number TSO WEAK  a rule of an included file that this model tries too */

where TSO and WEAK are `caught` (a search without the rule must end in an assertion) or `quiet` (it
must not: docs/model.md says why the rule stays). A `-` needs no search: a barrier that total store
order has by itself leaves the same model; and all runs of total store order are runs of the weak
variant too, so what is quiet there is quiet here. One verifier is compiled for a model and variant;
the number of the rule to remove is put into its start values, so that a run costs no compilation.
"""
import argparse
import fnmatch
import os
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
# A model, and the files whose rules are removed in it.
MODELS = {
    "link": ["link_core.pml", "link.pml"],
    "requests": ["requests.pml"],
    "kicks": ["kicks.pml"],
    "queue": ["queue.pml"],
    "config": ["config.pml"],
    "link_kicks": ["link_kicks.pml"],
}
VARIANTS = ("tso", "weak")
RULE = re.compile(r"^(?:#define|/\* again)\s+(\w+)\s+(\d+)\s*(?:/\*)?\s*"
                  r"(caught|quiet|-)\s+(caught|quiet)\s+(.*?)\s*\*/")
MAX_STATES = 5_000_000
TIMEOUT = 200  # seconds a search
MARK = 199  # a number no rule has
BROKEN = re.compile(r"max search depth too small|out of memory|reached -DMEMLIM|hash array|"
                    r"array index|aborted", re.I)


class Failure(Exception):
    """A tool failed or the table is wrong: nothing that a search said."""


class Case:
    """One search: a model, a memory variant and the rule left out (None: the model as it is)."""

    def __init__(self, model, variant, rule=None, number=0, expected="holds"):
        self.model, self.variant, self.rule = model, variant, rule
        self.number, self.expected = number, expected
        self.name = ".".join([model, variant] + ([rule] if rule else []))


def rules_of(model):
    """Yields (name, number, {variant: expectation}) of each rule removable in the model."""
    numbers = set()
    for source in MODELS[model]:
        for line in (HERE / source).read_text().splitlines():
            m = RULE.match(line)
            if not m:
                continue
            number = int(m[2])
            if number in numbers or not 0 < number < MARK:
                raise Failure(f"{source}: rule {m[1]}: number {number} is taken or out of 1-198")
            numbers.add(number)
            yield m[1], number, dict(zip(VARIANTS, (m[3], m[4])))
    if not numbers:
        raise Failure(f"{model}: no rules found")


def cases_of(model):
    for variant in VARIANTS:
        yield Case(model, variant)
        for name, number, expected in rules_of(model):
            if expected[variant] != "-":
                yield Case(model, variant, name, number, expected[variant])


def must(command, cwd):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def build(work, model, variant):
    """Makes the verifier of a model and variant, with the rule to remove still open."""
    where = work / f"{model}.{variant}"
    where.mkdir(parents=True, exist_ok=True)
    for source in HERE.glob("*.pml"):
        (where / source.name).write_text(source.read_text())
    must(["spin", f"-DWITHOUT={MARK}", f"-D{variant.upper()}", "-a", f"{model}.pml"], where)
    start = where / "pan.c"
    text, count = re.subn(rf"now\.without = {MARK};", 'now.without = atoi(getenv("WITHOUT"));',
                          start.read_text())
    if count != 1:
        raise Failure(f"{model}: {count} places set `without` in pan.c, not 1")
    start.write_text(text)
    must(["gcc", "-w", "-O2", "-DSAFETY", "-DMEMLIM=8000", "-o", "pan", "pan.c"], where)


def search(work, case):
    """Runs one search; returns (verdict, states, depth, seconds, text)."""
    where = work / f"{case.model}.{case.variant}"
    trail = where / (case.rule or "none")
    trail.mkdir(exist_ok=True)
    for old in trail.iterdir():
        old.unlink()
    began = time.monotonic()
    try:
        done = subprocess.run([where / "pan", "-m1000000", "-E"], cwd=trail, timeout=TIMEOUT,
                              capture_output=True, text=True,
                              env={**os.environ, "WITHOUT": str(case.number)})
        text = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        text = f"timed out after {TIMEOUT} s"
    seconds = time.monotonic() - began
    (trail / "out").write_text(text)
    states = re.search(r"(\d+) states, stored", text)
    depth = re.search(r"depth reached (\d+), errors: (\d+)", text)
    if BROKEN.search(text) or not states or not depth:
        return "broken", 0, 0, seconds, text
    states, errors, depth = int(states[1]), int(depth[2]), int(depth[1])
    if errors:
        return "caught", states, depth, seconds, text
    if "Search not completed" in text:
        return "broken", states, depth, seconds, text
    if states > MAX_STATES:
        return "too large", states, depth, seconds, text
    return ("quiet" if case.rule else "holds"), states, depth, seconds, text


def explain(work, case, text):
    """How to see what a failing search found."""
    where = work / f"{case.model}.{case.variant}"
    trail = where / (case.rule or "none") / f"{case.model}.pml.trail"
    lines = [line for line in text.splitlines() if line.startswith("pan:")][:3]
    if trail.exists():
        lines.append(f"trail: {trail}")
        lines.append(f"replay: cd {where} && cp {trail} . && spin -t -p -g -DWITHOUT="
                     f"{case.rule or 0} -D{case.variant.upper()} {case.model}.pml")
    else:
        lines.append(f"output: {where / (case.rule or 'none') / 'out'}")
    return "\n".join("    " + line for line in lines)


def run(work, cases, jobs, show_trails):
    """Runs the cases, the verifier of each model and variant first; returns how many failed."""
    lock, count, bad = threading.Lock(), [0], [0]

    def one(case):
        verdict, states, depth, seconds, text = search(work, case)
        good = verdict == case.expected
        with lock:
            count[0] += 1
            bad[0] += not good
            print(f"{count[0]:4}/{len(cases)} {'ok  ' if good else 'FAIL'} {case.name:38} "
                  f"{states:9} states  depth {depth:6} {seconds:6.1f} s  {verdict}"
                  + ("" if good else f", expected {case.expected}"), flush=True)
            if not good or show_trails and verdict == "caught":
                print(explain(work, case, text), flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        made = {pair: pool.submit(build, work, *pair)
                for pair in dict.fromkeys((c.model, c.variant) for c in cases)}
        for pending in made.values():
            pending.result()
        for pending in [pool.submit(one, case) for case in cases]:
            pending.result()
    return bad[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="name the cases and what is expected")
    parser.add_argument("--only", metavar="PATTERN", action="append",
                        help="cases whose name matches, e.g. 'link', 'kicks.weak*', '*.QUIESCE'")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="searches at once (2)")
    parser.add_argument("--work", type=Path, default=Path("model-work"), metavar="DIR",
                        help="where verifiers and trails go (./model-work)")
    parser.add_argument("--trails", action="store_true",
                        help="also say where the trails of expected assertions are")
    options = parser.parse_args()
    try:
        cases = [case for model in MODELS for case in cases_of(model)
                 if not options.only or any(p == model or fnmatch.fnmatch(case.name, p)
                                            for p in options.only)]
        if not cases:
            raise Failure(f"no case matches {' '.join(options.only)}; --list names them all")
        if options.list:
            for case in cases:
                print(f"{case.name:38} {case.expected}")
            return 0
        began = time.monotonic()
        os.nice(10)  # whoever runs beside, and waits, goes first
        bad = run(options.work.resolve(), cases, max(1, options.jobs), options.trails)
    except (Failure, OSError) as error:
        print(f"model/run.py: {error}", file=sys.stderr)
        return 1
    print(f"{len(cases) - bad} of {len(cases)} searches ended as expected, "
          f"{time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
