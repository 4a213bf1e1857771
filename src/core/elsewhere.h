#ifndef SOCKX_CORE_ELSEWHERE_H
#define SOCKX_CORE_ELSEWHERE_H

#include "core/link.h"

/*
 * A link over one without a connection, where nothing but an answer shows that anything listens.
 * What is sent is kept until the first answer; if the address refuses it before that, the next one
 * is given all of it, and the connection above does not notice but for its address.
 *
 * Bounds: ELSEWHERE_MAX_BYTES are kept; with more, there is no second try.
 */

enum { ELSEWHERE_MAX_BYTES = 1024 * 1024 };

struct elsewhere_conf {
	/* The address refused, with an errno: connect link to the next one, at, and return true; or
	 * there is none. */
	bool (*next)(void *arg, int error, struct link *link, struct addr *at);
	void *arg;
};

/* Put one over link, which leads to at: link is then the upper one, and owns what it was. Returns
 * 0, or -1 when memory is out: then nothing has changed. */
int elsewhere_over(struct link *link, const struct addr *at, const struct elsewhere_conf *conf);

/* For tests: how many bytes are kept. */
size_t elsewhere_kept(const struct link *link);

#endif
