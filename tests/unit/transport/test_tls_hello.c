#include "transport/tls_hello.h"

#include <string.h>

#include "check.h"

TestSuite(tls_hello, .timeout = 20);

/* A message that is being written: the lengths of what is open are filled in at its end. */
struct message {
	uint8_t bytes[512];
	size_t len;
};

static void add(struct message *m, const char *bytes, size_t len)
{
	memcpy(m->bytes + m->len, bytes, len);
	m->len += len;
}

#define ADD(m, bytes) add(m, bytes, sizeof(bytes) - 1)

static void add_zeros(struct message *m, size_t len)
{
	memset(m->bytes + m->len, 0, len);
	m->len += len;
}

/* The header of a handshake message, its version and its random. */
static void begin(struct message *m, char kind)
{
	m->len = 0;
	add(m, &kind, 1);
	add_zeros(m, 3);
	ADD(m, "\x03\x03");
	add_zeros(m, 32);
	ADD(m, "\x00"); /* session id */
}

/* With these extensions. */
static struct span end(struct message *m, const char *extensions, size_t len)
{
	if (len) {
		const char size[] = {0, (char)len};

		add(m, size, 2);
		add(m, extensions, len);
	}
	m->bytes[2] = (uint8_t)((m->len - 4) >> 8);
	m->bytes[3] = (uint8_t)(m->len - 4);
	return (struct span){m->bytes, m->len};
}

#define END(m, extensions) end(m, extensions, sizeof(extensions) - 1)

static void begin_client(struct message *m)
{
	begin(m, 1);
	ADD(m, "\x00\x02\x13\x01\x01\x00");
}

static void begin_server(struct message *m)
{
	begin(m, 2);
	ADD(m, "\x13\x02\x00");
}

Test(tls_hello, a_client_offers_versions_and_names_a_server)
{
	struct message m;
	struct tls_hello h;

	begin_client(&m);
	cr_assert(eq(int,
		tls_hello_read(
			END(&m, "\x00\x00\x00\x09\x00\x07\x00\x00\x04host\x00\x2b\x00\x07\x06"
				"\x7a\x7a\x03\x04\x03\x03\xff\x01\x00\x01\x00"),
			&h),
		0));
	cr_assert(eq(sz, h.version_count, 3));
	cr_expect(eq(ptr, (void *)tls_hello_version(h.versions[0]), NULL)); /* GREASE */
	cr_expect(eq(str, (char *)tls_hello_version(h.versions[1]), "1.3"));
	cr_expect(eq(str, (char *)tls_hello_version(h.versions[2]), "1.2"));
	cr_expect(eq(sz, h.name.len, 4));
	cr_expect(eq(int, memcmp(h.name.data, "host", 4), 0));
}

Test(tls_hello, a_server_chooses_a_version_and_a_cipher)
{
	struct message m;
	struct tls_hello h;

	begin_server(&m);
	cr_assert(eq(
		int, tls_hello_read(END(&m, "\x00\x2b\x00\x02\x03\x04\x00\x00\x00\x00"), &h), 0));
	cr_assert(eq(sz, h.version_count, 1));
	cr_expect(eq(str, (char *)tls_hello_version(h.versions[0]), "1.3"));
	cr_expect(eq(uint, h.cipher, 0x1302));
	cr_expect(eq(sz, h.name.len, 0));
}

/* RFC 5246 section 7.4.1.2: what follows the compressions may be missing. */
Test(tls_hello, without_extensions_the_version_stands_in_front)
{
	struct message m;
	struct tls_hello h;

	begin_client(&m);
	cr_assert(eq(int, tls_hello_read(END(&m, ""), &h), 0));
	cr_assert(eq(sz, h.version_count, 1));
	cr_expect(eq(str, (char *)tls_hello_version(h.versions[0]), "1.2"));
	cr_expect(eq(uint, h.cipher, 0));
}

Test(tls_hello, more_versions_than_there_is_room_for_are_left_out)
{
	struct message m;
	struct tls_hello h;

	begin_client(&m);
	cr_assert(eq(int,
		tls_hello_read(
			END(&m, "\x00\x2b\x00\x15\x14\x03\x04\x03\x04\x03\x04\x03\x04\x03\x04\x03"
				"\x04\x03\x04\x03\x04\x03\x04\x03\x04"),
			&h),
		0));
	cr_assert(eq(sz, h.version_count, (size_t)TLS_HELLO_VERSIONS_MAX));
}

Test(tls_hello, what_ends_within_a_field_is_refused)
{
	static const char *const extensions[] = {"\x00", "\x00\x2b\x00",
		"\x00\x2b\x00\x05\x02\x03\x04", /* the extension */
		"\x00\x2b\x00\x03\x04\x03\x04",
		"\x00\x2b\x00\x02\x01\x03",              /* the list of versions */
		"\x00\x00\x00\x05\x00\x03\x00\x00\x04"}; /* the name */
	static const size_t lens[] = {1, 3, 7, 7, 6, 9};
	struct message m;
	struct tls_hello h;
	struct span whole;

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		begin_client(&m);
		cr_expect(
			eq(int, tls_hello_read(end(&m, extensions[i], lens[i]), &h), -1), "%zu", i);
	}
	begin_server(&m);
	whole = END(&m, "\x00\x2b\x00\x02\x03\x04");
	for (size_t len = 0; len < whole.len; len++)
		cr_expect(eq(int, tls_hello_read((struct span){whole.data, len}, &h), -1), "%zu",
			len);
}

Test(tls_hello, other_messages_are_none)
{
	struct message m;
	struct tls_hello h;

	begin(&m, 11);
	cr_assert(eq(int, tls_hello_read(END(&m, ""), &h), -1));
}
