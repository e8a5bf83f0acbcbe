/*
 * wset: the working set of a template's children: the pages that the rehearsal
 * got copies of, which each child has the kernel copy in one go, rather than by a
 * fault each, and the files that it read, which children have mapped from the
 * fork on.  All of it is advice: what fails costs a child its faults.
 */
#ifndef ZYGOTE_WSET_H
#define ZYGOTE_WSET_H

/* In the zygote, around the rehearsal's life: where it can leave its list, and
 * the list taken out of its reach, for later children. */
void wset_prepare(void);
void wset_take(void);

/* In the rehearsal, when it has done what a job does. */
void wset_learn(void);

/* In a child, before it touches much. */
void wset_populate(void);

#endif
