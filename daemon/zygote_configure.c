#include "daemon/zygote_configure.h"

#include <string.h>

#include "daemon/config.h"
#include "daemon/lane.h"
#include "daemon/templates.h"
#include "daemon/zygote.h"
#include "daemon/zygote_says.h"
#include "proto/pack.h"
#include "proto/version.h"

static void
pack_words(msgpack_packer *pk, struct pack_map *m, const char *key,
    const struct words *w)
{
	pack_key(pk, m, key);
	msgpack_pack_array(pk, w->n);
	for (size_t i = 0; i < w->n; i++)
		pack_text(pk, w->v[i], strlen(w->v[i]));
}

static void
pack_env(msgpack_packer *pk, struct pack_map *m, const struct words *w)
{
	pack_key(pk, m, "env");
	msgpack_pack_map(pk, w->n);
	for (size_t i = 0; i < w->n; i++) {
		size_t n = strcspn(w->v[i], "=");

		pack_text(pk, w->v[i], n);
		pack_text(pk, w->v[i] + n + 1, strlen(w->v[i] + n + 1));
	}
}

void
zygote_configure(struct zygote *z)
{
	const struct config_template *t = z->cfg;
	struct msg_out o;
	struct pack_map m;

	msg_out_init(&o);
	msg_begin_request(&o, ZYGOTE_CONFIGURE_ID, "configure");
	pack_map_begin(&o.pk, &m);
	pack_kv_uint(&o.pk, &m, "version", PROTO_ZYGOTE_VERSION);
	pack_kv_str(&o.pk, &m, "template", t->name);
	pack_kv_str(&o.pk, &m, "kind", lane_name(z->lane));
	pack_kv_str(&o.pk, &m, "mode", config_mode_name(t->mode));
	pack_kv_bool(&o.pk, &m, "promote", t->promote);
	pack_kv_bool(&o.pk, &m, "watch", t->watch);
	pack_words(&o.pk, &m, "preload", &t->preload);
	pack_words(&o.pk, &m, "path", &t->path);
	pack_kv_text(&o.pk, &m, "venv", t->venv);
	pack_words(&o.pk, &m, "prime", &t->prime);
	pack_words(&o.pk, &m, "after_fork", &t->after_fork);
	pack_words(&o.pk, &m, "allow", &t->allow);
	pack_env(&o.pk, &m, &t->env);
	if (template_account(z->lane->t, t) != NULL)
		pack_kv_bool(&o.pk, &m, "account", true);
	pack_kv_uint(&o.pk, &m, "canary_ns", t->canary_ns);
	pack_kv_uint(&o.pk, &m, "generation", z->generation);
	pack_map_end(&m);
	zygote_put(z, &o);
}
