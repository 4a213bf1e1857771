/* A preloaded shim: a name says how long it takes to look up, and what it means.
 * "after300ms.127.0.0.2" is 127.0.0.2, 300 ms later; "after300ms.unknown" is not found then. */
#include <dlfcn.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef int look_up(const char *host, const char *service, const struct addrinfo *hints,
	struct addrinfo **found);

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
	struct addrinfo **found)
{
	look_up *real = (look_up *)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");
	unsigned ms;
	int len = 0;

	if (!host || sscanf(host, "after%ums.%n", &ms, &len) < 1 || !len)
		return real(host, service, hints, found);
	usleep(ms * 1000);
	if (strcmp(host + len, "unknown") == 0)
		return EAI_NONAME;
	return real(host + len, service, hints, found);
}
