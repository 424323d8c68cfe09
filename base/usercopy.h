/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies from and to memory that the application names: a bad pointer gives -EFAULT as a kernel's copy_from_user()
 * would, never a fault in the engine. (process_vm_readv() on oneself does exactly this.)
 */
#ifndef SOFTSGX_BASE_USERCOPY_H
#define SOFTSGX_BASE_USERCOPY_H

#include "base/compiler.h"

int must_check copy_from_user(void *dst, uint64_t src, size_t len);
int must_check copy_to_user(uint64_t dst, const void *src, size_t len);

#endif
