/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/host/host.h"
#include "kit/sign/key.h"
#include "kit/sign/sign.h"
#include "mmu/mmu.h"
#include "tests/testing.h"

#define EXIT_SKIPPED 77

/* One thread's part of the enclave. */
#define TCS_STRIDE 0x10000UL
#define TCS_SSA 0x1000UL
#define TCS_THREAD_PAGE 0x8000UL

#define OTHER_RUNS 3
#define RUNS_PER_TCS 3

void check_failed(const char *file, int line, const char *cond)
{
	fprintf(stderr, "%s:%d: not so: %s (errno: %s)\n", file, line, cond, strerror(errno));
	exit(1);
}

int ends_by(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	check(pid >= 0);
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		fn();
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* --- layout --- */

static uint64_t first_tcs(uint64_t data_pages)
{
	return (BARE_DATA + data_pages * PAGE_SIZE + TCS_STRIDE) & ~(TCS_STRIDE - 1);
}

static struct kit_run run_of(uint64_t offset, uint64_t pages, uint64_t flags, const void *contents)
{
	return (struct kit_run){ .offset = offset, .pages = pages, .secinfo_flags = flags, .contents = contents };
}

static void lay_out_tcs(struct kit_run *run, uint64_t at, struct sgx_tcs *tcs)
{
	const uint64_t rw = SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W;

	*tcs = (struct sgx_tcs){
		.ossa = at + TCS_SSA,
		.nssa = BARE_NSSA,
		.oentry = BARE_CODE,
		.ofsbase = at + TCS_THREAD_PAGE,
		.ogsbase = at + TCS_THREAD_PAGE,
		.fslimit = 0xfff,
		.gslimit = 0xfff,
	};
	run[0] = run_of(at, 1, SGX_SECINFO_PT(SGX_PT_TCS), (const uint8_t *)tcs);
	run[0].measured = true;
	run[1] = run_of(at + TCS_SSA, BARE_NSSA, rw, NULL);
	run[2] = run_of(at + TCS_THREAD_PAGE, 1, rw, NULL);
}

static struct kit_image *lay_out(const struct bare_options *o)
{
	struct kit_image *image = calloc(1, sizeof(*image));
	uint64_t data_pages = o->data_pages ? o->data_pages : 4, end;
	struct sgx_tcs *tcs;

	check(image);
	image->config = (struct kit_config){
		.version = KIT_CONFIG_VERSION,
		.flags = KIT_CONFIG_DEBUG,
		.xfrm = o->xfrm ? o->xfrm : SGX_XFRM_LEGACY,
		.tcs = o->tcs ? o->tcs : 1,
		.nssa = BARE_NSSA,
		.miscselect = o->exinfo ? SGX_MISC_EXINFO : 0,
	};
	image->first_tcs = first_tcs(data_pages);
	image->tcs_stride = TCS_STRIDE;
	image->contents_bytes = image->config.tcs * sizeof(*tcs);
	check(posix_memalign((void **)&image->contents, PAGE_SIZE, image->contents_bytes) == 0);
	tcs = (struct sgx_tcs *)image->contents;
	image->run_count = OTHER_RUNS + RUNS_PER_TCS * image->config.tcs;
	image->runs = calloc(image->run_count, sizeof(*image->runs));
	check(image->runs);
	image->runs[0] = run_of(BARE_CODE, 1, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_X, bare_code);
	image->runs[0].measured = true;
	image->runs[1] = run_of(BARE_READ_ONLY, 1, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R, NULL);
	image->runs[2] = run_of(BARE_DATA, data_pages, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W,
				NULL);
	for (unsigned i = 0; i < image->config.tcs; i++)
		lay_out_tcs(&image->runs[OTHER_RUNS + RUNS_PER_TCS * i], kit_image_tcs(image, i), &tcs[i]);
	for (size_t i = 0; i < image->run_count; i++)
		image->pages += image->runs[i].pages;
	end = image->first_tcs + image->config.tcs * TCS_STRIDE;
	for (image->size = PAGE_SIZE; image->size < end; image->size *= 2)
		;
	return image;
}

static void free_image(struct kit_image *image)
{
	free(image->runs);
	free(image->contents);
	free(image);
}

/* --- signing, with a key of this run's own --- */

static struct kit_key *make_key(void)
{
	static struct kit_key *key;
	struct kit_error err;
	char path[] = "/tmp/bare-key-XXXXXX";

	if (key)
		return key;
	check(mkdtemp(path));
	char file[64];
	snprintf(file, sizeof(file), "%s/key", path);
	check(kit_key_generate(file, &err) == 0 && kit_key_load(file, &key, &err) == 0);
	unlink(file);
	rmdir(path);
	return key;
}

static int build(struct bare *b, struct kit_error *err)
{
	struct kit_signature_terms terms = kit_terms_default(b->image);
	struct sgx_sigstruct sig;
	int ret;

	check(kit_sigstruct_make(b->image, &terms, make_key(), &sig, err) == 0);
	ret = kit_enclave_open(b->image, &sig, &b->enclave, err);
	if (!ret)
		ret = kit_enclave_add(b->enclave, err);
	if (!ret)
		ret = kit_enclave_map(b->enclave, err);
	return ret ? ret : kit_enclave_init(b->enclave, &sig, err);
}

int bare_try(struct bare *b, const struct bare_options *options)
{
	static const struct bare_options none;
	struct kit_error err;
	int ret;

	*b = (struct bare){ .image = lay_out(options ? options : &none) };
	ret = build(b, &err);
	if (ret) {
		fprintf(stderr, "# %s\n", err.text);
		kit_unload(b->enclave);
		free_image(b->image);
		return -ret;
	}
	b->base = kit_enclave_base(b->enclave);
	b->size = b->image->size;
	b->fd = kit_enclave_fd(b->enclave);
	b->tcs_count = b->image->config.tcs;
	b->data_pages = b->image->runs[2].pages;
	return 0;
}

void bare_open(struct bare *b, const struct bare_options *options)
{
	check(bare_try(b, options) == 0);
}

void bare_close(struct bare *b)
{
	kit_unload(b->enclave);
	free_image(b->image);
}

/* --- addresses --- */

uint64_t bare_tcs(const struct bare *b, unsigned i)
{
	return b->base + kit_image_tcs(b->image, i);
}

uint64_t bare_ssa(const struct bare *b, unsigned i, unsigned frame)
{
	return bare_tcs(b, i) + TCS_SSA + frame * PAGE_SIZE;
}

struct sgx_gprsgx *bare_gpr(const struct bare *b, unsigned i, unsigned frame)
{
	return (struct sgx_gprsgx *)(bare_ssa(b, i, frame) + PAGE_SIZE) - 1;
}

uint64_t bare_thread_page(const struct bare *b, unsigned i)
{
	return bare_tcs(b, i) + TCS_THREAD_PAGE;
}

/* --- entering --- */

vdso_sgx_enter_enclave_t bare_vdso_entry;

int bare_call(const struct bare *b, unsigned tcs, struct bare_request *r, struct sgx_enclave_run *run)
{
	struct bare_regs in = { .rdi = (uint64_t)r }, out;

	*run = (struct sgx_enclave_run){ .tcs = bare_tcs(b, tcs) };
	if (!r->width)
		r->width = 16;
	return bare_vdso(&in, &out, run, ENCLU_EENTER, 16);
}

int bare_resume(const struct bare *b, unsigned tcs, struct sgx_enclave_run *run)
{
	struct bare_regs in = { 0 }, out;

	*run = (struct sgx_enclave_run){ .tcs = bare_tcs(b, tcs) };
	return bare_vdso(&in, &out, run, ENCLU_ERESUME, 16);
}

void bare_do(const struct bare *b, unsigned tcs, struct bare_request *r)
{
	struct sgx_enclave_run run;

	check(bare_call(b, tcs, r, &run) == 0);
	if (run.function != ENCLU_EEXIT)
		fprintf(stderr, "exception %u, error code %#x, at %#llx\n", run.exception_vector,
			run.exception_error_code, (unsigned long long)run.exception_addr);
	check(run.function == ENCLU_EEXIT);
}

/* --- registers --- */

uint64_t bare_xfrm_full(void)
{
	uint32_t eax, edx;

	__asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	return (eax | (uint64_t)edx << 32) & 0xe7;
}

uint64_t bare_width(uint64_t xfrm)
{
	return (xfrm & 0xe7) == 0xe7 ? 64 : xfrm & 4 ? 32 : 16;
}

void bare_fill(struct bare_regs *r, uint64_t seed)
{
	struct rng rng = { seed };

	for (size_t i = 0; i < sizeof(*r) / 8; i++)
		((uint64_t *)r)[i] = rng_next(&rng) | 1;
}

bool bare_same_vectors(const struct bare_regs *a, const struct bare_regs *b, uint64_t width)
{
	for (unsigned i = 0; i < (width == 64 ? 32 : 16); i++)
		if (memcmp(a->vector[i], b->vector[i], width) != 0)
			return false;
	return true;
}

/* --- the program --- */

static struct stats_page *stats;

const struct stats_process *bare_stats(void)
{
	for (size_t i = 0; i < STATS_PROCESSES; i++)
		if (atomic_load(&stats->process[i].pid) == getpid())
			return &stats->process[i];
	return NULL;
}

const struct stats_process *bare_fresh_stats(void)
{
	struct bare b;

	bare_open(&b, NULL);
	bare_close(&b);
	return bare_stats();
}

static void start_under_shim(char **argv)
{
	int fd = memfd_create("stats", 0);
	char text[16];

	check(fd >= 0 && ftruncate(fd, sizeof(*stats)) == 0);
	check(pwrite(fd, &(uint64_t){ STATS_MAGIC }, 8, offsetof(struct stats_page, magic)) == 8);
	snprintf(text, sizeof(text), "%d", fd);
	setenv("SOFTSGX_STATS_FD", text, 1);
	if (bare_prepare)
		bare_prepare();
	check(getenv("SHIM_LIBRARY"));
	setenv("LD_PRELOAD", getenv("SHIM_LIBRARY"), 1);
	execv("/proc/self/exe", argv);
	check_failed(__FILE__, __LINE__, "exec");
}

static bool mechanism_is_there(void)
{
	const char *name = getenv("SOFTSGX_MECHANISM");
	struct mmu mmu;

	if (!name || strcmp(name, "guard") != 0)
		return true;
	if (mmu_init(&mmu, MMU_GUARD) != MMU_OK)
		return false;
	mmu_destroy(&mmu);
	return true;
}

int main(int argc, char **argv)
{
	const char *fd = getenv("SOFTSGX_STATS_FD");

	if (!mechanism_is_there()) {
		printf("skipped: this kernel has no guard markers\n");
		return EXIT_SKIPPED;
	}
	if (!fd)
		start_under_shim(argv);
	stats = mmap(NULL, sizeof(*stats), PROT_READ, MAP_SHARED, atoi(fd), 0);
	check(stats != MAP_FAILED);
	bare_vdso_entry = kit_find_vdso_entry();
	check(bare_vdso_entry);
	bare_test();
	return 0;
}
