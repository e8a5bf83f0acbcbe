/*
 * order: what the daemon's `fork` says of one child.  Owns its text.
 */
#ifndef ZYGOTE_ORDER_H
#define ZYGOTE_ORDER_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"

struct order {
	uint64_t number;   /* 0: nobody's */
	bool standby;      /* it has no job yet, nor a lease */
	bool leased;       /* ends with the daemon */
	uint64_t grace_ns; /* of a leased one */
	char *cgroup;      /* the folder of its control group, or NULL */
	bool procs;        /* a descriptor of that comes with the order */
};

/* *A is the array of orders in the params of `fork`.  0, or -1 with E filled. */
int order_list(const msgpack_object *params, const msgpack_object_array **a,
    struct err *);
/* 0, or -1 with E filled: then procs is right where that could be read, and
 * number where that could, else 0.  order_fini in both cases. */
int order_read(struct order *, const msgpack_object *map, struct err *);
void order_fini(struct order *);

#endif
