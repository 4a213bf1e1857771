#include "base/pcapng.h"

#include <string.h>

#include "check.h"
#include "memory.h"

TestSuite(pcapng, .timeout = 20);

static uint32_t u32_at(struct span s, size_t at)
{
	uint32_t value;

	cr_assert(le(sz, at + 4, s.len));
	memcpy(&value, s.data + at, 4);
	return value;
}

static unsigned u16_at(struct span s, size_t at)
{
	uint16_t value;

	cr_assert(le(sz, at + 2, s.len));
	memcpy(&value, s.data + at, 2);
	return value;
}

/* The first block, whose lengths agree, is taken off. */
static struct span take(struct span *file)
{
	const size_t len = u32_at(*file, 4);
	const struct span block = {file->data, len};

	cr_assert(eq(sz, len % 4, 0));
	cr_assert(eq(uint, u32_at(block, len - 4), len));
	*file = span_from(*file, len);
	return block;
}

/* The value of an option, of those that begin at `at`. */
static struct span option(struct span block, size_t at, unsigned code)
{
	while (u16_at(block, at) != 0) {
		const size_t len = u16_at(block, at + 2);

		if (u16_at(block, at) == code)
			return (struct span){block.data + at + 4, len};
		at += 4 + ((len + 3) & ~(size_t)3);
	}
	cr_assert(eq(sz, at, block.len - 8));
	return (struct span){0};
}

Test(pcapng, a_file_begins_with_a_section_and_an_interface)
{
	struct buf out = {0};
	struct span file, section, interface;

	cr_assert(eq(int, pcapng_begin(&out, "sockx 1"), 0));
	file = buf_span(&out);
	section = take(&file);
	interface = take(&file);
	cr_expect(eq(sz, file.len, 0));
	cr_expect(eq(uint, u32_at(section, 0), 0x0a0d0d0a));
	cr_expect(eq(uint, u32_at(section, 8), 0x1a2b3c4d));
	cr_expect(eq(uint, u16_at(section, 12), 1));
	cr_expect(eq(uint, u16_at(section, 14), 0));
	cr_expect(eq(span, option(section, 24, 4), span_of("sockx 1")));
	cr_expect(eq(uint, u32_at(interface, 0), 1));
	cr_expect(eq(uint, u16_at(interface, 8), 101));
	cr_expect(eq(span, option(interface, 16, 2), span_of("sockets")));
	cr_expect(eq(span, option(interface, 16, 9), span_of("\x09")));
	buf_free(&out);
}

Test(pcapng, a_packet_has_its_time_its_bytes_its_way_and_its_comment)
{
	struct buf out = {0};
	const struct pcapng_packet packet = {.ns = 0x0123456789abcdef,
		.way = PCAPNG_OUT,
		.head = span_of("HEAD5"),
		.data = span_of("data"),
		.missing = 100,
		.comment = span_of("send(5)")};
	struct span file, block;

	cr_assert(eq(int, pcapng_add(&out, &packet), 0));
	file = buf_span(&out);
	block = take(&file);
	cr_expect(eq(sz, file.len, 0));
	cr_expect(eq(uint, u32_at(block, 0), 6));
	cr_expect(eq(uint, u32_at(block, 8), 0));
	cr_expect(eq(uint, u32_at(block, 12), 0x01234567));
	cr_expect(eq(uint, u32_at(block, 16), 0x89abcdef));
	cr_expect(eq(uint, u32_at(block, 20), 9));
	cr_expect(eq(uint, u32_at(block, 24), 109));
	cr_expect(eq(span, ((struct span){block.data + 28, 12}),
		((struct span){(const uint8_t *)"HEAD5data\0\0\0", 12})));
	cr_expect(eq(span, option(block, 40, 1), span_of("send(5)")));
	cr_expect(eq(uint, u32_at(option(block, 40, 2), 0), 2));
	buf_free(&out);
}

Test(pcapng, blocks_of_any_length_follow_each_other)
{
	static const char text[] = "0123456789";
	struct buf out = {0};
	struct span file;

	for (size_t len = 0; len < 9; len++) {
		const struct span bytes = {(const uint8_t *)text, len};

		cr_assert(eq(int,
			pcapng_add(&out, &(struct pcapng_packet){.data = bytes, .comment = bytes}),
			0));
	}
	file = buf_span(&out);
	for (size_t len = 0; len < 9; len++) {
		const struct span block = take(&file);

		cr_expect(eq(uint, u32_at(block, 20), len));
		cr_expect(eq(sz, option(block, 28 + ((len + 3) & ~(size_t)3), 1).len, len));
	}
	cr_expect(eq(sz, file.len, 0));
	buf_free(&out);
}

Test(pcapng, without_memory_nothing_is_added)
{
	struct buf out = {0};
	const struct pcapng_packet packet = {.head = span_of("HEAD"), .comment = span_of("x")};

	fail_allocation(1);
	cr_expect(eq(int, pcapng_begin(&out, "sockx"), -1));
	cr_expect(eq(sz, out.len, 0));
	fail_allocation(1);
	cr_expect(eq(int, pcapng_add(&out, &packet), -1));
	cr_expect(eq(sz, out.len, 0));
	buf_free(&out);
}
