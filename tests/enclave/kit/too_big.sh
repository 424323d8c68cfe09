#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An enclave that needs more than EPC and backing memory together is refused, in one line that names the cure; with
# more of either it runs.
set -eu

softsgx=$1
shift

if out=$("$softsgx" run --epc 8M --overcommit 100 -- "$@" echo 1 2>&1); then
	echo "66 MiB fitted into 8 MiB of EPC and 8 MiB of backing memory" >&2
	exit 1
fi
echo "$out"
[ "$(echo "$out" | wc -l)" -eq 1 ]
echo "$out" | grep -q 'the enclave needs 6[0-9] MiB.*--epc SIZE, --overcommit PERCENT'
"$softsgx" run --epc 8M --overcommit 900 -- "$@" echo 1
"$softsgx" run --epc 80M --overcommit 0 -- "$@" echo 1
