#include "daemon/pidfd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define SIGNAL_PROCESS_GROUP (1u << 2) /* PIDFD_SIGNAL_PROCESS_GROUP */

int
pidfd_of(pid_t pid)
{
	return syscall(SYS_pidfd_open, pid, 0);
}

int
pidfd_of_peer(int fd, pid_t pid)
{
	int pidfd;
	socklen_t n = sizeof(pidfd);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &n) == 0)
		return pidfd;
	if (errno != ENOPROTOOPT)
		return -1;
	return pidfd_of(pid);
}

int
pidfd_signal(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

int
pidfd_signal_group(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL,
	    SIGNAL_PROCESS_GROUP);
}

bool
pidfd_exited(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

int
pidfd_status(int pidfd, int *status)
{
	/* struct pidfd_info of linux/pidfd.h, as of Linux 6.15. */
	struct {
		uint64_t mask, cgroupid;
		uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid,
		    fsuid, fsgid;
		int32_t exit_code;
	} info = { .mask = UINT64_C(1) << 3 }; /* PIDFD_INFO_EXIT */

	if (ioctl(pidfd, _IOWR(0xff, 11, info), &info) == -1)
		return -1;
	if ((info.mask & UINT64_C(1) << 3) == 0)
		return -1;
	*status = info.exit_code;
	return 0;
}
