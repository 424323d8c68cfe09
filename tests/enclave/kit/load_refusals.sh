#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What cannot be loaded is refused in one line that says why and what to do; what can be, is.
#
# usage: load_refusals.sh SOFTSGX KEY KIT-RUN ELF SIG    (an enclave of 64 MiB)
set -eu

softsgx=$1 key=$2 kit_run=$3 elf=$4 sig=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# refused TEXT PLATFORM-OPTION... - the enclave at $dir/e does not load.
refused() {
	text=$1
	shift
	if out=$("$softsgx" run "$@" -- "$kit_run" --elf "$dir/e.elf" --sig "$dir/e.sig" echo 1 2>&1); then
		echo "loaded, but should say: $text" >&2
		exit 1
	fi
	echo "$out"
	[ "$(echo "$out" | wc -l)" -eq 1 ]
	echo "$out" | grep -q "$text"
}

loads() {
	"$softsgx" run "$@" -- "$kit_run" --elf "$dir/e.elf" --sig "$dir/e.sig" echo 1
}

cp "$elf" "$dir/e.elf"
refused 'cannot read .*/e.sig: No such file'
head -c 1000 "$sig" >"$dir/e.sig"
refused 'e.sig is not a SIGSTRUCT'

cp "$sig" "$dir/e.sig"
refused 'needs 6[0-9] MiB.*--epc SIZE, --overcommit PERCENT' --epc 8M --overcommit 100
loads --epc 8M --overcommit 900
loads --epc 80M --overcommit 0

# One byte of the SIGSTRUCT's measurement.
printf '\377' | dd of="$dir/e.sig" bs=1 seek=960 conv=notrunc 2>/dev/null
refused 'signature does not match the enclave: sign it again'

# Signed again, for production.
"$softsgx" sign "$elf" --key "$key" --svn 9 --production -o "$dir/e.sig"
loads
"$softsgx" sign --dump "$dir/e.sig" | grep -q 'svn 9, production'
