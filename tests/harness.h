/*
 * harness: a real daemon on a private socket, and raw connections to it.  A
 * test starts one and stops it; the stop proves that nothing is left: the
 * daemon's exit status is 0, its descriptors are as before the first
 * connection, and no process of its tree lives or is unreaped.
 *
 * Everything waits for an event with a deadline and fails the test (Check's
 * ck_abort) when that passes.  There is one daemon in a test's process.
 */
#ifndef TESTS_HARNESS_H
#define TESTS_HARNESS_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/stream.h"
#include "tests/procfs.h" /* for tests that came before it */

#define DEADLINE_S 30 /* no wait lasts longer */

struct live {
	char dir[64]; /* private, removed at the stop */
	char socket[96];
	char *config; /* path of its file */
	pid_t pid;
	int baseline;  /* its descriptors, with one connection open, without
		       * those of standbys */
	bool standbys; /* it may have any */
};
extern struct live live;

/*
 * Starts the daemon with the text of a configuration file, `%s` in it being
 * the folder of tests/fixtures; NULL: that folder is on the default template's
 * path.  Returns when it is ready.
 */
void live_start(const char *config);
/*
 * live_start with standbys, as the configuration says; returns when all of them
 * are there.  Without it there are none, unless FORKSERVERD_STANDBYS is set:
 * then live_start is the same as this.
 */
void live_start_standbys(const char *config);
/* Waits until each ready template has as many as it shall have. */
void live_standbys_full(void);
/* Another text for its configuration file, which it reads at a reload. */
void live_configure(const char *config);
/* live_start without waiting for readiness. */
void live_launch(const char *config);
/* SIGTERM, and the proof.  Connections are to be closed before. */
void live_stop(void);
/* After the daemon was killed: waits until no process below us is left. */
void live_no_process(void);

/* One connection. */
struct peer {
	struct stream st;
	uint32_t id; /* of the last request */
};

/* One message from the daemon; msg's objects live until reply_fini. */
struct reply {
	struct msg msg;
	uint8_t *copy;
	int fd; /* the descriptor that came with it, or -1 */
};

void peer_open(struct peer *);
/* ... over FD, which it takes. */
void peer_adopt(struct peer *, int fd);
void peer_close(struct peer *);
/* Sends raw bytes as they are. */
void peer_raw(struct peer *, const void *, size_t);

/* Sends a request, its params as lit_pack's text after printf; returns its id.
 * With fds: FDS are dup'ed. */
uint32_t peer_send(struct peer *, const char *method, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
uint32_t peer_send_fds(struct peer *, const char *method, const int *fds,
    unsigned nfds, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The next message, whichever it is. */
void peer_next(struct peer *, struct reply *);
/* The response to request ID; other messages on the way are dropped. */
void peer_response(struct peer *, uint32_t id, struct reply *);
/* The next event of that name; other messages on the way are dropped. */
void peer_event(struct peer *, const char *name, struct reply *);
/* Waits until the daemon has closed the connection. */
void peer_closed(struct peer *);
void reply_fini(struct reply *);

/* Sends, waits, and expects a result (no error). */
void ask(struct peer *, struct reply *, const char *method, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
/* ... expects an error of that code, and KEY in it unless NULL. */
void refused(struct peer *, const char *code, const char *key,
    const char *method, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The pid of the first template's zygote, which is there. */
pid_t live_zygote(struct peer *);

/* The value at a path of keys, as "phases.total_ns"; fails when it is absent.
 * In a response the result, or the error where there is one; else the params. */
const msgpack_object *at(const struct reply *, const char *path);
bool has(const struct reply *, const char *path);
int64_t int_at(const struct reply *, const char *path);
bool bool_at(const struct reply *, const char *path);
/* A copy that lives until the test's end. */
const char *str_at(const struct reply *, const char *path);

/* spawn, expects success: the child's id; and its end: the exit record. */
uint64_t spawn(struct peer *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void wait_end(struct peer *, uint64_t id, struct reply *);
/* Both; the exit code is -signal for a signal. */
int run(struct peer *, struct reply *record, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* As run with a pipe at the child's stdout; what it printed, until its end. */
const char *output(struct peer *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* P lives until the test's end, and is returned. */
char *kept(char *p);

/* Reads from FD to its end, or until a newline with LINE. */
const char *read_text(int fd, bool line);

/* Whether what is tested is built with a sanitiser, which has memory of its
 * own. */
bool sanitised(void);

/* A test program's main: runs the suite of TESTS. */
int harness_main(const char *name, const TTest *const *tests);

#endif
