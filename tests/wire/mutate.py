#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""Moves one offset of the contract at a time in the C headers, and demands that a wire test notices.

Both C sides are built from the same headers, so they go on understanding each other: only a peer that
was written from the specification can tell. Each mutant is a copy of the tree in which two neighbours
of a struct, or two registers, have changed places, or a padding has moved what lies behind it; the
static asserts that would catch it at once are taken out of the copy.

  mutate.py             all of them (about 20 s each)
  mutate.py --sample N  N of them, spread over all kinds
  mutate.py --only TEXT those whose name has TEXT in it;  --list: only the names
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, "build", "wire-mutants")
ABI = os.path.join("include", "causeway", "abi")
TARGETS = ["causeway", "hvl_net_rng_reloc", "rpmsg_peer", "system_remote"]

# What no peer can see on the wire, and why.
UNSEEN = {
    "mmio.h CW_REG_QUEUE_NOTIFY and": "neither can be written, both read as 0",
    "virtio.h cw_abi_blk_config: writeback and unused0": "WCE is not offered, both read as 0",
    "mmio.h CW_REG_SHM_LEN_LO": "all four shared-memory registers read as all ones",
    "mmio.h CW_REG_SHM_LEN_HI": "all four shared-memory registers read as all ones",
    "mmio.h CW_REG_SHM_BASE_LO": "all four shared-memory registers read as all ones",
}


def read(name):
    with open(os.path.join(ROOT, ABI, name), encoding="utf-8") as f:
        return f.read()


def struct_mutants(name):
    """Swaps of neighbours of one type, and moves by a padding that grows as a later one shrinks."""
    text = read(name)
    for m in re.finditer(r"struct (cw_abi_\w+) \{\n(.*?)\n\};", text, re.S):
        lines = m[2].split("\n")
        fields = [re.match(r"\s*((?:struct )?\w+) (\w+)((?:\[[^\]]*\])?);", line) for line in lines]
        for i in range(len(lines) - 1):
            a, b = fields[i], fields[i + 1]
            if not a or not b or a[2].startswith("pad") or b[2].startswith("pad"):
                continue
            if (a[1], a[3]) != (b[1], b[3]):
                continue
            swapped = lines[:i] + [lines[i + 1], lines[i]] + lines[i + 2:]
            yield (f"{name} {m[1]}: {a[2]} and {b[2]}",
                   text.replace(m[2], "\n".join(swapped)))
        pads = [i for i, f in enumerate(fields) if f and f[2].startswith("pad")]
        starts = [-1] + pads
        for first, second in zip(starts, pads):
            moved = list(lines)
            size = int(re.search(r"\[(0x[0-9a-f]+)\]", moved[second])[1], 16)
            moved[second] = re.sub(r"\[0x[0-9a-f]+\]", f"[{size - 4:#x}]", moved[second])
            if first < 0:
                moved.insert(0, "\tuint8_t moved_[4];")
            else:
                size = int(re.search(r"\[(0x[0-9a-f]+)\]", moved[first])[1], 16)
                moved[first] = re.sub(r"\[0x[0-9a-f]+\]", f"[{size + 4:#x}]", moved[first])
            what = fields[first + 1][2] if fields[first + 1] else "?"
            yield (f"{name} {m[1]}: {what} and what follows, by 4",
                   text.replace(m[2], "\n".join(moved)))


def register_mutants(name):
    text = read(name)
    regs = re.findall(r"#define (CW_REG_\w+)(\s+)(0x0[0-9a-f]{2}u)\n", text)
    for (a, _, at_a), (b, _, at_b) in zip(regs, regs[1:]):
        mutant = re.sub(rf"(#define {a}\s+){at_a}", rf"\g<1>{at_b}", text)
        mutant = re.sub(rf"(#define {b}\s+){at_b}", rf"\g<1>{at_a}", mutant)
        yield f"{name} {a} and {b}", mutant


def mutants():
    for name in ("region.h", "mmio.h", "ring.h", "virtio.h"):
        yield from ((name, what, text) for what, text in struct_mutants(name))
    yield from (("mmio.h", what, text) for what, text in register_mutants("mmio.h"))


def copy_tree():
    tree = os.path.join(WORK, "tree")
    shutil.rmtree(tree, ignore_errors=True)
    files = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                           capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        if os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(tree, name))
    types = os.path.join(tree, ABI, "types.h")
    with open(types, encoding="utf-8") as f:
        text = f.read()
    text, n = re.subn(r"static_assert\(cond, text\)|_Static_assert\(cond, text\)",
                      "_Static_assert(1, text)", text)
    assert n == 2, "types.h has other asserts than this program knows"
    with open(types, "w", encoding="utf-8") as f:
        f.write(text)
    return tree


def build(tree):
    out = os.path.join(WORK, "build")
    flags = "-O0 -Wno-error -w"
    for command in (["cmake", "-G", "Ninja", "-S", tree, "-B", out, "-DCMAKE_BUILD_TYPE=Debug",
                     f"-DCMAKE_C_FLAGS={flags}", f"-DCW_LWIP={ROOT}/build/lwip"],
                    ["cmake", "--build", out, "-j2", "--target", *TARGETS]):
        r = subprocess.run(command, capture_output=True, text=True, check=False)
        if r.returncode:
            sys.exit("mutate: it does not build:\n" + (r.stdout + r.stderr)[-3000:])
    return out


def noticed(tree, out):
    """The name of the first test that fails, or None."""
    env = {**os.environ, "CW_BUILD": out, "CW_SOURCE": tree, "PYTHONDONTWRITEBYTECODE": "1"}
    r = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
                        os.path.join(tree, "tests", "wire")], capture_output=True, text=True,
                       env=env, check=False, timeout=400)
    if r.returncode == 0:
        return None
    found = re.findall(r"^(?:FAILED|ERROR) \S*?(\w+\.py\S*)", r.stdout, re.M)
    if not found and r.returncode in (4, 5):  # pytest's: wrong use, nothing collected
        sys.exit("mutate: the tests did not run:\n" + r.stdout[-2000:] + r.stderr[-2000:])
    return found[0][:60] if found else f"a test run that ended with {r.returncode}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--sample", type=int)
    p.add_argument("--only")
    p.add_argument("--list", action="store_true")
    options = p.parse_args()
    chosen = list(mutants())
    if options.only:
        chosen = [m for m in chosen if options.only in m[1]]
    if options.sample:
        step = max(1, len(chosen) // options.sample)
        chosen = chosen[step // 2::step][:options.sample]
    if options.list or not chosen:
        print("\n".join(m[1] for m in chosen) or "mutate: no mutant of that name")
        return 0 if chosen else 2
    tree = copy_tree()
    out = build(tree)
    if noticed(tree, out):
        sys.exit("mutate: the tests fail without a mutant")
    survived = 0
    for name, what, text in chosen:
        path, begun = os.path.join(tree, ABI, name), time.monotonic()
        with open(path, encoding="utf-8") as f:
            before = f.read()
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        by = noticed(tree, build(tree))
        with open(path, "w", encoding="utf-8") as f:
            f.write(before)
        why = next((w for k, w in UNSEEN.items() if what.startswith(k)), None)
        verdict = f"noticed by {by}" if by else f"unseen: {why}" if why else "SURVIVED"
        survived += not by and not why
        print(f"{what:<64} {time.monotonic() - begun:4.0f} s  {verdict}", flush=True)
    print(f"{len(chosen)} offsets moved, {survived} not noticed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
