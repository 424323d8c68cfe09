# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts here: running a command, and saying what is wrong with the outcome.
#
# $SOFTSGX is the command under test. A failed expectation is told at once; done_testing ends with status 1 if there
# was one.
# shellcheck shell=sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# outcome COMMAND... - run it; $status, $out and $err are what came of it.
outcome() {
	status=0
	# Shells report the deadly signals of their children on their own standard error: not here.
	{ ("$@" >"$work/out" 2>"$work/err" </dev/null) || status=$?; } 2>/dev/null
	out=$(cat "$work/out")
	err=$(cat "$work/err")
	last=$*
}

complain() {
	failures=$((failures + 1))
	printf 'FAILED: %s\n  %s\n  status %s\n  stdout: %s\n  stderr: %s\n' "$last" "$1" "$status" "$out" "$err" >&2
}

expect_status() {
	[ "$status" = "$1" ] || complain "expected status $1"
}

expect_out() {
	[ "$out" = "$1" ] || complain "expected on stdout: $1"
}

# expect_in TEXT PART...
expect_in() {
	text=$1
	shift
	for part; do
		case $text in
		*"$part"*) ;;
		*) complain "does not say: $part" ;;
		esac
	done
}

expect_lines() {
	[ "$(printf '%s\n' "$1" | wc -l)" = "$2" ] || complain "expected $2 lines"
}

done_testing() {
	[ "$failures" = 0 ] || { echo "$failures expectations failed" >&2; exit 1; }
	exit 0
}
