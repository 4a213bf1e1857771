#include "transport/tls_hello.h"

enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	RANDOM_BYTES = 32,
	EXTENSION_SERVER_NAME = 0,         /* RFC 6066 section 3 */
	EXTENSION_SUPPORTED_VERSIONS = 43, /* RFC 8446 section 4.2.1 */
	NAME_IS_HOST = 0,
};

/* ---- fields ---- */

/* The next n bytes of what is left. */
static bool hello_take(struct span *left, size_t n, struct span *out)
{
	if (left->len < n)
		return false;
	*out = (struct span){left->data, n};
	*left = span_from(*left, n);
	return true;
}

/* A number of n bytes, at most 4; the highest comes first. */
static bool hello_number(struct span *left, size_t n, uint32_t *out)
{
	struct span bytes;

	if (!hello_take(left, n, &bytes))
		return false;
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out = *out << 8 | bytes.data[i];
	return true;
}

/* Bytes with their number before them, in n bytes. */
static bool hello_vector(struct span *left, size_t n, struct span *out)
{
	uint32_t len;

	return hello_number(left, n, &len) && hello_take(left, len, out);
}

/* ---- extensions ---- */

static void hello_add_version(struct tls_hello *h, uint32_t version)
{
	if (h->version_count < TLS_HELLO_VERSIONS_MAX)
		h->versions[h->version_count++] = (uint16_t)version;
}

/* A client has a list, a server the one that it chose. */
static bool hello_versions(struct tls_hello *h, uint32_t kind, struct span body)
{
	uint32_t version;
	struct span list = body;

	if (kind == CLIENT_HELLO && !hello_vector(&body, 1, &list))
		return false;
	h->version_count = 0;
	while (list.len) {
		if (!hello_number(&list, 2, &version))
			return false;
		hello_add_version(h, version);
	}
	return true;
}

/* A server's is empty. */
static bool hello_name(struct tls_hello *h, struct span body)
{
	struct span list, name;
	uint32_t kind;

	if (!body.len)
		return true;
	if (!hello_vector(&body, 2, &list))
		return false;
	while (list.len) {
		if (!hello_number(&list, 1, &kind) || !hello_vector(&list, 2, &name))
			return false;
		if (kind == NAME_IS_HOST)
			h->name = name;
	}
	return true;
}

static bool hello_extensions(struct tls_hello *h, uint32_t kind, struct span all)
{
	struct span body;
	uint32_t number;

	while (all.len) {
		if (!hello_number(&all, 2, &number) || !hello_vector(&all, 2, &body))
			return false;
		if (number == EXTENSION_SUPPORTED_VERSIONS && !hello_versions(h, kind, body))
			return false;
		if (number == EXTENSION_SERVER_NAME && !hello_name(h, body))
			return false;
	}
	return true;
}

/* ---- messages ---- */

/* The ciphers and the compressions: lists of a client, choices of a server. */
static bool hello_ciphers(struct tls_hello *h, uint32_t kind, struct span *left)
{
	uint32_t cipher, compression;
	struct span skipped;

	if (kind == CLIENT_HELLO)
		return hello_vector(left, 2, &skipped) && hello_vector(left, 1, &skipped);
	if (!hello_number(left, 2, &cipher) || !hello_number(left, 1, &compression))
		return false;
	h->cipher = (uint16_t)cipher;
	return true;
}

int tls_hello_read(struct span message, struct tls_hello *out)
{
	struct span body, skipped, extensions = {0};
	uint32_t kind, version;

	*out = (struct tls_hello){0};
	if (!hello_number(&message, 1, &kind) || (kind != CLIENT_HELLO && kind != SERVER_HELLO) ||
		!hello_vector(&message, 3, &body) || !hello_number(&body, 2, &version) ||
		!hello_take(&body, RANDOM_BYTES, &skipped) || !hello_vector(&body, 1, &skipped) ||
		!hello_ciphers(out, kind, &body))
		return -1;
	hello_add_version(out, version);
	if (body.len && !hello_vector(&body, 2, &extensions))
		return -1;
	return hello_extensions(out, kind, extensions) ? 0 : -1;
}

const char *tls_hello_version(uint16_t version)
{
	switch (version) {
	case 0x0301: return "1.0";
	case 0x0302: return "1.1";
	case 0x0303: return "1.2";
	case 0x0304: return "1.3";
	default: return NULL;
	}
}
