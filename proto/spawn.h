/*
 * spawn: what a child shall run and in what surroundings.  The params of a
 * client's `spawn` and those of the daemon's `job` to a child are one struct,
 * read and written here.  Borrows all its bytes from the frame it was read
 * from.
 */
#ifndef PROTO_SPAWN_H
#define PROTO_SPAWN_H

#include <msgpack.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/err.h"
#include "proto/limits.h"
#include "proto/map.h"

#define SPAWN_MAX_FDS 64                  /* descriptors of one spawn */
#define SPAWN_JOB_FDS (SPAWN_MAX_FDS + 2) /* ... with those of a capture */
#define SPAWN_FD_LIMIT 511    /* targets are below; 511 and above are ours */
#define SPAWN_MAX_TEXT 131072 /* bytes of one path, argument, variable */
#define SPAWN_MAX_WORDS 65536 /* elements of argv, env, path */
#define SPAWN_MAX_TOKEN 255
#define SPAWN_MAX_CODE (1 << 20) /* bytes of `code` */
#define SPAWN_CAPTURE 65536      /* bytes kept of a stream by default */
#define SPAWN_MAX_CAPTURE (1 << 20)
#define SPAWN_MAX_READY 16384 /* bytes of the value of `ready` */

enum spawn_entry { SPAWN_CALL, SPAWN_SCRIPT, SPAWN_MODULE, SPAWN_CODE };
enum spawn_start { SPAWN_ANY, SPAWN_WARM, SPAWN_COLD };
/* When a spawn is answered: user code runs; the child says so; it says so by
 * sd_notify(3). */
enum spawn_ready { SPAWN_STARTED, SPAWN_TOLD, SPAWN_NOTIFY };

/* How a child opens a file.  All but the first may make it. */
enum spawn_access { SPAWN_READ, SPAWN_WRITE, SPAWN_APPEND, SPAWN_NEW };

/* What a child opens itself. */
struct spawn_file {
	int fd;            /* the target */
	struct bytes path; /* n == 0: a copy of descriptor `copy` */
	int copy;
	enum spawn_access access;
	unsigned mode; /* of one that is made, less the umask */
};

/* Output that the daemon keeps. */
struct spawn_capture {
	bool out, err; /* of which streams; neither: there is no capture */
	bool merge;    /* both as one */
	bool oldest;   /* what is kept where it is too much; else the newest */
	bool events;   /* the owner hears it as it comes */
	size_t bytes;  /* kept of each stream */
};

struct spawn {
	/* Read by the daemon only. */
	struct bytes template; /* "default" when absent */
	enum spawn_start start;
	bool detached;
	bool pidfd;        /* the reply carries a pidfd */
	bool contain;      /* true where absent: a control group */
	uint64_t grace_ns; /* has_grace false: the daemon's default */
	bool has_grace;
	uint64_t timeout_ns;       /* 0: none */
	uint64_t start_timeout_ns; /* 0: none */
	uint64_t on_hang_ns;       /* 0: it is not watched */
	struct spawn_capture capture;
	struct bytes token; /* n == 0: none */

	/* Goes on to the child. */
	enum spawn_entry entry;
	struct bytes target;              /* of call, script, module or code */
	const msgpack_object_array *args; /* NULL: none */
	const msgpack_object_map *kwargs; /* NULL: none */
	const msgpack_object_array *argv; /* sys.argv[1:]; NULL: none */
	const msgpack_object_map *env;    /* NULL: the template's */
	const msgpack_object_array *path; /* put before sys.path */
	struct bytes cwd;                 /* "/" when absent */
	struct bytes title;               /* n == 0: from the entry */
	int umask;                        /* -1: as it is */
	int fds[SPAWN_JOB_FDS];           /* target numbers */
	unsigned nfds;
	int tty;                                /* a target, or -1 */
	struct spawn_file files[SPAWN_MAX_FDS]; /* in order */
	unsigned nfiles;
	enum spawn_ready ready;
	struct limits limits; /* of `job` with those of the template */

	/* Of `job` only. */
	uint64_t id;
	unsigned captured;   /* the last of `fds`: captured output's */
	struct bytes socket; /* the daemon's, for FORKSERVER_SOCKET; n == 0:
			      * it has no path */
	struct bytes cookie; /* the child's own, for FORKSERVER_PARENT */
	struct bytes notify; /* NOTIFY_SOCKET; n == 0: as the environment has */
};

/* Reads a client's params.  0, or -1 with E naming the key. */
int spawn_read(struct spawn *, const msgpack_object *params, struct err *e);
/* Reads the params of `job`, in the child: the keys of the second and the third
 * group, `detached` and `grace_ns`, which are required there. */
int spawn_read_job(struct spawn *, const msgpack_object *params, struct err *e);
/* Writes the params of `job` as one map. */
void spawn_pack_job(const struct spawn *, msgpack_packer *);
/* Name on the wire of an entry kind: "call", "script", "module", "code". */
const char *spawn_entry_name(enum spawn_entry);

#endif
