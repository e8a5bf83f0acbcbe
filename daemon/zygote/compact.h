/*
 * compact: where a child's memory comes from: pages of its own, one after the
 * other, rather than holes between what it shares with the template, of which
 * each would have a page copied.  For the worker thread, with the template's
 * thread state current, as the last that is done to a template.
 */
#ifndef ZYGOTE_COMPACT_H
#define ZYGOTE_COMPACT_H

/* Fills the holes that there are now, for good, and leaves a large one. */
void compact_make(void);

#endif
