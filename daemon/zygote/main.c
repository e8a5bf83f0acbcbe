/*
 * main: the command line of forkserver-zygote.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/zygote/become.h"
#include "daemon/zygote/doctor/doctor.h"
#include "daemon/zygote/fds.h"
#include "daemon/zygote/readconfig.h"
#include "daemon/zygote/title.h"
#include "daemon/zygote/zygote.h"

#ifndef FORKSERVERD_VERSION
#define FORKSERVERD_VERSION "0.1.0"
#endif

static const char usage[] =
    "usage: forkserver-zygote --read-config FILE\n"
    "       forkserver-zygote --doctor [OPTIONS]\n"
    "       forkserver-zygote --version | --help\n"
    "\n"
    "Started by forkserverd, with its socket as descriptor 3, it holds one\n"
    "template and forks children from it.  By hand it can do the following:\n"
    "\n"
    "  --read-config FILE   read TOML, write MessagePack to standard output\n"
    "  --doctor ...         prove the architecture on this machine; forkctl help\n"
    "                       doctor has the options\n"
    "  --version            print the version\n"
    "  --help               print this text\n";

int
main(int argc, char **argv)
{
	int type;
	socklen_t n = sizeof(type);

	if (argc == 3 && strcmp(argv[1], "--read-config") == 0)
		return readconfig_main(argv[2]);
	if (argc >= 2 && strcmp(argv[1], "--doctor") == 0)
		return doctor_main(argc - 1, argv + 1);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("forkserver-zygote " FORKSERVERD_VERSION);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return 0;
	}
	if (argc >= 2 && strcmp(argv[1], BECOME_OPTION) == 0)
		return become_main(argc, argv);
	if (argc > 1 ||
	    getsockopt(ZYGOTE_FD, SOL_SOCKET, SO_TYPE, &type, &n) == -1) {
		fputs(usage, stderr);
		return 2;
	}
	title_init(argc, argv);
	fds_raise();
	return zygote_run();
}
