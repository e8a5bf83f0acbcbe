/*
 * table: rows of text in aligned columns.  Owns the cells.  Cells are escaped
 * as they come in, so any text may be put in one.
 */
#ifndef FORKCTL_TABLE_H
#define FORKCTL_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "proto/map.h"

struct table {
	unsigned columns;
	unsigned right; /* bit I: column I is aligned to the right */
	char **cells;
	size_t n, cap;
};

void table_init(struct table *, unsigned columns, unsigned right);
void table_fini(struct table *);

/* Each fills the next cell, row after row. */
void table_text(struct table *, const char *, size_t);
void table_str(struct table *, const char *);
void table_uint(struct table *, uint64_t);
void table_duration(struct table *, uint64_t ns);

/* Keys of M, "-" where they are absent. */
void table_map_text(struct table *, struct map *m, const char *key);
void table_map_uint(struct table *, struct map *m, const char *key);
void table_map_duration(struct table *, struct map *m, const char *key);

/* Lines longer than WIDTH columns are cut; 0: never. */
void table_print(const struct table *, FILE *, size_t width);

/* Columns of the terminal at standard output; 0 if it is none. */
size_t table_screen(void);

#endif
