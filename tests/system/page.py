# SPDX-License-Identifier: BSD-3-Clause
"""The status page under test: a remote's sockets without a remote, the program, and nginx."""
import functools
import http.server
import json
import os
import select
import signal
import socket
import struct
import threading
import time
import urllib.request

from pmm import BUILD, PATIENCE, Program, until

PROGRAM = os.path.join(BUILD, "apps", "status-page", "causeway-status-page")
SOURCE = os.environ["CW_SOURCE"]
LOOPS = ("link", "messages", "status", "idle")


def sample(sequence, life=0x1234abcd, period=10000, loops=None, queues=((b"rpmsg0", 0), (b"rpmsg0", 1)),
           board=b"fake", version=1, stack=4096):
    """A message as docs/spec/status.md has it. With the next one due in so long nobody sees silence by accident."""
    if loops is None:
        busy = [0.001, 0.004 + 0.003 * (sequence % 7), 0.002]
        loops = [(n.encode(), v) for n, v in zip(LOOPS, busy + [1 - sum(busy)])]
    size = 96 + 16 * len(loops) + 32 * len(queues)
    m = struct.pack("<HHIIIQIIIIIIIiIIIIBBH16sI", version, size, life, sequence, 1, sequence * 1000000,
                    period, 1000000, 7, 65536, stack, 8192, 1000 + sequence, 42500, 2 * sequence,
                    5 * sequence + sequence % 5, 3 * sequence, 6 * sequence, len(loops), len(queues), 0, board, 0)
    for name, share in loops:
        m += struct.pack("<12sI", name, round(share * 1000000))
    for name, index in queues:
        m += struct.pack("<16sHHHHII", name, index, 32, 30, 0, sequence, sequence)
    return m


class Service:
    """A listening socket as the keeper makes it, and who has come."""

    def __init__(self, path):
        self.path = path
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.s.bind(path)
        self.s.listen(16)
        self.s.setblocking(False)
        self.clients = []

    def look(self):
        try:
            while True:
                c = self.s.accept()[0]
                c.setblocking(False)
                self.clients.append(c)
        except BlockingIOError:
            return len(self.clients)

    def joined(self):
        until(self.look)
        return self

    def send(self, data):
        self.look()
        for c in self.clients:
            c.send(data)

    def hear(self, seconds=PATIENCE):
        """The next message, and who sent it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.look()
            for c in select.select(self.clients, [], [], 0.01)[0]:
                data = c.recv(65536)
                if data:
                    return data, c
                self.clients.remove(c)
                c.close()
        raise AssertionError("nothing came")

    def close(self):
        os.unlink(self.path)
        self.s.close()
        for c in self.clients:
            c.close()


class Keeper:
    """A control socket that says how the remote is."""

    def __init__(self, folder, board="fake", remote="r"):
        self.state, self.remote, self.starts, self.crashes = "running", remote, 1, 0
        self.link = "up"
        self.board = board
        self.others = []  # remotes, each as `causeway status` has it
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.s.bind("%s/%s.sock" % (folder, board))
        self.s.listen(8)
        self.t = threading.Thread(target=self.serve, daemon=True)
        self.t.start()

    def serve(self):
        while True:
            try:
                c = self.s.accept()[0]
            except OSError:
                return
            try:
                with c, c.makefile() as f:
                    if f.readline():
                        c.sendall(json.dumps({"ok": True, "board": self.board, "remotes": [
                            {"name": self.remote, "state": self.state, "link": self.link, "starts": self.starts,
                             "crashes": self.crashes, "devices": [{"kind": "rpmsg"}]}] + self.others,
                        }).encode() + b"\n")
            except OSError:
                pass  # who asked did not wait

    def close(self):
        if self.s.fileno() >= 0:
            self.s.shutdown(socket.SHUT_RDWR)
            self.s.close()


class Page(Program):
    """causeway-status-page; the JSON that it writes."""

    def __init__(self, run_dir, *args, directory=None):
        super().__init__("page")
        os.chmod(self.tmp.name, 0o755)  # of nginx's workers, started by root, it is another's
        self.dir = directory or os.path.join(self.tmp.name, "www")
        self.run([PROGRAM, "--directory", self.dir, "--run-dir", str(run_dir), *args])
        until(lambda: os.path.exists(self.dir + "/status.json") or self.p.poll() is not None)

    def read(self, name="status.json"):
        with open(os.path.join(self.dir, name)) as f:
            return json.load(f)

    def rows(self):
        return self.read("history.json")["rows"]

    def until(self, what, seconds=PATIENCE):
        """Waits until what(status) is true; returns the seconds it took."""
        begin = time.monotonic()
        until(lambda: what(self.read()), seconds)
        return time.monotonic() - begin

    def until_state(self, state, seconds=PATIENCE):
        try:
            return self.until(lambda s: s["state"] == state, seconds)
        except AssertionError:
            raise AssertionError("not %s but %s" % (state, self.read()))

    def dies(self, pmm, remote, until_crashed=None):
        """
        Kills the remote and starts it again; returns how often. Its death shows within three seconds: that is what
        issue 5 asks for, so it is measured here. A machine that stalls just then has it measured once more.
        """
        for n in range(1, 6):
            os.kill(pmm.remote(remote)["pid"], signal.SIGKILL)
            took = (until_crashed or (lambda: self.until_state("crashed")))()
            restarts = self.read()["restarts"]
            pmm.cli("start", remote)
            self.until(lambda s: s["restarts"] > restarts)
            if took < 3:
                return n
        raise AssertionError("it took %.1f s to show" % took)

    def stop(self):
        self.p.send_signal(signal.SIGTERM)
        return self.p.wait(PATIENCE)


class Nginx(Program):
    """Debian's, with our configuration, on a port of its own choosing."""

    def __init__(self, www):
        super().__init__("nginx")
        prefix = self.tmp.name
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = "http://127.0.0.1:%d/" % self.port
        os.mkdir(prefix + "/tmp")
        os.symlink(www, prefix + "/www")
        with open(SOURCE + "/apps/status-page/nginx.conf.in") as f:
            text = f.read().replace("@LISTEN@", "127.0.0.1:%d" % self.port)
        with open(prefix + "/nginx.conf", "w") as f:
            f.write(text)
        os.chmod(prefix, 0o755)
        self.run(["nginx", "-p", prefix, "-e", "stderr", "-c", prefix + "/nginx.conf"],
                 env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        until(self.answers)

    def answers(self):
        assert self.p.poll() is None, self.output()
        try:
            return self.get("")[0] == 200
        except OSError:
            return False

    def get(self, name, method="GET"):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(urllib.request.Request(self.url + name, method=method), timeout=PATIENCE) as r:
                return r.status, r.headers, r.read()
        except urllib.error.HTTPError as e:
            return e.code, e.headers, e.read()

    def __exit__(self, *_):
        self.p.terminate()  # its workers, too
        self.p.wait(PATIENCE)
        super().__exit__(*_)


class Plain:
    """A web server that has no clock: its answers bear no Date. What is in `instead` is served in place of files."""

    def __init__(self, www):
        self.instead = {}

        class Handler(http.server.SimpleHTTPRequestHandler):
            def send_response(handler, code, message=None):
                handler.send_response_only(code, message)

            def do_GET(handler):
                text = self.instead.get(handler.path)
                if text is None:
                    return http.server.SimpleHTTPRequestHandler.do_GET(handler)
                handler.send_response(200)
                handler.send_header("Content-Length", str(len(text)))
                handler.end_headers()
                handler.wfile.write(text)

            def log_message(handler, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=www))
        self.url = "http://127.0.0.1:%d/" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
