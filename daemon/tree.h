/*
 * tree: which child asked for which.  A child's connection to the daemon is
 * known by the process that opened it, or by the cookie that its environment
 * has; what is spawned over it belongs to that child and goes with it.  Owns
 * the ties, not the children; a parent is named by id.
 */
#ifndef DAEMON_TREE_H
#define DAEMON_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"
#include "proto/map.h"

struct child;
struct client;
struct server;

/* Length of a cookie, "ID-" and 32 hexadecimal digits, with its NUL. */
#define TREE_COOKIE_MAX 56

/* Gives C its cookie.  0, or -1 with E filled. */
int tree_cookie(struct child *, struct err *);
/* The child that a connection belongs to, while that lives; else NULL. */
struct child *tree_of(struct client *);
/* Ties a connection to the child whose cookie it is.  False: there is no
 * such child of that uid (it has ended, or is another daemon's). */
bool tree_claim(struct client *, struct bytes cookie);
/* C, just made, or leased anew, belongs to the child that its owner's
 * connection is. */
void tree_join(struct child *, struct client *owner);
/* C no longer belongs to anybody. */
void tree_leave(struct child *);
/* C has a pid now: a connection may have come from there before. */
void tree_forked(struct child *);
/* ... and has none any more: the number is free for another process. */
void tree_unforked(struct child *);
/* C has ended: the leases of those that it spawned end with it, to any
 * depth. */
void tree_over(struct child *);
/* Ends the leases of all that CONN owns, and of all below them. */
void tree_client_gone(struct server *, uint64_t conn);
/* Whether C is the child ROOT or below it. */
bool tree_contains(uint64_t root, const struct child *);

#endif
