# SPDX-License-Identifier: BSD-3-Clause
"""An emulated Linux: Debian's kernel, as scripts/fetch-linux gets it, with a few files of ours."""
import glob
import os
import re
import subprocess

BUILD, SOURCE = os.environ["CW_BUILD"], os.environ["CW_SOURCE"]
LINUX = os.path.join(SOURCE, "build", "linux")


def modules(what):
    """Those for WHAT (9p, vsock), where the guest looks for them."""
    return {"modules/" + os.path.basename(m): m for m in glob.glob(os.path.join(LINUX, what, "*.ko"))}


def libraries(*programs):
    """What they are linked with."""
    out = subprocess.run(["ldd", *programs], capture_output=True, text=True, check=True).stdout
    return {path[1:]: path for path in re.findall(r"(/\S+) \(0x", out)}


def initrd(image, files, folders=()):
    """Makes an image of FILES, {path in the guest: path here}, and empty FOLDERS."""
    root = str(image) + ".root"
    for f in folders:
        os.makedirs(os.path.join(root, f))
    for to, at in files.items():
        to = os.path.join(root, to)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        os.symlink(os.path.abspath(at), to)
    names = [os.path.relpath(os.path.join(d, n), root) for d, dirs, all_ in os.walk(root) for n in sorted(dirs) + all_]
    with open(image, "wb") as f:
        subprocess.run(["cpio", "-o", "-L", "-H", "newc", "--quiet"], input="\n".join(names).encode(), stdout=f,
                       cwd=root, check=True)
    return image


def boot(image, line, *options, memory=192, seconds=500):
    """What it prints."""
    assert os.path.exists(LINUX + "/vmlinuz"), "scripts/fetch-linux gets it"
    r = subprocess.run(["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", str(memory), "-display", "none",
                        "-no-reboot", "-nodefaults", "-serial", "stdio",
                        "-kernel", os.path.join(LINUX, "vmlinuz"), "-initrd", str(image),
                        "-append", "console=ttyS0 quiet panic=-1 " + line, *options],
                       stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=seconds,
                       check=False)
    return r.stdout + r.stderr
