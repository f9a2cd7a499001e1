# SPDX-License-Identifier: BSD-3-Clause
"""What `cmake --install` leaves is enough for a program of somebody else's, in C and in C++."""
import os
import shutil
import subprocess

import pytest
from pmm import BUILD, PATIENCE
from test_rpmsg import Messages

SOURCE = os.environ["CW_SOURCE"]
CC = os.environ.get("CW_CC", "cc")
CXX = next((c for c in ("g++", "clang++") if shutil.which(c)), None)
WARN = ["-Wall", "-Wextra", "-Werror"]

CALLS = """
#include <causeway/core/err.h>
#include <causeway/core/status.h>
#include <causeway/core/text.h>
#include <causeway/host/rpc_socket.h>
#include <cstdio>

int main()
{
	cw_rpmsg_client_config conf = {};
	cw_rpmsg_client *c;
	cw_rpc_socket s = {};
	cw_rpc_client client;
	cw_rpc_client_config calls = {};
	cw_sample sample;
	char text[2];

	conf.service = "ping";
	calls.carrier = &cw_rpc_socket_carrier;
	cw_text_clean(text, "x", 1);
	std::printf("%d %d ", cw_rpc_client_init(&client, &calls), cw_sample_decode(&sample, text, 1));
	if (s.messages)
		cw_rpc_socket_poll(&s);
	std::puts(cw_strerror(cw_rpmsg_client_open(&c, &conf)));
}
"""


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    to = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", to], check=True, stdout=subprocess.DEVNULL)
    return to


@pytest.fixture
def flags(prefix):
    at, = prefix.glob("**/causeway-rpmsg-client.pc")
    return subprocess.run(["pkg-config", "--cflags", "--libs", "causeway-rpmsg-client"], check=True, capture_output=True,
                          text=True, env={**os.environ, "PKG_CONFIG_PATH": str(at.parent)}).stdout.split()


def test_what_people_use_is_there(prefix):
    for path in ("bin/causeway", "bin/causeway-status-page", "share/man/man1/causeway.1",
                 "share/man/man1/causeway-status-page.1", "share/man/man5/causeway-board.5"):
        assert (prefix / path).is_file(), path
    assert subprocess.run([prefix / "bin/causeway", "--version"], check=True, capture_output=True).stdout
    host = sorted(h.name for h in (prefix / "include/causeway/host").iterdir())
    assert host == ["rpc_socket.h", "rpmsg_client.h"]


def test_the_examples_compile_and_run(flags, tmp_path):
    for name in "rpmsg-echo", "rpmsg-call":
        subprocess.run([CC, *WARN, "-o", tmp_path / name, f"{SOURCE}/apps/{name}/main.c", *flags], check=True)
    with Messages() as p:
        env = {**os.environ, "CAUSEWAY_RUN_DIR": p.dir}
        for command in (["rpmsg-echo", "hello"], ["rpmsg-call", "1", "hello"]):
            r = subprocess.run([tmp_path / command[0], *command[1:]], capture_output=True, text=True, timeout=PATIENCE, env=env)
            assert (r.returncode, r.stdout, r.stderr) == (0, "hello\n", "")
        assert p.stop() == 0


@pytest.mark.skipif(not CXX, reason="no C++ compiler")
def test_a_program_in_cplusplus(flags, tmp_path):
    (tmp_path / "calls.cc").write_text(CALLS)
    subprocess.run([CXX, "-std=c++17", *WARN, "-o", tmp_path / "calls", tmp_path / "calls.cc", *flags], check=True)
    r = subprocess.run([tmp_path / "calls"], check=True, capture_output=True, text=True,
                       env={**os.environ, "CAUSEWAY_RUN_DIR": str(tmp_path)})
    assert r.stdout == "-16 -36 link is down\n"
