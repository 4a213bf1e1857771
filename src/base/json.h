#ifndef SOCKX_BASE_JSON_H
#define SOCKX_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * Writes one JSON object (RFC 8259), flat, on one line: json_open, then members, then json_close.
 * Keys are our own literals and stand as they are. Strings may hold any bytes: each one that is
 * not part of well-formed UTF-8 becomes U+FFFD; whatever utf8_is_hidden names is escaped, so that
 * a line may be shown on a terminal. Out of memory leaves `failed` set and the rest undone; look
 * once, at the end.
 */
struct json {
	struct buf out; /* the text so far; the caller frees it */
	bool some;      /* a member has been written */
	bool failed;
};

/* Start afresh: what j held is forgotten, not freed. */
void json_open(struct json *j);
void json_str(struct json *j, const char *key, struct span value);
void json_int(struct json *j, const char *key, int64_t value);
/* A number with three decimals: a time, a rate; null if it is not finite. */
void json_num(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
/* Closes the object and adds a newline. */
void json_close(struct json *j);

#endif
