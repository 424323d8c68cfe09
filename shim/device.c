/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/device.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/list.h"
#include "base/slab.h"
#include "base/sys.h"
#include "shim/engine.h"
#include "shim/fds.h"
#include "shim/state.h"

#define FIRST_MINOR 125 /* where Linux's dynamic minors count down from, about */

/* An open file of ours. */
struct file {
	struct list node;
	enum device device;
	dev_t dev;
	ino_t ino;
	int write_end;
	bool writable;
	struct encl *encl; /* with a reference; NULL for DEVICE_PROVISION */
};

/* Protects the list. Before: nothing. Inside: encl->lock (of a dying enclave). Held with all signals blocked. */
static struct lock lock;
static struct list files = { &files, &files };
static struct slab file_slab = { .size = (sizeof(struct file) + 15) & ~15UL };

/* --- names --- */

static const struct {
	const char *path;
	enum device device;
} names[] = {
	{ "/dev/sgx_enclave", DEVICE_ENCLAVE },
	{ "/dev/sgx/enclave", DEVICE_ENCLAVE },
	{ "/dev/sgx_provision", DEVICE_PROVISION },
	{ "/dev/sgx/provision", DEVICE_PROVISION },
};

enum device device_of_path(const char *path)
{
	/* Every open and stat of the application comes through here. */
	if (!path || strncmp(path, "/dev/sgx", 8) != 0)
		return DEVICE_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(path, names[i].path) == 0)
			return names[i].device;
	return DEVICE_NONE;
}

/* --- opening --- */

static int identify(struct file *f, int fd)
{
	struct stat st;
	long ret = sys_call2(SYS_fstat, fd, &st);

	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return (int)ret;
}

static int make_pipe(struct file *f, int flags, int ends[2])
{
	long ret = sys_call2(SYS_pipe2, ends, O_NONBLOCK | (flags & O_CLOEXEC));

	if (ret)
		return (int)ret;
	f->write_end = ends[1] = fd_raise(ends[1]);
	return identify(f, ends[0]);
}

static int open_file(struct file *f, int flags)
{
	int ends[2] = { -1, -1 }, ret;

	if (f->device == DEVICE_ENCLAVE) {
		f->encl = encl_open(&shim.machine);
		if (!f->encl)
			return -ENOMEM;
		encl_get(f->encl);
	}
	ret = make_pipe(f, flags, ends);
	if (ret) {
		if (f->encl) {
			encl_file_closed(f->encl);
			encl_put(f->encl);
		}
		return ret;
	}
	list_add_tail(&files, &f->node);
	return ends[0];
}

static int open_locked(enum device device, int flags)
{
	struct file *f = slab_alloc(&file_slab);
	int ret;

	if (!f)
		return -ENOMEM;
	f->device = device;
	f->writable = (flags & O_ACCMODE) != O_RDONLY;
	ret = open_file(f, flags);
	if (ret < 0)
		slab_free(&file_slab, f);
	return ret;
}

int device_open(enum device device, int flags)
{
	int ret = shim_activate();

	if (ret)
		return ret;
	uint64_t mask = engine_enter();
	device_sweep();
	lock_acquire(&lock);
	ret = open_locked(device, flags);
	lock_release(&lock);
	engine_leave(mask);
	return ret;
}

/* --- by descriptor --- */

/* Context: holds lock. */
static struct file *find(int fd)
{
	struct stat st;

	if (list_empty(&files) || fd < 0 || sys_call2(SYS_fstat, fd, &st) || !S_ISFIFO(st.st_mode))
		return NULL;
	list_for_each (node, &files) {
		struct file *f = list_entry(node, struct file, node);

		if (f->ino == st.st_ino && f->dev == st.st_dev)
			return f;
	}
	return NULL;
}

enum device device_of_fd(int fd)
{
	enum device device = DEVICE_NONE;

	if (!shim_active())
		return DEVICE_NONE;
	lock_acquire(&lock);
	struct file *f = find(fd);
	if (f)
		device = f->device;
	lock_release(&lock);
	return device;
}

bool device_is_provision(int fd)
{
	return device_of_fd(fd) == DEVICE_PROVISION;
}

struct encl *device_encl(int fd, bool *writable)
{
	struct encl *e = NULL;

	lock_acquire(&lock);
	struct file *f = find(fd);
	if (f && f->encl) {
		e = f->encl;
		encl_get(e);
		*writable = f->writable;
	}
	lock_release(&lock);
	return e;
}

void device_for_each(void (*visit)(struct encl *e, void *arg), void *arg)
{
	lock_acquire(&lock);
	list_for_each (node, &files) {
		struct file *f = list_entry(node, struct file, node);

		if (f->encl)
			visit(f->encl, arg);
	}
	lock_release(&lock);
}

int device_next_fd(unsigned from, unsigned to)
{
	int found = -1;

	lock_acquire(&lock);
	list_for_each (node, &files) {
		int fd = list_entry(node, struct file, node)->write_end;

		if ((unsigned)fd >= from && (unsigned)fd <= to && (found < 0 || fd < found))
			found = fd;
	}
	lock_release(&lock);
	return found;
}

/* --- closing --- */

static bool readers_gone(const struct file *f)
{
	struct pollfd p = { .fd = f->write_end };
	struct timespec now = { 0 };

	return sys_call4(SYS_ppoll, &p, 1, &now, NULL) == 1 && p.revents & POLLERR;
}

/* Context: holds lock. Return: one file that nobody has open any more, taken off the list, or NULL. */
static struct file *take_closed(void)
{
	list_for_each (node, &files) {
		struct file *f = list_entry(node, struct file, node);

		if (readers_gone(f)) {
			list_del(node);
			return f;
		}
	}
	return NULL;
}

/* What is mapped outside ELRANGE is a bare reservation: it does not keep an enclave alive that has lost its file. */
static void drop_reservations(struct encl *e)
{
	uint64_t start, end;

	lock_acquire(&e->lock);
	start = e->created ? e->base : UINT64_MAX & PAGE_MASK;
	end = e->created ? e->base + e->size : UINT64_MAX & PAGE_MASK;
	int ret = vmap_set(&e->vmap, 0, start, VMAP_UNMAPPED);
	if (!ret)
		ret = vmap_set(&e->vmap, end, UINT64_MAX & PAGE_MASK, VMAP_UNMAPPED);
	lock_release(&e->lock);
	(void)ret; /* without memory they stay, and the enclave with them, until they are unmapped */
}

void device_sweep(void)
{
	struct file *f;

	/* With the parent's memory, but descriptors of its own, it would close the wrong one. */
	if (!shim_active() || shim_on_loan())
		return;
	for (;;) {
		lock_acquire(&lock);
		f = take_closed();
		lock_release(&lock);
		if (!f)
			return;
		sys_close(f->write_end);
		if (f->encl) {
			drop_reservations(f->encl);
			encl_file_closed(f->encl);
			encl_put(f->encl);
		}
		slab_free(&file_slab, f);
	}
}

void device_fork_prepare(void)
{
	lock_acquire(&lock);
	lock_acquire(&file_slab.lock);
}

void device_fork_done(void)
{
	lock_release(&file_slab.lock);
	lock_release(&lock);
}

void device_forget(void)
{
	while (!list_empty(&files)) {
		struct file *f = list_entry(files.next, struct file, node);

		list_del(&f->node);
		sys_close(f->write_end);
		slab_free(&file_slab, f);
	}
}

/* --- stat --- */

static dev_t device_number(enum device device)
{
	return makedev(DEVICE_MAJOR, FIRST_MINOR - device);
}

static mode_t device_mode(enum device device)
{
	return S_IFCHR | (device == DEVICE_ENCLAVE ? 0666 : 0660);
}

void device_stat(enum device device, struct stat *st)
{
	st->st_mode = device_mode(device);
	st->st_rdev = device_number(device);
	st->st_nlink = 1;
	st->st_uid = st->st_gid = 0;
	st->st_size = st->st_blocks = 0;
}

void device_path_stat(enum device device, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = device;
	st->st_blksize = PAGE_SIZE;
	device_stat(device, st);
}

void device_statx(enum device device, struct statx *st)
{
	st->stx_mode = (uint16_t)device_mode(device);
	st->stx_rdev_major = DEVICE_MAJOR;
	st->stx_rdev_minor = minor(device_number(device));
	st->stx_nlink = 1;
	st->stx_uid = st->stx_gid = 0;
	st->stx_size = st->stx_blocks = 0;
}

void device_path_statx(enum device device, struct statx *st)
{
	memset(st, 0, sizeof(*st));
	st->stx_mask = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_GID | STATX_INO | STATX_SIZE;
	st->stx_ino = device;
	st->stx_blksize = PAGE_SIZE;
	device_statx(device, st);
}
