# forkserverd. `make` builds, `make run` shows it at work, `make help` has the
# rest. A goal is made where all it needs is: on this host, or in
# tests/env/run's private root, in which make is called anew.

goals := $(or $(MAKECMDGOALS),all)
anywhere := clean distclean help
elsewhere := $(filter-out $(anywhere),$(goals))

all:

help:
	@sed -n 's/^## /  make /p' Makefile

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

# Here all is there. Sources are found by their place, so that a new file needs
# no change below.
#
# tests/*.mk say what a test program needs beyond the common parts:
#	check_fds_OBJS = daemon/fds.o daemon/log.o
#	check_value_PYTHON = 1		# includes <Python.h>, links CPython
#	check_loop_LIBS = -lm

VERSION := 0.1.0
PREFIX ?= /usr/local
bindir = $(PREFIX)/bin
libdir = $(PREFIX)/lib
libexecdir = $(PREFIX)/libexec/forkserverd
docdir = $(PREFIX)/share/doc/forkserverd
# Debian's zsh looks into vendor-completions below /usr.
zshdir = $(PREFIX)/share/zsh/site-functions
# Debian's Python looks into dist-packages, others into site-packages.
pythondir = $(PREFIX)/lib/python3.14/$(notdir $(shell python3.14 -c \
	'import sysconfig; print(sysconfig.get_path("purelib"))'))

# A make builds one variant; the goals that need another call make for it.
# obj: the release. asan, tsan: sanitised, but for the zygote, as CPython is
# not. dbg: the zygote with CPython's debug build.
VARIANT ?= obj
obj := build/$(VARIANT)
bin := $(if $(filter obj,$(VARIANT)),build/bin,$(obj)/bin)
suites := $(if $(filter obj,$(VARIANT)),build/tests,$(obj)/suites)

CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
say = $(if $(V),,@echo '  $1	$2';)

.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:
.SUFFIXES:

# Flags

comma := ,

sanitize := -fno-omit-frame-pointer -fno-sanitize-recover=all
fortify := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
CFLAGS ?= -O2 -g
flags_obj = $(CFLAGS) $(fortify)
flags_asan := -O1 -g $(sanitize) -fsanitize=address,undefined
flags_tsan := -O1 -g $(sanitize) -fsanitize=thread
# At -Og gcc sees uses of uninitialised values that are none.
flags_dbg := -Og -g -Wno-maybe-uninitialized

warnings := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla $(if $(CI),-Werror)
cflags := -std=gnu23 $(warnings) -fPIC -fvisibility=hidden \
	-fstack-protector-strong $(flags_$(VARIANT))
cppflags = $(CPPFLAGS) -I. -D_GNU_SOURCE -DFORKSERVERD_VERSION='"$(VERSION)"' \
	-DFORKSERVERD_LIBEXECDIR='"$(libexecdir)"'
ldflags := $(flags_$(VARIANT)) -Wl,--as-needed -Wl,-z,relro,-z,now $(LDFLAGS)

python := $(if $(filter dbg,$(VARIANT)),python-3.14d-embed,python-3.14-embed)
ifneq ($(elsewhere),)
ifneq ($(shell pkg-config --exists $(python) && echo there),there)
$(error forkserverd needs CPython 3.14 with its headers: pkg-config has no $(python))
endif
endif
# As system headers, since CPython's do not pass our warnings. Not canonical,
# as Debian's debug headers are symlinks to the others, beside a pyconfig.h of
# their own.
python_cflags := -fno-canonical-system-headers $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(python)))
python_libs := $(shell pkg-config --libs $(python))
msgpack_libs := $(shell pkg-config --libs msgpack-c)
check_libs := $(shell pkg-config --libs check)
daemon_libs := $(shell pkg-config --libs libsystemd hdr_histogram) -lev

# Sources

objects = $(patsubst %.c,$(obj)/%.o,$(wildcard $1))
names = $(patsubst tests/%.c,%,$(wildcard tests/$1_*.c))

proto_o := $(call objects,proto/*.c)
client_o := $(call objects,client/*.c)
forkctl_o := $(call objects,client/forkctl/*.c)
daemon_o := $(call objects,daemon/*.c)
zygote_o := $(call objects,daemon/zygote/*.c daemon/zygote/doctor/*.c)
harness_o := $(filter-out $(obj)/tests/check_% $(obj)/tests/tsan_% \
	$(obj)/tests/bench_% $(obj)/tests/fuzz_% $(obj)/tests/preload_%,\
	$(call objects,tests/*.c))

-include $(wildcard tests/*.mk)

# CPython in a sanitised program would be all one hears of.
not_sanitised := $(if $(filter asan tsan,$(VARIANT)),$(foreach n,\
	$(call names,check),$(if $($n_PYTHON),$n)))
checks := $(addprefix $(suites)/,$(filter-out $(not_sanitised),\
	$(call names,check)))
tsans := $(addprefix $(suites)/,$(call names,tsan))
preloads := $(patsubst preload_%,build/tests/%.so,$(call names,preload))
# What measures, for tests/bench.
benches := $(addprefix $(bin)/,$(call names,bench))

# Building

programs := $(addprefix $(bin)/,forkctl forkserverd forkserver-zygote)
libraries := $(addprefix $(obj)/,libforkserver.a libforkserver.so.0)

.PHONY: all programs suites objects
## all           build the programs and the library
all: programs $(libraries)
programs: $(programs)
suites: $(checks) $(benches) $(preloads)
objects: $(proto_o) $(client_o) $(forkctl_o) $(daemon_o) $(zygote_o)

# Other flags than the last time's build all anew.
command := $(CC) $(cppflags) $(cflags) $(python_cflags) $(ldflags)
ifneq ($(file <$(obj)/command),$(command))
$(shell mkdir -p $(obj))
$(file >$(obj)/command,$(command))
endif

-include $(shell find $(obj) -name '*.d')

$(obj)/daemon/zygote/%.o: cppflags += $(python_cflags)

$(obj)/%.o: %.c $(obj)/command
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(cppflags) $(if $($(*F)_PYTHON),$(python_cflags)) \
		$(cflags) -MMD -MP -c -o $@ $<

$(obj)/libproto.a: $(proto_o)
$(obj)/libforkserver.a: $(client_o) $(proto_o)
$(obj)/%.a:
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

link = $(call say,LD,$@)mkdir -p $(@D) && $(CC) $(ldflags) $1 -o $@ $^ $2

$(obj)/libforkserver.so.0: $(client_o) $(obj)/libproto.a
	$(call link,-shared -Wl$(comma)-soname$(comma)libforkserver.so.0,$(msgpack_libs))

$(bin)/forkctl: $(forkctl_o) $(obj)/libforkserver.a
	$(call link,-pie,$(msgpack_libs) -lm)

$(bin)/forkserverd: $(daemon_o) $(obj)/libproto.a
	$(call link,-pie,$(daemon_libs) $(msgpack_libs))

ifneq ($(filter asan tsan,$(VARIANT)),)
$(bin)/forkserver-zygote: build/bin/forkserver-zygote
	@mkdir -p $(@D)
	ln -sf ../../bin/forkserver-zygote $@
else
# A copy relocation would make a second _PyRuntime.
$(bin)/forkserver-zygote: $(zygote_o) $(obj)/libproto.a
	$(call link,-pie -Wl$(comma)-z$(comma)nocopyreloc,$(python_libs) $(msgpack_libs))
endif

$(benches): $(bin)/%: $(obj)/tests/%.o $(obj)/libforkserver.a
	$(call link,-pie,$(msgpack_libs))

$(suites)/%: $(obj)/tests/%.o $(harness_o) $$(addprefix $(obj)/,$$($$*_OBJS)) \
		$(obj)/libforkserver.a
	$(call link,-pie,$(check_libs) $(daemon_libs) $(msgpack_libs) \
		$(if $($*_PYTHON),$(python_libs)) $($*_LIBS))

# What the tests have others load, never sanitised: zygotes are not.
build/tests/%.so: tests/preload_%.c $(wildcard tests/*.h) $(obj)/command
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(cppflags) -std=gnu23 $(warnings) $(CFLAGS) \
		-fPIC -fvisibility=hidden -shared -o $@ $<

# Trying

export FORKSERVERD_BIN_DIR := $(CURDIR)/$(bin)
export FORKSERVERD_VARIANT := $(VARIANT)
# Reports go to files: a daemon's stderr may be nowhere, its status unlooked at.
ifneq ($(filter asan tsan,$(VARIANT)),)
export FORKSERVERD_REPORTS := $(CURDIR)/$(obj)/reports
report := log_path=$(FORKSERVERD_REPORTS)/report
export ASAN_OPTIONS := $(report):detect_stack_use_after_return=1
export UBSAN_OPTIONS := $(report):print_stacktrace=1
export TSAN_OPTIONS := $(report):second_deadlock_stack=1
endif
ifneq ($(VARIANT),obj)
export CK_TIMEOUT_MULTIPLIER ?= 5
endif
variant = @+$(MAKE) --no-print-directory VARIANT=$1 $2

.PHONY: run bench bench-quick bench-readme bench-teardown check check-system check-asan check-tsan check-dbg check-deps \
	check-suites check-suites-tsan check-cpython check-soak soak compat
## run           see it at work
run: all
	@tests/demo/run

## bench         how fast it is, beside all else; ten minutes at most
bench: all $(benches)
	@tests/bench/run

## bench-quick   the first rows of it
bench-quick: all $(benches)
	@tests/bench/run --quick --out build/bench-quick

## bench-readme  puts the last bench's figures and picture where README has them
bench-readme:
	@python3.14 tests/bench/readme.py

## bench-teardown  from an owner's death to the end of its last child
bench-teardown: all
	@tests/bench/teardown

# Those whose children may as well be standbys.
standbys := $(patsubst %,$(suites)/check_%+standbys,attach entries events lease \
	life output surroundings tree wait)

## check         all tests
check: all suites
	@tests/run_suites $(checks) $(standbys) tests/check_deps tests/python tests/system

## check-system  the service and the packages, on a systemd booted for it
check-system: all
	@tests/run_suites tests/system

## check-asan    the suites with daemon, client and wire under ASan and UBSan
check-asan: all
	$(call variant,asan,check-suites)

## check-tsan    the tests of threads, and the suites with the daemon, under TSan
check-tsan: all suites
	$(call variant,tsan,check-suites-tsan)

## check-dbg     the suites with CPython's debug build
check-dbg:
	$(call variant,dbg,check-suites)

check-suites: programs suites
	@tests/run_suites $(checks) $(standbys) tests/python

check-suites-tsan: programs $(tsans) $(benches)
	@tests/run_suites $(tsans) tests/python \
		$(patsubst %,build/tests/%,$(call names,check))

## check-cpython trio's and CPython's own suites, in children and outside; long
check-cpython: programs
	@tests/suites/run

## check-soak    10,000 children in a row with CPython's debug build; long
check-soak:
	$(call variant,dbg,soak)

soak: programs
	@tests/suites/soak

## check-tractor tractor's own tests, TRACTOR_PATH=TREE[:WHAT IT NEEDS]; long
.PHONY: check-tractor
check-tractor: programs
	@PYTHONPATH=client/python python3.14 tests/tractor/check.py

## bench-tractor an actor's start and end, with tractor's backend and ours
.PHONY: bench-tractor
bench-tractor: programs
	@PYTHONPATH=client/python python3.14 tests/tractor/bench.py

## compat        packages preloaded in each mode; writes daemon/zygote/COMPAT.md
compat: all
	@python3.14 tests/compat/run.py

## check-deps    that dependencies run one way
check-deps: all
	@tests/check_deps

# Style

sources := $(wildcard $(foreach d,proto client client/forkctl daemon \
	daemon/zygote daemon/zygote/doctor tests,$d/*.c $d/*.h))

.PHONY: fmt fmt-check lint lint-python tidy
## fmt           lay the sources out
fmt:
	clang-format -i $(sources)
	$(ruff) format client/python

fmt-check:
	clang-format --dry-run -Werror $(sources)
	$(ruff) format --check client/python

## lint          layout, and what clang, ruff and mypy think
lint: fmt-check lint-python tidy
lint-python:
	$(ruff) check client/python
	mypy --config-file client/python/pyproject.toml --cache-dir build/mypy \
		client/python/forkserverd
ruff := RUFF_CACHE_DIR=build/ruff ruff
tidies := $(patsubst %.c,tidy/%,$(filter %.c,$(sources)))
tidy: $(tidies)

.PHONY: $(tidies)
$(tidies): tidy/%: %.c
	$(call say,TIDY,$<)clang-tidy --quiet --warnings-as-errors='*' $< -- \
		$(cppflags) $(filter-out -f%,$(python_cflags)) -std=gnu23

# Installing

INSTALL ?= install
# Units are looked for in lib, whatever libraries are in.
INSTALL_DIRS := systemd/user:$(PREFIX)/lib/systemd/user \
	systemd/system:$(PREFIX)/lib/systemd/system \
	systemd/sysusers.d:$(PREFIX)/lib/sysusers.d \
	systemd/tmpfiles.d:$(PREFIX)/lib/tmpfiles.d \
	systemd/bash-completion:$(PREFIX)/share/bash-completion/completions \
	systemd/fish-completion:$(PREFIX)/share/fish/vendor_completions.d \
	systemd/zsh-completion:$(zshdir) \
	client/python/examples:$(docdir)/examples

# SOURCE:DESTINATION of each file. One whose name ends in .in is filled in; what
# Python leaves beside an example that was run is not installed.
made = $(if $(filter %.in,$1),$(obj)/$(1:.in=),$1)
files_of = $(foreach f,$(filter-out %/__pycache__,$(wildcard $1/*)),$(call \
	made,$f):$2/$(notdir $(f:.in=)))
manifest := $(bin)/forkctl:$(bindir)/forkctl \
	$(bin)/forkserverd:$(bindir)/forkserverd \
	$(bin)/forkserver-zygote:$(libexecdir)/forkserver-zygote \
	$(obj)/libforkserver.so.0:$(libdir)/libforkserver.so.0 \
	$(obj)/libforkserver.a:$(libdir)/libforkserver.a \
	client/forkserver.h:$(PREFIX)/include/forkserver.h \
	$(obj)/client/forkserver.pc:$(libdir)/pkgconfig/forkserver.pc \
	systemd/forkserverd.toml:$(docdir)/examples/forkserverd.toml \
	$(foreach f,$(wildcard client/python/forkserverd/*.py) \
		client/python/forkserverd/py.typed,$f:$(pythondir)/$(f:client/python/%=%)) \
	$(foreach f,$(wildcard systemd/man/*),\
		$f:$(PREFIX)/share/man/man$(subst .,,$(suffix $f))/$(notdir $f)) \
	$(foreach p,$(INSTALL_DIRS),$(call \
		files_of,$(firstword $(subst :, ,$p)),$(lastword $(subst :, ,$p))))
from = $(firstword $(subst :, ,$1))
to = '$(DESTDIR)$(lastword $(subst :, ,$1))'
mode = $(if $(filter $(bin)/% %.so.0,$(call from,$1)),755,644)

$(obj)/%: %.in $(obj)/command
	@mkdir -p $(@D)
	sed -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@bindir@|$(bindir)|g' \
		-e 's|@libdir@|$(libdir)|g' -e 's|@VERSION@|$(VERSION)|g' \
		-e 's|@libexecdir@|$(libexecdir)|g' $< >$@

define newline


endef

.PHONY: install uninstall
## install       to DESTDIR and PREFIX (/usr/local); uninstall undoes it
install: all $(foreach p,$(manifest),$(call from,$p))
	@test -n '$(DESTDIR)' -o ! -e /etc/forkserverd-env || { echo \
		'install: this host lacks what the programs need to run (see' \
		'tests/env/packages); DESTDIR=DIR stages them' >&2; exit 1; }
	$(foreach p,$(manifest),$(INSTALL) -D -m $(call mode,$p) \
		$(call from,$p) $(call to,$p)$(newline))
	ln -sf libforkserver.so.0 '$(DESTDIR)$(libdir)/libforkserver.so'

uninstall:
	rm -f $(foreach p,$(manifest),$(call to,$p)) \
		'$(DESTDIR)$(libdir)/libforkserver.so'
	rm -rf '$(DESTDIR)$(pythondir)/forkserverd/__pycache__'
	-rmdir '$(DESTDIR)$(libexecdir)' '$(DESTDIR)$(pythondir)/forkserverd'

# Debian's packages are made of a copy of the tree, in which what is built stays
# for the next time; -d, as the root has no C++ compiler, which they don't need.
.PHONY: deb
deb_tree := build/deb/tree
packaged := $(filter-out build debian,$(wildcard *))
## deb           Debian packages, in build/deb
deb:
	@test "$$(dpkg-parsechangelog -l systemd/debian/changelog -S Version)" \
		= $(VERSION) || { echo 'deb: systemd/debian/changelog is not of' \
		'version $(VERSION)' >&2; exit 1; }
	mkdir -p $(deb_tree)
	find $(deb_tree) -mindepth 1 -maxdepth 1 ! -name build -exec rm -rf {} +
	cp -a $(packaged) $(deb_tree)
	cp -a systemd/debian $(deb_tree)/debian
	rm -f build/deb/*.deb
	cd $(deb_tree) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		DEB_BUILD_OPTIONS='nocheck parallel=$(shell nproc)' \
		dpkg-buildpackage -d -b -us -uc >../log 2>&1 || { tail -n 40 ../log; exit 1; }
	@ls build/deb/*.deb

else ifneq ($(elsewhere),)

# $(MAKE) is not named and MAKEFLAGS are told anew: the two makes may differ in
# how they share out jobs, and `make -n` shall not make a root.
short = $(filter-out -,$(firstword -$(MAKEFLAGS)))
jobs = $(or $(filter -j%,$(MAKEFLAGS)),-j$(shell nproc))

# The lists that goals need besides tests/env/packages.
tools_for := fmt fmt-check lint lint-python tidy tidy/% check-dbg check-soak
compat_for := compat
suites_for := check-cpython
export FORKSERVERD_ENV_EXTRA += $(foreach list,tools compat suites,\
	$(if $(filter $($(list)_for),$(elsewhere)),$(list)))

.PHONY: $(elsewhere) in-env
$(elsewhere): in-env ;@:
in-env: | $(filter $(anywhere),$(goals))
	@env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL tests/env/run \
		make --no-print-directory $(short) $(jobs) $(MAKEOVERRIDES) \
		$(elsewhere)
endif
