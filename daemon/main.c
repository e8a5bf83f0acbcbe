/*
 * main: options, configuration, start, loop, end.
 */
#include <signal.h>
#include <stdio.h>

#include "daemon/config_load.h"
#include "daemon/log.h"
#include "daemon/options.h"
#include "daemon/server.h"

static int
serve(struct config *cfg, const struct config_source *source, int ready_fd)
{
	struct server srv;
	struct err e;
	int status = EXIT_FAILED;

	log_init((enum log_level)cfg->server.log_level);
	if (server_init(&srv, cfg, source, ready_fd, &e) == 0)
		status = server_run(&srv);
	else
		log_error("op=start: %s", e.msg);
	server_fini(&srv);
	return status;
}

/* Whoever starts us may block or ignore signals, SIGCHLD among them, without
 * which no zygote's end would be seen. */
static void
hear_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
}

int
main(int argc, char **argv)
{
	struct options opt;
	struct config_source source;
	struct config cfg;
	struct err e;
	int status = EXIT_FAILED;

	hear_signals();
	if (options_read(&opt, argc, argv) == -1 ||
	    config_init(&cfg, &e) == -1) {
		fputs("forkserverd: no memory\n", stderr);
		return EXIT_FAILED;
	}
	source = (struct config_source){ opt.config, opt.sets, opt.nsets };
	if (config_load(&cfg, &source, &e) == -1) {
		fprintf(stderr, "forkserverd: %s\n", e.msg);
	} else if (opt.check) {
		config_print(&cfg, stdout);
		status = fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
	} else {
		status = serve(&cfg, &source, opt.ready_fd);
	}
	config_fini(&cfg);
	options_fini(&opt);
	return status;
}
