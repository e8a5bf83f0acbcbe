/*
 * zygote: the main thread of a zygote: takes the daemon's orders, has the
 * worker thread carry them out, reaps, and tells.  Touches no CPython.
 */
#ifndef ZYGOTE_ZYGOTE_H
#define ZYGOTE_ZYGOTE_H

#define ZYGOTE_FD 3 /* the daemon's socket, as it was exec'd with */

/* Serves until the daemon closes its end.  Returns the exit status. */
int zygote_run(void);

#endif
