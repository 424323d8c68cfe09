/* SPDX-License-Identifier: Apache-2.0 */
/* Put before the kit's C library when it is compiled for the host, so that it can be compared with the host's own. */
#define memcpy kit_memcpy
#define memmove kit_memmove
#define memset kit_memset
#define memcmp kit_memcmp
#define memchr kit_memchr
#define strlen kit_strlen
#define strnlen kit_strnlen
#define strcmp kit_strcmp
#define strncmp kit_strncmp
#define strchr kit_strchr
#define malloc kit_malloc
#define calloc kit_calloc
#define realloc kit_realloc
#define free kit_free
#define abort kit_libc_abort
#define strtoul kit_strtoul
#define strtol kit_strtol
#define qsort kit_qsort
#define bsearch kit_bsearch
#define snprintf kit_snprintf
#define vsnprintf kit_vsnprintf
