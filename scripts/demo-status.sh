# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2154,SC2034
# (variables of scripts/demo, which uses those that are set here)
#
# The steps of `./dev demo status`, read by scripts/demo: a remote that tells how it is, a program that
# keeps it as a web page, and nginx. Needs no namespace: nothing listens but on loopback, at a free port.

page=$build/apps/status-page/causeway-status-page
page_pid='' nginx_pid=''

# fetch FILE: through HTTP.
fetch() { curl -sS --noproxy '*' -m 5 "$url$1"; }

# value EXPRESSION: of status.json, as s, fetched through HTTP.
value() {
	fetch status.json >"$work/status.seen" && python3 -SEc "
import json, sys
s = json.load(open(sys.argv[1]))
print($1)" "$work/status.seen"
}
# rows: how many samples there are in history.json.
rows() { fetch history.json | python3 -SEc "import json, sys; print(len(json.load(sys.stdin)['rows']))"; }
rows_are() { [ "$(rows)" -ge "$1" ]; }

# is EXPRESSION: whether it is true now.
is() { [ "$(value "bool($1)" 2>/dev/null)" = True ]; }

state_is() { is "s['state'] == '$1'"; }

# took: seconds since $since, which is date +%s%N.
took() { awk -v a="$since" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }

free_port() {
	python3 -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
}

step_status_start() {
	begin "The PMM starts the remote, $what; a program keeps what it tells in a directory"
	board=$work/board.yaml
	sed "s|\.\./build/gcc|$build|; s|\.\./build|$top/build|" "$top/boards/$board_name.yaml" >"$board"
	"$build/cli/causeway" run --run-dir "$work/run" "$board" >"$run_log" 2>&1 </dev/null &
	keeper=$!
	mkdir -p "$work/nginx/tmp"
	chmod 755 "$work/nginx" # for nginx's worker, whatever the umask
	"$page" --directory "$work/nginx/www" --run-dir "$work/run" "$remote" >"$work/page.log" 2>&1 </dev/null &
	page_pid=$!
	until_seen "$boot" grep -q "\[$remote\] started on" "$run_log" ||
		bad "the remote did not come up in $boot s"
	grep '^causeway:\|\] started' "$run_log" | sed "s|$top/||g; s|$work/||g" | show
	until_seen 30 test -s "$work/nginx/www/index.html" || bad "$(cat "$work/page.log")"
	good "keeper $keeper, remote $(remote_field pid), causeway-status-page $page_pid"
}

step_status_serve() {
	begin "nginx serves the directory, as an ordinary user and on loopback only"
	port=$(free_port)
	url=http://127.0.0.1:$port/
	sed "s|@LISTEN@|127.0.0.1:$port|" "$top/apps/status-page/nginx.conf.in" >"$work/nginx/nginx.conf"
	nginx -p "$work/nginx" -e stderr -c "$work/nginx/nginx.conf" >"$work/nginx.log" 2>&1 </dev/null &
	nginx_pid=$!
	until_seen 30 fetch index.html || bad "nginx: $(cat "$work/nginx.log")"
	curl -sS --noproxy '*' -m 30 -D "$work/names" -o "$work/ping" "$url" || bad "nginx: $(cat "$work/nginx.log")"
	tr -d '\r' <"$work/names" | grep -iE '^(HTTP|Server|Content-Type|Content-Security)' | cut -c1-100 | show
	grep -q '^HTTP/[0-9.]* 200' "$work/names" ||
		bad "nginx answers $(tr -d '\r' <"$work/names" | head -n 1): $(cat "$work/nginx.log")"
	grep -q '<title>Remote status</title>' "$work/ping" || bad "another page was served"
	good "nginx $nginx_pid: $url"
}

# What was read back, for people.
print_values() {
	value "'\n'.join([
		'state      %s, sample %d of life %s' % (s['state'], s['sample']['sequence'], s['sample']['life']),
		'uptime     %.1f s, a sample every %d ms' % (s['sample']['uptime_us'] / 1e6, s['sample']['period_ms']),
		'shares     ' + ', '.join('%s %.3f %%' % (l['name'], 100 * l['share']) for l in s['sample']['loops']),
		'stack      %d of %d bytes' % (s['sample']['stack']['used'], s['sample']['stack']['size']),
		'heap       ' + ('%d of %d bytes' % (s['sample']['heap']['used'], s['sample']['heap']['size']) if 'heap' in s['sample'] else 'none'),
		'queues     ' + ', '.join('%s[%d] %d used' % (q['device'], q['index'], q['used']) for q in s['sample']['queues']),
		'doorbells  %d in, %d out; messages %d in, %d out' % (s['sample']['doorbells']['in'], s['sample']['doorbells']['out'], s['sample']['messages']['in'], s['sample']['messages']['out']),
		'temperature ' + ('%.1f C' % s['sample']['temperature_c'] if 'temperature_c' in s['sample'] else 'no sensor')])" | show
	say "history    $(rows) samples" | show
}

step_status_values() {
	begin "What the remote tells, read back through HTTP"
	until_seen 30 state_is live || bad "not live: $(fetch status.json)"
	print_values
	first=$(value "s['sample']['sequence']")
	until_seen 30 is "s['sample']['sequence'] >= $first + 2" || bad "the sequence does not advance"
	until_seen 30 rows_are 3 || bad "the history does not grow"
	is "0.98 < sum(l['share'] for l in s['sample']['loops']) < 1.02" || bad "the shares are no whole"
	is "s['sample']['stack']['used'] > 0" || bad "no stack is used"
	good "sample $first, then $(value "s['sample']['sequence']"); the shares add up"
}

step_status_control() {
	begin "Linux asks for a sample every 200 ms, and for one at once"
	"$page" --period 200 --run-dir "$work/run" "$remote" 2>&1 | show
	"$page" --sample --run-dir "$work/run" "$remote" 2>&1 | show
	until_seen 30 is "s['sample']['period_ms'] == 200" || bad "the period is another"
	first=$(value "s['sample']['sequence']")
	since=$(date +%s%N)
	until_seen 30 is "s['sample']['sequence'] >= $first + 8" || bad "samples do not come faster"
	good "$(($(value "s['sample']['sequence']") - first)) samples in $(took) s"
	"$page" --period 1000 --run-dir "$work/run" "$remote" >"$work/ping" 2>&1 || bad "$(cat "$work/ping")"
}

# Starts the remote again and waits until the page says that it began anew.
step_status_again() {
	restarts=$(value "s['restarts']")
	causeway start "$remote" >"$work/names" 2>&1 || bad "causeway start: $(cat "$work/names")"
	until_seen "$boot" is "s['state'] == 'restarted' and s['restarts'] == $restarts + 1" || bad "not seen: $(fetch status.json)"
}

step_status_kill() {
	begin "The remote is frozen, stopped, killed, and started again: the page's data says so"
	old=$(remote_field pid)
	since=$(date +%s%N)
	kill -STOP "$old"
	until_seen 3 state_is silent || bad "not seen within 3 s: $(fetch status.json)"
	say "frozen:  state silent after $(took) s" | show
	kill -CONT "$old"
	until_seen 30 state_is live || bad "not live again: $(fetch status.json)"
	since=$(date +%s%N)
	causeway stop "$remote" >"$work/names" 2>&1 || bad "causeway stop: $(cat "$work/names")"
	until_seen 3 state_is offline || bad "not seen within 3 s: $(fetch status.json)"
	say "stopped: state offline after $(took) s" | show
	step_status_again
	value "'started: state %s, restart %d, sample %d of life %s' % (s['state'], s['restarts'], s['sample']['sequence'], s['sample']['life'])" | show
	old=$(remote_field pid)
	since=$(date +%s%N)
	kill -9 "$old"
	until_seen 3 state_is crashed || bad "not seen within 3 s: $(fetch status.json)"
	say "killed: state crashed after $(took) s, $(value "s['carrier']['crashes']") crash" | show
	step_status_again
	value "'started: state %s, restart %d' % (s['state'], s['restarts'])" | show
	good "each within three seconds"
}

step_status_keep() {
	say "  The page is at $url until you press Enter. The remote's shell:"
	say "  $build/cli/causeway console --run-dir $work/run $remote"
	read -r _ || true
}

# ended PID WHAT: a child that was told to end has done so, in order.
ended() {
	status=0
	wait "$1" || status=$?
	[ "$status" -eq 0 ] || bad "$2 ended with status $status"
}

step_status_stop() {
	begin "Everything stops, and nothing is left behind"
	pids="$keeper $page_pid $nginx_pid $(worker_field pid) $(remote_field pid)"
	kill "$page_pid"
	ended "$page_pid" causeway-status-page
	page_pid=
	state_is stopped || bad "the page's data does not say that nobody watches"
	kill "$nginx_pid"
	ended "$nginx_pid" nginx
	nginx_pid=
	causeway stop >"$work/names" 2>&1 || bad "causeway stop: $(cat "$work/names")"
	ended "$keeper" "causeway run"
	keeper=
	for pid in $pids; do
		! kill -0 "$pid" 2>/dev/null || bad "process $pid is still there"
	done
	for f in index.html page.css page.js status.json history.json; do
		rm "$work/nginx/www/$f" || bad "$f was not there"
	done
	rmdir "$work/nginx/www" || bad "files are left: $(ls -A "$work/nginx/www")"
	good "no process of $pids, no file but those of the page"
}

status_over() {
	for pid in $page_pid $nginx_pid $keeper; do
		kill "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$work"
}

run_status() {
	[ -x "$page" ] || give_up "nothing is built in $build: run ./dev demo status"
	command -v nginx >/dev/null || give_up "needs nginx (package nginx-light)"
	keeper=''
	steps=6 # of scripts/demo's begin()
	work=$(mktemp -d "${TMPDIR:-/tmp}/causeway-demo.XXXXXX")
	run_log=$work/run.log
	trap status_over EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	chmod 755 "$work" # nginx's worker is another user when root has started it
	step_status_start
	step_status_serve
	step_status_values
	step_status_control
	step_status_kill
	if "$interactive"; then
		step_status_keep
	fi
	step_status_stop
	printf '\nIt works: every step was seen to work, in %d s.\n' $(($(date +%s) - started))
}
