# SPDX-License-Identifier: BSD-3-Clause
"""A headless Chromium, driven through DevTools over a pipe: no driver program, no library."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from pmm import PATIENCE


class Browser:
    def __init__(self, width=1280, height=1000, dark=False):
        to, self.w = os.pipe()
        self.r, back = os.pipe()
        self.tmp = tempfile.mkdtemp(prefix="cw-browser-")

        def descriptors():  # DevTools are on 3 and 4
            a, b = os.dup(to), os.dup(back)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.p = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
             "--no-first-run", "--disable-background-networking", "--no-proxy-server",
             "--remote-debugging-pipe", "--user-data-dir=" + self.tmp,
             "--window-size=%d,%d" % (width, height), "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to)
        os.close(back)
        self.buf, self.ids, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"],
                                 flatten=True)["sessionId"]
        for domain in "Page", "Runtime", "Log":
            self.call(domain + ".enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setScrollbarsHidden", hidden=True)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def message(self, end):
        while b"\0" not in self.buf:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.r], [], [], left)[0], "the browser says nothing"
            got = os.read(self.r, 1 << 20)
            assert got, "the browser is gone"
            self.buf += got
        one, self.buf = self.buf.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, seconds=PATIENCE, **params):
        self.ids += 1
        ask = {"id": self.ids, "method": method, "params": params}
        if self.session:
            ask["sessionId"] = self.session
        os.write(self.w, json.dumps(ask).encode() + b"\0")
        end = time.monotonic() + seconds
        while True:
            m = self.message(end)
            if m.get("id") == self.ids:
                assert "error" not in m, m
                return m["result"]
            if "method" in m:
                self.events.append(m)

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.until("location.href !== 'about:blank' && document.readyState === 'complete'")

    def js(self, expression):
        r = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in r, r
        return r["result"].get("value")

    def until(self, expression, seconds=PATIENCE):
        """Waits until an expression is true in the page, and returns its value and the seconds it took."""
        begin = time.monotonic()
        while True:
            got = self.js(expression)
            took = time.monotonic() - begin
            if got:
                return got, took
            assert took < seconds, "not within %s s: %s\n%s" % (
                seconds, expression, self.js("document.body.innerText"))
            time.sleep(0.05)

    def complaints(self):
        """What the page's script did wrong, or the browser refused it."""
        return [e for e in self.events if e["method"] == "Runtime.exceptionThrown" or
                e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] == "error"]

    def screenshot(self, path):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        with open(path, "wb") as f:
            f.write(base64.b64decode(shot["data"]))

    def close(self):
        try:
            self.session = None
            self.call("Browser.close")
        except (AssertionError, OSError):
            self.p.kill()
        try:
            self.p.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
        os.close(self.r)
        os.close(self.w)
        shutil.rmtree(self.tmp, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
