#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""./dev bench: measures, prints a table with floors and ratios, writes build/bench.json.

Only ratios taken in one run count: figures of one machine move by a factor of two within minutes.
Every floor is measured beside the thing, in turn (A B B A). Nothing here passes or fails. What is measured is
in parts/, a module each.
"""
import argparse
import json
import os
import platform
import sys

from parts.boards import boards
from parts.board import make_tap
from parts.bulk import bulk, console
from parts.code import code
from parts.common import ROOT, output, rows
from parts.disk import disk
from parts.echo import echo
from parts.files import files
from parts.link import entropy_and_links
from parts.plant import plant
from parts.ring import ring
from parts.rpmsg import rpmsg
from parts.sockets import sockets

INSIDE = "CAUSEWAY_BENCH_INSIDE"
PARTS = {"ring": ring, "rpmsg": rpmsg, "echo": echo, "bulk": bulk, "console": console, "disk": disk,
         "sockets": sockets, "files": files, "link": entropy_and_links, "boards": boards, "code": code}
BUILDS = {"boards": "virt-a53 zcu102-r5", "code": "cortex-m4 cortex-r5"}  # beside gcc


def enter_namespace():
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-Urnm", "--", sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--json", default=os.path.join(ROOT, "build", "bench.json"),
                        help="where to write the figures")
    parser.add_argument("only", nargs="*", choices=[[], *PARTS], metavar="PART",
                        help="parts to run (all): " + ", ".join(PARTS))
    parser.add_argument("--plant", action="store_true",
                        help="instead, show that a delay of 1 us planted in the ring moves the ratios")
    parser.add_argument("--builds", action="store_true", help="instead, name the presets that these parts need built")
    options = parser.parse_args()
    if options.builds:
        print(*(BUILDS[p] for p in options.only or BUILDS if p in BUILDS))
        return
    if INSIDE not in os.environ:
        enter_namespace()
    output("ip", "link", "set", "lo", "up")
    make_tap("tap0", "192.168.200.254/24")
    print(f"{platform.processor() or platform.machine()}, Linux {platform.release()}, "
          f"{os.cpu_count()} processors; nothing pinned: client, worker and remote are three threads")
    if options.plant:
        plant()
    for name, part in PARTS.items() if not options.plant else ():
        if not options.only or name in options.only:
            part()
    with open(options.json, "w", encoding="ascii") as f:
        json.dump({"kernel": platform.release(), "rows": rows}, f, indent=1)
    print(f"written to {os.path.relpath(options.json, ROOT)}")


if __name__ == "__main__":
    main()
