#include "core/target.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *scheme;
	enum travel by;
	bool path;
} target_schemes[] = {
	{"tcp://", TRAVEL_TCP, false},
	{"udp://", TRAVEL_UDP, false},
	{"tls://", TRAVEL_TLS, false},
	{"unix:", TRAVEL_UNIX, true},
	{"unix-datagram:", TRAVEL_UNIX_DATAGRAM, true},
	{"unix-seqpacket:", TRAVEL_UNIX_SEQPACKET, true},
};

enum { SCHEMES = sizeof(target_schemes) / sizeof(target_schemes[0]) };

const char *travel_scheme(enum travel by)
{
	for (size_t i = 0; i < SCHEMES; i++)
		if (target_schemes[i].by == by)
			return target_schemes[i].scheme;
	return "";
}

bool target_is_path(const struct target *target)
{
	return target->by >= TRAVEL_UNIX;
}

/* unix:PATH, and unix:///PATH as URLs have it. */
static const char *target_read_path(const char *path, struct target *out)
{
	if (strncmp(path, "//", 2) == 0 && path[2] != '/')
		return "has a host where its path begins";
	if (strncmp(path, "///", 3) == 0)
		path += 2;
	if (!*path)
		return "has no path after its colon";
	if (strlen(path) >= sizeof(out->path))
		return "is too long";
	memcpy(out->path, path, strlen(path) + 1);
	return NULL;
}

/* What stands after "tcp://". */
static const char *target_read_authority(const char *text, struct endpoint *out)
{
	const char *wrong;

	if (strpbrk(text, "/?#"))
		return "has more than a host and a port";
	if (strchr(text, '@'))
		return "has a user, which sockets do not know";
	wrong = endpoint_split(text, out);
	if (!wrong && !out->port[0])
		return "has no port";
	return wrong;
}

const char *target_read(const char *word, struct target *out)
{
	struct endpoint url;

	*out = (struct target){0};
	for (size_t i = 0; i < SCHEMES; i++) {
		const char *rest = word + strlen(target_schemes[i].scheme);

		if (strncmp(word, target_schemes[i].scheme, strlen(target_schemes[i].scheme)) != 0)
			continue;
		out->by = target_schemes[i].by;
		return target_schemes[i].path ? target_read_path(rest, out)
		                              : target_read_authority(rest, &out->at);
	}
	if (target_is_url(word, &url))
		return "is a URL of another kind";
	return endpoint_split(word, &out->at);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* RFC 3986 section 3.1: a letter, then letters, digits, "+", "-", ".". */
static size_t target_scheme_len(const char *word)
{
	size_t len = strspn(word, LETTERS);

	if (len > 0)
		len += strspn(word + len, LETTERS "0123456789+-.");
	return strncmp(word + len, "://", 3) == 0 ? len : 0;
}

bool target_is_url(const char *word, struct endpoint *out)
{
	size_t scheme = target_scheme_len(word), len;
	const char *host = word + scheme + strlen("://"), *user;
	char authority[ENDPOINT_HOST_MAX];

	if (!scheme)
		return false;
	*out = (struct endpoint){0};
	len = strcspn(host, "/?#");
	user = memchr(host, '@', len);
	if (user) {
		len -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	if (len >= sizeof(authority))
		return true;
	memcpy(authority, host, len);
	authority[len] = '\0';
	if (endpoint_split(authority, out))
		*out = (struct endpoint){0};
	if (!out->port[0])
		snprintf(out->port, sizeof(out->port), "%.*s", (int)scheme, word);
	return true;
}
