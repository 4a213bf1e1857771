# What is built for others: a program without libraries, the source packed, a package. Part of the
# Makefile, whose variables it uses.

.PHONY: static dist deb

# Where musl has no header (of the kernel's, of libunistring's) the usual one is found. Its macros do
# not keep to all of our warnings.
musl = $(subst -gnu,-musl,$(shell $(CC) -print-multiarch))
static: ## build build/static/sockx, which needs no library at all (musl)
	@sh tests/setup build static
	@test -e /usr/lib/$(musl)/rcrt1.o || { echo 'static: there is no musl for $(CC)' >&2; exit 1; }
	@$(MAKE) --no-print-directory VARIANT=static CPPFLAGS='-DSOCKX_NO_TLS -isystem /usr/include/$(musl) $(CPPFLAGS)' \
		WARNINGS='-Wall -Wextra -Wno-missing-field-initializers -Wno-sign-compare' \
		CFLAGS='$(filter-out -g%,$(CFLAGS))' LDFLAGS='-static-pie -s -Wl,-z,nopack-relative-relocs -B/usr/lib/$(musl) -L/usr/lib/$(musl) $(LDFLAGS)' all

dist: ## pack the source, the same to the byte wherever it is done
	@sh tests/package/dist $(VERSION)

deb: ## build a Debian package below build/deb, and have lintian judge it
	@sh tests/setup build package
	@sh tests/package/deb $(VERSION)
