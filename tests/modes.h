/*
 * modes: a template of each interpreter mode, for what is tried in both.
 */
#ifndef TESTS_MODES_H
#define TESTS_MODES_H

#define MODES 2

/* Names of templates. */
[[maybe_unused]] static const char *const modes[MODES] = { "default",
	"isolated" };

/* A configuration, with MORE of it: "" or "KEY = VALUE\n" of both. */
#define MODES_WITH(more) \
	"[template.default]\npath = [\"%s\"]\n" \
	"preload = [\"trio\", \"jobs\", \"fail\"]\n" more \
	"[template.isolated]\nmode = \"isolated\"\npath = [\"%s\"]\n" \
	"preload = [\"trio\", \"jobs\", \"fail\"]\n" more
#define TWO_MODES MODES_WITH("")

#endif
