/*
 * notify: what systemd is told: that the daemon is ready, how it is, that it
 * stops, that its loop turns.  Without systemd all of this is nothing.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <ev.h>

struct server;

struct notify {
	ev_timer watchdog; /* runs where the unit has WatchdogSec= */
};

void notify_init(struct server *);
void notify_fini(struct server *);
void notify_ready(struct server *);
/* Until notify_ready. */
void notify_reloading(void);
void notify_stopping(struct server *);
/* What became of templates: `systemctl status` shows it. */
void notify_status(struct server *);

#endif
