#include "client/forkctl/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

size_t
text_utf8(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c, least;
	size_t len;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	len = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	least = len == 2 ? 0x80 : len == 3 ? 0x800 : 0x10000;
	c = u[0] & (0x7f >> len);
	if (n < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

/* C0, DEL, and C1 as two bytes of UTF-8: what a terminal acts on.  So do the
 * bidirectional controls U+202A..2E and U+2066..69: they reorder a line. */
static bool
acts(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	if (len == 1)
		return u[0] < 0x20 || u[0] == 0x7f;
	if (len == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	return len == 3 && u[0] == 0xe2 &&
	    ((u[1] == 0x80 && u[2] >= 0xaa && u[2] <= 0xae) ||
		(u[1] == 0x81 && u[2] >= 0xa6 && u[2] <= 0xa9));
}

static void
put(FILE *f, const char *s, size_t n, bool lines)
{
	for (size_t i = 0; i < n;) {
		size_t len = text_utf8(s + i, n - i);

		if (len > 0 && !acts(s + i, len)) {
			fwrite(s + i, 1, len, f);
		} else if (lines && (s[i] == '\n' || s[i] == '\t')) {
			fputc(s[i], f);
		} else if (s[i] == '\n') {
			fputs("\\n", f);
		} else {
			len = len == 0 ? 1 : len;
			for (size_t k = 0; k < len; k++)
				fprintf(f, "\\x%02x", s[i + k] & 0xff);
		}
		i += len == 0 ? 1 : len;
	}
}

void
text_word(FILE *f, const char *s, size_t n)
{
	put(f, s, n, false);
}

void
text_block(FILE *f, const char *s, size_t n)
{
	put(f, s, n, true);
	if (n == 0 || s[n - 1] != '\n')
		fputc('\n', f);
}

size_t
text_width(const char *s)
{
	mbstate_t st = { 0 };
	size_t n = strlen(s), w = 0;

	while (n > 0) {
		wchar_t wc;
		size_t len = mbrtowc(&wc, s, n, &st);
		int cols;

		if (len == 0 || len > n) { /* not of this locale */
			memset(&st, 0, sizeof(st));
			len = 1;
			cols = 1;
		} else {
			cols = wcwidth(wc);
		}
		w += cols > 0 ? cols : 0;
		s += len;
		n -= len;
	}
	return w;
}

void
text_duration(char *buf, size_t n, uint64_t ns)
{
	uint64_t s = ns / 1000000000;

	if (ns < 1000000)
		snprintf(buf, n, "%" PRIu64 "us", ns / 1000);
	else if (ns < 100000000)
		snprintf(buf, n, "%" PRIu64 ".%" PRIu64 "ms", ns / 1000000,
		    ns / 100000 % 10);
	else if (s == 0)
		snprintf(buf, n, "%" PRIu64 "ms", ns / 1000000);
	else if (s < 60)
		snprintf(buf, n, "%" PRIu64 ".%" PRIu64 "s", s,
		    ns / 100000000 % 10);
	else if (s < 3600)
		snprintf(buf, n, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(buf, n, "%" PRIu64 "h%02" PRIu64 "m", s / 3600,
		    s / 60 % 60);
	else
		snprintf(buf, n, "%" PRIu64 "d%02" PRIu64 "h", s / 86400,
		    s / 3600 % 24);
}
