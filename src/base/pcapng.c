#include "base/pcapng.h"

/* Section 4 of the draft, and section 3.5 for options. */
enum {
	SECTION_HEADER = 0x0a0d0d0a,
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	INTERFACE = 1,
	ENHANCED_PACKET = 6,
	LINKTYPE_RAW = 101,  /* IPv4 or IPv6, as its first four bits say */
	SNAP_BYTES = 262144, /* the most that tcpdump takes */

	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_HARDWARE_NAME = 2,
	OPTION_PROGRAM = 4,
	OPTION_FLAGS = 2,
	OPTION_RESOLUTION = 9,
	OPTION_MOST = UINT16_MAX,
	NANOSECONDS = 9, /* 10^-9 s */

	BLOCK_EDGES = 12, /* type and length, and the length again */
	OPTION_HEAD = 4,
};

static size_t pcapng_padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static size_t pcapng_option_bytes(size_t len)
{
	return OPTION_HEAD + pcapng_padded(len);
}

/* Room for it has been reserved: none of these can fail. */
static void pcapng_bytes(struct buf *out, const void *bytes, size_t len)
{
	(void)buf_add(out, (struct span){bytes, len});
}

static void pcapng_u16(struct buf *out, uint16_t value)
{
	pcapng_bytes(out, &value, sizeof(value));
}

static void pcapng_u32(struct buf *out, uint32_t value)
{
	pcapng_bytes(out, &value, sizeof(value));
}

static void pcapng_pad(struct buf *out, size_t len)
{
	static const uint8_t zeros[3];

	pcapng_bytes(out, zeros, pcapng_padded(len) - len);
}

static void pcapng_option(struct buf *out, uint16_t code, struct span value)
{
	pcapng_u16(out, code);
	pcapng_u16(out, (uint16_t)value.len);
	pcapng_bytes(out, value.data, value.len);
	pcapng_pad(out, value.len);
}

static void pcapng_option_end(struct buf *out)
{
	pcapng_u16(out, OPTION_END);
	pcapng_u16(out, 0);
}

static void pcapng_section(struct buf *out, struct span program, size_t bytes)
{
	pcapng_u32(out, SECTION_HEADER);
	pcapng_u32(out, (uint32_t)bytes);
	pcapng_u32(out, BYTE_ORDER_MAGIC);
	pcapng_u16(out, 1); /* version 1.0 */
	pcapng_u16(out, 0);
	pcapng_u32(out, UINT32_MAX); /* the section's length: not known */
	pcapng_u32(out, UINT32_MAX);
	pcapng_option(out, OPTION_PROGRAM, program);
	pcapng_option_end(out);
	pcapng_u32(out, (uint32_t)bytes);
}

static void pcapng_interface(struct buf *out, struct span name, size_t bytes)
{
	static const uint8_t resolution = NANOSECONDS;

	pcapng_u32(out, INTERFACE);
	pcapng_u32(out, (uint32_t)bytes);
	pcapng_u16(out, LINKTYPE_RAW);
	pcapng_u16(out, 0);
	pcapng_u32(out, SNAP_BYTES);
	pcapng_option(out, OPTION_HARDWARE_NAME, name);
	pcapng_option(out, OPTION_RESOLUTION, (struct span){&resolution, 1});
	pcapng_option_end(out);
	pcapng_u32(out, (uint32_t)bytes);
}

int pcapng_begin(struct buf *out, const char *program)
{
	const struct span by = span_of(program), name = span_of("sockets");
	const size_t section = BLOCK_EDGES + 16 + pcapng_option_bytes(by.len) + OPTION_HEAD;
	const size_t interface = BLOCK_EDGES + 8 + pcapng_option_bytes(name.len) +
	                         pcapng_option_bytes(1) + OPTION_HEAD;

	if (buf_reserve(out, section + interface) < 0)
		return -1;
	pcapng_section(out, by, section);
	pcapng_interface(out, name, interface);
	return 0;
}

int pcapng_add(struct buf *out, const struct pcapng_packet *packet)
{
	const size_t here = packet->head.len + packet->data.len;
	const uint32_t way = packet->way;
	const uint64_t ns = (uint64_t)packet->ns;
	struct span comment = packet->comment;
	size_t bytes;

	if (comment.len > OPTION_MOST)
		comment.len = OPTION_MOST;
	bytes = BLOCK_EDGES + 20 + pcapng_padded(here) + pcapng_option_bytes(sizeof(way)) +
	        pcapng_option_bytes(comment.len) + OPTION_HEAD;
	if (buf_reserve(out, bytes) < 0)
		return -1;
	pcapng_u32(out, ENHANCED_PACKET);
	pcapng_u32(out, (uint32_t)bytes);
	pcapng_u32(out, 0); /* the first interface */
	pcapng_u32(out, (uint32_t)(ns >> 32));
	pcapng_u32(out, (uint32_t)ns);
	pcapng_u32(out, (uint32_t)here);
	pcapng_u32(out, (uint32_t)(here + packet->missing));
	pcapng_bytes(out, packet->head.data, packet->head.len);
	pcapng_bytes(out, packet->data.data, packet->data.len);
	pcapng_pad(out, here);
	pcapng_option(out, OPTION_COMMENT, comment);
	pcapng_option(out, OPTION_FLAGS, (struct span){(const uint8_t *)&way, sizeof(way)});
	pcapng_option_end(out);
	pcapng_u32(out, (uint32_t)bytes);
	return 0;
}
