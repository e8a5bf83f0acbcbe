/*
 * become: the first moments of a zygote that is not to be root's: root's own
 * executable gives up all that root has and starts itself anew, as the user.
 */
#ifndef ZYGOTE_BECOME_H
#define ZYGOTE_BECOME_H

#define BECOME_OPTION "--as"

/*
 * forkserver-zygote --as UID GID [GROUP...]: takes these numbers and no other
 * groups, empties all sets of capabilities, and executes ARGV[0] without
 * arguments, with /dev/null as both outputs.  Nothing of the user's has been
 * touched by then.  Not in the daemon's own process before its exec: that shares
 * the daemon's memory, and the user could stop both.  Returns an exit status
 * where it failed.
 */
int become_main(int argc, char **argv);

#endif
