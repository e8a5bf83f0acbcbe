#include "daemon/zygote/value.h"

#include <stdio.h>
#include <string.h>

#include "proto/frame.h"
#include "proto/pack.h"

/* Of what a frame from a child may have, less its envelope. */
#define MAX_DEPTH (frame_limits_child.max_depth - 3)
#define MAX_VALUES (frame_limits_child.max_items - 64)

PyObject *
value_text(struct bytes b)
{
	return PyUnicode_DecodeFSDefaultAndSize(b.p, b.n);
}

PyObject *
value_text_object(const msgpack_object *o)
{
	if (o->type == MSGPACK_OBJECT_STR)
		return value_text((struct bytes){
		    o->via.str.ptr, o->via.str.size });
	if (o->type == MSGPACK_OBJECT_BIN)
		return value_text((struct bytes){
		    o->via.bin.ptr, o->via.bin.size });
	PyErr_SetString(PyExc_TypeError, "text must be str or bin");
	return NULL;
}

PyObject *
value_text_list(const msgpack_object_array *a)
{
	PyObject *list = PyList_New(0), *s;

	for (uint32_t i = 0; a != NULL && list != NULL && i < a->size; i++) {
		s = value_text_object(&a->ptr[i]);
		if (s == NULL || PyList_Append(list, s) == -1)
			Py_CLEAR(list);
		Py_XDECREF(s);
	}
	return list;
}

char *
value_dup_text(PyObject *str)
{
	PyObject *b = PyUnicode_AsEncodedString(str, "utf-8",
	    "backslashreplace");
	char *p = b != NULL ? strdup(PyBytes_AS_STRING(b)) : NULL;

	PyErr_Clear();
	Py_XDECREF(b);
	return p;
}

static PyObject *
list_from(const msgpack_object_array *a)
{
	PyObject *list = PyList_New(a->size), *v;

	for (uint32_t i = 0; list != NULL && i < a->size; i++) {
		v = value_from_msgpack(&a->ptr[i]);
		if (v == NULL)
			Py_CLEAR(list);
		else
			PyList_SET_ITEM(list, i, v);
	}
	return list;
}

static PyObject *
dict_from(const msgpack_object_map *m)
{
	PyObject *dict = PyDict_New(), *k, *v;

	for (uint32_t i = 0; dict != NULL && i < m->size; i++) {
		k = value_from_msgpack(&m->ptr[i].key);
		v = k != NULL ? value_from_msgpack(&m->ptr[i].val) : NULL;
		if (v == NULL || PyDict_SetItem(dict, k, v) == -1)
			Py_CLEAR(dict);
		Py_XDECREF(k);
		Py_XDECREF(v);
	}
	return dict;
}

PyObject *
value_from_msgpack(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		Py_RETURN_NONE;
	case MSGPACK_OBJECT_BOOLEAN:
		return PyBool_FromLong(o->via.boolean);
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return PyLong_FromUnsignedLongLong(o->via.u64);
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return PyLong_FromLongLong(o->via.i64);
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return PyFloat_FromDouble(o->via.f64);
	case MSGPACK_OBJECT_STR:
		return PyUnicode_DecodeUTF8(o->via.str.ptr, o->via.str.size,
		    "strict");
	case MSGPACK_OBJECT_BIN:
		return PyBytes_FromStringAndSize(o->via.bin.ptr,
		    o->via.bin.size);
	case MSGPACK_OBJECT_ARRAY:
		return list_from(&o->via.array);
	case MSGPACK_OBJECT_MAP:
		return dict_from(&o->via.map);
	case MSGPACK_OBJECT_EXT:
		break;
	}
	PyErr_SetString(PyExc_ValueError,
	    "a MessagePack extension value has no Python counterpart");
	return NULL;
}

struct packing {
	msgpack_packer *pk;
	msgpack_sbuffer *buf;
	size_t max;
	size_t values; /* that there may still be */
	char *why;
	size_t why_size;
};

static int pack_value(struct packing *, PyObject *, unsigned depth);

static int
pack_int(struct packing *p, PyObject *o)
{
	int overflow;
	long long v = PyLong_AsLongLongAndOverflow(o, &overflow);
	unsigned long long u;

	if (overflow == 0) {
		msgpack_pack_int64(p->pk, v);
		return 0;
	}
	u = overflow > 0 ? PyLong_AsUnsignedLongLong(o) : 0;
	if (overflow > 0 && !PyErr_Occurred()) {
		msgpack_pack_uint64(p->pk, u);
		return 0;
	}
	PyErr_Clear();
	snprintf(p->why, p->why_size, "an int is outside of 64 bits");
	return -1;
}

static int
pack_unicode(struct packing *p, PyObject *o)
{
	Py_ssize_t n;
	const char *s = PyUnicode_AsUTF8AndSize(o, &n);

	if (s != NULL) {
		pack_strn(p->pk, s, n);
		return 0;
	}
	PyErr_Clear();
	snprintf(p->why, p->why_size, "a str has lone surrogates");
	return -1;
}

static int
pack_sequence(struct packing *p, PyObject *o, unsigned depth)
{
	Py_ssize_t n = PySequence_Fast_GET_SIZE(o);

	msgpack_pack_array(p->pk, n);
	for (Py_ssize_t i = 0; i < n; i++)
		if (pack_value(p, PySequence_Fast_GET_ITEM(o, i), depth) == -1)
			return -1;
	return 0;
}

static int
pack_dict(struct packing *p, PyObject *o, unsigned depth)
{
	PyObject *k, *v;
	Py_ssize_t pos = 0;

	msgpack_pack_map(p->pk, PyDict_GET_SIZE(o));
	while (PyDict_Next(o, &pos, &k, &v))
		if (pack_value(p, k, depth) == -1 ||
		    pack_value(p, v, depth) == -1)
			return -1;
	return 0;
}

static int
pack_value(struct packing *p, PyObject *o, unsigned depth)
{
	if (p->buf->size > p->max) {
		snprintf(p->why, p->why_size, "it is larger than %zu bytes",
		    p->max);
		return -1;
	}
	if (depth == 0) {
		snprintf(p->why, p->why_size, "it is nested deeper than %u",
		    MAX_DEPTH);
		return -1;
	}
	if (p->values-- == 0) {
		snprintf(p->why, p->why_size, "it has more than %zu values",
		    MAX_VALUES);
		return -1;
	}
	if (o == Py_None)
		return msgpack_pack_nil(p->pk);
	if (PyBool_Check(o))
		return pack_bool(p->pk, o == Py_True), 0;
	if (PyLong_Check(o))
		return pack_int(p, o);
	if (PyFloat_Check(o))
		return msgpack_pack_double(p->pk, PyFloat_AS_DOUBLE(o));
	if (PyUnicode_Check(o))
		return pack_unicode(p, o);
	if (PyBytes_Check(o))
		return pack_bytes(p->pk, PyBytes_AS_STRING(o),
			   PyBytes_GET_SIZE(o)),
		       0;
	if (PyByteArray_Check(o))
		return pack_bytes(p->pk, PyByteArray_AS_STRING(o),
			   PyByteArray_GET_SIZE(o)),
		       0;
	if (PyList_Check(o) || PyTuple_Check(o))
		return pack_sequence(p, o, depth - 1);
	if (PyDict_Check(o))
		return pack_dict(p, o, depth - 1);
	snprintf(p->why, p->why_size, "its type cannot be packed: %s",
	    Py_TYPE(o)->tp_name);
	return -1;
}

int
value_pack(PyObject *obj, msgpack_packer *pk, size_t max, char *why,
    size_t why_size)
{
	struct packing p = { pk, pk->data, 0, MAX_VALUES, why, why_size };

	p.max = p.buf->size + max;
	if (pack_value(&p, obj, MAX_DEPTH) == -1)
		return -1;
	if (p.buf->size <= p.max)
		return 0;
	snprintf(why, why_size, "it is larger than %zu bytes", max);
	return -1;
}

char *
value_dup_path(PyObject *str)
{
	PyObject *b = PyUnicode_EncodeFSDefault(str);
	char *p = b != NULL ? strdup(PyBytes_AS_STRING(b)) : NULL;

	PyErr_Clear();
	Py_XDECREF(b);
	return p;
}
