/*
 * token: the name that a client has given to a spawn, so that the same spawn
 * asked for again is not another child.  Owns the names of each user, until
 * some time after their children's ends, and what is told of a child whose
 * record is gone by then.
 */
#ifndef DAEMON_TOKEN_H
#define DAEMON_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proto/err.h"
#include "proto/map.h"

struct child;
struct request;
struct server;
struct token;

#define TOKEN_BUCKETS 1024

LIST_HEAD(token_bucket, token);
TAILQ_HEAD(token_list, token);

struct tokens {
	struct token_bucket buckets[TOKEN_BUCKETS];
	struct token_list ended; /* of ended children, by time */
	size_t n;
};

void tokens_init(struct tokens *);
void tokens_fini(struct tokens *);

/* The one of that name among the requester's, NULL if there is none.  Lets go
 * of those that have expired. */
struct token *token_find(const struct request *, struct bytes name);
/* 0 when RQ asks for what the token's spawn did, or -1 with E filled. */
int token_check(const struct token *, const struct request *, struct err *);
/* The token's child; NULL when its record is gone. */
struct child *token_child(struct server *, const struct token *);
/* For a child that is not there any more: the result of its spawn, and
 * `exited` where LEASED. */
void token_tell(const struct token *, const struct request *, bool leased);

/* C, which RQ asks for, has that name from now on.  0, or -1 with E filled. */
int token_give(struct child *, const struct request *, struct bytes name,
    struct err *);
/* NULL where C has none. */
const char *token_name(const struct child *);
/* C has not started: its name is free.  For all children. */
void token_drop(struct child *);
/* C has ended, after it had started. */
void token_child_over(struct child *);
/* The record of C goes. */
void token_child_forgotten(struct child *);

#endif
