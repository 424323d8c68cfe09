#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What cannot work is refused before anything starts: status 125, the cause, and what to do about it.
set -u
SOFTSGX=$(realpath "$1")
DENY=$2
STATIC=$3
LOST=$4 # the command, without a library anywhere
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

USERFAULTFD=323
MEMFD_CREATE=319
PROCESS_VM_READV=310

refused() {
	expect_status 125
	expect_out ""
	expect_lines "$err" 2
	expect_in "$err" "softsgx run: " "to have it run: " "$@"
}

outcome "$SOFTSGX" run "$STATIC"
refused "$STATIC is statically linked" "link it dynamically"
printf '#!%s\n' "$(realpath "$STATIC")" >"$work/script"
chmod +x "$work/script"
outcome "$SOFTSGX" run "$work/script"
refused "statically linked"

if "$DENY" $USERFAULTFD true; then
	outcome "$DENY" $USERFAULTFD "$SOFTSGX" run echo started
	refused "userfaultfd is forbidden" "seccomp"
	outcome "$DENY" $MEMFD_CREATE "$SOFTSGX" run echo started
	refused "memfd_create"
	outcome "$DENY" $PROCESS_VM_READV "$SOFTSGX" run echo started
	refused "process_vm_readv"
else
	echo "skipped: this system has no seccomp filters" >&2
fi

outcome "$LOST" run echo started
refused "libsoftsgx.so is not where it was installed"
# A copy of the command whose library's path cannot be preloaded.
mkdir -p "$work/my build/cli" "$work/my build/shim"
cp "$SOFTSGX" "$work/my build/cli/"
cp "$(dirname "$SOFTSGX")/../shim/libsoftsgx.so" "$work/my build/shim/"
outcome "$work/my build/cli/softsgx" run echo started
refused "has a space" "another directory"

# Bad command lines are status 2 and one line.
for args in "--epc 4K" "--epc 64MB5" "--epc 5000000" "--overcommit -2" "--overcommit many" "--mechanism magic" \
	"--backing-max 1" "--stats=xml" "--frobnicate" ""; do
	# shellcheck disable=SC2086 # several words
	outcome "$SOFTSGX" run $args ${args:+true}
	expect_status 2
	expect_lines "$err" 1
	expect_in "$err" "softsgx run: ${args%%[ =]*}"
done
outcome "$SOFTSGX" run --backing-max 1048577T true
expect_status 2
expect_in "$err" "at most 1048576T, a multiple of 4K"
outcome "$SOFTSGX" run --stats-file /nonexistent/stats echo started
expect_status 125
expect_out ""
expect_in "$err" "/nonexistent/stats: No such file"
outcome "$SOFTSGX" rnu true
expect_status 2
expect_in "$err" "did you mean 'run'?"
outcome "$SOFTSGX"
expect_status 2
done_testing
