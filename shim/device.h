/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device files. What the application holds is the read end of a pipe: a real descriptor, which can be duplicated,
 * inherited and passed on, and whose inode tells which open file it is. The engine keeps the write end, and learns
 * there that the last reader is gone.
 */
#ifndef SOFTSGX_SHIM_DEVICE_H
#define SOFTSGX_SHIM_DEVICE_H

#include <sys/stat.h>

#include "encl/encl.h"

enum device { DEVICE_NONE, DEVICE_ENCLAVE, DEVICE_PROVISION };

/* Linux gives misc devices major 10; minors are dynamic. */
#define DEVICE_MAJOR 10

/** device_of_path() - which of ours @path names, by any of its usual names. @path may be NULL. */
enum device device_of_path(const char *path);

/** device_open() - Return: a descriptor or -errno. Context: ordinary code. */
int must_check device_open(enum device device, int flags);

/** device_of_fd() - Context of all by descriptor: engine_enter()ed. */
enum device device_of_fd(int fd);
/** device_encl() - the enclave behind @fd, with a reference (encl_put()), or NULL; *@writable: opened for writing. */
struct encl *device_encl(int fd, bool *writable);
/** device_is_provision() - for SGX_IOC_ENCLAVE_PROVISION. */
bool device_is_provision(int fd);

/** device_for_each() - call @visit for every enclave whose file is open; it must not open or close any. */
void device_for_each(void (*visit)(struct encl *e, void *arg), void *arg);

/** device_sweep() - find files whose last descriptor is gone, and let go of their enclaves. */
void device_sweep(void);
/** device_next_fd() - the lowest descriptor of the engine's own in [@from, @to], or -1. */
int device_next_fd(unsigned from, unsigned to);
/** device_fork_prepare(), device_fork_done() - hold the list still over a fork. Context: all signals blocked. */
void device_fork_prepare(void);
void device_fork_done(void);
/** device_forget() - in a forked child: the open files are the parent's. */
void device_forget(void);

/** device_stat() - make @st, as fstat() or stat() gave it, that of a device. */
void device_stat(enum device device, struct stat *st);
/** device_path_stat() - what stat() says of one, present or not in the file system. */
void device_path_stat(enum device device, struct stat *st);
void device_path_statx(enum device device, struct statx *st);
void device_statx(enum device device, struct statx *st);

#endif
