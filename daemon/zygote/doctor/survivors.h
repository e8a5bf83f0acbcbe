/*
 * survivors: processes that an ended trial has left behind.  As this process is
 * a subreaper, they are its children now, and are killed and reaped.
 */
#ifndef DOCTOR_SURVIVORS_H
#define DOCTOR_SURVIVORS_H

#include <sys/types.h>

/* Whatever is a child of this process by now is not ours to kill: who exec'd
 * us may have had some. */
void survivors_init(void);

/* All but SPARED, and what becomes our child as they die.  Blocks until they
 * have. */
void survivors_kill(pid_t spared);

#endif
