/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_KIT_ASSERT_H
#define SOFTSGX_KIT_ASSERT_H

#include <stdlib.h>

#define static_assert _Static_assert
#define assert(cond) ((cond) ? (void)0 : abort())

#endif
