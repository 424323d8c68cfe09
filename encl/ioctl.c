/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's ioctls, with the checks and errnos of Linux's driver (arch/x86/kernel/cpu/sgx/ioctl.c) in its order.
 * SGX return codes become errnos here and nowhere else: a refused EINIT is -EPERM, any other leaf's refusal -EIO.
 */
#include <asm/sgx.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/usercopy.h"
#include "encl/paging.h"

#define UNPRIVILEGED_ATTRIBUTES (SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_KSS | SGX_ATTR_AEXNOTIFY)

/* Two pages of an ioctl's own: what the application gave, and what goes into the EPC. */
struct workspace {
	_Alignas(PAGE_SIZE) uint8_t src[PAGE_SIZE];
	_Alignas(PAGE_SIZE) uint8_t dst[PAGE_SIZE];
};

/* --- CREATE --- */

/* The first VA page; more follow, one for every 512 pages. */
static int add_va_page(struct encl *e, struct workspace *ws)
{
	uint32_t epc = frame_for_fixture(e, ws->dst);
	int ret;

	if (epc == EPC_NONE)
		return -ENOMEM;
	if (encls_epa(epc_entry(&e->machine->epc, epc), epc_private(&e->machine->epc, epc)) != SGX_SUCCESS)
		log_fatal("EPA refused a free page");
	lock_acquire(&e->lock);
	ret = va_add(&e->va, epc);
	lock_release(&e->lock);
	if (ret) {
		if (encls_eremove(epc_entry(&e->machine->epc, epc), NULL) != SGX_SUCCESS)
			log_fatal("EREMOVE refused an empty VA page");
		frame_free_fixture(e, epc);
	}
	return ret;
}

static void drop_va_page(struct encl *e)
{
	uint32_t epc;

	lock_acquire(&e->lock);
	epc = va_drop(&e->va);
	lock_release(&e->lock);
	if (encls_eremove(epc_entry(&e->machine->epc, epc), NULL) != SGX_SUCCESS)
		log_fatal("EREMOVE refused an empty VA page");
	frame_free_fixture(e, epc);
}

/* ECREATE. Return: -EIO if the processor refuses the SECS. */
static int make_secs(struct encl *e, const struct sgx_secs *src, struct workspace *ws)
{
	struct machine *m = e->machine;
	uint32_t epc = frame_for_fixture(e, ws->dst);

	if (epc == EPC_NONE)
		return -ENOMEM;
	if (encls_ecreate(&m->epc, epc, src, &m->caps, &e->secs) != SGX_SUCCESS) {
		frame_free_fixture(e, epc);
		return -EIO;
	}
	e->secs_page = (struct encl_page){ .where = epc, .va = VA_NONE, .type = SGX_PT_SECS };
	page_move(&e->secs_page, PAGE_RESIDENT);
	e->resident = e->page_count = 1;
	return 0;
}

static void unmake_secs(struct encl *e)
{
	if (encls_eremove(epc_entry(&e->machine->epc, e->secs_page.where), &e->secs) != SGX_SUCCESS)
		log_fatal("EREMOVE refused a childless SECS");
	frame_free_fixture(e, e->secs_page.where);
	page_move(&e->secs_page, PAGE_ABSENT);
	e->resident = e->page_count = 0;
}

/* All that an enclave needs around its SECS: a page table, backing, its address range. Context: holds encl->lock. */
static int make_room(struct encl *e)
{
	struct machine *m = e->machine;
	uint64_t pages = e->size >> PAGE_SHIFT;
	int ret = pagetable_init(&e->pages, pages, &m->leaf_slab, &m->mid_slab);

	if (ret)
		return ret;
	/*
	 * One slot more for the SECS. A slot waits for reuse while a frame is free: a pool smaller than the frames
	 * that the reclaimer and a window free would have its holes punched and filled again at every turn.
	 */
	ret = backing_init(&e->backing, e->group, pages + 1, m->marks.high + WINDOW_PAGES);
	if (ret)
		goto no_backing;
	ret = mmu_reserve(&m->mmu, e->base, e->size);
	if (ret)
		goto no_range;
	return 0;

no_range:
	backing_destroy(&e->backing);
no_backing:
	pagetable_destroy(&e->pages);
	return ret == -EEXIST ? -EBUSY : ret;
}

static void unmake_room(struct encl *e)
{
	mmu_release(&e->machine->mmu, e->base, e->size);
	backing_destroy(&e->backing);
	pagetable_destroy(&e->pages);
}

/*
 * Known before it touches its range: another enclave's, where nothing is mapped yet, looks like the application's own
 * reservation. Created in the same breath as the mappings that were there before it are shown: a later one shows itself.
 * Context: holds encl->lock.
 */
static int settle(struct encl *e, const struct sgx_secs *src)
{
	int ret;

	e->base = src->base;
	e->size = src->size;
	ret = machine_insert(e->machine, e);
	if (ret)
		return ret;
	ret = make_room(e);
	if (ret)
		goto no_room;
	ret = encl_apply_protection(e, e->base, e->base + e->size);
	if (ret)
		goto not_shown;
	e->attributes_mask = UNPRIVILEGED_ATTRIBUTES;
	e->created = true;
	return 0;

not_shown:
	unmake_room(e);
no_room:
	machine_remove(e->machine, e);
	return ret;
}

static int create_from(struct encl *e, const struct sgx_secs *src, struct workspace *ws)
{
	int ret;

	/* All else that may be wrong with it is for the leaf to refuse. */
	if (!is_power_of_2(src->size))
		return -EINVAL;
	ret = add_va_page(e, ws);
	if (ret)
		return ret;
	ret = make_secs(e, src, ws);
	if (ret)
		goto no_secs;
	lock_acquire(&e->lock);
	ret = settle(e, src);
	lock_release(&e->lock);
	if (ret)
		goto unsettled;
	atomic_fetch_add(&e->machine->enclaves_created, 1);
	reclaimer_start(e->machine);
	return 0;

unsettled:
	unmake_secs(e);
no_secs:
	drop_va_page(e);
	return ret;
}

static long ioc_create(struct encl *e, uint64_t arg)
{
	struct sgx_enclave_create create;
	struct workspace ws;

	if (e->created)
		return -EINVAL;
	if (copy_from_user(&create, arg, sizeof(create)) || copy_from_user(ws.src, create.src, PAGE_SIZE))
		return -EFAULT;
	return create_from(e, (const struct sgx_secs *)ws.src, &ws);
}

/* --- ADD_PAGES --- */

static bool secinfo_ok(const struct sgx_secinfo *info)
{
	static const uint8_t zero[sizeof(info->reserved)];
	uint64_t perms = info->flags & SGX_SECINFO_RWX;
	uint64_t type = info->flags & SGX_SECINFO_PT_MASK;

	if (type != SGX_SECINFO_PT(SGX_PT_REG) && type != SGX_SECINFO_PT(SGX_PT_TCS))
		return false;
	if ((perms & SGX_SECINFO_W) && !(perms & SGX_SECINFO_R))
		return false;
	/* The processor clears a TCS's permissions without a word, but measures them. */
	if (type == SGX_SECINFO_PT(SGX_PT_TCS) && perms)
		return false;
	if (info->flags & ~(SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK))
		return false;
	return memcmp(info->reserved, zero, sizeof(zero)) == 0;
}

static bool range_ok(const struct encl *e, uint64_t offset, uint64_t length)
{
	if (!is_page_aligned(offset) || !length || !is_page_aligned(length))
		return false;
	return offset + length > offset && offset + length <= e->size;
}

/* PROT_* the application may map the page with, and its EPCM permissions: both are the build-time ones. */
static uint8_t build_prot(const struct sgx_secinfo *info)
{
	unsigned perms = (unsigned)(info->flags & SGX_SECINFO_RWX);

	_Static_assert(SGX_SECINFO_R == PROT_READ && SGX_SECINFO_W == PROT_WRITE && SGX_SECINFO_X == PROT_EXEC,
		       "EPCM permissions and PROT_* share their bits");
	if ((info->flags & SGX_SECINFO_PT_MASK) == SGX_SECINFO_PT(SGX_PT_TCS))
		return PROT_READ | PROT_WRITE;
	return (uint8_t)(perms | perms << 3);
}

/* EADD, and EEXTEND if measured, on the bytes in ws->src. Context: holds encl->lock. */
static int add_and_measure(struct encl *e, uint32_t epc, uint64_t linaddr, const struct sgx_secinfo *info, void *bytes,
			   const struct workspace *ws, bool measure)
{
	struct epc_page *page = epc_entry(&e->machine->epc, epc);
	struct sgx_pageinfo pginfo = { .linaddr = linaddr, .srcpge = ws->src, .secinfo = info, .secs = e->secs.page };

	if (encls_eadd(page, &e->secs, &pginfo, bytes) != SGX_SUCCESS)
		return -EIO;
	for (unsigned at = 0; measure && at < PAGE_SIZE; at += SGX_EEXTEND_BYTES) {
		if (encls_eextend(page, &e->secs, bytes, at) != SGX_SUCCESS)
			log_fatal("EEXTEND refused a page that EADD had just added");
	}
	return 0;
}

/* Map a new REG page, less permissive than the mapping around it if its own permissions say so. */
static int show_page(struct encl *e, uint64_t linaddr, const struct encl_page *p, const void *bytes)
{
	int mapped = vmap_prot(&e->vmap, linaddr, NULL);
	int ret = 0;

	if (mapped != VMAP_UNMAPPED && (mapped & ~PAGE_PERMS(p)))
		ret = mmu_protect(&e->machine->mmu, linaddr, PAGE_SIZE, mapped & PAGE_PERMS(p));
	return ret ? ret : mmu_map(&e->machine->mmu, linaddr, bytes);
}

/* Context: holds encl->lock; @p is absent. On failure the page is absent again and the caller frees the frame. */
static int insert_page(struct encl *e, uint64_t index, struct encl_page *p, uint32_t epc,
		       const struct sgx_secinfo *info, struct workspace *ws, bool measure)
{
	struct machine *m = e->machine;
	uint64_t linaddr = e->base + (index << PAGE_SHIFT);
	uint8_t type = (uint8_t)(info->flags >> SGX_SECINFO_PT_SHIFT);
	bool private = type == SGX_PT_TCS;
	int ret = add_and_measure(e, epc, linaddr, info, private ? epc_private(&m->epc, epc) : ws->dst, ws, measure);

	if (ret)
		return ret;
	*p = (struct encl_page){ .where = epc, .va = VA_NONE, .type = type, .prot = build_prot(info) };
	if (!private)
		ret = show_page(e, linaddr, p, ws->dst);
	if (ret) {
		if (encls_eremove(epc_entry(&m->epc, epc), NULL) != SGX_SUCCESS)
			log_fatal("EREMOVE refused a page that EADD had just added");
		*p = (struct encl_page){ 0 };
		return -ENOMEM;
	}
	page_move(p, PAGE_RESIDENT);
	e->resident++;
	e->page_count++;
	return 0;
}

static int add_page(struct encl *e, uint64_t src, uint64_t index, const struct sgx_secinfo *info, struct workspace *ws,
		    bool measure)
{
	struct encl_page *p;
	uint32_t epc;
	bool new_va;
	int ret;

	if (copy_from_user(ws->src, src, PAGE_SIZE))
		return -EFAULT;
	lock_acquire(&e->lock);
	p = pagetable_make(&e->pages, index);
	new_va = !va_room(&e->va, e->page_count + 1);
	lock_release(&e->lock);
	if (!p)
		return -ENOMEM;
	if (p->state != PAGE_ABSENT)
		return -EBUSY;
	epc = frame_for_growth(e, ws->dst);
	if (epc == EPC_NONE)
		return -ENOMEM;
	ret = new_va ? add_va_page(e, ws) : 0;
	if (!ret) {
		lock_acquire(&e->lock);
		ret = insert_page(e, index, p, epc, info, ws, measure);
		lock_release(&e->lock);
		if (ret && new_va)
			drop_va_page(e);
	}
	if (ret)
		frame_free(e, epc);
	return ret;
}

static long ioc_add_pages(struct encl *e, uint64_t arg)
{
	struct sgx_enclave_add_pages add;
	struct sgx_secinfo info;
	struct workspace ws;
	int ret = 0;

	if (!e->created || e->initialized)
		return -EINVAL;
	if (copy_from_user(&add, arg, sizeof(add)))
		return -EFAULT;
	if (!is_page_aligned(add.src) || !range_ok(e, add.offset, add.length))
		return -EINVAL;
	if (copy_from_user(&info, add.secinfo, sizeof(info)))
		return -EFAULT;
	if (!secinfo_ok(&info))
		return -EINVAL;
	for (add.count = 0; !ret && add.count < add.length; add.count += ret ? 0 : PAGE_SIZE)
		ret = add_page(e, add.src + add.count, (add.offset + add.count) >> PAGE_SHIFT, &info, &ws,
			       add.flags & SGX_PAGE_MEASURE);
	if (copy_to_user(arg, &add, sizeof(add)))
		return -EFAULT;
	return ret;
}

/* --- INIT, PROVISION --- */

/* Bits that the signer insists on and this processor does not have. */
static bool sigstruct_asks_too_much(const struct sgx_sigstruct *sig, const struct sgx_caps *caps)
{
	return (sig->attributes.flags & sig->attributemask.flags & ~(caps->attributes | SGX_ATTR_INIT)) ||
	       (sig->miscselect & sig->miscmask & ~caps->miscselect) ||
	       (sig->attributes.xfrm & sig->attributemask.xfrm & ~caps->xfrm);
}

static long ioc_init(struct encl *e, uint64_t arg)
{
	static const struct sgx_einittoken no_token;
	struct sgx_enclave_init init;
	struct sgx_sigstruct sig;
	enum sgx_status status;

	if (!e->created || e->initialized)
		return -EINVAL;
	if (copy_from_user(&init, arg, sizeof(init)) || copy_from_user(&sig, init.sigstruct, sizeof(sig)))
		return -EFAULT;
	if (sig.vendor != 0 && sig.vendor != SGX_VENDOR_INTEL)
		return -EINVAL;
	if (e->secs.attributes & ~e->attributes_mask)
		return -EACCES;
	if (sigstruct_asks_too_much(&sig, &e->machine->caps))
		return -EINVAL;
	lock_acquire(&e->lock);
	status = encls_einit(&e->secs, &sig, &no_token, &e->machine->caps);
	e->initialized = status == SGX_SUCCESS;
	lock_release(&e->lock);
	if (sgx_is_fault(status))
		return -EIO;
	/* The leaf was interrupted, which here only a shortage of memory does. */
	if (status == SGX_UNMASKED_EVENT)
		return -ENOMEM;
	return status == SGX_SUCCESS ? 0 : -EPERM;
}

static long ioc_provision(struct encl *e, uint64_t arg, bool (*provision_ok)(int fd))
{
	struct sgx_enclave_provision provision;

	if (copy_from_user(&provision, arg, sizeof(provision)))
		return -EFAULT;
	if (provision.fd > INT32_MAX || !provision_ok || !provision_ok((int)provision.fd))
		return -EINVAL;
	e->attributes_mask |= SGX_ATTR_PROVISIONKEY;
	return 0;
}

static long dispatch(struct encl *e, unsigned long cmd, uint64_t arg, bool (*provision_ok)(int fd))
{
	switch (cmd) {
	case SGX_IOC_ENCLAVE_CREATE:
		return ioc_create(e, arg);
	case SGX_IOC_ENCLAVE_ADD_PAGES:
		return ioc_add_pages(e, arg);
	case SGX_IOC_ENCLAVE_INIT:
		return ioc_init(e, arg);
	case SGX_IOC_ENCLAVE_PROVISION:
		return ioc_provision(e, arg, provision_ok);
	default:
		return -ENOTTY;
	}
}

/* Read after ioctl_busy was set: who decides that the enclave dies has either seen that, or is seen here. */
static bool is_dying(struct encl *e)
{
	bool dying;

	lock_acquire(&e->lock);
	dying = e->dying;
	lock_release(&e->lock);
	return dying;
}

long encl_ioctl(struct encl *e, unsigned long cmd, uint64_t arg, bool (*provision_ok)(int fd))
{
	bool idle = false;
	long ret;

	if (!atomic_compare_exchange_strong(&e->ioctl_busy, &idle, true))
		return -EBUSY;
	ret = is_dying(e) ? -EBADF : dispatch(e, cmd, arg, provision_ok);
	atomic_store(&e->ioctl_busy, false);
	/* The file may have been closed meanwhile, and waited for us. */
	encl_die_if_unreachable(e);
	return ret;
}
