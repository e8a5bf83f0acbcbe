#include "daemon/zygote/maps.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define CHUNK 512 /* pages that are looked up at once */

void
maps_each_writable(void (*fn)(const struct mapping *m, void *ctx), void *ctx)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	struct mapping m = {
		.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC),
	};
	uint64_t inode;
	char line[4352], may[5];

	while (maps != NULL && m.pagemap != -1 &&
	    fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line,
			"%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %" SCNu64, &m.at,
			&m.end, may, &inode) != 4 ||
		    may[1] != 'w' || may[3] != 'p')
			continue;
		m.anonymous = inode == 0;
		fn(&m, ctx);
	}
	if (maps != NULL)
		fclose(maps);
	if (m.pagemap != -1)
		close(m.pagemap);
}

void
maps_pages(const struct mapping *m, uintptr_t at, uintptr_t end, uint64_t bits,
    void (*fn)(void *ctx, uintptr_t at, size_t size), void *ctx)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	uint64_t entries[CHUNK];

	while (at < end) {
		size_t n = (end - at) / page;
		ssize_t got = pread(m->pagemap, entries,
		    (n < CHUNK ? n : CHUNK) * sizeof(*entries),
		    at / page * sizeof(*entries));

		if (got < (ssize_t)sizeof(*entries))
			return;
		for (size_t i = 0; i < got / sizeof(*entries); i++, at += page)
			if ((entries[i] & bits) == bits)
				fn(ctx, at, page);
	}
}
