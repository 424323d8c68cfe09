#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the program finds: its own arguments, the library in front of what was preloaded before, and nothing asked for
# that was not.
set -u
SOFTSGX=$1
LIBRARY=$(realpath "$2")
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

outcome "$SOFTSGX" run -- printf '%s|' a "b c" --epc -- ''
expect_status 0
expect_out 'a|b c|--epc|--||'

# shellcheck disable=SC2016 # for the inner shell
outcome "$SOFTSGX" run sh -c 'echo $LD_PRELOAD'
expect_out "$LIBRARY"
# A library that is there and harmless.
other=$(ldconfig -p 2>/dev/null | awk '/libm\.so\.6 .*x86-64/ { print $NF; exit }')
other=${other:-/lib/x86_64-linux-gnu/libm.so.6}
# shellcheck disable=SC2016
outcome env LD_PRELOAD="$other" "$SOFTSGX" run sh -c 'echo $LD_PRELOAD'
expect_out "$LIBRARY:$other"
# shellcheck disable=SC2016
outcome "$SOFTSGX" run "$SOFTSGX" run sh -c 'echo $LD_PRELOAD'
expect_out "$LIBRARY"
# It is really there, not only in the variable.
outcome "$SOFTSGX" run grep -c "$LIBRARY" /proc/self/maps
expect_status 0

outcome "$SOFTSGX" run --epc=16M --overcommit -1 --backing-max 1G --mechanism sigbus --strict \
	sh -c 'env | grep ^SOFTSGX_ | sort'
expect_out "SOFTSGX_BACKING_MAX=1073741824
SOFTSGX_EPC=16777216
SOFTSGX_MECHANISM=sigbus
SOFTSGX_OVERCOMMIT=-1
SOFTSGX_STRICT=1"
outcome env SOFTSGX_BACKING_MAX=5 SOFTSGX_STATS_FD=1 "$SOFTSGX" run sh -c 'env | grep ^SOFTSGX_ | sort'
expect_out "SOFTSGX_EPC=134217728
SOFTSGX_MECHANISM=auto
SOFTSGX_OVERCOMMIT=150
SOFTSGX_STRICT=0"

# Statistics: on standard error or in the file, never on the program's standard output; JSON is JSON.
outcome "$SOFTSGX" run --stats echo hello
expect_status 0
expect_out "hello"
expect_in "$err" "no enclave was created"
outcome "$SOFTSGX" run --stats-file "$work/stats" sh -c 'exit 3'
expect_status 3
expect_in "$(cat "$work/stats")" "no enclave was created"
outcome "$SOFTSGX" run --stats=json --stats-file="$work/stats" sh -c 'exit 3'
expect_status 3
python3 -m json.tool "$work/stats" >"$work/json" || complain "not JSON"
expect_in "$(cat "$work/json")" '"exit_status": 3' '"faults": 0'
# shellcheck disable=SC2016
outcome "$SOFTSGX" run --stats=json sh -c 'kill -9 $$'
expect_status 137
printf '%s' "$err" | python3 -m json.tool >"$work/json" || complain "not JSON"
expect_in "$(cat "$work/json")" '"exit_signal": 9'
outcome "$SOFTSGX" run --stats-file /no/such/directory/file true
expect_status 125
expect_in "$err" "/no/such/directory/file"
done_testing
