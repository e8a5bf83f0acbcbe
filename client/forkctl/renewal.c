#include "client/forkctl/renewal.h"

#include <inttypes.h>
#include <unistd.h>

#include "client/forkctl/rpc.h"
#include "client/forkctl/text.h"

void
renewal_tell_whose(FILE *f, const msgpack_object *of)
{
	struct bytes name = rpc_text(of, "name");
	uint64_t uid;
	struct map m;
	struct err e;

	fputs("template=", f);
	text_word(f, name.p, name.n);
	if (map_init(&m, of, "", &e) == 0 &&
	    map_uint(&m, "uid", MAP_OPTIONAL, UINT32_MAX, &uid) == 1 &&
	    uid != geteuid())
		fprintf(f, " uid=%" PRIu64, uid);
}

void
renewal_tell_failed(FILE *f, const msgpack_object *of, uint64_t generation,
    const msgpack_object *error, uint64_t serves)
{
	struct bytes message = rpc_text(error, "message");
	struct bytes key = rpc_text(error, "key");

	renewal_tell_whose(f, of);
	fprintf(f, " gen=%" PRIu64 " failed: ", generation);
	text_word(f, message.p, message.n);
	if (key.n > 0) {
		fputs(" (", f);
		text_word(f, key.p, key.n);
		fputc(')', f);
	}
	if (serves != 0)
		fprintf(f, "; gen %" PRIu64 " serves", serves);
	else
		fputs("; none serves", f);
}
