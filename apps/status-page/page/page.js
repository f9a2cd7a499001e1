// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reads status.json and history.json every second and shows them. Whatever a remote calls itself or says
 * becomes text by textContent and nothing else. Ages are counted by the server's clock (the Date of its
 * answers) and go on here: when nobody writes the files any more, or nobody serves them, the page says so.
 */
"use strict";

const EVERY = 1000, PATIENCE = 2500, STALE = 4000;
const TITLES = {
	loading: "Loading", waiting: "Waiting", live: "Live", restarted: "Restarted", silent: "Silent",
	crashed: "Crashed", offline: "Offline", stopped: "Not watched", stale: "No news", unreachable: "Unreachable",
};
const $ = (id) => document.getElementById(id);

let told = null, past = null; // as last read
let serverAt = 0, readAt = 0;      // the server's clock then, and ours
let failed = false;

function text(id, value) {
	const e = $(id);
	if (e.textContent !== value)
		e.textContent = value;
}

/* ---- numbers for people ---- */

const now = () => serverAt + (performance.now() - readAt);
const clock = (ms) => new Date(ms).toLocaleTimeString([], { hourCycle: "h23" });

function duration(s) {
	const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60;
	if (d)
		return d + " d " + h + " h";
	if (h)
		return h + " h " + m + " min";
	return m ? m + " min " + Math.floor(s % 60) + " s" : Math.floor(s) + " s";
}
function bytes(n) {
	return n < 10240 ? n + " B" : n < 1048576 ? (n / 1024).toFixed(1) + " K" : (n / 1048576).toFixed(1) + " M";
}
/* Shares that stand together have as many digits as the greatest, @most, needs. */
const percent = (most) => (v) => (v * 100).toFixed(most < 0.001 ? 4 : 2) + " %";
function rate(v) {
	for (const [unit, name] of [[1e9, " G"], [1e6, " M"], [1e4, " k"]])
		if (v >= unit)
			return (v / (unit === 1e4 ? 1e3 : unit)).toFixed(1) + name + "/s";
	return (v < 10 ? v.toFixed(1) : v.toFixed(0)) + "/s";
}

/* ---- charts ---- */

/* A round number not below v, and into how many steps it is cut. */
function ceiling(v) {
	const unit = Math.pow(10, Math.floor(Math.log10(v)));
	for (const [top, steps] of [[1, 4], [2, 4], [2.5, 5], [5, 5], [10, 4]])
		if (v <= top * unit * 1.0001)
			return [top * unit, steps];
	return [v, 4];
}

/*
 * series: [{name, values}], values as many as times, null where there is none: then the line is broken.
 * breaks: numbers of the values before which the remote began anew; there it is broken, too.
 */
function plot(canvas, times, series, breaks, label) {
	const style = getComputedStyle(document.documentElement), color = (n) => style.getPropertyValue(n);
	const scale = window.devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
	const g = canvas.getContext("2d"), bottom = h - 20, left = 58, right = w - 6, top = 8;
	canvas.width = w * scale;
	canvas.height = h * scale;
	g.scale(scale, scale);
	g.font = "11px system-ui, sans-serif";
	g.fillStyle = color("--quiet");
	const values = series.flatMap((s) => s.values).filter((v) => v !== null);
	if (times.length < 2 || !values.length) {
		g.textAlign = "center";
		g.fillText("nothing to plot yet", w / 2, h / 2);
		return;
	}
	const [high, steps] = ceiling(values.reduce((a, b) => Math.max(a, b), 1e-9));
	const begin = times[0], end = times[times.length - 1];
	const x = (t) => left + (right - left) * (t - begin) / Math.max(end - begin, 1);
	const y = (v) => bottom - (bottom - top) * Math.min(v / high, 1);

	g.lineWidth = 1;
	g.strokeStyle = color("--grid");
	g.textAlign = "right";
	g.textBaseline = "middle";
	for (let i = 0; i <= steps; i++) {
		const at = Math.round(y(high * i / steps)) + 0.5;
		g.beginPath();
		g.moveTo(left, at);
		g.lineTo(right, at);
		g.stroke();
		g.fillText(label(high * i / steps), left - 6, at);
	}
	g.textBaseline = "alphabetic";
	g.textAlign = "left";
	g.fillText(clock(begin), left, h - 5);
	g.textAlign = "right";
	g.fillText(clock(end), right, h - 5);

	g.strokeStyle = color("--quiet");
	g.setLineDash([3, 3]);
	for (const i of breaks) {
		g.beginPath();
		g.moveTo(x(times[i]), top);
		g.lineTo(x(times[i]), bottom);
		g.stroke();
	}
	g.setLineDash([]);

	series.forEach((s, n) => {
		let drawing = false;
		g.strokeStyle = color("--series-" + n % 8);
		g.lineWidth = 1.75;
		g.lineJoin = g.lineCap = "round";
		g.beginPath();
		s.values.forEach((v, i) => {
			if (v !== null && (!drawing || breaks.has(i)))
				g.moveTo(x(times[i]), y(v));
			if (v !== null)
				g.lineTo(x(times[i]), y(v)); /* one alone is a dot */
			drawing = v !== null;
		});
		g.stroke();
	});
}

function legend(id, series, show) {
	const list = $(id);
	while (list.children.length > series.length)
		list.lastChild.remove();
	series.forEach((s, n) => {
		let item = list.children[n];
		if (!item) {
			item = list.appendChild(document.createElement("li"));
			item.append(document.createElement("i"), document.createElement("span"), document.createElement("b"));
			item.firstChild.style.setProperty("--swatch", "var(--series-" + n % 8 + ")");
		}
		const last = s.values.findLast((v) => v !== null);
		item.children[1].textContent = s.name;
		item.children[2].textContent = last === undefined ? "–" : show(last);
	});
}

function chart(id, times, series, breaks, show) {
	plot($(id), times, series, breaks, show);
	legend(id + "-legend", series, show);
}

/* Running numbers, modulo 2^32, as rates by the remote's own clock; null where it began anew. */
function rates(rows, column) {
	const uptime = past.columns.indexOf("uptime_ms");
	return rows.map((r, i) => {
		const before = rows[i - 1];
		if (!before || before[1] !== r[1] || r[uptime] <= before[uptime])
			return null;
		const more = (r[column] - before[column]) >>> 0;
		return more < 0x80000000 ? more / (r[uptime] - before[uptime]) * 1000 : null;
	});
}

function charts() {
	const at = (name) => past.columns.indexOf(name), rows = past.rows, times = rows.map((r) => r[0]);
	const breaks = new Set([...rows.keys()].filter((i) => i && rows[i - 1][1] !== rows[i][1]));
	const level = (column) => rows.map((r) => r[column]);
	const loops = past.loops.map((name, i) => ({ name, values: level(past.columns.length + i) }));
	const busy = loops.filter((l) => l.name !== "idle"), idle = loops.find((l) => l.name === "idle");
	const sample = (told && told.sample) || {}, memory = [];

	if (sample.stack)
		memory.push({ name: "stack, most ever", values: level(at("stack_used")) });
	if (sample.heap)
		memory.push({ name: "heap", values: level(at("heap_used")) });
	const share = percent(busy.flatMap((l) => l.values).reduce((a, b) => Math.max(a, b), 0));
	chart("cpu", times, busy, breaks, share);
	chart("memory", times, memory, breaks, bytes);
	chart("messages", times, [{ name: "in", values: rates(rows, at("messages_in")) },
		{ name: "out", values: rates(rows, at("messages_out")) }], breaks, rate);
	chart("doorbells", times, [{ name: "in", values: rates(rows, at("doorbells_in")) },
		{ name: "out", values: rates(rows, at("doorbells_out")) }], breaks, rate);
	if (idle && rows.length)
		text("cpu-now", "busy " + share(1 - rows[rows.length - 1][past.columns.length + loops.indexOf(idle)]) + " of the time");
}

/* ---- the rest of the page ---- */

function meter(id, name, of) {
	const e = $(id);
	e.hidden = !of;
	e.value = of && of.size ? Math.min(of.used / of.size, 1) : 0;
	text(id + "-label", !of ? name + ": none" : of.size ? name + " " + bytes(of.used) + " of " + bytes(of.size)
		: name + " " + bytes(of.used));
}

function table(queues) {
	const body = $("queues");
	body.replaceChildren(...queues.map((q) => {
		const row = document.createElement("tr");
		for (const v of [q.device, q.index, q.in_flight + " of " + q.size, q.offered, q.used])
			row.appendChild(document.createElement("td")).textContent = v;
		return row;
	}));
}

function log(lines) {
	const list = $("log"), atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - 4;
	list.replaceChildren(...lines.map((l) => {
		const item = document.createElement("li");
		item.appendChild(document.createElement("time")).textContent = clock(l.at);
		item.appendChild(document.createElement("span")).textContent = l.text;
		return item;
	}));
	if (atEnd)
		list.scrollTop = list.scrollHeight;
}

function values() {
	const s = told.sample;
	text("name", told.remote || "Remote");
	document.title = (told.remote || "Remote") + ": status";
	text("restarts", String(told.restarts));
	text("counts", told.received + " samples received" + (told.refused ? ", " + told.refused + " messages refused" : ""));
	log(told.log);
	if (!s)
		return;
	text("board", s.board + ", life " + s.life);
	text("uptime", duration(s.uptime_us / 1e6));
	text("sequence", "#" + s.sequence);
	text("period", s.period_ms < 1000 ? s.period_ms + " ms" : s.period_ms / 1000 + " s");
	text("links", String(s.links));
	text("temperature", s.temperature_c === undefined ? "no sensor" : s.temperature_c.toFixed(1) + " °C");
	text("messages-now", s.messages.in + " in, " + s.messages.out + " out, all in all");
	text("doorbells-now", s.doorbells.in + " in, " + s.doorbells.out + " out, all in all");
	meter("stack", "Stack", s.stack);
	meter("heap", "Heap", s.heap);
	table(s.queues);
}

/* What the page itself knows weighs more than what it last read. */
function state() {
	if (failed)
		return "unreachable";
	if (!told)
		return "loading";
	if (told.state !== "stopped" && now() - told.written > STALE)
		return "stale";
	return Object.hasOwn(TITLES, told.state) ? told.state : "stale";
}

const sentence = (t) => t[0].toUpperCase() + t.slice(1) + ".";

function detail(s) {
	const c = told && told.carrier, crashed = c && c.crashes ? " It crashed " + c.crashes + " time" + (c.crashes > 1 ? "s" : "") + " so far." : "";
	switch (s) {
	case "waiting": return c.trouble ? sentence(c.trouble) : "No sample of its present life yet." + (told.service ? "" : " The remote has announced no service `status`.");
	case "restarted": return "The remote began anew at " + clock(told.restarted) + "; restart " + told.restarts + " that was seen." + crashed;
	case "silent": return c.link && c.link !== "up" ? "The link to it is " + (c.link === "memory gone" ? "gone, with its memory" : c.link) + "; its carrier says: " + c.state + "."
		: "Samples stopped coming. " + (told.service ? "The service is still there" : "The service is gone") + (c.pmm ? "; its carrier says: " + c.state + "." : "; the PMM does not answer.");
	case "crashed": return "Its carrier says that it crashed." + crashed;
	case "offline": return c.trouble ? sentence(c.trouble) : c.pmm ? "Its carrier says: " + c.state + "." : "The PMM does not run.";
	case "stopped": return "status-page was ended at " + clock(told.written) + ". What is below is what it saw last.";
	case "stale": return "status-page has written nothing since " + clock(told.written) + ". What is below is old.";
	case "unreachable": return "The web server does not answer. What is below is old.";
	}
	return told && told.refused ? told.refused + " messages were refused; the last had " + told.refusal + "." : "";
}

function badge() {
	const s = state(), why = detail(s), last = told && told.last_sample;
	document.body.dataset.state = s;
	text("state", TITLES[s]);
	text("age", last ? "last sample " + (Math.max(0, now() - last) / 1000).toFixed(0) + " s ago" : "no sample yet");
	text("detail", why);
	$("detail").hidden = !why;
}

async function read(name) {
	const stop = new AbortController(), timer = setTimeout(() => stop.abort(), PATIENCE);
	try {
		const answer = await fetch(name, { cache: "no-cache", signal: stop.signal });
		if (!answer.ok)
			throw new Error(name + ": " + answer.status);
		let date = Date.parse(answer.headers.get("Date"));
		if (Number.isNaN(date)) // a server without a clock: then ours
			date = Date.now();
		return [await answer.json(), date];
	} finally {
		clearTimeout(timer);
	}
}

/* The server tells whole seconds: its clock is within the next one, and not before what was written. */
function take([t, date], [h]) {
	told = t;
	past = h;
	serverAt = Math.min(Math.max(now(), date, told.written), date + 1000);
	readAt = performance.now();
	values();
	charts();
}

async function turn() {
	try {
		const answers = await Promise.all([read("status.json"), read("history.json")]);
		failed = false;
		take(...answers);
	} catch (e) {
		failed = true;
		console.warn(String(e));
	}
	badge();
	setTimeout(turn, EVERY);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => past && charts());
addEventListener("resize", () => past && charts());
setInterval(badge, 500);
turn();
