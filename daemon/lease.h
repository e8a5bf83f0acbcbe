/*
 * lease: the tie between a child and the connection that it ends with.  Owns
 * whose it is, and that all who act on it are told of a change: the child and
 * its zygote, which see to a leased one's end when the daemon dies, and who
 * loses it.  What a connection's end means for a tree of children is tree's.
 */
#ifndef DAEMON_LEASE_H
#define DAEMON_LEASE_H

#include <stdint.h>

struct child;
struct client;

/* C, just made, is OWNER's; of nobody where that is NULL. */
void lease_begin(struct child *, struct client *owner);
/* C, which lives, is OWNER's from now on, and has its place in the tree below
 * that. */
void lease_move(struct child *, struct client *owner);
/* C is nobody's from now on, as connection ASKER wants; its place in the tree
 * stays. */
void lease_let_go(struct child *, uint64_t asker);
/* C has ended or is given up.  Its owner's number stays, for the record. */
void lease_end(struct child *);

#endif
