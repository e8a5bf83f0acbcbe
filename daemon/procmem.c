#include "daemon/procmem.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

bool
procmem_read(pid_t pid, struct procmem *mem)
{
	uint64_t kb = (uint64_t)sysconf(_SC_PAGESIZE) / 1024, resident, file;
	char path[32], text[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	if (sscanf(text, "%*u %" SCNu64 " %" SCNu64, &resident, &file) != 2 ||
	    file > resident)
		return false;
	*mem = (struct procmem){ resident * kb, (resident - file) * kb };
	return true;
}
