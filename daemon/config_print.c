/*
 * config_print: one value of the configuration as TOML.  Owns the form, not
 * the kinds of values, which are config_value.h's.
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/config_value.h"

/* A basic string of TOML. */
static void
print_string(const char *s, size_t n, FILE *f)
{
	fputc('"', f);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = s[i];

		if (c == '"' || c == '\\')
			fprintf(f, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(f, "\\u%04x", c);
		else
			fputc(c, f);
	}
	fputc('"', f);
}

static void
print_words(const struct words *w, bool table, FILE *f)
{
	fputs(table ? "{" : "[", f);
	for (size_t i = 0; i < w->n; i++) {
		const char *s = w->v[i];
		size_t n = table ? strcspn(s, "=") : strlen(s);

		fputs(i > 0 ? ", " : table ? " " : "", f);
		print_string(s, n, f);
		if (!table)
			continue;
		fputs(" = ", f);
		print_string(s + n + 1, strlen(s + n + 1), f);
	}
	fputs(table ? w->n > 0 ? " }" : "}" : "]", f);
}

void
config_value_print(const struct config_key *k, const void *section, FILE *f)
{
	const void *at = (const char *)section + k->at;

	fprintf(f, "%s = ", k->name);
	switch (k->kind) {
	case KIND_TEXT: {
		const char *s = *(char *const *)at;

		print_string(s, strlen(s), f);
		break;
	}
	case KIND_OCTAL:
		fprintf(f, "\"%04" PRIo64 "\"", *(const uint64_t *)at);
		break;
	case KIND_COUNT:
		fprintf(f, "%" PRIu64, *(const uint64_t *)at);
		break;
	case KIND_SECONDS: {
		uint64_t ns = *(const uint64_t *)at;

		fprintf(f, ns % NS_PER_S == 0 ? "%.1f" : "%.9g",
		    (double)ns / (double)NS_PER_S);
		break;
	}
	case KIND_BOOL:
		fputs(*(const bool *)at ? "true" : "false", f);
		break;
	case KIND_CHOICE:
		fprintf(f, "\"%s\"", k->choices[*(const int *)at]);
		break;
	case KIND_LIST:
	case KIND_TABLE:
		print_words(at, k->kind == KIND_TABLE, f);
		break;
	case KIND_LIMIT:
		limits_print(at, limit_by_name(k->name), f);
		break;
	}
	fputc('\n', f);
}
