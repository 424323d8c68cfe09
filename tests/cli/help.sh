#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Help is where one looks for it, and the manual is clean roff.
set -u
SOFTSGX=$1
MANUAL=$2
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

outcome "$SOFTSGX" help
expect_status 0
overview=$out
expect_in "$overview" "run " "doctor " "Not a security boundary"
outcome "$SOFTSGX" --help
expect_status 0
expect_out "$overview"
for command in run doctor sign; do
	outcome "$SOFTSGX" help $command
	expect_status 0
	text=$out
	expect_in "$text" "Usage: softsgx $command" "--help"
	outcome "$SOFTSGX" $command --help
	expect_status 0
	expect_out "$text"
	outcome "$SOFTSGX" $command --version
	expect_status 0
	expect_in "$out" "softsgx "
done
version=$("$SOFTSGX" --version)
outcome "$SOFTSGX" run --version
expect_out "$version"
outcome "$SOFTSGX" help rnu
expect_status 2
outcome sh -c "'$SOFTSGX' help >/dev/full"
expect_status 1
expect_in "$err" "softsgx: standard output could not be written: No space left"

if command -v groff >/dev/null; then
	outcome groff -man -ww -z "$MANUAL"
	expect_status 0
	[ -z "$err" ] || complain "groff warns"
else
	echo "skipped: no groff to check the manual with" >&2
fi
done_testing
