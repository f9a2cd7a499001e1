# SPDX-License-Identifier: BSD-3-Clause
"""Linux's own sockets: the PMM in an emulated guest that has vhost-vsock, and programs there."""
import os
import re

from guest import BUILD, boot, initrd, libraries, modules

BOARD = """
name: %s
remotes:
  - name: a
    region: { base: 0x37000000, size: 4M }
    carrier: { process: /bin/island }
    lost-ms: 60000  # nobody hangs here, and an emulated machine may be slow
    devices:
      %s
      - { kind: vsock, backend: vhost, cid: 42, size: 256K, at: 0x37100000 }
"""


def test_programs_of_the_guest(tmp_path):
    causeway, island = os.path.join(BUILD, "cli", "causeway"), os.path.join(BUILD, "firmware", "island", "island")
    (tmp_path / "board").write_text(BOARD % ("test", "- { kind: console, size: 32K, backend: { socket: /run/console } }"))
    (tmp_path / "other").write_text(BOARD % ("other", ""))
    image = initrd(tmp_path / "initrd", {
        "init": os.path.join(BUILD, "tests", "guest", "guest_vsock"), "bin/causeway": causeway, "bin/island": island,
        "board.yaml": tmp_path / "board", "other.yaml": tmp_path / "other",
        **libraries(causeway, island), **modules("vsock")}, folders=["dev", "proc", "run"])
    out = boot(image, "", memory=256)
    said = re.search(r"guest: (\d+) good, (\d+) bad", out)
    assert said and said[2] == "0" and int(said[1]) > 100, out
    print(out)
