/* Addresses as typed and as shown: what is read is shown so that it is read again. */
#include "fuzz.h"

#include "base/addr.h"
#include "base/text.h"
#include "core/target.h"

static void is_read_again(const struct addr *a)
{
	const struct addr_shown shown = addr_text(a);
	const struct addr host = addr_host(a);
	struct endpoint parts;
	struct addr again;
	uint64_t port;

	HOLDS(memchr(shown.text, '\0', sizeof(shown.text)));
	HOLDS(!endpoint_split(shown.text, &parts));
	HOLDS(!text_uint(parts.port, UINT16_MAX, &port));
	HOLDS(port == addr_port(a));
	HOLDS(!addr_from_numeric(&again, AF_UNSPEC, parts.host, (uint16_t)port));
	HOLDS(addr_equal(a, &again));
	HOLDS(addr_port(&host) == 0);
	HOLDS(!(addr_is_any(a) && addr_is_loopback(a)));
	HOLDS(!(addr_is_group(a) && addr_is_broadcast(a)));
}

static void as_numeric(const char *text, uint16_t port)
{
	static const int families[] = {AF_UNSPEC, AF_INET, AF_INET6};
	int taken = 0;

	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		struct addr a, same;

		if (addr_from_numeric(&a, families[i], text, port) < 0)
			continue;
		taken++;
		HOLDS(families[i] == AF_UNSPEC || a.sa.sa_family == families[i]);
		is_read_again(&a);
		addr_of_bytes(&same, addr_bytes(&a));
		HOLDS(addr_equal(&a, &same));
	}
	HOLDS(taken == 0 || taken == 2);
}

static void as_path(const char *text)
{
	struct addr_shown shown;
	struct addr a;

	if (addr_from_path(&a, text) < 0)
		return;
	shown = addr_text(&a);
	HOLDS(strncmp(shown.text, "unix:", strlen("unix:")) == 0);
	HOLDS(memchr(shown.text, '\0', sizeof(shown.text)));
}

static void as_endpoint(const char *text)
{
	char joined[ENDPOINT_HOST_MAX + ENDPOINT_PORT_MAX + 4];
	struct endpoint parts, again;

	if (endpoint_split(text, &parts))
		return;
	HOLDS(parts.host[0] || parts.port[0]);
	HOLDS(!parts.digits || text_is_digits(parts.host));
	if (!text_is_host(parts.host) || !parts.port[0] || strchr(parts.port, ':') ||
		strpbrk(parts.host, "[]"))
		return;
	endpoint_join(joined, sizeof(joined), parts.host, parts.port);
	HOLDS(!endpoint_split(joined, &again));
	HOLDS(strcmp(parts.host, again.host) == 0);
	HOLDS(strcmp(parts.port, again.port) == 0);
}

static void as_target(const char *text)
{
	struct target there;
	struct endpoint url;

	if (target_is_url(text, &url))
		HOLDS(url.port[0]);
	if (target_read(text, &there))
		return;
	HOLDS(target_is_path(&there) == (there.path[0] != '\0'));
	HOLDS(strncmp(text, travel_scheme(there.by), strlen(travel_scheme(there.by))) == 0);
	HOLDS(target_is_path(&there) ? !there.at.host[0] && !there.at.port[0]
				     : there.at.host[0] || there.at.port[0]);
	HOLDS(there.by == TRAVEL_UNSAID || target_is_path(&there) || there.at.port[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size};
	const uint16_t port = (uint16_t)(choose(&input) * 257);
	char *text = text_of(input);

	as_endpoint(text);
	as_target(text);
	as_numeric(text, port);
	as_path(text);
	free(text);
	return 0;
}
