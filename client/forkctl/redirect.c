#include "client/forkctl/redirect.h"

#include <string.h>

/* Standard error has the same file as standard output: one opening for both,
 * or each would write over the other. */
static bool
is_shared(const struct redirect *r)
{
	return r->file[1] != NULL && r->file[2] != NULL &&
	    strcmp(r->file[1], r->file[2]) == 0;
}

static void
pack_file(const struct redirect *r, int fd, msgpack_packer *pk)
{
	struct pack_map m;

	pack_map_begin(pk, &m);
	pack_kv_uint(pk, &m, "fd", fd);
	if (fd == 2 && is_shared(r)) {
		pack_kv_uint(pk, &m, "copy", 1);
	} else {
		pack_kv_text(pk, &m, "path", r->file[fd]);
		pack_kv_str(pk, &m, "access",
		    fd == 0       ? "read" :
			r->append ? "append" :
				    "write");
	}
	pack_map_end(&m);
}

static void
pack_files(const struct redirect *r, struct params *to)
{
	unsigned n = 0;

	for (int fd = 0; fd < 3; fd++)
		n += r->file[fd] != NULL;
	if (n == 0)
		return;
	pack_key(&to->pk, &to->map, "files");
	msgpack_pack_array(&to->pk, n);
	for (int fd = 0; fd < 3; fd++)
		if (r->file[fd] != NULL)
			pack_file(r, fd, &to->pk);
}

void
redirect_pack(const struct redirect *r, struct params *to)
{
	bool out = r->capture && r->file[1] == NULL;
	bool err = r->capture && r->file[2] == NULL;
	struct pack_map m;

	pack_files(r, to);
	if (!out && !err)
		return;
	pack_key(&to->pk, &to->map, "capture");
	pack_map_begin(&to->pk, &m);
	pack_kv_bool(&to->pk, &m, "stdout", out);
	pack_kv_bool(&to->pk, &m, "stderr", err);
	if (r->bytes != 0)
		pack_kv_uint(&to->pk, &m, "bytes", r->bytes);
	pack_map_end(&m);
}
