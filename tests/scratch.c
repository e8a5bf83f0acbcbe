#include "tests/scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/harness.h"

char *
scratch(const char *kind)
{
	const char *in = getenv("FORKSERVERD_SCRATCH");
	char *path;

	ck_assert(asprintf(&path, "%s/forkserverd-%s-XXXXXX",
		      in != NULL ? in : "/tmp", kind) > 0);
	ck_assert_msg(strlen(path) <= 60, "FORKSERVERD_SCRATCH is too long");
	return kept(path);
}
