#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a shell sees of `softsgx run` is what it would see of the program.
set -u
SOFTSGX=$1
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

for code in 0 1 2 77 125 126 127 128 255; do
	outcome "$SOFTSGX" run -- sh -c "exit $code"
	expect_status $code
	expect_out ""
done
outcome "$SOFTSGX" run false
expect_status 1

# The text of a signal's death comes from this shell; its number is 128 + n.
for signal in HUP:129 INT:130 KILL:137 USR1:138 SEGV:139 PIPE:141 TERM:143; do
	# shellcheck disable=SC2016 # the inner shell's own process
	outcome "$SOFTSGX" run sh -c 'kill -$0 $$' "${signal%:*}"
	expect_status "${signal#*:}"
done

outcome "$SOFTSGX" run no-such-program-anywhere
expect_status 127
expect_in "$err" "no-such-program-anywhere"
outcome "$SOFTSGX" run ./no/such/file
expect_status 127
outcome "$SOFTSGX" run /etc/passwd
expect_status 126
expect_in "$err" "/etc/passwd"
outcome "$SOFTSGX" run /
expect_status 126
printf '#!/no/such/interpreter\n' >"$work/script"
chmod +x "$work/script"
outcome "$SOFTSGX" run "$work/script"
expect_status 127
expect_in "$err" "$work/script"

# A script without its first line goes to the shell.
# shellcheck disable=SC2016 # for the script
printf 'echo "got $1"; exit 9\n' >"$work/script"
outcome "$SOFTSGX" run "$work/script" it
expect_status 9
expect_out "got it"

# Standard input, output and error are the program's.
printf 'in\n' >"$work/in"
got=$("$SOFTSGX" run sh -c 'cat; echo err >&2' <"$work/in" 2>"$work/err")
last="standard streams" status=0 out=$got err=$(cat "$work/err")
expect_out "in"
[ "$err" = err ] || complain "expected 'err' on standard error"
done_testing
