#include "os/facts.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/sys_file.h"
#include "report/report.h"

enum { TABLE_MOST = 4 * 1024 * 1024 }; /* of /proc/net/tcp: 25,000 sockets */

/* ---- reading /proc ---- */

/* All of a file, and a NUL. Returns 0, or -1. */
static int facts_read(struct buf *out, const char *path)
{
	struct reporter silent = {0};
	int fd = sys_open(&silent, path, O_RDONLY | O_CLOEXEC);
	char room[4096];
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	while (out->len < TABLE_MOST && (n = sys_read(&silent, fd, room, sizeof(room))) > 0)
		if (buf_add(out, (struct span){(const uint8_t *)room, (size_t)n}) < 0)
			n = -1;
	sys_close(&silent, fd);
	return n < 0 ? -1 : buf_add(out, (struct span){(const uint8_t *)"", 1});
}

/* ---- who holds a port ---- */

struct facts_socket {
	unsigned long inode;
	unsigned uid;
};

/* Eight hexadecimal digits a word of the address, each word as the machine has it in memory; a
 * colon, and the port. */
static bool facts_read_address(struct addr *out, int family, const char *hex)
{
	uint32_t words[4] = {0};
	const size_t count = family == AF_INET6 ? 4 : 1;
	char word[9] = "";

	if (strlen(hex) != 8 * count + strlen(":0016"))
		return false;
	for (size_t i = 0; i < count; i++) {
		memcpy(word, hex + 8 * i, 8);
		words[i] = (uint32_t)strtoul(word, NULL, 16);
	}
	*out = addr_any(family, (uint16_t)strtoul(hex + 8 * count + 1, NULL, 16));
	if (family == AF_INET6)
		memcpy(&out->in6.sin6_addr, words, sizeof(out->in6.sin6_addr));
	else
		memcpy(&out->in.sin_addr, words, sizeof(out->in.sin_addr));
	return true;
}

/* Two sockets that cannot both be bound: the same host, or all of them on one side. */
static bool facts_clash(const struct addr *a, const struct addr *b)
{
	const struct addr host_a = addr_host(a), host_b = addr_host(b);

	return addr_port(a) == addr_port(b) &&
	       (addr_is_any(a) || addr_is_any(b) || addr_equal(&host_a, &host_b));
}

/* The columns of a row that count. */
enum { LOCAL = 1, STATE = 3, USER = 7, INODE = 9, ROW_COLUMNS };

/* "0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000 33 0 12345 ..." */
static bool facts_row(
	struct facts_socket *out, char *row, int family, int type, const struct addr *at)
{
	const char *columns[ROW_COLUMNS];
	char *rest = NULL, *column = strtok_r(row, " ", &rest);
	size_t count = 0;
	struct addr bound;

	for (; column && count < ROW_COLUMNS; column = strtok_r(NULL, " ", &rest))
		columns[count++] = column;
	if (count < ROW_COLUMNS || !facts_read_address(&bound, family, columns[LOCAL]))
		return false;
	out->uid = (unsigned)strtoul(columns[USER], NULL, 10);
	out->inode = strtoul(columns[INODE], NULL, 10);
	return (type != SOCK_STREAM || strtoul(columns[STATE], NULL, 16) == TCP_LISTEN) &&
	       facts_clash(&bound, at);
}

static bool facts_find(
	struct facts_socket *out, const char *path, int family, int type, const struct addr *at)
{
	struct buf table = {0};
	char *rest = NULL, *row;
	bool found = false;

	if (facts_read(&table, path) == 0 && table.data) {
		row = strtok_r((char *)table.data, "\n", &rest); /* the names of the columns */
		while (!found && row && (row = strtok_r(NULL, "\n", &rest)))
			found = facts_row(out, row, family, type, at);
	}
	buf_free(&table);
	return found;
}

/* ---- which process ---- */

/* The names in a directory, one after the other. */
struct facts_names {
	int fd;
	size_t at, len; /* within room */
	_Alignas(struct sys_listed) char room[4096];
};

static void facts_open_names(struct facts_names *n, const char *path)
{
	struct reporter silent = {0};

	n->fd = sys_open(&silent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	n->at = n->len = 0;
}

/* NULL: there are no more. */
static const char *facts_next_name(struct facts_names *n)
{
	const struct sys_listed *one;

	if (n->at == n->len) {
		const ssize_t got = n->fd < 0 ? -1 : sys_list(n->fd, n->room, sizeof(n->room));

		n->at = 0;
		n->len = got > 0 ? (size_t)got : 0;
	}
	if (!n->len)
		return NULL;
	one = (const struct sys_listed *)(const void *)(n->room + n->at);
	n->at += one->len;
	return one->name;
}

static void facts_close_names(const struct facts_names *n)
{
	struct reporter silent = {0};

	if (n->fd >= 0)
		(void)sys_close(&silent, n->fd);
}

static bool facts_process_has(const char *pid, const char *wanted)
{
	char path[300], link[64];
	struct facts_names all;
	const char *name;
	bool has = false;

	snprintf(path, sizeof(path), "/proc/%.20s/fd", pid);
	facts_open_names(&all, path);
	while (!has && (name = facts_next_name(&all))) {
		ssize_t n = sys_readlinkat(all.fd, name, link, sizeof(link) - 1);

		link[n < 0 ? 0 : n] = '\0';
		has = strcmp(link, wanted) == 0;
	}
	facts_close_names(&all);
	return has;
}

static int facts_add_process(struct buf *out, const char *pid)
{
	struct buf name = {0};
	char path[64];
	const char *text;
	int rc;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	rc = facts_read(&name, path);
	text = rc == 0 && name.data ? (const char *)name.data : "?";
	rc = buf_printf(out, "process %.20s (%.*s)", pid, (int)strcspn(text, "\n"), text);
	buf_free(&name);
	return rc;
}

static int facts_add_holder(struct buf *out, const struct facts_socket *socket)
{
	struct facts_names processes;
	const char *pid;
	char wanted[64];
	int rc;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", socket->inode);
	facts_open_names(&processes, "/proc");
	while ((pid = facts_next_name(&processes)))
		if (pid[0] >= '1' && pid[0] <= '9' && facts_process_has(pid, wanted))
			break;
	rc = pid ? facts_add_process(out, pid)
	         : buf_printf(out, "a process of user %u", socket->uid);
	facts_close_names(&processes);
	return rc;
}

int facts_holder(struct buf *out, int type, const struct addr *at)
{
	const bool stream = type == SOCK_STREAM;
	struct facts_socket socket;

	if (facts_find(&socket, stream ? "/proc/net/tcp" : "/proc/net/udp", AF_INET, type, at) ||
		facts_find(
			&socket, stream ? "/proc/net/tcp6" : "/proc/net/udp6", AF_INET6, type, at))
		return facts_add_holder(out, &socket);
	return 0;
}

/* ---- addresses ---- */

int facts_addresses(struct buf *out)
{
	const size_t began = out->len;
	struct ifaddrs *all = NULL;
	int rc = 0;

	if (getifaddrs(&all) < 0)
		return 0;
	for (const struct ifaddrs *one = all; one && rc == 0; one = one->ifa_next) {
		struct addr at = {0};

		if (!one->ifa_addr || (one->ifa_addr->sa_family != AF_INET &&
					      one->ifa_addr->sa_family != AF_INET6))
			continue;
		at.len = one->ifa_addr->sa_family == AF_INET ? sizeof(at.in) : sizeof(at.in6);
		memcpy(&at.room, one->ifa_addr, at.len);
		rc = buf_printf(out, "%s%s", out->len > began ? ", " : "", addr_words(&at).text);
		/* "127.0.0.1 0": without the port. */
		if (rc == 0)
			out->len -= strlen(" 0");
	}
	freeifaddrs(all);
	return rc;
}
