#ifndef SOCKX_BASE_JSON_H
#define SOCKX_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum { JSON_EVENTS_VERSION = 1 };

/*
 * Writes one JSON object (RFC 8259) on one line: json_open, then members, then json_close. A member
 * may be a list of objects, which have members of their own.
 * Keys are our own literals and stand as they are. Strings may hold any bytes: each one that is
 * not part of well-formed UTF-8 becomes U+FFFD; whatever utf8_is_hidden names is escaped, so that
 * a line may be shown on a terminal. Out of memory leaves `failed` set and the rest undone; look
 * once, at the end.
 */
struct json {
	struct buf out; /* the text so far; the caller frees it */
	bool some;      /* what is open has a member */
	bool failed;
};

/* Start afresh: what j held is forgotten, not freed. */
void json_open(struct json *j);
/* What each object that sockx prints has: "v", the version of this format, and "event". */
void json_event(struct json *j, const char *event);
void json_str(struct json *j, const char *key, struct span value);
void json_int(struct json *j, const char *key, int64_t value);
/* A number with three decimals: a time, a rate; null if it is not finite. */
void json_num(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
/* A list: json_list_open; for each of its objects json_item_open, members, json_item_close; then
 * json_list_close. */
void json_list_open(struct json *j, const char *key);
void json_item_open(struct json *j);
void json_item_close(struct json *j);
void json_list_close(struct json *j);
/* Closes the object and adds a newline. */
void json_close(struct json *j);

#endif
