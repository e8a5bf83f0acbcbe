/*
 * value: MessagePack to Python objects and back.  For the worker thread, with
 * a thread state current.
 */
#ifndef ZYGOTE_VALUE_H
#define ZYGOTE_VALUE_H

#include <Python.h>
#include <msgpack.h>

#include "proto/map.h"

/* A new reference, or NULL with a Python exception set.  str that is not UTF-8
 * and ext are errors. */
PyObject *value_from_msgpack(const msgpack_object *);

/* str by os.fsdecode's rules: for paths, argv and environment. */
PyObject *value_text(struct bytes);
PyObject *value_text_object(const msgpack_object *);
/* A list of them; empty where there is no array. */
PyObject *value_text_list(const msgpack_object_array *);

/* A str as UTF-8, made fit for it; the caller frees it.  NULL: no memory, or
 * no str. */
char *value_dup_text(PyObject *str);

/*
 * Packs OBJ; at most MAX bytes, 27 levels and what values frame_limits_child
 * leaves.  0, or -1 with WHY (of WHY_SIZE
 * bytes) saying which type or limit was in the way; then the buffer holds
 * part of a value.  Runs no code of the object's class.
 */
int value_pack(PyObject *obj, msgpack_packer *, size_t max, char *why,
    size_t why_size);

/* The bytes of a path, as the file system has it.  The caller frees them; NULL:
 * it is none. */
char *value_dup_path(PyObject *str);

#endif
