#include "daemon/zygote/doctor/verdict.h"

#include <Python.h>
#include <stdio.h>
#include <string.h>

#ifndef FORKSERVERD_VERSION
#define FORKSERVERD_VERSION "0.1.0"
#endif

static bool first;

static int
python_length(void)
{
	return (int)strcspn(Py_GetVersion(), " ");
}

/* --- for people ----------------------------------------------------------- */

/* With INDENT before each line.  A preload prints what it likes: no byte of it
 * acts on the terminal. */
static void
print_block(const char *indent, const char *s, size_t n)
{
	bool begun = false;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = s[i];

		if (!begun)
			fputs(indent, stdout);
		begun = c != '\n';
		if (c == '\n' || c == '\t' || (c >= ' ' && c != 0x7f))
			putchar(c);
		else
			printf("\\x%02x", c);
	}
	if (begun)
		putchar('\n');
}

/* On one line. */
static void
print_line(const char *s)
{
	for (; *s != '\0'; s++) {
		unsigned char c = *s;

		if (c == '\n')
			fputs("; ", stdout);
		else if (c >= ' ' && c != 0x7f)
			putchar(c);
		else
			printf("\\x%02x", c);
	}
}

static void
scenario_text(const struct experiment *x, const struct setting *s,
    const struct trial *t)
{
	printf("%s (%s): %s\n", x->name, s->mode, x->about);
	printf("  expected: %s\n  happened: ", x->expected);
	print_line(t->found);
	putchar('\n');
	print_block("  | ", t->output, t->output_n);
	printf("  verdict:  %s\n\n",
	    t->answer == TRIAL_YES ? "as expected" : "FAILED");
}

static void
audit_text(const struct experiment *x, const struct setting *s,
    const struct trial *t)
{
	static const char *const words[] = {
		[TRIAL_YES] = "holds",
		[TRIAL_NO] = "gone",
		[TRIAL_UNKNOWN] = "UNKNOWN",
	};

	printf("%-7s  %s%s%s (%s): ", words[t->answer], x->name,
	    s->module != NULL ? " " : "", s->module != NULL ? s->module : "",
	    s->mode);
	print_line(t->found);
	putchar('\n');
	if (t->answer == TRIAL_UNKNOWN)
		print_block("         | ", t->output, t->output_n);
}

/* --- JSON ----------------------------------------------------------------- */

/* Bytes of the well-formed UTF-8 sequence that S begins with, or 0. */
static size_t
utf8_length(const unsigned char *s, size_t n)
{
	size_t want = s[0] < 0x80       ? 1 :
	    s[0] >= 0xc2 && s[0] < 0xe0 ? 2 :
	    s[0] >= 0xe0 && s[0] < 0xf0 ? 3 :
	    s[0] >= 0xf0 && s[0] < 0xf5 ? 4 :
					  0;

	if (want > n)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong, surrogates, above U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return want;
}

static void
json_string(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	putchar('"');
	for (size_t i = 0, len; i < n; i += len) {
		len = utf8_length(s + i, n - i);
		if (s[i] == '"' || s[i] == '\\')
			printf("\\%c", s[i]);
		else if (s[i] == '\n')
			fputs("\\n", stdout);
		else if (s[i] < ' ' || s[i] == 0x7f)
			printf("\\u%04x", s[i]);
		else if (len == 0)
			fputs("\\ufffd", stdout);
		else
			fwrite(s + i, 1, len, stdout);
		len = len == 0 ? 1 : len;
	}
	putchar('"');
}

static void
json_key(const char *key, const char *value)
{
	printf("\"%s\": ", key);
	if (value != NULL)
		json_string(value, strlen(value));
	else
		fputs("null", stdout);
	fputs(", ", stdout);
}

static void
json_begin(const struct experiment *x, const struct setting *s)
{
	printf("%s\n  {", first ? "" : ",");
	first = false;
	json_key("name", x->name);
	json_key("about", x->about);
	json_key("mode", s->mode);
}

static void
json_finish(const struct trial *t)
{
	fputs("\"output\": ", stdout);
	json_string(t->output, t->output_n);
	printf(", \"ns\": %llu}", (unsigned long long)t->ns);
}

/* --- both ----------------------------------------------------------------- */

void
verdict_begin(bool json, const char *key)
{
	first = true;
	if (json)
		printf("{\"version\": \"%s\", \"python\": \"%.*s\", \"%s\": [",
		    FORKSERVERD_VERSION, python_length(), Py_GetVersion(), key);
	else
		printf("forkserver-zygote %s, CPython %.*s\n\n",
		    FORKSERVERD_VERSION, python_length(), Py_GetVersion());
}

void
verdict_scenario(bool json, const struct experiment *x, const struct setting *s,
    const struct trial *t)
{
	if (json) {
		json_begin(x, s);
		json_key("expected", x->expected);
		json_key("happened", t->found);
		printf("\"ok\": %s, ",
		    t->answer == TRIAL_YES ? "true" : "false");
		json_finish(t);
	} else {
		scenario_text(x, s, t);
	}
	fflush(stdout);
}

void
verdict_audit(bool json, const struct experiment *x, const struct setting *s,
    const struct trial *t)
{
	if (json) {
		json_begin(x, s);
		json_key("module", s->module);
		printf("\"holds\": %s, ",
		    t->answer == TRIAL_YES    ? "true" :
			t->answer == TRIAL_NO ? "false" :
						"null");
		json_key("evidence", t->found);
		json_finish(t);
	} else {
		audit_text(x, s, t);
	}
	fflush(stdout);
}

void
verdict_end(bool json, const char *what, unsigned good, unsigned all)
{
	if (json)
		printf("\n], \"ok\": %s}\n", good == all ? "true" : "false");
	else
		printf("%u of %u %s\n", good, all, what);
}
