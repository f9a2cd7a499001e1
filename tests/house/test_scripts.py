# SPDX-License-Identifier: BSD-3-Clause
"""The checks of scripts/ find what they are for: each rule is broken once in a tree of one file."""

import os
import subprocess

import pytest

SOURCE = os.environ["CW_SOURCE"]


def run(script, *args):
    return subprocess.run([f"{SOURCE}/scripts/{script}", *args], capture_output=True, text=True)


def check_one_file(script, tree, path, text):
    file = tree / path
    file.parent.mkdir(parents=True)
    file.write_text(text + "\n")
    done = run(script, str(tree))
    assert done.returncode in (0, 1), done.stderr
    if done.returncode == 1:
        assert path in done.stdout + done.stderr
    return done.returncode == 0


@pytest.mark.parametrize("path, include, good", [
    ("core/a.c", "<causeway/abi/x.h>", True),
    ("core/a.c", "<causeway/device/x.h>", False),
    ("core/a.c", "<stdint.h>", True),
    ("core/a.c", "<string.h>", False),
    ("driver/a.c", '"../device/x.h"', False),
    ("driver/net/a.c", '"../../core/x.h"', True),
    ("device/a.c", "<causeway/driver/x.h>", False),
    ("device/a.c", "<sys/uio.h>", False),
    ("include/causeway/device/a.h", '"../driver/x.h"', False),
    ("include/causeway/abi/a.h", '"causeway/core/x.h"', False),
    ("include/causeway/core/a.h", '"b.h"', True),
    ("host/a.c", "<string.h>", True),
    ("host/a.c", '"keeper/x.h"', True),
    ("host/a.c", '"causeway/device/x.h"', True),
    ("host/a.c", '"causeway/cli/x.h"', False),
    ("host/a.c", '"causeway/driver/x.h"', False),
    ("host/keeper/a.c", '"../../port/x.h"', False),
    ("cli/a.c", '"causeway/host/x.h"', True),
    ("cli/a.c", '"causeway/driver/x.h"', False),
    ("port/hosted/a.c", '"causeway/driver/x.h"', True),
    ("port/hosted/a.c", '"causeway/host/x.h"', False),
    ("firmware/x/a.c", "<causeway/port/port.h>", True),
    ("firmware/x/a.c", '"../../host/x.h"', False),
])
def test_layers(tmp_path, path, include, good):
    assert check_one_file("check-layers", tmp_path, path, f"#include {include}") == good


@pytest.mark.parametrize("path, text, good", [
    ("core/a.c", "	assert(x);", False),
    ("core/a.c", '_Static_assert(1, "x");', True),
    ("core/a.c", "/* never malloc(), volatile */ int x; // printf()", True),
    ("core/a.c", "/* two\n lines */ volatile int x;", False),
    ("core/a.c", r'const char *x = "volatile \" assert(";', True),
    ("core/a.c", 'f("x"); abort();', False),
    ("core/a.c", r"x = '\''; y = '\"'; free(p);", False),
    ("driver/a.c", "snprintf (a, b);", False),
    ("driver/a.c", "ops->free(a); cw_free(b); ops.free(c);", True),
    ("device/a.c", "volatile int x;", False),
    ("include/causeway/driver/shm.h", "volatile int x;", False),
    ("include/causeway/core/shm.h", "volatile int x;", True),
    ("core/shm.c", "volatile int x;", True),
    ("host/a.c", "assert(volatile);", True),
])
def test_words(tmp_path, path, text, good):
    assert check_one_file("check-freestanding-words", tmp_path, path, text) == good


@pytest.mark.parametrize("source, good", [
    ("int a(int x); int a(int x) { return x + 1; }", True),
    ("void *memcpy(void *, const void *, __SIZE_TYPE__);"
     "void a(char *x, char *y); void a(char *x, char *y) { memcpy(x, y, 4096); }", True),
    ("int puts(const char *); int a(void); int a(void) { return puts(\"x\"); }", False),
])
def test_symbols(tmp_path, source, good):
    (tmp_path / "a.c").write_text(source)
    subprocess.run(["gcc", "-O2", "-ffreestanding", "-c", "a.c"], cwd=tmp_path, check=True)
    subprocess.run(["ar", "rc", "liba.a", "a.o"], cwd=tmp_path, check=True)
    done = run("check-symbols", "gcc -O2", str(tmp_path / "liba.a"))
    assert (done.returncode == 0) == good, done.stdout + done.stderr
    if not good:
        assert "puts" in done.stdout
