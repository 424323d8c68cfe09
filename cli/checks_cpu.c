/* SPDX-License-Identifier: Apache-2.0 */
#include <asm/prctl.h>
#include <cpuid.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cli/checks.h"

/* asm/hwcap2.h: the kernel lets programs execute RDFSBASE and WRFSBASE. */
#define HWCAP2_RDWRFSGSBASE (1 << 1)

#define CPUID_1_ECX_PCLMULQDQ (1u << 1)
#define CPUID_1_ECX_AESNI (1u << 25)
#define CPUID_1_ECX_OSXSAVE (1u << 27)
#define CPUID_7_EBX_SGX (1u << 2)
#define CPUID_7_EBX_AVX2 (1u << 5)
#define CPUID_7_EBX_AVX512F (1u << 16)
#define CPUID_7_EBX_SHA (1u << 29)
#define CPUID_7_ECX_VAES (1u << 9)

struct cpuid_regs {
	unsigned int eax, ebx, ecx, edx;
};

static struct cpuid_regs cpuid(unsigned int leaf, unsigned int subleaf)
{
	struct cpuid_regs r = { 0 };

	__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
	return r;
}

static void look_processor(struct finding *f)
{
	char name[49] = "";

	for (unsigned int i = 0; i < 3; i++) {
		struct cpuid_regs r = cpuid(0x80000002 + i, 0);

		memcpy(name + 16 * i, &r, sizeof(r));
	}
	finding_set(f, CHECK_OK, NULL, "%s", name[0] ? name + strspn(name, " ") : "without a name");
}

static void look_fsgsbase(struct finding *f)
{
	if (getauxval(AT_HWCAP2) & HWCAP2_RDWRFSGSBASE)
		finding_set(f, CHECK_OK, NULL, "programs may set the FS and GS bases");
	else
		finding_set(f, CHECK_MISSING,
			    "use Linux 5.9 or newer without the boot option 'nofsgsbase'; in a virtual machine, "
			    "give it a processor model with FSGSBASE",
			    "programs may not set the FS and GS bases, which entering an enclave does");
}

static void look_xsave(struct finding *f)
{
	if (cpuid(1, 0).ecx & CPUID_1_ECX_OSXSAVE)
		finding_set(f, CHECK_OK, NULL, "%u bytes of state", cpuid(0xd, 0).ebx);
	else
		finding_set(f, CHECK_MISSING,
			    "boot without 'noxsave'; in a virtual machine, give it a processor model with XSAVE",
			    "not enabled; leaving an enclave by an exception saves its registers with it");
}

static void look_aes(struct finding *f)
{
	unsigned int base = CPUID_1_ECX_AESNI | CPUID_1_ECX_PCLMULQDQ;

	if ((cpuid(1, 0).ecx & base) != base)
		finding_set(f, CHECK_WARN, "in a virtual machine, give it a processor model with AES-NI and PCLMULQDQ",
			    "no AES-NI or no PCLMULQDQ: encrypting evicted pages is many times slower");
	else
		finding_set(f, CHECK_OK, NULL, "AES-NI and PCLMULQDQ%s",
			    cpuid(7, 0).ecx & CPUID_7_ECX_VAES ? ", with VAES" : "");
}

static void look_sha(struct finding *f)
{
	finding_set(f, CHECK_OK, NULL, "%s",
		    cpuid(7, 0).ebx & CPUID_7_EBX_SHA ? "SHA-NI"
						      : "no SHA-NI: measuring enclaves takes a little longer");
}

static void look_vectors(struct finding *f)
{
	unsigned int ebx = cpuid(7, 0).ebx;

	finding_set(f, CHECK_OK, NULL, "%s%s", ebx & CPUID_7_EBX_AVX2 ? "AVX2" : "no AVX2",
		    ebx & CPUID_7_EBX_AVX512F ? ", AVX-512" : "");
}

static void look_sgx(struct finding *f)
{
	bool cpu = cpuid(7, 0).ebx & CPUID_7_EBX_SGX, device = access("/dev/sgx_enclave", F_OK) == 0;

	if (cpu && device)
		finding_set(f, CHECK_OK, NULL, "present; programs under 'softsgx run' still use the software platform");
	else
		finding_set(f, CHECK_OK, NULL, "%s; none is needed", cpu ? "present but without a driver" : "none");
}

/* Asking for what is the case already: harmless, and refused with ENODEV where the processor cannot trap CPUID. */
static void look_cpuid_faulting(struct finding *f)
{
	bool works = syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1) == 0;

	finding_set(f, CHECK_OK, NULL, "%s", works ? "available" : "not available; it is not needed");
}

const struct check cpu_checks[] = {
	{ "processor", false, look_processor },
	{ "fsgsbase", true, look_fsgsbase },
	{ "xsave", true, look_xsave },
	{ "aes", false, look_aes },
	{ "sha", false, look_sha },
	{ "vectors", false, look_vectors },
	{ "sgx-hardware", false, look_sgx },
	{ "cpuid-faulting", false, look_cpuid_faulting },
	{ 0 },
};
