# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh disable=SC2154,SC2094
# (variables of scripts/demo; a file that is looked at while it is written)
#
# The steps of `./dev demo island`, read by scripts/demo: files, sockets, messages, a disk and a debugger.
# What each step compares, it prints.

# Everything that the steps make is below here, and goes with it.
island_files() { printf '%s/island' "$work"; }

# shell REMOTE LINE...: types lines at a remote's shell and waits until all are done, which its
# complaint about a last one shows; prints what came back, prompts taken out.
shell() {
	to=$1
	shift
	: >"$work/said"
	{
		printf '%s\n' "$@" "that-was-all"
		until_seen 60 grep -q '^that-was-all: no such' "$work/said" || true
	} | "$build/cli/causeway" console --run-dir "$work/run" "$to" >"$work/said" 2>&1 || true
	tr -d '\r' <"$work/said" | sed 's/^remote:~\$ //; /^$/d; /that-was-al/d'
	rm "$work/said"
}

# sum_of FILE: its SHA-256, by Linux; sum_seen PATH: by the remote.
sum_of() { sha256sum "$1" | cut -d' ' -f1; }
sum_seen() {
	shell island "fs sum $1" | sed -nE 's/^([0-9a-f]{64}).*/\1/p'
}

# same WHAT A B: two sums, which are shown.
same() {
	printf '%s\n' "Linux       $2" "the remote  $3" | show
	if [ -z "$2" ] || [ "$2" != "$3" ]; then
		bad "$1: they differ"
	fi
}

step_island_start() {
	begin "A remote with files, sockets, messages and a disk: boards/island.yaml, a process"
	files=$(island_files)
	mkdir -p "$files/export"
	truncate -s 16M "$files/disk.img"
	board=$work/board.yaml
	sed "s|\.\./build/gcc|$build|; s|/tmp/island\.img|$files/disk.img|
		s|/tmp/island\.vsock|$files/vsock|; s|/tmp/island\([ ,}]\)|$files/export\1|" \
		"$top/boards/island.yaml" >"$board"
	"$build/cli/causeway" run --run-dir "$work/run" "$board" >"$run_log" 2>&1 </dev/null &
	keeper=$!
	until_seen 30 grep -q 'echo services' "$run_log" || bad "the remote did not come up in 30 s"
	grep '^causeway:' "$run_log" | sed "s|$top/||g; s|$work/||g" | show
	good "keeper $keeper, worker $(worker_field pid), remote $(remote_field pid): link up"
}

step_file_to_remote() {
	begin "Linux writes a file of 64 MiB; the remote reads it through 9P"
	head -c 67108864 /dev/urandom >"$files/export/from-linux"
	same "SHA-256" "$(sum_of "$files/export/from-linux")" "$(sum_seen /from-linux)"
	good "equal at 64 MiB"
}

step_file_from_remote() {
	begin "The remote writes a file of 64 MiB; Linux reads it"
	shell island 'fs fill /from-remote 67108864 7' 'fs stat /from-remote' | grep -v '^fs ' | show
	[ "$(stat -c %s "$files/export/from-remote")" = 67108864 ] || bad "it has another size"
	same "SHA-256" "$(sum_of "$files/export/from-remote")" "$(sum_seen /from-remote)"
	rm "$files/export/from-linux" "$files/export/from-remote"
	good "equal at 64 MiB"
}

step_http() {
	begin "curl asks the remote's HTTP service, at a port of Linux that is forwarded"
	grep 'forward ' "$run_log" | show
	curl -sS --noproxy '*' -m 10 -i http://127.0.0.1:8080/ >"$work/ping" 2>&1 ||
		bad "curl: $(cat "$work/ping")"
	tr -d '\r' <"$work/ping" | show
	grep -q '^HTTP/1.0 200 OK' "$work/ping" || bad "not answered"
	grep -q '"remote": "island"' "$work/ping" || bad "another one answered"
	good "answered by remote island"
}

step_messages() {
	begin "Messages (RPMsg): ten thousand to the remote's service ping, and its shell on rpmsg-tty"
	causeway rpmsg ping island -n 10000 -i 0 >"$work/ping" 2>&1 || bad "$(cat "$work/ping")"
	show <"$work/ping"
	grep -q '^10000 sent, 10000 received, 0 lost' "$work/ping" || bad "not all came back"
	printf 'kernel uptime\r' | causeway rpmsg tty island 2>&1 |
		tr -d '\r' | sed -n '/^Uptime/p; /^Links/p' >"$work/ping"
	show <"$work/ping"
	grep -q '^Links: 1$' "$work/ping" || bad "the shell did not answer"
	good "all of them came back, and a command was answered"
}

# verified: whether the remote finds on its disk what was written.
verified() { shell island 'blk verify 100 2000 5' | grep '2000 sectors verified'; }

step_disk() {
	begin "A disk image keeps its data: over a restart of the remote, and SIGKILL of the worker"
	shell island 'blk info' 'blk write 100 2000 5' 'blk flush' | grep -v '^blk' | show
	before=$(sum_of "$files/disk.img")
	causeway restart island >/dev/null
	until_seen 30 verified || bad "not found again after a restart"
	say "restarted: 2000 sectors verified" | show
	[ "$(remote_field starts)" = 2 ] || bad "it was not restarted"
	old=$(worker_field pid)
	kill -9 "$old"
	until_seen 30 verified || bad "not found again after SIGKILL"
	say "worker $old killed, $(worker_field pid) took over: 2000 sectors verified" | show
	[ "$(sum_of "$files/disk.img")" = "$before" ] || bad "the image has changed"
	good "and on Linux the image is what it was"
}

step_log() {
	begin "The remote kept a log of its own in the exported folder"
	show <"$files/export/island.log"
	[ "$(grep -c '^started' "$files/export/island.log")" = 2 ] || bad "not two starts in it"
	grep -q 'link is up again\|link 2' "$files/export/island.log" || bad "not its second link"
	good "two starts and a second link, as it was"
}

step_island_stop() {
	causeway stop >"$work/names" 2>&1 || bad "causeway stop: $(cat "$work/names")"
	status=0
	wait "$keeper" || status=$?
	[ "$status" -eq 0 ] || bad "causeway run ended with status $status"
	keeper=
	[ ! -e "$files/vsock" ] || bad "a socket was left"
}

step_gdb() {
	begin "gdb-multiarch stops another remote, a Cortex-A53 under QEMU, at a breakpoint"
	sed "s|\.\./build/virt-a53/a53.gdb|$files/gdb|; s|\.\./build|$top/build|" \
		"$top/boards/virt-a53-gdb.yaml" >"$work/board.yaml"
	"$build/cli/causeway" run --run-dir "$work/run" "$work/board.yaml" >"$run_log" 2>&1 </dev/null &
	keeper=$!
	until_seen 30 grep -q 'echo services' "$run_log" || bad "it did not come up in 30 s"
	# shellcheck disable=SC2016 # gdb's variable
	timeout 60 "$build/cli/causeway" gdb --run-dir "$work/run" a53 -- -nx -q -batch \
		-ex 'break kernel_uptime' -ex continue -ex 'backtrace 4' -ex 'print app.links' \
		-ex stepi -ex stepi -ex 'print/x $pc' -ex delete -ex detach >"$work/ping" 2>&1 &
	debugger=$!
	until_seen 30 grep -q '^Breakpoint 1 at' "$work/ping" || bad "gdb: $(cat "$work/ping")"
	shell a53:shell 'kernel uptime' >"$work/names" || true
	wait "$debugger" || bad "gdb ended with status $?: $(cat "$work/ping")"
	grep -E '^(Breakpoint|#|\$|\[Inferior)' "$work/ping" | sed "s|$top/||g" | show
	grep -q '^Breakpoint 1, kernel_uptime' "$work/ping" || bad "it was not hit"
	shell a53:shell 'kernel uptime' >"$work/names"
	grep '^Uptime' "$work/names" | show
	grep -q '^Uptime' "$work/names" || bad "it does not go on"
	good "hit by the shell's own command; left, it goes on"
}

step_clean() {
	begin "Everything stops, and nothing is left behind"
	step_island_stop
	others >"$work/names"
	[ ! -s "$work/names" ] || bad "processes are left: $(cat "$work/names")"
	[ ! -e "$files/gdb" ] || bad "a socket was left"
	rm "$files/disk.img" "$files/export/island.log"
	rmdir "$files/export" "$files" || bad "files are left in $files"
	ip link del tap0
	[ "$(interfaces)" = lo ] || bad "interfaces are left: $(interfaces)"
	good "no process, no socket, no interface"
}

steps_island() {
	step_network
	step_island_start
	step_file_to_remote
	step_file_from_remote
	step_http
	step_messages
	step_disk
	step_log
	step_island_stop
	step_gdb
	step_clean
}
