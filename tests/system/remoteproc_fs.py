#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""A remote processor in a FUSE file system that behaves like Linux's remoteproc class in sysfs.

remoteproc_fs.py MOUNTPOINT DIRECTORY -- COMMAND...: the processor is COMMAND, run with the memory file
DIRECTORY/ram, polling. DIRECTORY/firmware stands for /lib/firmware; DIRECTORY/inject.json says what
fails: {"start": "EIO"} the write of that word or to that file, {"stop-takes": 2.5} seconds, {"in-use":
true} a stop that changes nothing, {"gone": true} all of it. DIRECTORY/events is what happened.

States and errors as in drivers/remoteproc of Linux 6: a firmware is changed only while offline, "stop"
and "detach" need one that runs, a crashed one is left only by recovery.
"""
import errno
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time

from fusepy import FUSE, FuseOSError, Operations

FILES = ("name", "state", "firmware", "recovery", "coredump")


class Processor:
    def __init__(self, directory, command):
        self.dir, self.command, self.lock = directory, command, threading.Lock()
        self.values = {"name": "island", "state": "offline",
                       "firmware": "rproc-island-fw", "recovery": "enabled", "coredump": "disabled"}
        self.child = None
        threading.Thread(target=self.watch, daemon=True).start()

    def inject(self, key, default=None):
        try:
            with open(os.path.join(self.dir, "inject.json")) as f:
                return json.load(f).get(key, default)
        except FileNotFoundError:
            return default

    def note(self, text):
        with open(os.path.join(self.dir, "events"), "a") as f:
            f.write(text + "\n")

    def fail(self, name):
        raise FuseOSError(getattr(errno, name))

    def run(self):
        fd = os.open(os.path.join(self.dir, "ram"), os.O_RDWR)
        env = {"CAUSEWAY_REGION_FD": str(fd), "CAUSEWAY_REMOTE": "a", "CAUSEWAY_POLL_US": "1000",
               "CAUSEWAY_REGION_SIZE": str(os.fstat(fd).st_size)}
        with open(os.path.join(self.dir, "remote.log"), "a") as log:
            self.child = subprocess.Popen(self.command, env=env, pass_fds=[fd], stdout=log, stderr=log)
        os.close(fd)
        path = os.path.join(self.dir, "pid")
        with open(path + ".new", "w") as f:
            f.write(str(self.child.pid))
        os.rename(path + ".new", path)  # who looks meanwhile reads the former one

    def end(self):
        if self.child:
            self.child.kill()
            self.child.wait()
        self.child = None

    def load(self):
        """What request_firmware and the ELF check do."""
        path = os.path.join(self.dir, "firmware", self.values["firmware"])
        if not os.path.exists(path):
            self.fail("ENOENT")
        with open(path, "rb") as f:
            if f.read(4) != b"\x7fELF":
                self.fail("EINVAL")

    def watch(self):
        while True:
            time.sleep(0.02)
            with self.lock:
                if self.child and self.child.poll() is not None:
                    self.child, self.values["state"] = None, "crashed"
                    self.note("crashed")
                    if self.values["recovery"] == "enabled":
                        self.recover()

    def recover(self):
        """As rproc_trigger_recovery(), whose failure is nobody's to see: then it is offline."""
        self.values["state"] = "offline"
        self.note("recovered, coredump " + self.values["coredump"])
        try:
            self.load()
        except FuseOSError:
            return
        if not self.inject("recovery-fails"):
            self.run()
            self.values["state"] = "running"

    def write_state(self, word):
        state = self.values["state"]
        if word == "start" and state in ("offline", "detached"):
            if state == "offline":
                self.load()
                self.run()
            self.values["state"] = "running" if state == "offline" else "attached"
        elif word == "stop" and state in ("running", "attached"):
            if not self.inject("in-use"):
                self.end()
                self.values["state"] = "offline"
        elif word == "detach" and state in ("running", "attached"):
            self.values["state"] = "detached"
        elif word == "start" and state in ("running", "attached"):
            self.fail("EBUSY")
        else:
            self.fail("EINVAL")

    def write(self, name, word):
        refusal = self.inject(word if name == "state" else name)
        self.note(name + " " + word + (" " + refusal if refusal else ""))
        if word == "stop":
            time.sleep(self.inject("stop-takes", 0))
        with self.lock:
            if refusal:
                self.fail(refusal)
            if name == "state":
                self.write_state(word)
            elif name == "firmware" and self.values["state"] != "offline":
                self.fail("EBUSY")
            elif name == "recovery" and word == "recover":
                if self.values["state"] == "crashed":
                    self.recover()
            elif name == "recovery" and word not in ("enabled", "disabled"):
                self.fail("EINVAL")
            elif name == "coredump" and self.values["state"] == "crashed":
                self.fail("EBUSY")
            else:
                self.values[name] = word
                if name == "recovery" and word == "enabled" and self.values["state"] == "crashed":
                    self.recover()


class Sysfs(Operations):
    def __init__(self, processor):
        self.p = processor

    def name(self, path):
        if self.p.inject("gone") and path != "/":
            raise FuseOSError(errno.ENOENT)
        if path[1:] not in FILES:
            raise FuseOSError(errno.ENOENT)
        return path[1:]

    def getattr(self, path, fh=None):
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        name = self.name(path)
        return {"st_mode": stat.S_IFREG | (0o444 if name == "name" else 0o644), "st_nlink": 1,
                "st_size": 4096}

    def readdir(self, path, fh):
        return [".", "..", *FILES]

    def open(self, path, flags):
        self.name(path)
        return 0

    def read(self, path, size, offset, fh):
        text = self.p.values[self.name(path)].encode() + b"\n"
        return text[offset:offset + size]

    def write(self, path, data, offset, fh):
        name = self.name(path)
        if name == "name":
            raise FuseOSError(errno.EIO)
        self.p.write(name, data.decode().rstrip("\n"))
        return len(data)

    def truncate(self, path, length, fh=None):
        self.name(path)


def main():
    mountpoint, directory = sys.argv[1:3]
    p = Processor(directory, sys.argv[4:])
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    FUSE(Sysfs(p), mountpoint, foreground=True, direct_io=True, attr_timeout=0, entry_timeout=0)
    p.end()


if __name__ == "__main__":
    main()
