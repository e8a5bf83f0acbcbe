/*
 * record: an exit record as the exit status of forkctl.  Owns nothing.
 */
#ifndef FORKCTL_RECORD_H
#define FORKCTL_RECORD_H

#include <msgpack.h>
#include <stdbool.h>

/*
 * The child's exit code, 128+n where signal n ended it, EXIT_TIMEOUT where its
 * time-out did.  What a function
 * returned counts as for a console script, sys.exit(main()): None is 0, an int
 * is its low byte, anything else is printed to standard error and is 1.
 * TELL: an exception's traceback is printed, for a child whose own standard
 * error went elsewhere.
 */
int record_status(const msgpack_object *record, bool tell);

#endif
