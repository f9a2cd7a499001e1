# SPDX-License-Identifier: BSD-3-Clause
"""The server of this folder as a fixture's contents."""
import os
import subprocess

BUILD, SOURCE = os.environ["CW_BUILD"], os.environ["CW_SOURCE"]


class Server:
    """serve9p on a folder; leaves nothing behind."""

    def __init__(self, socket, folder, *options, program=None):
        self.socket = str(socket)
        self.process = subprocess.Popen(
            [program or os.path.join(BUILD, "tests", "9p", "serve9p"), *options, self.socket, str(folder)],
            stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
