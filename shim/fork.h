/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_SHIM_FORK_H
#define SOFTSGX_SHIM_FORK_H

/** fork_watch() - from now on forked children forget what is the parent's. */
void fork_watch(void);

#endif
