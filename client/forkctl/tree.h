/*
 * tree: a reply as indented lines "key: value" for people.  Owns nothing.
 */
#ifndef FORKCTL_TREE_H
#define FORKCTL_TREE_H

#include <msgpack.h>
#include <stdio.h>

/* Numbers of keys that end in _ns are printed as durations, under the key
 * without it; text is escaped; a text of several lines is indented below its
 * key. */
void tree_print(FILE *, const msgpack_object *map);

#endif
