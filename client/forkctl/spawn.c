#include "client/forkctl/spawn.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/forkctl/json.h"

int
spawn_detached(struct context *ctx, struct forkserver *fs,
    const struct program *prog)
{
	int fds[3], status = 0;
	unsigned nfds = 0;
	struct params p;
	struct answer a;
	struct map m;
	struct err e;
	uint64_t id;

	for (int fd = 0; prog->own_fds && fd < 3; fd++)
		if (!ctx->was_closed[fd] && prog->redirect.file[fd] == NULL)
			fds[nfds++] = fd;
	params_init(&p);
	program_pack(prog, &p, fds, nfds, -1, true);
	pack_map_end(&p.map);
	answer_init(&a);
	a.failed = forkserver_call(fs, "spawn", p.buf.data, p.buf.size, fds,
		       nfds, -1, &a.reply, &a.error) == -1;
	params_fini(&p);
	answer_open(&a);
	if (a.failed)
		status = rpc_failed_start(ctx, &a);
	else if (ctx->json)
		json_line(ctx->out, &a.value.data);
	else if (map_init(&m, &a.value.data, "", &e) == 0 &&
	    map_uint(&m, "id", MAP_REQUIRED, UINT64_MAX, &id) == 1)
		printf("%" PRIu64 "\n", id);
	answer_fini(&a);
	return status;
}
