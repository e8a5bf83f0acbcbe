/*
 * cpus: a set of CPUs as text, "0-3,8", as taskset(1) and the kernel have it.
 */
#ifndef PROTO_CPUS_H
#define PROTO_CPUS_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

/* False, where S is no such list, or an empty one. */
bool cpus_parse(const char *s, cpu_set_t *);
/* As much of it as BUF of N bytes takes; returns BUF. */
const char *cpus_format(const cpu_set_t *, char *buf, size_t n);

#endif
