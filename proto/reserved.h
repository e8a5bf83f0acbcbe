/*
 * reserved: what a child's program must leave alone (README.md): both the
 * child's own code and the daemon count on it.
 */
#ifndef PROTO_RESERVED_H
#define PROTO_RESERVED_H

#include <signal.h>

/* Raised by the control socket: high, and not the last, which programs like to
 * take. */
#define RESERVED_SIGNAL (SIGRTMAX - 2)

#endif
