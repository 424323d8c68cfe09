#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `meson install` puts the command, its library and the manual where they find each other, under any root.
set -u
BUILD=$1
# shellcheck source=lib.sh source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# As the package builder does it. The build is complete, for a test runs only then.
outcome env DESTDIR="$work/root" meson install -C "$BUILD" --no-rebuild --quiet
expect_status 0
installed=$(find "$work/root" -type f | sed "s|^$work/root||" | sort)
last="find $work/root" out=$installed
expect_in "$installed" "/bin/softsgx" "/softsgx/libsoftsgx.so" "/man/man1/softsgx.1"

softsgx=$(find "$work/root" -path '*/bin/softsgx')
library=$(find "$work/root" -name libsoftsgx.so)
outcome "$softsgx" run true
expect_status 0
# shellcheck disable=SC2016 # for the inner shell
outcome "$softsgx" run sh -c 'echo $LD_PRELOAD'
expect_out "$(realpath "$library")"

# The same after it has been moved as a whole.
mv "$work/root" "$work/moved"
outcome "$(find "$work/moved" -path '*/bin/softsgx')" doctor --json
expect_status 0
expect_in "$out" "\"$(find "$(realpath "$work/moved")" -name libsoftsgx.so)\""
done_testing
