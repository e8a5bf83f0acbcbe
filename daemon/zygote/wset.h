/*
 * wset: the working set of a template's children: the pages that the rehearsal
 * got copies of, which each child has the kernel copy in one go, rather than by a
 * fault each.  All of it is advice: what fails costs a child its faults.
 */
#ifndef ZYGOTE_WSET_H
#define ZYGOTE_WSET_H

/* In the zygote, around the rehearsal's life: where it can leave its list, and
 * the list taken out of its reach, for later children. */
void wset_prepare(void);
void wset_take(void);

/* In the rehearsal, when its first task runs and, again, when it has done all that
 * a job does.  In other processes it does nothing. */
void wset_learn(void);

/* In a child, before it touches much: what it needs up to its first task; what
 * comes behind that costs it its faults. */
void wset_populate(void);

/* Where there is time for it: what it needs to its end. */
void wset_populate_all(void);

#endif
