# sockx: sockets from the shell. `make help` lists what can be made.
#
# The user's CC, CPPFLAGS, CFLAGS, LDFLAGS, PREFIX and DESTDIR are theirs; what the project itself
# needs stands apart. Everything built goes below build/<variant>/.

VERSION := 0.1.0

PREFIX ?= /usr/local
# Not every shell expands the tilde of `make install PREFIX=~/.local`: a directory named ~ would be made.
override PREFIX := $(patsubst ~/%,$(HOME)/%,$(PREFIX))
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DATADIR ?= $(PREFIX)/share/sockx
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d

CFLAGS ?= -O2 -g
VARIANT ?= release
WERROR ?=
B := build/$(VARIANT)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wformat=2 \
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wpointer-arith \
	-Wcast-align -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wswitch-enum -Wnull-dereference \
	-Wdouble-promotion -Wimplicit-fallthrough -Wno-missing-field-initializers
# Each of these is used if the compiler takes it.
HARDENING := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -fPIE \
	-ftrivial-auto-var-init=zero -fno-strict-overflow
# Only libc is loaded at start: libunistring (LGPL) is linked into the program.
LIBS := -l:libunistring.a
HARDENED_LINK := -pie -Wl,-z,pack-relative-relocs -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed

probe = $(shell $(CC) -Werror $(1) -x c -c /dev/null -o /dev/null 2>/dev/null && echo $(1))
takes := $(foreach flag,$(HARDENING),$(call probe,$(flag)))
# _FORTIFY_SOURCE wants optimisation, and must not meet a compiler that sets it already.
fortify := $(if $(filter -O0 -fsanitize=%,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)

OWN_CPPFLAGS = -Isrc -D_GNU_SOURCE -DSOCKX_VERSION='"$(VERSION)"' $(fortify)
OWN_CFLAGS = -std=c17 -pthread $(WARNINGS) $(WERROR) $(takes)
# What is done, in short; V=1 shows the commands, -s nothing.
Q := $(if $(V),,@)
silent = $(findstring s,$(firstword -$(MAKEFLAGS)))
say = @$(if $(V)$(silent),:,echo '  $(1)	$(2)')

compile = $(CC) $(OWN_CPPFLAGS) $(CPPFLAGS) $(OWN_CFLAGS) $(CFLAGS)
link = $(CC) -pthread $(OWN_CFLAGS) $(CFLAGS) $(HARDENED_LINK) $(LDFLAGS)

MAINS := src/main.c src/docs.c
SOURCES := $(filter-out $(MAINS),$(wildcard src/*.c src/*/*.c))
OBJECTS := $(SOURCES:%.c=$(B)/%.o)
UNIT := $(wildcard tests/unit/*.c tests/unit/*/*.c)
UNIT_OBJECTS := $(UNIT:%.c=$(B)/%.o)
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c))
BENCH := $(patsubst tests/bench/%.c,$(B)/bench/%,$(wildcard tests/bench/*.c))
COMPLETIONS := completions/sockx.bash completions/_sockx completions/sockx.fish

.PHONY: all demo check check-unit check-e2e unit lint asan coverage fuzz fuzz-build fuzz-targets asan-build \
	release-check bench soak compare shots format docs install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:

all: $(B)/sockx ## build the program (VARIANT, CC, CFLAGS are yours to set)
	$(call say,built,$(B)/sockx; to try it: $(B)/sockx help)

# What a build was made with: a change of flags rebuilds. Whether a warning is an error changes no object.
$(B)/flags: export MADE_WITH = $(filter-out -Werror,$(compile) $(link) $(LIBS))
$(B)/flags: .FORCE
	@mkdir -p $(@D)
	@echo "$$MADE_WITH" | cmp -s - $@ || echo "$$MADE_WITH" >$@
.PHONY: .FORCE

$(B)/%.o: %.c $(B)/flags
	$(call say,cc,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) -MMD -MP -c $< -o $@

# The pages that it has compiled in.
$(B)/src/cmd/manpages.o: $(wildcard man/text/*.txt)

$(B)/sockx: $(OBJECTS) $(B)/src/main.o
	$(call say,link,$@)
	$(Q)$(link) $^ $(LIBS) -o $@

$(B)/docs: $(OBJECTS) $(B)/src/docs.o
	$(call say,link,$@)
	$(Q)$(link) $^ $(LIBS) -o $@

# Criterion shows differences by libgit2, which check.h does without. Each test is a process that would
# load it and the libraries that it needs: an empty one of its name comes first (DT_RPATH).
git2 = $(shell readelf -d "$$($(CC) -print-file-name=libcriterion.so)" | sed -n 's/.*\[\(libgit2\..*\)\].*/\1/p')
EMPTY := $(B)/empty/made
$(EMPTY): $(B)/flags
	@mkdir -p $(@D)
	$(Q)for library in $(git2); do \
		$(CC) -shared -Wl,-soname,$$library -x c /dev/null -o $(@D)/$$library || exit; done
	$(Q)touch $@

# Each test runs by way of tests/unit/leaks.c, each allocation of ours by way of tests/unit/memory.c, and what a
# process of a test has run is counted by tests/unit/counts.c when it leaves by _exit.
WRAPPED := criterion_internal_test_main malloc calloc realloc strdup _exit
$(B)/unit: $(OBJECTS) $(UNIT_OBJECTS) | $(EMPTY)
	$(call say,link,$@)
	$(Q)$(link) $(WRAPPED:%=-Wl,--wrap=%) -Wl,--disable-new-dtags,-rpath,'$$ORIGIN/empty' \
		$^ $(LIBS) -lcriterion -o $@

$(B)/tests/unit/cmd/test_suggest.o: tests/unit/cmd/foreign.txt
$(UNIT_OBJECTS): private OWN_CPPFLAGS += -Itests/unit
# Criterion's own macros do not keep to all of our warnings.
$(UNIT_OBJECTS): private WARNINGS := -Wall -Wextra -Wno-missing-field-initializers
# Tests are compiled quickly, and without what needs optimisation; what they test is as fast as ever.
$(UNIT_OBJECTS): private fortify :=
# The traces that a fuzzer follows are of use in what is fuzzed alone.
untraced := $(filter-out -fsanitize=fuzzer-no-link,$(CFLAGS))
$(UNIT_OBJECTS): private override CFLAGS := $(patsubst -O%,-O0,$(untraced))
# It takes long texts apart, letter by letter.
$(B)/tests/unit/analysis/oracle.o: private override CFLAGS := $(untraced)

$(B)/bench/%: tests/bench/%.c tests/bench/crowd.h $(B)/flags
	$(call say,cc,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) $< -o $@

# What measures our own code, not the program, is linked with it.
$(B)/bench/words: tests/bench/words.c $(OBJECTS) $(B)/flags
	$(call say,cc,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) $< $(OBJECTS) $(LIBS) -o $@

# The load on TLS servers is linked with OpenSSL, which sockx itself opens when it runs.
$(B)/bench/handshakes: tests/bench/handshakes.c tests/bench/crowd.h $(B)/flags
	$(call say,cc,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) $< -lssl -lcrypto -o $@

# One build has the sanitizers, for the tests and for fuzzing. Its 210,000 addresses of what is to be watched are
# in place where it is not position independent: each test is a process that would put them there first. For the
# same reason the globals of all tests are registered at once (which wants -fdata-sections), and stay so at exit.
SANITIZED := VARIANT=asan CC=clang LDFLAGS=-no-pie CPPFLAGS='-mllvm -asan-with-comdat=0' \
	CFLAGS='-O1 -g1 -fsanitize=address,undefined -fsanitize=fuzzer-no-link -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -fdata-sections -fsanitize-address-globals-dead-stripping \
	-fsanitize-address-destructor=none'
FUZZ_BUILT = $(if $(TARGET),build/asan/fuzz/$(TARGET),fuzz-targets)
FUZZ_BOUND = $(if $(RUNS),-runs=$(RUNS),-max_total_time=$(or $(SECONDS),60))
# A fuzz target is one file; the header is what they share.
$(B)/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $(OBJECTS) $(B)/flags
	$(call say,cc,$<)
	@mkdir -p $(@D)
	$(Q)$(compile) -fsanitize=fuzzer $< $(filter %.o,$^) $(LIBS) -o $@

$(B)/fuzz/analysis: $(B)/tests/unit/analysis/oracle.o

fuzz-targets: $(FUZZ:%=$(B)/fuzz/%)

unit: $(B)/unit

demo: ## install what is missing, build, and run the main job on real data
	@sh tests/setup build
	@$(MAKE) --no-print-directory all
	@sh tests/demo $(B)/sockx

check: ## install what the tests need, and run them all (PART="lint unit": only these)
	@sh tests/setup
	@sh tests/check $(PART)

check-unit: $(B)/unit ## run the unit tests
	$(B)/unit

check-e2e: $(B)/sockx ## run the tests of the real program (TESTS=file: one of them)
	SOCKX=$(abspath $(B)/sockx) bats $(or $(TESTS),tests/e2e)

lint: ## run every static check
	@sh tests/lint/run

asan: ## run the unit tests and the quick e2e tests under AddressSanitizer and UBSan
	@sh tests/check asan

coverage: ## tell how many lines the tests run, by directory; less than there was fails
	@$(MAKE) --no-print-directory VARIANT=coverage CC=gcc CFLAGS='-O0 -g --coverage -fprofile-update=atomic' \
		LDFLAGS=-Wl,-u,__gcov_dump all unit
	@sh tests/coverage build/coverage

release-check: ## valgrind, TSan, gcc -fanalyzer, a bad network, fuzzing for hours: before a release
	@sh tests/setup build tests lint release
	@$(MAKE) --no-print-directory VARIANT=memcheck CC=gcc CFLAGS='-O1 -g' all
	@$(MAKE) --no-print-directory VARIANT=tsan CC=gcc \
		CFLAGS='-O1 -g -fsanitize=thread -fno-omit-frame-pointer' all
	@sh tests/release memcheck build/memcheck/sockx
	@sh tests/release threads build/tsan/sockx
	@sh tests/release network build/memcheck/sockx
	@sh tests/release faults build/memcheck/sockx
	@sh tests/release cases build/memcheck/sockx
	@sh tests/release analyzer
	@EVERY=1 sh tests/check asan
	@$(MAKE) --no-print-directory fuzz RUNS=10000000

fuzz: fuzz-build ## run the fuzz targets (TARGET=x: only that one; SECONDS=60 each, or RUNS=n)
	@sh tests/fuzz/run build/asan/fuzz $(FUZZ_BOUND) $(TARGET)

fuzz-build:
	@$(MAKE) --no-print-directory $(SANITIZED) $(FUZZ_BUILT)

asan-build:
	@$(MAKE) --no-print-directory $(SANITIZED) all unit

bench: $(B)/sockx $(BENCH) ## measure against socat, ncat and nc, interleaved (ROUNDS=5)
	SOCKX=$(abspath $(B)/sockx) CPU=$(abspath $(B)/bench/cpu) \
		STARTUP=$(abspath $(B)/bench/startup) sh tests/bench/run
	/usr/bin/python3 tests/bench/bulk $(if $(QUICK),--quick) $(B)/sockx
	/usr/bin/python3 tests/bench/exec $(if $(QUICK),--quick) $(B)/sockx
	$(if $(QUICK),,/usr/bin/python3 tests/bench/tls $(B)/sockx)
	$(if $(QUICK),,/usr/bin/python3 tests/bench/relay $(B)/sockx)
	$(B)/bench/words $(if $(QUICK),QUICK)

soak: $(B)/sockx ## run servers for long: no byte lost, nothing kept (MESSAGES=10000000, SECONDS=3600)
	/usr/bin/python3 tests/soak/run $(if $(MESSAGES),--messages $(MESSAGES)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(B)/sockx

compare: $(B)/sockx ## show what sockx, nc, ncat and socat do in the same cases, as a table
	@sh tests/compare $(B)/sockx

shots: $(B)/sockx ## draw the picture of the README anew, from a real session
	/usr/bin/python3 tests/shots $(B)/sockx man/sockx.svg

format: ## lay out the sources as .clang-format says
	clang-format -i $(wildcard src/*.[ch] src/*/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])

# The manual's text, without mandoc's overstrikes: `sockx help` shows it, and cannot ask for mandoc.
docs: $(B)/docs ## write the completions, the manual's option lists and its text (wants mandoc)
	$(B)/docs bash >completions/sockx.bash
	$(B)/docs zsh >completions/_sockx
	$(B)/docs fish >completions/sockx.fish
	@set -e; mkdir -p man/text; export LC_ALL=C; for page in man/*.[1-9]; do \
		echo "$$page"; $(B)/docs manual "$$page" >$(B)/page; \
		cmp -s $(B)/page "$$page" || cp $(B)/page "$$page"; \
		mandoc -T ascii -O width=80 -I os='sockx $(VERSION)' "$$page" >$(B)/page; \
		sed -z 's/.\x08//g; s/`\([^`\x27]*\)\x27/\x27\1\x27/g' $(B)/page >"man/text/$${page#man/}.txt"; \
	done

# $(call each,COMMAND): $(call COMMAND,MODE,FILE,TARGET) for all that is installed, so that uninstall
# cannot forget any.
page_to = $(MANDIR)/man$(patsubst .%,%,$(suffix $(1)))/$(notdir $(1))
each = $(call $(1),755,$(B)/sockx,$(BINDIR)/sockx) \
	$(foreach page,$(wildcard man/*.[1-9]),$(call $(1),644,$(page),$(call page_to,$(page)))) \
	$(call $(1),644,man/sockx.schema.json,$(DATADIR)/sockx.schema.json) \
	$(call $(1),644,completions/sockx.bash,$(BASHCOMPDIR)/sockx) \
	$(call $(1),644,completions/_sockx,$(ZSHCOMPDIR)/_sockx) \
	$(call $(1),644,completions/sockx.fish,$(FISHCOMPDIR)/sockx.fish)
put = install -D -m $(1) $(2) "$(DESTDIR)$(3)" &&
target = "$(DESTDIR)$(3)"

install: all ## install below DESTDIR and PREFIX
	$(call say,install,$(DESTDIR)$(PREFIX))
	$(Q)$(call each,put) :

uninstall: ## remove what install put there
	$(call say,remove,$(DESTDIR)$(PREFIX))
	$(Q)rm -f $(call each,target)

include tests/package/package.mk

clean: ## remove everything that was built
	rm -rf build

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' \
		Makefile tests/package/package.mk

-include $(OBJECTS:.o=.d) $(UNIT_OBJECTS:.o=.d) $(B)/src/main.d $(B)/src/docs.d
