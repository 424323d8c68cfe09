/* SPDX-License-Identifier: Apache-2.0 */
/* SIGSTRUCTs in files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/sign/sign.h"

static int write_all(int fd, const uint8_t *data, size_t bytes)
{
	while (bytes != 0) {
		ssize_t n = write(fd, data, bytes);

		if (n < 0)
			return -errno;
		data += n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* mkstemp() makes files only their owner may read; a signature is as public as other files are here. */
static int make_ordinary(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask) == 0 ? 0 : -errno;
}

int kit_sigstruct_write(const char *path, const struct sgx_sigstruct *sig, struct kit_error *err)
{
	char *temporary;
	int fd, ret;

	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return kit_fail(err, ENOMEM, "out of memory");
	fd = mkostemp(temporary, O_CLOEXEC);
	ret = fd < 0 ? -errno : write_all(fd, (const uint8_t *)sig, sizeof(*sig));
	if (ret == 0)
		ret = make_ordinary(fd);
	if (fd >= 0 && close(fd) != 0 && ret == 0)
		ret = -errno;
	if (ret == 0 && rename(temporary, path) != 0)
		ret = -errno;
	if (ret != 0) {
		if (fd >= 0)
			unlink(temporary);
		ret = kit_fail(err, -ret, "cannot write %s: %s", path, strerror(-ret));
	}
	free(temporary);
	return ret;
}

int kit_sigstruct_read(const char *path, struct sgx_sigstruct *sig, struct kit_error *err)
{
	FILE *f = fopen(path, "re");
	bool whole;

	if (!f)
		return kit_fail(err, errno, "cannot read %s: %s", path, strerror(errno));
	whole = fread(sig, sizeof(*sig), 1, f) == 1 && fgetc(f) == EOF;
	fclose(f);
	if (!whole)
		return kit_fail(err, EINVAL, "%s is not a SIGSTRUCT: it has not %zu bytes", path, sizeof(*sig));
	if (memcmp(sig->header, SGX_SIGSTRUCT_HEADER, sizeof(sig->header)) != 0 ||
	    memcmp(sig->header2, SGX_SIGSTRUCT_HEADER2, sizeof(sig->header2)) != 0)
		return kit_fail(err, EINVAL, "%s is not a SIGSTRUCT: its headers are not there", path);
	return 0;
}
