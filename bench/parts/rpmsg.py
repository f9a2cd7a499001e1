# SPDX-License-Identifier: BSD-3-Clause
"""RPMsg between two sides in one memory."""
import json
import statistics

from .common import bench, instructions, output, row


def rpmsg_pairs(what, n):
    """Pairs (thing, floor) in nanoseconds, measured in turn in one process."""
    out = output(bench("rpmsg"), what, str(n))
    return json.loads(out)[what]


def rpmsg():
    n = 1000
    each = (instructions(11 * n, "rpmsg", "step") - instructions(n, "rpmsg", "step")) / (10 * n)
    row("2", "RPMsg, 64 B round trip", each, "instr", 1843, each / 1843, "<= 830 (open-amp 1843)")
    for number, what, label, count, unit_aim in (
            ("1", "pingpong", "RPMsg, 64 B round trip, two threads polling", 100000, "<= 3.0 x a cache line"),
            ("3", "oneway", "RPMsg, 64 B one way, batches of 32", 1000000, "<= 50 ns")):
        pairs = [p for _ in range(3) for p in rpmsg_pairs(what, count)]
        ratios = sorted(a / b for a, b in pairs)
        quartiles = statistics.quantiles(ratios, n=4)
        row(number, label, statistics.median(a for a, _ in pairs), "ns",
            statistics.median(b for _, b in pairs), statistics.median(ratios), unit_aim)
        print(f"      quartiles {quartiles[0]:.2f} to {quartiles[2]:.2f} of {len(pairs)} pairs")
