/* Calls in any order, with any states, ends and bytes, as packets: what is written are whole
 * blocks, and each packet is as long as its header says, and has a comment. */
#include "fuzz.h"

#include <errno.h>

#include "report/trace_pcap.h"

enum { FDS = 4, SECTION_HEADER = 0x0a0d0d0a, INTERFACE = 1, PACKET = 6 };

struct file {
	struct buf blocks;
	bool lost;
};

static void take_blocks(void *arg, struct span blocks)
{
	struct file *f = arg;

	HOLDS(blocks.len);
	HOLDS(buf_add(&f->blocks, blocks) == 0);
}

static void take_lack(void *arg, const char *why, bool lost)
{
	struct file *f = arg;

	HOLDS(why);
	f->lost |= lost;
}

/* ---- calls ---- */

static struct addr choose_address(struct span *input)
{
	static const char *const hosts[] = {
		"127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:192.0.2.1", "2001:db8::1"};
	const uint8_t what = choose(input);
	struct addr a = {0};

	if (what % 8 < 6)
		HOLDS(addr_from_numeric(&a, AF_UNSPEC, hosts[what % 8], what / 8) == 0);
	else if (what % 8 == 6)
		HOLDS(addr_from_path(&a, "/run/x") == 0);
	return a;
}

static struct call_ends choose_ends(struct span *input)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, 0};
	const uint8_t what = choose(input);
	struct call_ends ends = {.type = types[what % 4]};

	ends.local = choose_address(input);
	ends.peer = choose_address(input);
	return ends;
}

static void choose_bytes(struct span *input, struct call *call)
{
	static const uint8_t much[200000];
	const size_t len = choose(input);

	if (len >= 250)
		call->data = (struct span){much, len * 700};
	else
		call->data = (struct span){input->data, len < input->len ? len : input->len};
	if (len < 250)
		*input = span_from(*input, call->data.len);
	call->asked = call->data.len;
	call->rc = (int64_t)call->data.len;
	if (choose(input) % 8 == 0)
		call->rc += choose(input);
}

static void choose_error(struct span *input, struct call *call)
{
	static const struct {
		int error;
		const char *name;
	} errors[] = {{EAGAIN, "EAGAIN"}, {EINPROGRESS, "EINPROGRESS"}, {ECONNRESET, "ECONNRESET"},
		{ECONNREFUSED, "ECONNREFUSED"}, {EPIPE, "EPIPE"}, {ETIMEDOUT, "ETIMEDOUT"}};
	const size_t i = choose(input) % (sizeof(errors) / sizeof(errors[0]));

	call->rc = -1;
	call->error = errors[i].error;
	call->error_name = errors[i].name;
	call->data = (struct span){0};
}

static void choose_result(struct span *input, struct call *call)
{
	call->error_name = "";
	if (call->kind == CALL_SEND || call->kind == CALL_RECEIVE)
		choose_bytes(input, call);
	if (call->kind == CALL_SOCKET || call->kind == CALL_ACCEPT || call->kind == CALL_COPY)
		call->rc = choose(input) % FDS;
	if (choose(input) % 4 == 0)
		choose_error(input, call);
}

static void make_call(struct trace *t, struct span *input)
{
	static const char *const args[] = {NULL, "1, MSG_PEEK", "MSG_ERRQUEUE",
		"SOL_SOCKET, SO_ERROR, ECONNRESET", "\xff\x01"};
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
	struct call_ends ends;
	struct call call = {.name = "call"};
	uint8_t what = choose(input);
	struct addr at;

	call.kind = what % (CALL_COPY + 1);
	what = choose(input);
	call.fd = what % FDS;
	call.family = families[what / FDS % 3];
	call.type = what & 64 ? SOCK_DGRAM : SOCK_STREAM;
	call.whole = what & 128;
	what = choose(input);
	call.args = args[what % 5];
	call.how = what / 5 % 3;
	call.unread = what & 64;
	call.level = call.kind == CALL_LOOK ? SOL_SOCKET : 0;
	call.option = call.kind == CALL_LOOK ? SO_ERROR : 0;
	choose_result(input, &call);
	call.after.tcp = choose(input) % 13;
	ends = choose_ends(input);
	call.ends = trace_wants_ends(t, &call) ? &ends : NULL;
	at = choose_address(input);
	if (at.len) {
		call.at = &at.sa;
		call.at_len = at.len;
	}
	call.here = choose_address(input);
	if (call.here.len && call.here.sa.sa_family == AF_UNIX)
		call.here.len = 0;
	trace_call(t, &call);
}

/* ---- reading ---- */

static uint32_t u32_at(struct span s, size_t at)
{
	uint32_t value;

	HOLDS(at + 4 <= s.len);
	memcpy(&value, s.data + at, 4);
	return value;
}

static size_t padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void read_packet(struct span block)
{
	const size_t here = u32_at(block, 20), whole = u32_at(block, 24);
	const uint8_t *ip = block.data + 28;
	const struct span options = span_from(block, 28 + padded(here));
	size_t len;

	HOLDS(here <= whole && here >= 28);
	len = ip[0] >> 4 == 6 ? 40 + ((size_t)ip[4] << 8 | ip[5]) : ((size_t)ip[2] << 8 | ip[3]);
	HOLDS(len == whole);
	HOLDS((u32_at(options, 0) & 0xffff) == 1 && u32_at(options, 0) >> 16 > 0);
}

static void read_file(struct span file)
{
	unsigned count = 0;

	while (file.len) {
		const uint32_t kind = u32_at(file, 0), len = u32_at(file, 4);
		const struct span block = {file.data, len};

		HOLDS(len % 4 == 0 && len >= 12 && len <= file.len);
		HOLDS(u32_at(file, len - 4) == len);
		HOLDS(kind == (count == 0 ? SECTION_HEADER : count == 1 ? INTERFACE : PACKET));
		if (kind == PACKET)
			read_packet(block);
		file = span_from(file, len);
		count++;
	}
	HOLDS(count >= 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = {data, size};
	struct file file = {0};
	struct reporter to = {0};
	struct trace trace;
	struct trace_pcap pcap = {.write = take_blocks, .lacks = take_lack, .arg = &file};

	trace_begin(&trace, &to);
	trace_pcap_begin(&pcap, &trace, "fuzz");
	while (input.len)
		make_call(&trace, &input);
	trace_end(&trace);
	HOLDS(!file.lost);
	read_file(buf_span(&file.blocks));
	buf_free(&file.blocks);
	return 0;
}
