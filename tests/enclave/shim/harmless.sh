#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Programs that use no enclave behave under the shim as they do without: same output, same exit status.
# usage: harmless.sh LIBSOFTSGX.so
library=$1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failures=0

# same NAME COMMAND...
same() {
	name=$1
	shift
	command -v "$1" >/dev/null || { echo "skipped: $name: no $1"; return; }
	env -u LD_PRELOAD "$@" >"$dir/without" 2>&1
	without=$?
	env LD_PRELOAD="$library" "$@" >"$dir/with" 2>&1
	with=$?
	# Reports of a death name the process and addresses.
	sed -i -e 's/^.*line [0-9]*: *[0-9]* /killed: /' -e 's/0x[0-9a-f]*/ADDRESS/g' "$dir/without" "$dir/with"
	if [ $with -ne $without ] || ! cmp -s "$dir/without" "$dir/with"; then
		echo "FAILED: $name: exit status $with instead of $without"
		diff "$dir/without" "$dir/with"
		failures=$((failures + 1))
	else
		echo "ok: $name"
	fi
}

same 'bash traps' bash -c '
	trap "echo usr1" USR1; trap "echo segv" SEGV; trap "echo alrm" ALRM; trap "echo exit" EXIT
	kill -USR1 $$; kill -SEGV $$; (sleep 0.1; kill -ALRM $$) & wait; wait; echo $((6 * 7)) | cat'
same 'death by SIGSEGV' sh -c 'kill -SEGV $$'
same 'death by SIGILL in a child' bash -c '(kill -ILL $BASHPID); echo $?; (kill -TERM $BASHPID); echo $?'
same 'signals that nobody handles' grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
same 'open descriptors' sh -c 'ls /proc/self/fd'
same 'closed descriptors' bash -c 'exec 3</dev/null 9<&3; exec 3<&- 9<&-; echo closed; : <&9'
same 'python: threads and signals' python3 -c '
import signal, threading, time, os, subprocess, ctypes
hits = []
signal.signal(signal.SIGALRM, lambda s, f: hits.append(s))
signal.signal(signal.SIGUSR1, lambda s, f: hits.append(s))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
n = [0]
def work():
    for i in range(20000): n[0] += 1 if i % 7 else 0
ts = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in ts]; [t.join() for t in ts]
end = time.time() + 0.2
while time.time() < end: pass
signal.setitimer(signal.ITIMER_REAL, 0)
os.kill(os.getpid(), signal.SIGUSR1); time.sleep(0.01)
print(len(hits) > 5, hits[-1] == signal.SIGUSR1, signal.pthread_sigmask(signal.SIG_BLOCK, []))
print(subprocess.run(["sh", "-c", "kill -9 $$"]).returncode, subprocess.check_output(["echo", "x"]))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); os.kill(os.getpid(), signal.SIGUSR1)
print(signal.sigpending(), signal.sigwait([signal.SIGUSR1]))
'
same 'python: a fault that kills' python3 -c 'import ctypes; ctypes.string_at(0)'
same 'python: a fault that is reported' python3 -X faulthandler -c 'import os, signal; os.kill(os.getpid(), signal.SIGABRT)'
same 'perl: alarm' perl -e '
	$SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select(undef, undef, undef, 5) }; print $@;
	$SIG{SEGV} = sub { print "segv\n" }; kill "SEGV", $$; print "on\n"; open F, "<", "/nowhere" or print "$!\n"'
cat >"$dir/hello.c" <<'END'
#include <stdio.h>
#include <sys/stat.h>
#include <fcntl.h>
int main(int argc, char **argv)
{
	struct stat st;
	return printf("%d %d\n", stat(argv[0], &st), open("/nowhere", O_RDONLY)) < 0;
}
END
same 'a compiler' sh -c "cc -O2 -o $dir/hello $dir/hello.c && $dir/hello"
same 'an address that is no object of the linker' python3 -c '
import ctypes; print(ctypes.CDLL(None).getauxval(3) != 0, ctypes.CDLL(None).getpid() > 0)'

exit $((failures != 0))
