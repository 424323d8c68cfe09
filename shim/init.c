/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's beginning and end. Linked with -z initfirst: this runs before the constructors of everything else,
 * libc's included, so that they already find our vDSO. No libc state may be relied on; the environment comes with
 * the constructor's arguments.
 */
#include "base/log.h"
#include "base/sys.h"
#include "shim/fork.h"
#include "shim/state.h"

#define USAGE_STATUS 2

static uint64_t *auxv_after(char **env)
{
	while (*env)
		env++;
	return (uint64_t *)(env + 1);
}

__attribute__((constructor)) static void shim_load(int argc, char **argv, char **env)
{
	shim.config = config_defaults();
	/* This is the preloaded library's main(): there is nobody to return an error to. */
	if (config_read(&shim.config, env))
		sys_call1(SYS_exit_group, USAGE_STATUS);
	if (vdso_install(&shim.vdso, auxv_after(env)))
		log_line("no memory for a vDSO: programs will not find __vdso_sgx_enter_enclave()");
	fork_watch();
}

__attribute__((destructor)) static void shim_unload(void)
{
	if (shim_active())
		shim_last_words();
}
