# SPDX-License-Identifier: BSD-3-Clause
"""What every part uses: rows of the table, and how two things are compared."""
import os
import re
import statistics
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("CW_BUILD", os.path.join(ROOT, "build", "gcc"))
CAUSEWAY = os.path.join(BUILD, "cli", "causeway")
rows = []


def bench(name):
    """A program of this folder."""
    return os.path.join(BUILD, "bench", "bench_" + name)


def firmware(name):
    return os.path.join(BUILD, "firmware", name, name)


def plain(value):
    """Four digits, and no exponent."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def row(number, what, value, unit, floor=None, ratio=None, aim=None):
    rows.append({"row": number, "what": what, "value": value, "unit": unit, "floor": floor,
                 "ratio": ratio, "aim": aim})
    text = [f"{number:>4}", f"{what:<56}", f"{plain(value):>10} {unit:<6}"]
    text.append(f"floor {plain(floor):>10}" if floor is not None else " " * 16)
    text.append(f"ratio {ratio:>6.2f}" if ratio is not None else " " * 12)
    text.append(f"aim {aim}" if aim else "")
    print("  ".join(text).rstrip(), flush=True)


def output(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300,
                          **more).stdout


def sentinel():
    return float(output(bench("tap"), "sentinel"))


def compare(a, b, pairs=11, still=lambda measure: measure()):
    """Runs a() and b() in turn, A B B A; returns both medians, the median of the pairs' ratios and its
    quartiles: None of these when too few pairs counted. A pair beside which a fixed piece of work took 10 % more or
    less time is dropped; @still runs that with everything else of ours stopped."""
    got, dropped = [], 0
    for i in range(pairs):
        before = still(sentinel)
        first, second = (a, b) if i % 2 == 0 else (b, a)
        one, two = first(), second()
        if abs(still(sentinel) / before - 1) > 0.1:
            dropped += 1
            continue
        got.append((one, two) if i % 2 == 0 else (two, one))
    if len(got) < 3:
        return {"ratio": None, "pairs": len(got), "dropped": dropped}
    ratios = sorted(x / y for x, y in got)
    quartiles = statistics.quantiles(ratios, n=4)
    return {"a": statistics.median(x for x, _ in got), "b": statistics.median(y for _, y in got),
            "ratio": statistics.median(ratios), "q1": quartiles[0], "q3": quartiles[2],
            "pairs": len(got), "dropped": dropped}


def compared(number, what, unit, result, aim):
    if result["ratio"] is None:
        print(f"{number:>4}  {what:<56}  too restless here: {result['dropped']} of "
              f"{result['pairs'] + result['dropped']} pairs dropped", flush=True)
        return
    row(number, what, result["a"], unit, result["b"], result["ratio"], aim)
    rows[-1].update({k: result[k] for k in ("q1", "q3", "pairs", "dropped")})
    print(f"      quartiles {result['q1']:.2f} to {result['q3']:.2f} of {result['pairs']} pairs, "
          f"{result['dropped']} dropped")


def instructions(rounds, program="ring", *args):
    r = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                        bench(program), *args, str(rounds)],
                       capture_output=True, text=True, check=True, timeout=300)
    return int(re.search(r"Collected\s*:\s*(\d+)", r.stderr).group(1))
