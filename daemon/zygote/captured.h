/*
 * captured: the child's pipes of captured output, which nobody reads any more
 * when the daemon is gone.  One set a process.
 */
#ifndef ZYGOTE_CAPTURED_H
#define ZYGOTE_CAPTURED_H

/* The N descriptors FDS are captured. */
void captured_note(const int *fds, unsigned n);
/* What writes to them goes to /dev/null from now on, instead of failing with
 * EPIPE: those that still are what was noted.  Async-signal-safe. */
void captured_let_go(void);

#endif
