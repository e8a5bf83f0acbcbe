/*
 * tell: the messages of a zygote to the daemon (PROTOCOL.md, section 3), each
 * packed whole.  Sends nothing: the caller owns the socket.
 */
#ifndef ZYGOTE_TELL_H
#define ZYGOTE_TELL_H

#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "daemon/zygote/template.h"
#include "proto/err.h"
#include "proto/msg.h"

/* Each fills O, which need not be initialised. */
void tell_refused(struct msg_out *o, uint32_t msgid, const struct err *);
void tell_failed(struct msg_out *o, uint32_t msgid, const struct template *,
    const struct err *);
void tell_ready(struct msg_out *o, uint32_t msgid, const struct template *,
    const char *python, const char *way);
void tell_here(struct msg_out *o, uint32_t msgid);
/* PIDFD is taken.  -1: no memory for it; O is empty. */
int tell_forked(struct msg_out *o, uint64_t order, pid_t, uint64_t time_ns,
    int pidfd);
void tell_fork_failed(struct msg_out *o, uint64_t order, const struct err *);
/* STATUS and RU as wait4(2) gave them. */
void tell_reaped(struct msg_out *o, uint64_t order, pid_t, int status,
    const struct rusage *ru);

/* PATH has changed, of what the template was made from. */
void tell_stale(struct msg_out *o, const char *path);

#endif
