/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/usercopy.h"
#include "cli/checks.h"
#include "cli/library.h"
#include "mmu/mmu.h"

static void look_kernel(struct finding *f)
{
	struct utsname u;

	if (uname(&u) != 0)
		strcpy(u.release, "of unknown version");
	finding_set(f, CHECK_OK, NULL, "Linux %s", u.release);
}

static bool under_seccomp(void)
{
	return prctl(PR_GET_SECCOMP) == 2;
}

static void look_seccomp(struct finding *f)
{
	finding_set(f, CHECK_OK, NULL, "%s",
		    under_seccomp() ? "a filter is in force; what it forbids shows in the other lines" : "no filter");
}

static void mmu_finding(struct finding *f, enum mmu_obstacle obstacle)
{
	if (obstacle == MMU_UFFD_FORBIDDEN && under_seccomp())
		finding_set(f, CHECK_MISSING,
			    "allow the system call userfaultfd in the seccomp profile of this container or service "
			    "(docker and podman: --security-opt seccomp=PROFILE)",
			    "userfaultfd is forbidden, most likely by the seccomp filter of this process");
	else
		finding_set(f, CHECK_MISSING, mmu_cure(obstacle), "%s", mmu_obstacle_text(obstacle));
}

static void look_userfaultfd(struct finding *f)
{
	struct mmu mmu;
	enum mmu_obstacle obstacle = mmu_init(&mmu, MMU_SIGBUS);

	if (obstacle != MMU_OK) {
		mmu_finding(f, obstacle);
		return;
	}
	mmu_destroy(&mmu);
	finding_set(f, CHECK_OK, NULL, "available%s", geteuid() ? " without privileges" : "");
}

static void look_guard(struct finding *f)
{
	struct mmu mmu;
	enum mmu_obstacle obstacle = mmu_init(&mmu, MMU_GUARD);

	if (obstacle != MMU_OK) {
		finding_set(f, CHECK_WARN,
			    "nothing is broken; Linux 6.13 or newer has them and makes page faults somewhat cheaper",
			    "none in this kernel");
		return;
	}
	mmu_destroy(&mmu);
	finding_set(f, CHECK_OK, NULL, "available");
}

static void look_mechanism(struct finding *f)
{
	struct mmu mmu;
	enum mmu_obstacle obstacle = mmu_init(&mmu, MMU_AUTO);

	if (obstacle != MMU_OK) {
		mmu_finding(f, obstacle);
		return;
	}
	finding_set(f, CHECK_OK, NULL, "%s", mmu_mechanism_name(mmu.mechanism));
	mmu_destroy(&mmu);
}

static void look_proc_mem(struct finding *f)
{
	if (access("/proc/self/mem", R_OK | W_OK) == 0)
		finding_set(f, CHECK_OK, NULL, "readable and writable");
	else
		finding_set(f, CHECK_MISSING, mmu_cure(MMU_NO_PROC_MEM), "%s", mmu_obstacle_text(MMU_NO_PROC_MEM));
}

/* Copying from memory that the application names relies on it. */
static void look_process_vm(struct finding *f)
{
	int value = 42, copy = 0;

	if (copy_from_user(&copy, (uint64_t)&value, sizeof(copy)) == 0 && copy == value)
		finding_set(f, CHECK_OK, NULL, "works on the own process");
	else
		finding_set(f, CHECK_MISSING,
			    "allow process_vm_readv and process_vm_writev in the seccomp profile; the kernel needs "
			    "CONFIG_CROSS_MEMORY_ATTACH",
			    "process_vm_readv does not work on the own process");
}

static void look_memfd(struct finding *f)
{
	int fd = memfd_create("softsgx-doctor", MFD_CLOEXEC);

	if (fd < 0) {
		finding_set(f, CHECK_MISSING, "allow memfd_create in the seccomp profile",
			    "memfd_create: %s; evicted pages live in such a file", strerror(errno));
		return;
	}
	close(fd);
	finding_set(f, CHECK_OK, NULL, "available");
}

static void look_shmem_huge(struct finding *f)
{
	char modes[128], *picked;

	file_text("/sys/kernel/mm/transparent_hugepage/shmem_enabled", modes, sizeof(modes));
	picked = strchr(modes, '[');
	if (!picked) {
		finding_set(f, CHECK_OK, NULL, "this kernel has none");
		return;
	}
	picked[1 + strcspn(picked + 1, "]")] = '\0';
	if (strcmp(picked + 1, "force") != 0)
		finding_set(f, CHECK_OK, NULL, "%s", picked + 1);
	else
		finding_set(f, CHECK_WARN, "echo advise >/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			    "forced: backing memory takes whole huge pages, more than is accounted for");
}

static void look_library(struct finding *f)
{
	char path[PATH_MAX];

	if (library_find(path) == 0)
		finding_set(f, CHECK_OK, NULL, "%s", path);
	else
		finding_set(f, CHECK_MISSING, "install softsgx again, or run it from its build directory",
			    "libsoftsgx.so is not where it was installed");
}

const struct check kernel_checks[] = {
	{ "kernel", false, look_kernel },
	{ "seccomp", false, look_seccomp },
	{ "proc-mem", true, look_proc_mem },
	{ "userfaultfd", true, look_userfaultfd },
	{ "guard-markers", false, look_guard },
	{ "mechanism", false, look_mechanism },
	{ "process-vm", true, look_process_vm },
	{ "memfd", true, look_memfd },
	{ "shmem-huge-pages", false, look_shmem_huge },
	{ "library", true, look_library },
	{ 0 },
};
