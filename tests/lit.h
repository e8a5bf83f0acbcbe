/*
 * lit: MessagePack written as text, for tests: JSON with single quotes, `nil`,
 * and x'ff00' for bin.  "{'code': 'print(1)', 'fds': [0, 1], 'umask': 18}"
 */
#ifndef TESTS_LIT_H
#define TESTS_LIT_H

#include <msgpack.h>

/* Packs the one value that TEXT is; aborts where TEXT is none.  A backslash
 * takes the character behind it as it is, \n is a newline. */
void lit_pack(msgpack_packer *, const char *text);

#endif
