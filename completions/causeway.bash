# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# Completion of the causeway command for bash: source it, or install it as completions/causeway.
_causeway()
{
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]:-}
	local commands="check layout run status top console gdb forward rpmsg start stop restart attach detach dump logs"

	if [ "$COMP_CWORD" -eq 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
		return
	fi
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	-f | --format)
		mapfile -t COMPREPLY < <(compgen -W "text c-header ld dts-linux dts-remote dtb json" -- "$cur")
		return
		;;
	esac
	case $command:$cur in
	*:-*) mapfile -t COMPREPLY < <(compgen -W "$(causeway "$command" --help 2>/dev/null |
		grep -oE -- '--[a-z-]+' | sort -u)" -- "$cur") ;;
	rpmsg:*) [ "$COMP_CWORD" -ne 2 ] ||
		mapfile -t COMPREPLY < <(compgen -W "ls send recv ping bench tty" -- "$cur") ;;
	check:* | layout:* | run:*) mapfile -t COMPREPLY < <(compgen -f -X '!*.yaml' -- "$cur") ;;
	esac
}
complete -o filenames -F _causeway causeway
