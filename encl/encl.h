/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enclave as the driver sees it, and what the shim may ask of it. The errnos are those of Linux's SGX driver
 * (arch/x86/kernel/cpu/sgx); the ioctl arguments those of asm/sgx.h.
 *
 * Context, unless said otherwise: all signals blocked, no lock held.
 */
#ifndef SOFTSGX_ENCL_ENCL_H
#define SOFTSGX_ENCL_ENCL_H

#include "arch/errors.h"
#include "backing/backing.h"
#include "encl/machine.h"
#include "encl/page.h"
#include "encl/vmap.h"
#include "leaf/secs.h"

/*
 * Laws (encl_is_valid()): resident + evicted + in_flight == pages;
 * EPC pages of the enclave == resident + in_flight pages that hold a frame + VA pages + (SECS resident).
 */
struct encl {
	struct machine *machine;
	struct group *group;
	_Atomic uint32_t refs;

	struct lock lock;     /* protects everything below that is not atomic */
	struct waitq changed; /* a page in flight has arrived, a window has ended */
	bool created, initialized, poisoned, file_open;
	bool dying;               /* nobody can name it any more: hands off */
	bool buried;              /* its pages are gone, or going */
	uint32_t entries;         /* pins: threads inside or about to be */
	_Atomic bool ioctl_busy;  /* one ioctl at a time: the driver's -EBUSY */
	uint64_t base, size;      /* ELRANGE, bytes */
	uint64_t attributes_mask; /* privileged attributes allowed: SGX_IOC_ENCLAVE_PROVISION */
	struct secs secs;
	struct encl_page secs_page; /* state of the SECS itself */
	struct pagetable pages;
	struct va_array va;
	struct backing backing;
	struct vmap vmap;
	uint64_t hand; /* CLOCK: page index where the next window starts */
	uint64_t page_count, resident, evicted, in_flight;
	uint32_t windows;   /* evictions whose pages are being read without the lock */
	uint32_t remappers; /* threads that wait for windows to end, to change a mapping: none may begin */
	uint32_t awaiting;  /* loads that wait for a frame: the SECS, which they need, stays */
	struct encl_counters count;
};

/* --- the device file --- */

/** encl_open() - what open("/dev/sgx_enclave") makes. Return: the enclave, or NULL without memory. */
struct encl *must_check encl_open(struct machine *m);
/** encl_file_closed() - the last descriptor is gone; the enclave lives on while anything of it is mapped. */
void encl_file_closed(struct encl *e);
void encl_get(struct encl *e);
void encl_put(struct encl *e);

/**
 * encl_ioctl() - SGX_IOC_ENCLAVE_{CREATE,ADD_PAGES,INIT,PROVISION}; @arg is an application pointer.
 * The caller holds a reference, for the file may be closed meanwhile: then the enclave lives until the ioctl ends.
 * @provision_ok: resolves an application's descriptor for PROVISION: true if it is an open /dev/sgx_provision.
 * Return: 0 or -errno as the driver: -ENOTTY (unknown), -EINVAL, -EFAULT, -EACCES, -EPERM, -EIO, -EBUSY, -ENOMEM; or
 * -EBADF: closed before it began.
 */
long must_check encl_ioctl(struct encl *e, unsigned long cmd, uint64_t arg, bool (*provision_ok)(int fd));

/* --- the address space --- */

/**
 * encl_mmap() - the application maps [@start, @start + @len) of the device with @prot. Before CREATE this only reserves
 * addresses. Return: 0, -EACCES (more than an added page's build-time permissions; outside ELRANGE once initialised),
 * -ENOMEM; -EBADF: file and mappings were gone before it began.
 */
int must_check encl_mmap(struct encl *e, uint64_t start, uint64_t len, int prot);
/** encl_mprotect() - the mapped parts of the range, which must all be mapped: -ENOMEM otherwise; -EACCES as above. */
int must_check encl_mprotect(struct encl *e, uint64_t start, uint64_t len, int prot);
/**
 * encl_munmap() - forget the mapping; the pages stay in the enclave (and in its address range, inaccessible) until it
 * is destroyed. Return: 0 or -errno.
 */
int must_check encl_munmap(struct encl *e, uint64_t start, uint64_t len);

/* --- faults --- */

enum encl_fault {
	ENCL_FAULT_FIXED,    /* the access can be tried again */
	ENCL_FAULT_NOT_OURS, /* no enclave there */
	ENCL_FAULT_SEGV,     /* the mapping forbids it: SIGSEGV with the hardware's own error code */
	ENCL_FAULT_EPCM,     /* the mapping allows it, the EPCM does not: SIGSEGV, error code |= PF_SGX | PF_PRESENT */
	ENCL_FAULT_BUS,      /* no such page, or it cannot be loaded (tampered copy, no memory): SIGBUS */
};

/**
 * encl_fault() - a thread touched @addr and the kernel sent SIGSEGV or SIGBUS.
 * @error_code: of the #PF (PF_WRITE, PF_INSTR are used). @scratch: 4096 aligned bytes of this thread's own.
 * Context: async-signal-safe; a signal handler of the faulting thread, with about 16 KiB of stack left.
 */
enum encl_fault must_check encl_fault(struct machine *m, uint64_t addr, uint32_t error_code, void *scratch);

/* --- entry --- */

/* A TCS and one SSA frame of it, in the EPC and kept there. */
struct encl_pin {
	struct encl *encl;
	struct sgx_tcs *tcs; /* contents, engine memory */
	uint64_t tcs_linaddr;
	uint64_t frame; /* linear address of the SSA frame; writable directly */
	uint32_t frame_pages;
};

enum encl_frame { ENCL_FRAME_CURRENT, ENCL_FRAME_PREVIOUS }; /* CSSA (EENTER, AEX), CSSA - 1 (ERESUME) */

/**
 * encl_pin_tcs() - load and pin the TCS at @tcs_linaddr and its frame; undone by encl_unpin_tcs(). A frame that does
 * not exist (CSSA out of range) is not pinned: frame_pages = 0, and EENTER/ERESUME will refuse.
 * Return: SGX_SUCCESS; SGX_FAULT_GP: misaligned, or the enclave is not initialised; SGX_FAULT_PF: not in an enclave,
 * not a TCS, SSA not there or not writable, mapping missing, or cannot be loaded (*fault_addr says where).
 * Context: async-signal-safe, all signals blocked.
 */
enum sgx_status must_check encl_pin_tcs(struct machine *m, uint64_t tcs_linaddr, enum encl_frame which, void *scratch,
					struct encl_pin *pin, uint64_t *fault_addr);
void encl_unpin_tcs(struct encl_pin *pin);

bool encl_is_valid(struct encl *e);

#endif
