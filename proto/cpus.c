#include "proto/cpus.h"

#include <stdio.h>
#include <string.h>

/* A number below CPU_SETSIZE; S moves behind it. */
static bool
number(const char **s, int *out)
{
	int v = 0, n = 0;

	for (; **s >= '0' && **s <= '9' && n < 5; (*s)++, n++)
		v = v * 10 + (**s - '0');
	*out = v;
	return n > 0 && v < CPU_SETSIZE;
}

bool
cpus_parse(const char *s, cpu_set_t *set)
{
	int from, to;

	CPU_ZERO(set);
	do {
		if (!number(&s, &from))
			return false;
		to = from;
		if (*s == '-' && (s++, !number(&s, &to) || to < from))
			return false;
		for (int i = from; i <= to; i++)
			CPU_SET(i, set);
	} while (*s == ',' && *++s != '\0');
	return *s == '\0' && s[-1] != ',';
}

const char *
cpus_format(const cpu_set_t *set, char *buf, size_t n)
{
	size_t at = 0;

	buf[0] = '\0';
	for (int i = 0; i < CPU_SETSIZE; i++) {
		int last = i;
		char range[24];

		if (!CPU_ISSET(i, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		snprintf(range, sizeof(range), last > i ? "%s%d-%d" : "%s%d",
		    at > 0 ? "," : "", i, last);
		if (at + strlen(range) >= n)
			break;
		strcpy(buf + at, range);
		at += strlen(range);
		i = last;
	}
	return buf;
}
