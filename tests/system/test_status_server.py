# SPDX-License-Identifier: BSD-3-Clause
"""The status page from a web server that is as plain as can be, and with a long history, in a headless Chromium."""
import json
import urllib.request

from browser import Browser
from page import Page, Plain, sample
from pmm import PATIENCE, until
from test_status_browser import STATE, fake, number, pixels  # noqa: F401


def test_a_server_without_a_clock(fake):
    """Ages go by the browser's clock then, and what follows from them is as ever."""
    run, (status, _) = fake
    age = "document.getElementById('age').textContent"
    with Page(run, "--board", "fake", "r") as p, Plain(p.dir) as n, Browser() as b:
        assert "Date" not in urllib.request.urlopen(n.url, timeout=PATIENCE).headers
        status.joined().send(sample(1))
        p.until(lambda s: s["received"] == 1)
        b.open(n.url)
        b.until(STATE + " === 'live'")
        status.send(sample(2, period=1000))
        b.until(STATE + " === 'silent'")
        b.until("Number((%s.match(/[0-9]+/) || [])[0]) >= 4" % age)
        status.send(sample(1, life=2))
        b.until(STATE + " === 'restarted'")
        b.until("Number((%s.match(/[0-9]+/) || [])[0]) < 4" % age)
        assert number(b, "restarts") == 1
        p.p.kill()
        p.p.wait()
        b.until(STATE + " === 'stale'")
        assert b.complaints() == []


def test_a_long_history(fake):
    run, (status, _) = fake
    with Page(run, "--board", "fake", "--history", "60000", "r") as p, Plain(p.dir) as n, Browser() as b:
        status.joined()
        for i in range(1, 3):
            status.send(sample(i, period=60000))
        until(lambda: len(p.rows()) == 2)
        history = p.read("history.json")
        last = history["rows"][-1]
        uptime = history["columns"].index("uptime_ms")
        history["rows"] = []
        for i in range(60000):
            row = list(last)
            row[0] += 1000 * (i - 59999)
            row[uptime] = 1000 * i
            history["rows"].append(row)
        n.instead["/history.json"] = json.dumps(history).encode()
        b.open(n.url)
        b.until("past && past.rows.length === 60000 && %s === 'live'" % STATE)
        for canvas in "cpu", "memory", "messages", "doorbells":
            assert pixels(b, canvas) > 500, canvas
        assert not b.js("failed") and b.complaints() == []
