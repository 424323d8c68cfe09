#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# doctor tells what `run` would do: 0 where it runs programs, 1 with the missing line where it refuses them.
set -u
SOFTSGX=$1
DENY=$2
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

USERFAULTFD=323

# field NAME KEY - of one check in the JSON in $out
field() {
	printf '%s' "$out" | python3 -c '
import json, sys
checks = {c["name"]: c for c in json.load(sys.stdin)["checks"]}
print(checks[sys.argv[1]][sys.argv[2]])' "$1" "$2"
}

outcome "$SOFTSGX" doctor
expect_status 0
expect_in "$out" "Enclaves can run here." "mechanism" "userfaultfd" "fsgsbase" "max-map-count"
outcome "$SOFTSGX" doctor --json
expect_status 0
expect_in "$out" '"enclaves_can_run": true'
mechanism=$(field mechanism detail)
guard=$(field guard-markers status)
case $mechanism/$guard in
guard/ok | sigbus/warn) ;;
*) complain "mechanism $mechanism does not go with guard markers $guard" ;;
esac
outcome "$SOFTSGX" run --mechanism sigbus true
expect_status 0
outcome "$SOFTSGX" run --mechanism guard true
case $guard in
ok) expect_status 0 ;;
*)
	expect_status 125
	expect_in "$err" "guard markers" "sigbus"
	;;
esac

outcome sh -c "ulimit -f 1000; exec '$SOFTSGX' doctor --json"
expect_status 0
[ "$(field limit-file-size status)" = warn ] || complain "a limit on file size is not noticed"
expect_in "$(field limit-file-size cure)" "ulimit -f"

if "$DENY" $USERFAULTFD true; then
	outcome "$DENY" $USERFAULTFD "$SOFTSGX" doctor --json
	expect_status 1
	expect_in "$out" '"enclaves_can_run": false'
	[ "$(field userfaultfd status)" = missing ] || complain "userfaultfd is not missing"
	expect_in "$(field userfaultfd cure)" seccomp
	outcome "$DENY" $USERFAULTFD "$SOFTSGX" doctor
	expect_status 1
	expect_in "$out" "missing" "-> allow the system call userfaultfd" "Enclaves cannot run here"
else
	echo "skipped: this system has no seccomp filters" >&2
fi

# Not on a terminal: no escape sequences.
[ "$(printf '%s' "$out" | tr -d '\033')" = "$out" ] || complain "colour where there is no terminal"
done_testing
