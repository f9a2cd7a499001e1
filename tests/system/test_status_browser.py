# SPDX-License-Identifier: BSD-3-Clause
"""The status page served by nginx, in a headless Chromium. What it looked like stays in build/status-page."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from browser import Browser
from page import PROGRAM, Keeper, Nginx, Page, Service, sample
from pmm import BUILD, PATIENCE, Pmm, board

FIRMWARE = os.path.join(BUILD, "firmware", "rpmsg_status", "rpmsg_status")
SHOTS = os.path.join(BUILD, "..", "status-page")
STATE = "document.body.dataset.state"


def shot(b, name):
    os.makedirs(SHOTS, exist_ok=True)
    path = os.path.join(SHOTS, name + ".png")
    b.screenshot(path)
    assert os.path.getsize(path) > 10000


def real():
    return board({"a": {"region": "{ base: 0x37000000, size: 1M }", "recovery": "never",
                        "carrier": "{ process: %s }" % FIRMWARE,
                        "devices": "[ { kind: console, size: 32K }, { kind: rpmsg, name: rpmsg0 } ]"}})


def number(b, element):
    return int("".join(c for c in b.js("document.getElementById('%s').textContent" % element) if c.isdigit()))


def pixels(b, canvas):
    """How many pixels of a chart are drawn on."""
    return b.js("""(() => { const c = document.getElementById('%s');
        return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i %% 4 == 3 && v).length; })()""" % canvas)


def test_a_real_remote():
    with Pmm(real()) as pmm, Page(pmm.dir) as p, Nginx(p.dir) as n, Browser() as b:
        b.open(n.url)
        b.until(STATE + " === 'live'")
        assert b.js("document.getElementById('name').textContent") == "a"
        subprocess.run([PROGRAM, "--run-dir", pmm.dir, "--period", "200"], check=True, timeout=PATIENCE,
                       stdout=subprocess.DEVNULL)

        # Values change, history grows, charts are drawn.
        first, rows = number(b, "sequence"), b.js("past.rows.length")
        b.until("parseInt(document.getElementById('sequence').textContent.slice(1)) > %d" % (first + 10))
        b.until("past.rows.length > %d" % (rows + 10))
        for canvas in "cpu", "memory", "messages", "doorbells":
            assert pixels(b, canvas) > 500, canvas
        assert b.js("document.querySelectorAll('#queues tr').length") == 4
        assert "started on hosted" in b.js("document.getElementById('log').textContent")

        # Killed: seen on the page within three seconds; started again: seen, too.
        def crashed():
            _, took = b.until(STATE + " === 'crashed'")
            print("remark: a killed remote shows on the page after %.1f s" % took)
            assert b.js("document.getElementById('state').textContent") == "Crashed"
            shot(b, "crashed")
            return took

        lives = p.dies(pmm, "a", crashed)
        b.until(STATE + " === 'restarted'")
        b.until("document.getElementById('restarts').textContent === '%d'" % lives)
        b.until("['last sample 0 s ago', 'last sample 1 s ago'].includes(document.getElementById('age').textContent)")

        # Frozen, then going on.
        pid = pmm.remote()["pid"]
        os.kill(pid, signal.SIGSTOP)
        try:
            b.until(STATE + " === 'silent'")
            shot(b, "silent")
        finally:
            os.kill(pid, signal.SIGCONT)
        b.until("['live', 'restarted'].includes(%s)" % STATE)

        # Nobody writes any more: ended in order, then killed; the page knows both.
        assert p.stop() == 0
        b.until(STATE + " === 'stopped'")
        assert b.complaints() == []
        with Page(pmm.dir, directory=p.dir) as again:
            b.until(STATE + " === 'live'")
            again.p.kill()
            again.p.wait()
            b.until(STATE + " === 'stale'")
        assert b.complaints() == []
        n.p.terminate()
        b.until(STATE + " === 'unreachable'")


@pytest.fixture
def fake(tmp_path):
    run = tmp_path / "run"
    (run / "fake.rpmsg" / "r").mkdir(parents=True)
    keeper = Keeper(run)
    services = [Service(str(run / "fake.rpmsg" / "r" / name)) for name in ("status", "log")]
    yield run, services
    for s in services:
        s.close()
    keeper.close()


EVIL = b"<script>window.evil=1</script><img src=x onerror='window.evil=1'>"


@pytest.mark.parametrize("look", ["light", "dark", "narrow"])
def test_names_are_text_and_nothing_else(fake, look):
    run, (status, log) = fake
    width = 400 if look == "narrow" else 1280
    with Page(run, "--board", "fake", "r") as p, Nginx(p.dir) as n, Browser(width=width, dark=look == "dark") as b:
        status.joined()
        log.joined()
        for i in range(1, 61):
            status.send(sample(i, period=10000, life=1 + i // 40))
            time.sleep(0.03)  # for the picture's sake
        log.send(EVIL)
        p.until(lambda s: s["received"] == 60)
        b.open(n.url)
        b.until("['live', 'restarted'].includes(%s) && past.rows.length === 60" % STATE)
        shot(b, look)
        evil = [(b"<script>x=1<", 0.25), (b"<b>bold</b>", 0.5), (b"&lt;&#34;'\"", 0.1), (b"__proto__", 0.1)]
        for i in range(61, 64):
            status.send(sample(i, period=10000, loops=evil, queues=((b"<i>q</i><script>", 0), (b"constructor", 1)),
                               board=b"<svg onload=a()>"))
        b.until("document.getElementById('cpu-legend').textContent.includes('<script>x=1<')")
        text = b.js("document.body.innerText")
        for shown in "<b>bold</b>", "&lt;&#34;'\"", "<i>q</i><script>", "constructor", "<svg onload=a()>", \
                     EVIL.decode(), "__proto__":
            assert shown in text, shown
        assert b.js("window.evil") is None
        assert b.js("document.querySelectorAll('b b, svg, img, main script, i b').length") == 0
        # Nothing of the page is wider than the window.
        assert b.js("document.documentElement.scrollWidth <= window.innerWidth")
        assert b.complaints() == []
        # And should a name become markup all the same, the policy does not let it run.
        b.js("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.evil=1\">'); "
             "document.body.appendChild(Object.assign(document.createElement('script'), {textContent: 'window.evil=1'})); 0")
        b.until("document.readyState === 'complete'")
        assert b.js("new Promise((r) => setTimeout(() => r(window.evil === undefined), 300))") in (True, {}, None)
        assert b.js("window.evil") is None


@pytest.mark.parametrize("shares, shown", [
    ((0, 0.00000151, 0.00037, 0.5), ["0.00 %", "0.00 %", "0.04 %", "50.00 %"]),
    ((0, 0.00037, 0.000002, 0.0001), ["0.0000 %", "0.0370 %", "0.0002 %", "0.0100 %"]),
])
def test_shares_are_written_alike(fake, shares, shown):
    run, (status, _) = fake
    loops = [(b"l%d" % i, v) for i, v in enumerate(shares)] + [(b"idle", 1 - sum(shares))]
    with Page(run, "--board", "fake", "r") as p, Nginx(p.dir) as n, Browser() as b:
        status.joined()
        status.send(sample(1, period=60000, loops=loops))
        p.until(lambda s: s["received"] == 1)
        b.open(n.url)
        b.until("document.querySelectorAll('#cpu-legend li').length == 4")
        assert b.js("[...document.querySelectorAll('#cpu-legend b')].map((e) => e.textContent).join()").split(",") == shown
        busy = b.js("document.getElementById('cpu-now').textContent")
        assert re.fullmatch(r"busy [0-9]+\.[0-9]{%d} %% of the time" % len(shown[0][2:-2]), busy), busy


def test_reasons_are_told(tmp_path):
    """Why a remote is not live: its link, or that there is no such remote."""
    detail = "document.getElementById('detail').textContent === '%s'"
    (tmp_path / "fake.rpmsg" / "r").mkdir(parents=True)
    keeper, status = Keeper(tmp_path), Service(str(tmp_path / "fake.rpmsg" / "r" / "status"))
    with Page(tmp_path, "--board", "fake", "r") as p, Nginx(p.dir) as n, Browser() as b:
        status.joined()
        status.send(sample(1, period=60000))
        b.open(n.url)
        b.until(STATE + " === 'live'")
        keeper.state, keeper.link = "attached", "lost"
        b.until(STATE + " === 'silent' && " + detail % "The link to it is lost; its carrier says: attached.")
        keeper.remote = "s"
        b.until(STATE + " === 'offline' && " + detail % "Board fake has no remote r; there are: s.")
        keeper.close()
        os.unlink(tmp_path / "fake.sock")
        status.close()
        b.until(STATE + " === 'offline' && " + detail % "The PMM does not run.")
        assert b.complaints() == []


def test_nginx(fake):
    with Page(fake[0], "--board", "fake", "r") as p, Nginx(p.dir) as n:
        for name, kind in (("", "text/html; charset=utf-8"), ("page.js", "application/javascript; charset=utf-8"),
                           ("page.css", "text/css"), ("status.json", "application/json")):
            status, headers, body = n.get(name)
            assert status == 200 and headers["Content-Type"].startswith(kind) and body
            csp = headers["Content-Security-Policy"]
            assert "default-src 'none'" in csp and "script-src 'self'" in csp and "unsafe" not in csp
            assert headers["X-Content-Type-Options"] == "nosniff" and headers["Cache-Control"] == "no-cache"
            assert headers["Server"] == "nginx"
        json.loads(n.get("history.json")[2])
        with open(p.dir + "/.status.json.tmp", "w") as f:
            f.write("half")
        os.symlink("/etc/passwd", p.dir + "/link.json")
        assert n.get(".status.json.tmp")[0] == 404
        assert n.get("link.json")[0] == 403
        assert n.get("nothing")[0] == 404
        assert n.get("%2e%2e/nginx.conf")[0] in (400, 404)
        assert n.get("status.json", "POST")[0] == 403
        assert n.get("status.json", "DELETE")[0] == 403
