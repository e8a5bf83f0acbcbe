#include "client/forkctl/renewal.h"

#include <inttypes.h>

#include "client/forkctl/rpc.h"
#include "client/forkctl/text.h"

void
renewal_tell_failed(FILE *f, struct bytes name, uint64_t generation,
    const msgpack_object *error, uint64_t serves)
{
	struct bytes message = rpc_text(error, "message");
	struct bytes key = rpc_text(error, "key");

	fputs("template=", f);
	text_word(f, name.p, name.n);
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
