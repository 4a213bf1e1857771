#ifndef SOCKX_BASE_TEXT_H
#define SOCKX_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text a user typed, and what it means. Nothing here allocates, prints or touches the network.
 * Each parser takes the whole of its text or none of it: no blanks, no sign, no rest. */

/* A decimal number of at most max. Returns 0, or -1. */
int text_uint(const char *text, uint64_t max, uint64_t *out);

/* An octal number of at most max. Returns 0, or -1. */
int text_octal(const char *text, uint64_t max, uint64_t *out);

/* A time: "500ms", "2s", "1m", "1h", bare seconds; fractions as in "1.5s" or "0.25", with a
 * digit on both sides of the point. In milliseconds, rounded up, so that only 0 is 0; at most
 * TEXT_MSEC_MAX. Returns 0, or -1. */
enum { TEXT_MSEC_MAX = 2000000000 };
int text_msec(const char *text, int64_t *out);

/* The same in microseconds, with "100us", too; as long at most. */
int text_usec(const char *text, int64_t *out);

/* A size in bytes, of at most max: "64", "16K" or "16k", "4M", "1G" (1024), "16kB" or "16KB",
 * "4MB", "1GB" (1000), "16KiB", "4MiB", "1GiB" (1024). Returns 0, or -1. */
int text_size(const char *text, uint64_t max, uint64_t *out);

/* Whether text is decimal digits alone, at least one: a number, of any size. */
bool text_is_digits(const char *text);

/* A host name or numeric address as a user may type it: not empty, valid UTF-8, no blanks, nothing
 * that utf8_is_hidden. Its length is the resolver's business. */
bool text_is_host(const char *text);

/* How an address was written: which parts it had. The parts are copied, "" where there was none;
 * digits is set where the whole was one word of digits, which `serve` takes as a port. */
enum { ENDPOINT_HOST_MAX = 1025, ENDPOINT_PORT_MAX = 64 };
struct endpoint {
	char host[ENDPOINT_HOST_MAX]; /* brackets of "[v6]" taken off */
	char port[ENDPOINT_PORT_MAX];
	bool digits; /* nothing but digits: host holds them */
};

/* Split HOST, HOST:PORT, [v6]:PORT, [v6], :PORT; two or more colons without brackets
 * are an IPv6 address without a port. Returns NULL, or what is wrong, as a phrase that follows the
 * quoted text: "has no port after its colon"; then out is not to be used. The texts are not
 * checked further. */
const char *endpoint_split(const char *text, struct endpoint *out);

/* HOST:PORT as it is written: an IPv6 address in brackets; cut if size is too small. */
void endpoint_join(char *out, size_t size, const char *host, const char *port);

/* How many letters must be changed, added, dropped or swapped with their neighbour to make one
 * word of the other (optimal string alignment); more than 8 counts as 9. */
unsigned text_distance(const char *one, const char *other);

/* The candidate that was probably meant by typed, or NULL: the only one that begins with typed,
 * else the first of the nearest, at a distance of at most a third of its own length. next(arg, i)
 * yields candidate i, NULL after the last. */
const char *text_suggest(
	const char *typed, const char *(*next)(const void *arg, size_t i), const void *arg);

#endif
