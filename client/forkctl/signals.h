/*
 * signals: those that forkctl hears while a child runs in its stead, as a
 * descriptor.  Owns the signal mask.
 */
#ifndef FORKCTL_SIGNALS_H
#define FORKCTL_SIGNALS_H

/*
 * Blocks SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT and SIGWINCH and
 * returns a signalfd for them.  One that is ignored (nohup, a job in the
 * background of a script) stays so.  -1 with errno.
 */
int signals_open(void);
void signals_close(int fd);

/* The next signal, 0: none now. */
int signals_next(int fd);

/* Stops this process group as the suspend character would, and returns when
 * the job goes on; at once where job control does not apply. */
void signals_stop_job(void);

/* What process PID does on SIG, as /proc tells; default where it does not. */
enum signals_action { SIGNALS_DEFAULT, SIGNALS_IGNORED, SIGNALS_CAUGHT };
enum signals_action signals_action(int pid, int sig);

#endif
