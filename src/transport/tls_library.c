#include "transport/tls_library.h"

#ifdef TLS_IS_BUILT_IN

#include <dlfcn.h>
#include <string.h>

/* What it is called says which of its interfaces it has: all of OpenSSL 3. */
#define LIBRARY "libssl.so.3"

/*
 * A note for those that make packages and images: what this program opens when it needs it, as
 * systemd's ELF_DLOPEN_METADATA describes it (owner "FDO", type 0x407c0c0a).
 */
__asm__(".pushsection .note.dlopen, \"a\", %note\n"
	".balign 4\n"
	".long 1f - 0f, 3f - 2f, 0x407c0c0a\n"
	"0: .asciz \"FDO\"\n"
	"1: .balign 4\n"
	"2: .asciz \"[{\\\"feature\\\":\\\"tls\\\",\\\"description\\\":\\\"TLS\\\","
	"\\\"priority\\\":\\\"recommended\\\",\\\"soname\\\":[\\\"" LIBRARY "\\\"]}]\"\n"
	"3: .balign 4\n"
	".popsection\n");

/* One text, in the order of the struct's members: a table of pointers would be relocated at each
 * start of the program, with TLS or without. */
#define LIBRARY_NAME(name) #name "\0"
static const char library_names[] = TLS_FUNCTIONS(LIBRARY_NAME);
#undef LIBRARY_NAME

static int library_refuse(__typeof__(&dlerror) refusal, struct err *err)
{
	const char *why = refusal ? refusal() : NULL;

	err_set(err, ERR_USAGE, "no TLS: cannot open OpenSSL: %s", why ? why : LIBRARY);
	return err_hint(err, "install OpenSSL 3; Debian's package is libssl3");
}

int tls_library_open(struct tls_library *lib, struct err *err)
{
	char *member = (char *)lib + sizeof(lib->handle);
	__typeof__(&dlerror) refusal;
	void *found;

	if (lib->handle)
		return 0;
	/* Each function that the program itself imports takes the linker time at each start; and to
	 * look this one up after a refusal would clear what it tells. */
	found = dlsym(RTLD_DEFAULT, "dlerror");
	memcpy(&refusal, &found, sizeof(refusal));
	lib->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!lib->handle)
		return library_refuse(refusal, err);
	for (const char *name = library_names; *name; name += strlen(name) + 1) {
		found = dlsym(lib->handle, name);
		if (!found)
			return library_refuse(refusal, err);
		/* POSIX has a function's address fit into a pointer to data (dlsym(3)). */
		memcpy(member, &found, sizeof(found));
		member += sizeof(found);
	}
	return 0;
}

int tls_library_find(const char *name, void *out, size_t size)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD);
	void *found = handle ? dlsym(handle, name) : NULL;

	memcpy(out, &found, size);
	return found ? 0 : -1;
}

#endif
