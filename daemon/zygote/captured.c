#include "daemon/zygote/captured.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX 2 /* stdout, stderr */

/* Written before the control signal can come. */
static struct {
	int fd;
	ino_t ino; /* of the pipe; pipes are all of one device */
} noted[MAX];
static unsigned n_noted;

static bool
is_pipe(int fd, ino_t *ino)
{
	struct stat st;

	if (fstat(fd, &st) == -1 || !S_ISFIFO(st.st_mode))
		return false;
	*ino = st.st_ino;
	return true;
}

void
captured_note(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n && n_noted < MAX; i++) {
		noted[n_noted].fd = fds[i];
		n_noted += is_pipe(fds[i], &noted[n_noted].ino);
	}
}

void
captured_let_go(void)
{
	int null_fd = n_noted > 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) :
				    -1;
	ino_t ino;

	if (null_fd == -1)
		return;
	for (unsigned i = 0; i < n_noted; i++)
		if (is_pipe(noted[i].fd, &ino) && ino == noted[i].ino)
			dup2(null_fd, noted[i].fd);
	close(null_fd);
}
