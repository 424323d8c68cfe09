/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/xstate.h"

#include <cpuid.h>
#include <string.h>

#define XSTATE_X87 (1ULL << 0)
#define XSTATE_SSE (1ULL << 1)
#define XSTATE_AVX (1ULL << 2)
#define FIRST_EXTENDED 2
#define COMPONENTS 63

#define FCW_INITIAL 0x37f
#define MXCSR_INITIAL 0x1f80
#define MXCSR_MASK_DEFAULT 0xffbfU

/* The legacy region, SDM 1 table 10-2; bytes 464-511 are software's: the kernel keeps its magic there. */
#define LEGACY_MXCSR 24
#define LEGACY_MXCSR_MASK 28
#define LEGACY_ST 32
#define LEGACY_XMM 160
#define LEGACY_XMM_END 416
#define LEGACY_SOFTWARE 464
#define XSAVE_HEADER 512

struct xsave_header {
	uint64_t xstate_bv;
	uint64_t xcomp_bv;
	uint64_t reserved[6];
};

/* What the kernel says about its frame in the software bytes (asm/sigcontext.h, struct _fpx_sw_bytes). */
struct sw_bytes {
	uint32_t magic1;
	uint32_t extended_size;
	uint64_t xfeatures;
	uint32_t xstate_size;
};

static struct {
	uint32_t offset, size;
} layout[COMPONENTS];
static uint32_t max_bytes;
static uint32_t mxcsr_mask;
static bool has_xsavec;

static void read_mxcsr_mask(void)
{
	uint8_t area[512] __attribute__((aligned(16))) = { 0 };

	__asm__ volatile("fxsave64 %0" : "=m"(area));
	memcpy(&mxcsr_mask, area + LEGACY_MXCSR_MASK, sizeof(mxcsr_mask));
	if (mxcsr_mask == 0)
		mxcsr_mask = MXCSR_MASK_DEFAULT;
}

void xstate_init(void)
{
	uint32_t eax, ebx, ecx, edx;

	__cpuid_count(0xd, 0, eax, ebx, ecx, edx);
	uint64_t enabled = eax | (uint64_t)edx << 32;
	max_bytes = ecx;
	__cpuid_count(0xd, 1, eax, ebx, ecx, edx);
	has_xsavec = eax & 2;
	for (uint32_t i = FIRST_EXTENDED; i < COMPONENTS; i++) {
		if (!(enabled & 1ULL << i))
			continue;
		__cpuid_count(0xd, i, eax, ebx, ecx, edx);
		layout[i].size = eax;
		layout[i].offset = ebx;
	}
	read_mxcsr_mask();
}

bool xstate_xsavec(void)
{
	return has_xsavec;
}

uint32_t xstate_max_bytes(void)
{
	return max_bytes;
}

static struct sw_bytes software_bytes(const void *fpstate)
{
	struct sw_bytes sw;

	memcpy(&sw, (const char *)fpstate + LEGACY_SOFTWARE, sizeof(sw));
	return sw;
}

static struct xsave_header *header_of(void *area)
{
	return (struct xsave_header *)((char *)area + XSAVE_HEADER);
}

/* A signal frame has no room for a component that the kernel enables on demand and this thread never used. */
static bool frame_has(const struct sw_bytes *sw, unsigned i)
{
	return (sw->xfeatures & 1ULL << i) && layout[i].offset + layout[i].size <= sw->xstate_size;
}

static void save_component(const char *frame, const struct sw_bytes *sw, uint64_t present, char *ssa, unsigned i)
{
	char *to = ssa + layout[i].offset;

	if ((present & 1ULL << i) && frame_has(sw, i))
		memcpy(to, frame + layout[i].offset, layout[i].size);
	else
		memset(to, 0, layout[i].size);
}

void xstate_save(const void *fpstate, void *ssa, uint64_t xfrm)
{
	const char *frame = fpstate;
	struct sw_bytes sw = software_bytes(fpstate);
	struct xsave_header h;

	memcpy(&h, frame + XSAVE_HEADER, sizeof(h));
	memcpy(ssa, frame, LEGACY_SOFTWARE);
	for (unsigned i = FIRST_EXTENDED; i < COMPONENTS; i++)
		if ((xfrm & 1ULL << i) && layout[i].size)
			save_component(frame, &sw, h.xstate_bv, ssa, i);
	memset(header_of(ssa), 0, sizeof(h));
	header_of(ssa)->xstate_bv = h.xstate_bv & xfrm;
}

static void legacy_set_initial(char *legacy, uint64_t which)
{
	const uint16_t fcw = FCW_INITIAL;

	if (which & XSTATE_X87) {
		memset(legacy, 0, LEGACY_MXCSR);
		memset(legacy + LEGACY_ST, 0, LEGACY_XMM - LEGACY_ST);
		memcpy(legacy, &fcw, sizeof(fcw));
	}
	if (which & XSTATE_SSE)
		memset(legacy + LEGACY_XMM, 0, LEGACY_XMM_END - LEGACY_XMM);
}

static void set_mxcsr(char *legacy, uint32_t mxcsr)
{
	memcpy(legacy + LEGACY_MXCSR, &mxcsr, sizeof(mxcsr));
}

void xstate_set_initial(void *fpstate, uint64_t xfrm)
{
	legacy_set_initial(fpstate, xfrm);
	/* XRSTOR takes MXCSR from memory whenever SSE or AVX is asked for, whatever XSTATE_BV says. */
	if (xfrm & (XSTATE_SSE | XSTATE_AVX))
		set_mxcsr(fpstate, MXCSR_INITIAL);
	header_of(fpstate)->xstate_bv &= ~xfrm;
}

static void load_legacy(char *frame, const char *ssa, uint64_t present)
{
	uint32_t mxcsr;

	memcpy(&mxcsr, ssa + LEGACY_MXCSR, sizeof(mxcsr));
	set_mxcsr(frame, mxcsr & mxcsr_mask);
	if (present & XSTATE_X87) {
		memcpy(frame, ssa, LEGACY_MXCSR);
		memcpy(frame + LEGACY_ST, ssa + LEGACY_ST, LEGACY_XMM - LEGACY_ST);
	}
	if (present & XSTATE_SSE)
		memcpy(frame + LEGACY_XMM, ssa + LEGACY_XMM, LEGACY_XMM_END - LEGACY_XMM);
	legacy_set_initial(frame, (XSTATE_X87 | XSTATE_SSE) & ~present);
}

void xstate_load(void *fpstate, const void *ssa, uint64_t xfrm)
{
	char *frame = fpstate;
	const char *area = ssa;
	struct sw_bytes sw = software_bytes(fpstate);
	uint64_t present;

	memcpy(&present, area + XSAVE_HEADER, sizeof(present));
	present &= xfrm;
	load_legacy(frame, area, present);
	for (unsigned i = FIRST_EXTENDED; i < COMPONENTS; i++) {
		if (!(present & 1ULL << i))
			continue;
		if (frame_has(&sw, i))
			memcpy(frame + layout[i].offset, area + layout[i].offset, layout[i].size);
		else
			present &= ~(1ULL << i);
	}
	struct xsave_header *h = header_of(frame);
	h->xstate_bv = (h->xstate_bv & ~xfrm) | present;
}
