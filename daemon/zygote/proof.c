#include "daemon/zygote/proof.h"

#include <stdlib.h>
#include <sys/wait.h>

#include "daemon/zygote/wset.h"
#include "proto/clock.h"

enum proof_step
proof_begin(struct proof *p)
{
	struct err *e = &p->work->err;

	p->rehearses = false;
	if (canary_prepare(&p->canary, e) == -1)
		return PROOF_FAILED;
	p->kid = p->bear(CHILD_CANARY, p->canary.says, e);
	if (p->kid == NULL) {
		free(canary_over(&p->canary));
		return PROOF_FAILED;
	}
	p->until_ns = clock_ns() + p->work->conf.canary_ns;
	return PROOF_GOES_ON;
}

static struct audit *
warnings(struct proof *p)
{
	return &p->work->template.preload.audit;
}

/* It is for speed only: where it cannot be had the template serves. */
static enum proof_step
rehearse(struct proof *p)
{
	struct err e;

	if (rehearsal_begin(&p->rehearsal, &e) == -1) {
		audit_warn(warnings(p), "no rehearsal: %s", e.msg);
		return PROOF_SERVES;
	}
	wset_prepare();
	p->kid = p->bear(CHILD_REHEARSAL, p->rehearsal.control, &e);
	if (p->kid == NULL) {
		audit_warn(warnings(p), "no rehearsal: %s", e.msg);
		wset_take();
		rehearsal_over(&p->rehearsal);
		return PROOF_SERVES;
	}
	p->rehearses = true;
	p->until_ns = clock_ns() + p->work->conf.canary_ns;
	return PROOF_GOES_ON;
}

/* The way down: promoted, unpromoted, cold. */
static enum proof_step
canary_ended(struct proof *p, int status)
{
	struct template *t = &p->work->template;
	char *words = canary_over(&p->canary);
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	enum proof_step next;

	if (code == CANARY_GOOD) {
		next = rehearse(p);
	} else if (code == CANARY_AFTER_FORK) {
		/* No way down: it would raise on each of them. */
		canary_fault(words, &p->work->err, &t->preload.traceback);
		next = PROOF_FAILED;
	} else {
		canary_reason(status, clock_ns() >= p->until_ns, t->promote,
		    words, t->reason, sizeof(t->reason));
		next = t->promote ? PROOF_GOES_ON : PROOF_COLD;
	}
	free(words);
	if (next != PROOF_GOES_ON || code == CANARY_GOOD)
		return next;
	t->promote = false;
	return proof_begin(p);
}

static void
rehearsal_ended(struct proof *p, int status)
{
	char words[REHEARSAL_WORDS];

	if (status != 0) {
		rehearsal_words(&p->rehearsal, words);
		audit_warn(warnings(p), "the rehearsal %s %d%s%s",
		    !WIFSIGNALED(status) ? "exited with" :
			clock_ns() >= p->until_ns ?
					   "timed out and died of signal" :
					   "died of signal",
		    WIFSIGNALED(status) ? WTERMSIG(status) :
					  WEXITSTATUS(status),
		    words[0] != '\0' ? ": " : "", words);
	}
	wset_take();
	rehearsal_over(&p->rehearsal);
}

enum proof_step
proof_kid_ended(struct proof *p, int status)
{
	p->kid = NULL;
	if (!p->rehearses)
		return canary_ended(p, status);
	rehearsal_ended(p, status);
	return PROOF_SERVES;
}

int
proof_left_ms(const struct proof *p)
{
	uint64_t now = clock_ns();

	return now >= p->until_ns ? 0 : (p->until_ns - now) / 1000000 + 1;
}
