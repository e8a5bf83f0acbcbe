# forkserverd. `make` builds, `make run` shows it at work, `make help` has the
# rest. This file only sees to it that a goal is made where all it needs is:
# on this host, or in tests/env/run's private root. build.mk makes it.

goals := $(or $(MAKECMDGOALS),all)
anywhere := clean distclean help
elsewhere := $(filter-out $(anywhere),$(goals))

all:

help:
	@sed -n 's/^## /  make /p' build.mk

clean:
	@mkdir -p build
	find build -mindepth 1 -maxdepth 1 ! -name env \
		-exec rm -rf --one-file-system {} +

distclean:
	@test ! -e /etc/forkserverd-env || \
		{ echo 'distclean: not from inside the root' >&2; exit 1; }
	tests/env/mkroot --remove '$(CURDIR)/build/env/root'
	rm -rf --one-file-system build

.PHONY: all $(anywhere)

ifeq ($(FORKSERVERD_ENV),1)
include build.mk
else ifneq ($(elsewhere),)

# $(MAKE) is not named and MAKEFLAGS are told anew: the two makes may differ in
# how they share out jobs, and `make -n` shall not make a root.
short = $(filter-out -,$(firstword -$(MAKEFLAGS)))
jobs = $(or $(filter -j%,$(MAKEFLAGS)),-j$(shell nproc))

# These need what tests/env/tools lists besides.
ifneq ($(filter fmt fmt-check lint tidy check-dbg,$(elsewhere)),)
export FORKSERVERD_ENV_TOOLS := 1
endif

.PHONY: $(elsewhere) in-env
$(elsewhere): in-env ;@:
in-env: | $(filter $(anywhere),$(goals))
	@env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL tests/env/run \
		make --no-print-directory $(short) $(jobs) $(MAKEOVERRIDES) \
		$(elsewhere)
endif
