/*
 * digest: whether two requests ask for the same.  Owns nothing.  Not for
 * secrets: whoever makes two requests alike deceives himself only.
 */
#ifndef DAEMON_DIGEST_H
#define DAEMON_DIGEST_H

#include <msgpack.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_BEGIN UINT64_C(0xcbf29ce484222325)

/* FNV-1a, going on from D. */
uint64_t digest_bytes(uint64_t d, const void *p, size_t n);
/* Of the params, a map, but for the keys of SKIP (NULL at its end).  The same
 * in whatever order the keys of a map are, and in whatever form its integers
 * and lengths were packed; nil is as good as no key. */
uint64_t digest_params(const msgpack_object *, const char *const *skip);

#endif
