# SPDX-License-Identifier: BSD-3-Clause
"""`causeway layout`: each form is what it was, and all say the same.

CW_UPDATE=1 writes the golden files anew; look at the difference before you commit it.
"""
import json
import os
import re
import shutil
import struct
import subprocess

import pytest

BUILD, SOURCE = os.environ["CW_BUILD"], os.environ["CW_SOURCE"]
CAUSEWAY = os.path.join(BUILD, "cli", "causeway")
CC = os.environ.get("CW_CC", "gcc")
HERE = os.path.dirname(os.path.abspath(__file__))
BOARD = os.path.join(HERE, "golden.yaml")
REMOTES = ("left-side", "right")
FORMS = {"text": "txt", "c-header": "header", "ld": "ld", "dts-linux": "linux.dts",
         "dts-remote": "remote.dts", "json": "json"}


def layout(form, remote, *args, board=BOARD):
    done = subprocess.run([CAUSEWAY, "layout", "-f", form, "-r", remote, *args, board],
                          capture_output=True, timeout=300)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout


@pytest.fixture(params=REMOTES)
def remote(request):
    return request.param


@pytest.mark.parametrize("form", FORMS)
def test_golden(form, remote):
    path = os.path.join(HERE, "%s.%s" % (remote, FORMS[form]))
    if os.environ.get("CW_UPDATE"):
        with open(path, "wb") as f:
            f.write(layout(form, remote))
    assert layout(form, remote).decode() == open(path).read()


def facts(remote):
    return json.loads(layout("json", remote))


# --- the hash, from the text of docs/spec/region.md section 3 alone ---------------------------

def fnv(data):
    h = 0xcbf29ce484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001b3 % (1 << 64)
    return h


def test_hash(remote):
    o = facts(remote)
    at = {k: int(o[k], 16) for k in ("base", "pmm_page", "remote_page")}
    data = struct.pack("<IQIIIIQQI", 1, at["base"], o["size"], o["line"], o["fragment_size"],
                       o["slots"], at["pmm_page"], at["remote_page"], len(o["devices"]))
    for d in o["devices"]:
        data += struct.pack("<16sIIIIIQ", d["name"].encode(), d["id"], d["slot"], d["queues"],
                            d["queue_size"], d["size"], int(d["block"], 16))
    assert int(o["hash"], 16) == fnv(data)


# --- the C header -----------------------------------------------------------------------------

PROGRAM = """
#include "layout.h"
#include <stdio.h>
int main(void)
{
	printf("%%016llx %%016llx %%d %%u\\n", (unsigned long long)CW_LAYOUT_HASH,
	       (unsigned long long)cw_layout_hash(&cw_layout_generated),
	       cw_layout_check(&cw_layout_generated, NULL, NULL), %s);
	return 0;
}
"""


def test_header(remote, tmp_path):
    (tmp_path / "layout.h").write_bytes(layout("c-header", remote))
    flags = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror",
             "-I%s/include" % SOURCE, "-I%s" % tmp_path]
    free = '#include "layout.h"\n#include "layout.h"\n' \
           "const struct cw_layout *get(void);\n" \
           "const struct cw_layout *get(void) { return &cw_layout_generated; }\n"
    subprocess.run([CC, *flags, "-ffreestanding", "-nostdlib", "-c", "-o", "/dev/null", "-x", "c",
                    "-"], input=free, text=True, check=True, timeout=300)
    last = facts(remote)["devices"][-1]["name"].upper().replace("-", "_")
    (tmp_path / "p.c").write_text(PROGRAM % ("CW_LAYOUT_DEVICE_" + last))
    subprocess.run([CC, *flags, "p.c", "%s/core/layout.c" % SOURCE, "-o", "p"], cwd=tmp_path,
                   check=True, timeout=300)
    out = subprocess.run([tmp_path / "p"], capture_output=True, text=True, timeout=300).stdout
    h = facts(remote)["hash"][2:]
    assert out.split() == [h, h, "0", str(len(facts(remote)["devices"]) - 1)]


# --- the linker symbols -----------------------------------------------------------------------

def test_linker_symbols(remote, tmp_path):
    (tmp_path / "layout.ld").write_bytes(layout("ld", remote))
    o = facts(remote)
    want = {"region_start": int(o["base"], 16), "region_size": o["size"],
            "region_end": int(o["base"], 16) + o["size"]}
    for d in o["devices"]:
        name = "dev_" + d["name"].replace("-", "_")
        want[name + "_start"] = int(d["block"], 16)
        want[name + "_size"] = d["size"]
    names = sorted(want)
    got = {}
    for line in (tmp_path / "layout.ld").read_text().splitlines():
        m = re.fullmatch(r"__causeway_([a-z0-9_]+) = (0x[0-9a-f]+);", line)
        if m:
            got[m[1]] = int(m[2], 16)
    assert got == want
    # ld itself reads it, given as one more input.
    (tmp_path / "q.c").write_text(
        "".join("extern char __causeway_%s[];\n" % n for n in names) +
        "const char *const values[] = { %s };\n" % ", ".join("__causeway_" + n for n in names))
    subprocess.run([CC, "-c", "q.c", "-fno-pic", "-mcmodel=large" if os.uname().machine ==
                    "x86_64" else "-O1"], cwd=tmp_path, check=True, timeout=300)
    subprocess.run(["ld", "-e", "0", "q.o", "layout.ld", "-o", "q"], cwd=tmp_path, check=True,
                   timeout=300)
    table = subprocess.run(["nm", "q"], cwd=tmp_path, capture_output=True, text=True,
                           timeout=300).stdout
    linked = dict((line.split()[2][len("__causeway_"):], int(line.split()[0], 16))
                  for line in table.splitlines() if "__causeway_" in line)
    assert linked == want


# --- the trees --------------------------------------------------------------------------------

def parse_dts(text):
    """As much of the language as we print: nodes, labels, strings, cells, empty properties."""
    text = re.sub(r"/\*.*?\*/|/dts-v1/;", "", text, flags=re.S)
    tokens = re.findall(r'"[^"]*"|<[^>]*>|[{};=]|[^\s{};=<>"]+', text)
    stack, root, words = [], None, []
    for t in tokens:
        if t == "{":
            node = {"": {}}
            if stack:
                stack[-1][words[-1]] = node
            else:
                root = node
            stack.append(node)
            words = []
        elif t == "}":
            stack.pop()
        elif t == ";":
            if words:
                stack[-1][""][words[0]] = value(words[2:])
            words = []
        else:
            words.append(t)
    return root


def value(words):
    if not words:
        return b""
    (word,) = words
    if word[0] == '"':
        return word[1:-1].encode() + b"\0"
    if "&" in word:
        return word
    return b"".join(struct.pack(">I", int(c, 0)) for c in word[1:-1].split())


def parse_dtb(data):
    magic, _, structs, strings = struct.unpack_from(">4I", data)
    assert magic == 0xd00dfeed
    stack, root, at = [], None, structs
    while True:
        (token,) = struct.unpack_from(">I", data, at)
        at += 4
        if token == 1:
            end = data.index(b"\0", at)
            node = {"": {}}
            if stack:
                stack[-1][data[at:end].decode()] = node
            else:
                root = node
            stack.append(node)
            at = (end + 4) & ~3
        elif token == 2:
            stack.pop()
        elif token == 3:
            size, name = struct.unpack_from(">2I", data, at)
            end = data.index(b"\0", strings + name)
            stack[-1][""][data[strings + name:end].decode()] = data[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token == 9:
            return root
        else:
            assert token == 4


def test_tree_for_the_remote(remote, tmp_path):
    source, binary = layout("dts-remote", remote), layout("dtb", remote)
    assert parse_dts(source.decode()) == parse_dtb(binary)
    o = facts(remote)
    root = parse_dtb(binary)
    assert root[""]["causeway,layout-hash"] == bytes.fromhex(o["hash"][2:])
    assert list(root)[1:] == ["%s@%s" % (d["kind"], d["block"][2:]) for d in o["devices"]]
    if shutil.which("dtc"):
        compiled = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb"], input=source,
                                  capture_output=True, check=True, timeout=300).stdout
        assert parse_dtb(compiled) == parse_dtb(binary)


def test_tree_for_linux(remote):
    source = layout("dts-linux", remote).decode()
    o = facts(remote)
    root = parse_dts(source)
    base = int(o["base"], 16)
    reg = struct.pack(">QQ", base, o["size"])
    memory = root["reserved-memory"]["memory@%x" % base][""]
    uio = root["causeway-%s@%x" % (remote, base)][""]
    assert memory == {"reg": reg, "no-map": b""}
    assert uio == {"compatible": b"generic-uio\0", "reg": reg,
                   "memory-region": "<&causeway_%s>" % remote.replace("-", "_")}
    assert "causeway_%s: memory@" % remote.replace("-", "_") in source
    if shutil.which("dtc"):
        top = "/dts-v1/;\n/ { #address-cells = <2>; #size-cells = <2>; };\n"
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb"], input=(top + source).encode(),
                       capture_output=True, check=True, timeout=300)


# --- the command ------------------------------------------------------------------------------

def test_which_remote():
    done = subprocess.run([CAUSEWAY, "layout", "-f", "c-header", BOARD], capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 2 and "has 2 remotes; say which with --remote" in done.stderr
    done = subprocess.run([CAUSEWAY, "layout", BOARD], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "left-side:" in done.stdout and "right:" in done.stdout


def test_output_file(tmp_path):
    out = tmp_path / "layout.h"
    assert layout("c-header", "right", "-o", str(out)) == b""
    assert out.read_bytes() == layout("c-header", "right")


@pytest.mark.parametrize("name", sorted(os.listdir(os.path.join(SOURCE, "boards"))))
def test_boards_of_the_tree(name):
    """Their firmware may not be built; everything else of them is right."""
    if name.endswith(".yaml"):
        done = subprocess.run([CAUSEWAY, "layout", os.path.join(SOURCE, "boards", name)],
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
