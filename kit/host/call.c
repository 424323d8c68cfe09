/* SPDX-License-Identifier: Apache-2.0 */
/* ECALLs: a free thread of the enclave, the vDSO, and what to do each time it comes out. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/errors.h"
#include "kit/host/enclave.h"

/* One ECALL on its way; lives on the stack of the thread that makes it. */
struct visit {
	struct kit_enclave *enclave;
	struct kit_call call;
	struct kit_result *result;
	bool asking; /* the enclave's exception handler is at work */
};

/* Not zero while this host thread serves an OCALL: it holds a thread of the enclave that it cannot give back. */
static __thread unsigned ocall_depth;

/* --- threads of the enclave --- */

int kit_calls_init(struct kit_enclave *e)
{
	uint32_t count = e->image->config.tcs;

	e->tcs = calloc(count, sizeof(*e->tcs));
	if (!e->tcs)
		return -ENOMEM;
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->changed, NULL);
	for (uint32_t i = count; i-- > 0;) {
		e->tcs[i].address = e->base + kit_image_tcs(e->image, i);
		e->tcs[i].next = e->free;
		e->free = &e->tcs[i];
	}
	e->threads = count;
	e->enter = kit_find_vdso_entry();
	return 0;
}

void kit_calls_destroy(struct kit_enclave *e)
{
	if (!e->tcs)
		return;
	pthread_cond_destroy(&e->changed);
	pthread_mutex_destroy(&e->lock);
	free(e->tcs);
}

static int take_tcs(struct kit_enclave *e, struct kit_tcs **tcs)
{
	int ret = 0;

	pthread_mutex_lock(&e->lock);
	while (!e->free && e->threads != 0 && ocall_depth == 0)
		pthread_cond_wait(&e->changed, &e->lock);
	if (e->free) {
		*tcs = e->free;
		e->free = (*tcs)->next;
	} else {
		ret = e->threads == 0 ? -ENXIO : -EBUSY;
	}
	pthread_mutex_unlock(&e->lock);
	return ret;
}

static void give_tcs_back(struct kit_enclave *e, struct kit_tcs *tcs, bool usable)
{
	pthread_mutex_lock(&e->lock);
	if (usable) {
		tcs->next = e->free;
		e->free = tcs;
	} else {
		e->threads--;
	}
	/* To all: if the last thread is lost, everybody who waits must know. */
	pthread_cond_broadcast(&e->changed);
	pthread_mutex_unlock(&e->lock);
}

/* --- what the enclave wants --- */

static int64_t serve_ocall(struct visit *v)
{
	struct kit_enclave *e = v->enclave;

	switch (v->call.ocall) {
	case KIT_OCALL_PRINT:
		fwrite(v->call.scratch, 1, min_of(v->call.ocall_arg, sizeof(v->call.scratch)), stderr);
		return 0;
	case KIT_OCALL_YIELD:
		sched_yield();
		return 0;
	default:
		return e->ocall ? e->ocall(e->ocall_data, v->call.ocall, v->call.ocall_arg) : -ENOSYS;
	}
}

static int after_eexit(struct visit *v, long why)
{
	switch (why) {
	case KIT_EXIT_RETURN:
		return 0;
	case KIT_EXIT_OCALL:
		ocall_depth++;
		v->call.ocall_result = serve_ocall(v);
		ocall_depth--;
		return ENCLU_EENTER;
	case KIT_EXIT_RESUME:
		v->asking = false;
		return ENCLU_ERESUME;
	case KIT_EXIT_UNHANDLED:
		return -EFAULT;
	case KIT_EXIT_ABORT:
		return -ECANCELED;
	default:
		return -EPROTO;
	}
}

static int after_exception(struct visit *v, const struct sgx_enclave_run *run)
{
	struct kit_enclave *e = v->enclave;
	enum kit_fault_action action;

	if (v->asking) /* the handler inside is broken itself: the first exception is what counts */
		return -EFAULT;
	v->result->exception = (struct kit_exception){
		.function = run->function,
		.vector = run->exception_vector,
		.error_code = run->exception_error_code,
		.address = run->exception_addr,
	};
	if (run->function != ENCLU_ERESUME)
		return -EFAULT;
	action = e->fault ? e->fault(e->fault_data, &v->result->exception) : KIT_FAULT_ASK;
	if (action == KIT_FAULT_FAIL)
		return -EFAULT;
	v->asking = action == KIT_FAULT_ASK;
	return v->asking ? ENCLU_EENTER : ENCLU_ERESUME;
}

/* The vDSO calls this each time the enclave is left; what it returns is the next ENCLU leaf, or the end. */
static int after_exit(long rdi, long rsi, long rdx, long ursp, long r8, long r9, struct sgx_enclave_run *run)
{
	struct visit *v = (struct visit *)run->user_data;

	(void)rsi, (void)rdx, (void)ursp, (void)r8, (void)r9;
	return run->function == ENCLU_EEXIT ? after_eexit(v, rdi) : after_exception(v, run);
}

/* --- interface --- */

int kit_ecall(struct kit_enclave *e, uint64_t function, uint64_t arg, struct kit_result *result)
{
	struct visit v = { .enclave = e, .result = result, .call = { .function = function, .arg = arg } };
	struct sgx_enclave_run run = { .user_handler = (uint64_t)after_exit, .user_data = (uint64_t)&v };
	struct kit_tcs *tcs;
	int ret;

	memset(result, 0, sizeof(*result));
	if (!e->enter)
		return -ENOSYS;
	ret = take_tcs(e, &tcs);
	if (ret != 0)
		return ret;
	run.tcs = tcs->address;
	ret = kit_vdso_enter(e->enter, (uint64_t)&v.call, &run, ENCLU_EENTER);
	result->value = v.call.result;
	/* An entry that failed has left the thread as it was; one that was interrupted for good cannot be used again. */
	give_tcs_back(e, tcs, ret == 0 || (ret == -EFAULT && result->exception.function == ENCLU_EENTER));
	return ret;
}

void kit_on_ocall(struct kit_enclave *e, kit_ocall_fn ocall, void *data)
{
	e->ocall = ocall;
	e->ocall_data = data;
}

void kit_on_fault(struct kit_enclave *e, kit_fault_fn fault, void *data)
{
	e->fault = fault;
	e->fault_data = data;
}

static const char *vector_name(unsigned vector)
{
	switch (vector) {
	case VECTOR_DE:
		return "division error";
	case VECTOR_DB:
		return "debug exception";
	case VECTOR_BP:
		return "breakpoint";
	case VECTOR_BR:
		return "bound range exceeded";
	case VECTOR_UD:
		return "invalid instruction";
	case VECTOR_GP:
		return "general protection fault";
	case VECTOR_PF:
		return "page fault";
	case VECTOR_MF:
		return "x87 error";
	case VECTOR_AC:
		return "misaligned access";
	case VECTOR_XM:
		return "SIMD floating-point error";
	default:
		return "exception";
	}
}

static int describe_address(const struct kit_enclave *e, const struct kit_exception *x, char *buf, size_t size)
{
	const char *access = x->error_code & PF_INSTR ? "executing" : x->error_code & PF_WRITE ? "writing" : "reading";
	uint64_t offset = x->address - e->base;
	const char *epcm = x->error_code & PF_SGX ? ", denied by the EPCM" : "";

	if (x->vector != VECTOR_PF)
		return 0;
	if (offset < e->image->size)
		return snprintf(buf, size, " %s enclave + 0x%lx%s", access, offset, epcm);
	return snprintf(buf, size, " %s host address 0x%lx", access, x->address);
}

char *kit_describe_exception(const struct kit_enclave *e, const struct kit_exception *x, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s (vector %u, error code 0x%x)", vector_name(x->vector), x->vector,
			 x->error_code);

	if (n >= 0 && (size_t)n < size)
		n += describe_address(e, x, buf + n, size - (size_t)n);
	if (n >= 0 && (size_t)n < size && x->function == ENCLU_EENTER)
		(void)snprintf(buf + n, size - (size_t)n, ", on entering");
	return buf;
}
