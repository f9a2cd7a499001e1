# SPDX-License-Identifier: BSD-3-Clause
"""Does any of this notice anything?"""
import os
import re
import shutil
import signal
import time

from .board import Board, net, udp
from .common import BUILD, ROOT, compare, compared, output

PLANTED = """
#include <time.h>
static void planted_delay(void)
{
	struct timespec a, b;

	clock_gettime(CLOCK_MONOTONIC, &a);
	do
		clock_gettime(CLOCK_MONOTONIC, &b);
	while ((b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec < 1000);
}
"""


def plant():
    """The same rows with 1 us of waiting in each cw_devq_pop() that finds a buffer."""
    tree = os.path.join(ROOT, "build", "bench-planted")
    shutil.rmtree(tree, ignore_errors=True)
    for name in output("git", "ls-files", cwd=ROOT).split("\n"):
        if name and os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(tree, name))
    path = os.path.join(tree, "core", "ring_device.c")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text, n = re.subn(r"(\n\tc->part = part;)", r"\n\tplanted_delay();\1", text)
    text, m = re.subn(r"(#include <causeway/core/shm.h>\n)", r"\1" + PLANTED, text)
    if n != 1 or m != 1:
        raise SystemExit("bench: core/ring_device.c has changed; the planted delay must follow")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    out = os.path.join(tree, "build")
    output("cmake", "-G", "Ninja", "-S", tree, "-B", out, "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
           f"-DCW_LWIP={ROOT}/build/lwip", "-DCMAKE_C_FLAGS=-D_GNU_SOURCE")
    output("cmake", "--build", out, "-j2", "--target", "causeway", "hvl_net_rng_reloc", "bench_ring")

    def ring_ns(where):
        return float(output(os.path.join(where, "bench", "bench_ring"), "20000").split()[0])

    def echo_us(where):
        board = Board(net(os.path.join(where, "firmware", "hvl_net_rng_reloc", "hvl_net_rng_reloc")),
                      os.path.join(where, "cli", "causeway"))
        board.wait_for("IPv4 192.168.200.2")
        time.sleep(0.2)
        got = udp("192.168.200.2", 5000, 0)["median"]
        board.process.send_signal(signal.SIGTERM)
        board.process.wait(10)
        return got

    compared("4", "planted 1 us: a buffer's full cycle", "ns",
             compare(lambda: ring_ns(out), lambda: ring_ns(BUILD), 7), "1 us more")
    compared("8", "planted 1 us: UDP echo, two buffers", "us",
             compare(lambda: echo_us(out), lambda: echo_us(BUILD), 7), "2 us more")
