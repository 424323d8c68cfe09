/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enclave lives while a descriptor or a mapping of it does, and not a moment longer: then all of its EPC and backing
 * is free again, and so are its addresses.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "kit/host/host.h"

static struct bare b;

static bool gone(void)
{
	const struct stats_process *s = bare_stats();

	return s->enclaves == 0 && s->epc_used == 0 && s->backing_used == 0;
}

static void works(void)
{
	struct bare_request r = { .op = OP_WRITE, .address = b.base + BARE_DATA, .value = 42 };
	struct bare_request back = { .op = OP_READ, .address = b.base + BARE_DATA };

	bare_do(&b, 0, &r);
	bare_do(&b, 0, &back);
	check(back.value == 42);
}

static void start(void)
{
	bare_open(&b, NULL);
	works();
}

static void unmap(void)
{
	check(munmap((void *)b.base, b.size) == 0);
}

static void addresses_are_free(void)
{
	void *at = mmap((void *)b.base, b.size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	check(at == (void *)b.base && *(volatile uint8_t *)at == 0 && munmap(at, b.size) == 0);
}

static void file_first(void)
{
	start();
	check(close(b.fd) == 0);
	works();
	unmap();
	check(gone());
	addresses_are_free();
}

static void mapping_first(void)
{
	start();
	unmap();
	check(close(b.fd) == 0 && gone());
	addresses_are_free();
}

static void part_of_a_mapping(void)
{
	start();
	check(close(b.fd) == 0);
	check(munmap((void *)(b.base + BARE_DATA), b.size - BARE_DATA) == 0);
	struct stats_process now = *bare_fresh_stats();
	check(now.enclaves == 1);
	check(munmap((void *)b.base, BARE_DATA) == 0 && gone());
}

static void duplicates(void)
{
	int copy, far;

	start();
	copy = dup(b.fd);
	far = fcntl(b.fd, F_DUPFD_CLOEXEC, 100);
	check(copy >= 0 && far >= 100 && close(b.fd) == 0);
	works();
	unmap();
	check(bare_fresh_stats()->enclaves == 1);
	/* Still a device, and still this enclave. */
	check(mmap((void *)b.base, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, copy, 0) ==
	      (void *)b.base);
	check(((const uint8_t *)b.base)[0] == bare_code[0] && munmap((void *)b.base, PAGE_SIZE) == 0);
	check(close(copy) == 0 && bare_fresh_stats()->enclaves == 1);
	check(close(far) == 0 && gone());
}

static int pass_on(int fd)
{
	int pair[2], got;
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = sizeof(u.buf) };

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	check(sendmsg(pair[0], &msg, 0) == 1 && close(fd) == 0 && bare_fresh_stats()->enclaves == 1);
	char byte;
	iov.iov_base = &byte;
	check(recvmsg(pair[1], &msg, 0) == 1);
	memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(got));
	close(pair[0]);
	close(pair[1]);
	return got;
}

static void in_flight(void)
{
	int fd;

	start();
	unmap();
	fd = pass_on(b.fd);
	check(bare_fresh_stats()->enclaves == 1 && close(fd) == 0 && gone());
}

/* The child's copy of the descriptor counts; that the child ends is found at the next occasion. */
static void held_by_a_child(void)
{
	int status, pipe_fd[2];
	pid_t pid;

	start();
	check(pipe(pipe_fd) == 0);
	pid = fork();
	if (pid == 0) {
		char c;

		close(pipe_fd[1]);
		_exit(read(pipe_fd[0], &c, 1) != 0);
	}
	unmap();
	check(close(b.fd) == 0 && bare_fresh_stats()->enclaves == 1);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	check(waitpid(pid, &status, 0) == pid && status == 0);
	check(close(open("/dev/null", O_RDONLY)) == 0 && gone());
}

/* A program that closes everything does not close what the engine needs. */
static void closes_everything(void)
{
	start();
	check(close_range(3, ~0U, 0) == 0);
	works();
	struct bare old = b;
	start();
	works();
	closefrom(3);
	for (int fd = 3; fd < 70000; fd++)
		close(fd);
	works();
	unmap();
	b = old;
	unmap();
	check(gone());
	start();
	bare_close(&b);
	check(gone());
}

/* Nor does one that puts descriptors of its own on every number. */
static void replaces_everything(void)
{
	int null = open("/dev/null", O_RDONLY), kept = 0;

	start();
	check(null >= 0);
	for (int fd = 256; fd < 70000; fd++)
		if (fd != b.fd && fcntl(fd, F_GETFD) >= 0) {
			check(dup2(null, fd) < 0 && errno == EBADF && dup3(null, fd, 0) < 0 && errno == EBADF);
			kept++;
		}
	check(kept > 0 && dup2(null, 200) == 200 && close(200) == 0);
	check(dup3(null, null, 0) < 0 && errno == EINVAL && dup2(null, null) == null);
	works();
	/* The device's last descriptor may go this way, too. */
	unmap();
	check(dup2(null, b.fd) == b.fd && gone());
	close(b.fd);
	close(null);
}

void bare_test(void)
{
	file_first();
	mapping_first();
	part_of_a_mapping();
	duplicates();
	in_flight();
	held_by_a_child();
	closes_everything();
	replaces_everything();
}
