#ifndef SOCKX_CMD_HEXDUMP_H
#define SOCKX_CMD_HEXDUMP_H

#include "cli/command.h"
#include "report/dump.h"

/* The row of --hexdump, over a struct talk_conf, for commands that move bytes. */
extern const struct opt hexdump_options[];
extern const size_t hexdump_option_count;

enum { HEXDUMP_ROOM_BYTES = 64 * 1024 };

/*
 * The hex dump of a run, as --hexdump asks for it: rows on standard error, where a row that finds
 * no room is dropped and counted, as every line is; or a file, which gets all of them. Rows of a
 * file are gathered, and written when there is no room for more, and at the end of the loop's turn.
 * A file makes a write wait only as files do; whatever may make one wait for another program is
 * refused.
 */
struct hexdump {
	struct dump dump;
	struct reporter *to;    /* NULL: there is no dump */
	struct reporter silent; /* for calls on the file: no trace shows them */
	int64_t began_ns;
	const char *path; /* as typed; NULL: it goes to standard error */
	int fd;
	uint8_t *room; /* HEXDUMP_ROOM_BYTES */
	size_t used;
	bool waiting; /* the end of the turn will write what is in it */
	bool failed;  /* the file took no more: that has been reported, and nothing more is shown */
};

/* Whether it fits what else was asked for. Returns 0, or -1 with err filled. */
int hexdump_check(const struct talk_conf *talk, struct err *err);

/* Begin, if it was asked for; after tracing_begin, whose clock it shares. The file is made, or
 * emptied. h stays where it is. Returns 0, or -1 with err filled. */
int hexdump_begin(
	struct hexdump *h, struct reporter *to, const struct talk_conf *talk, struct err *err);

/* Nothing more will be shown: write what is left, and close the file. Also where h is all zero.
 * Returns 0, or -1 with err filled where the file lacks something. */
int hexdump_end(struct hexdump *h, struct err *err);

#endif
