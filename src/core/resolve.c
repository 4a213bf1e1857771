#include "core/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/sys_event.h"

/* What the helper thread works on. Two hold it, the thread and the struct lookup; the one that lets
 * go last frees it, so that it may outlive the wish for an answer. */
struct job {
	atomic_int holders;
	atomic_bool answered; /* found, verdict and error are final */
	int wake;             /* an eventfd(2): written when answered */
	char *host;
	struct addrinfo hints;
	struct addrinfo *found;
	int verdict, error; /* getaddrinfo's result, and errno for EAI_SYSTEM */
};

/* One that is under way, and what waits for it. */
struct lookup {
	struct list node; /* first: loop_bury frees it; in query.shared until it is answered */
	struct loop *loop;
	struct watch watch;
	struct job *job;
	uint16_t port;
	bool shared;
	struct list wishes; /* struct resolve */
};

struct resolve {
	struct list node; /* first: loop_bury frees it */
	struct lookup *from;
	void (*done)(void *arg, const struct resolved *answer, const struct err *why);
	void *arg;
};

static int resolve_no_address_of_family(const struct resolve_query *query, struct err *err)
{
	err_set(err, ERR_USAGE, "%s is not an IPv%c address", quoted(query->host).text,
		query->family == AF_INET ? '4' : '6');
	return err_fact(err, query->family == AF_INET ? FACT_NOT_IPV4 : FACT_NOT_IPV6, NULL);
}

/* IPv6 first, as RFC 6724 orders the loopbacks. */
static int resolve_localhost(const struct resolve_query *query, struct resolved *out)
{
	out->count = 0;
	if (query->family != AF_INET)
		out->at[out->count++] = addr_loopback(AF_INET6, query->port);
	if (query->family != AF_INET6)
		out->at[out->count++] = addr_loopback(AF_INET, query->port);
	return 1;
}

int resolve_at_once(const struct resolve_query *query, struct resolved *out, struct err *err)
{
	struct addr any;

	if (addr_from_numeric(&any, AF_UNSPEC, query->host, query->port) == 0) {
		if (query->family != AF_UNSPEC && any.sa.sa_family != query->family)
			return resolve_no_address_of_family(query, err);
		out->at[0] = any;
		out->count = 1;
		return 1;
	}
	if (query->numeric) {
		err_set(err, ERR_USAGE, "%s is a name", quoted(query->host).text);
		return err_fact(err, FACT_NUMERIC, NULL);
	}
	return strcasecmp(query->host, "localhost") == 0 ? resolve_localhost(query, out) : 0;
}

static void resolve_free_job(struct job *job)
{
	if (job->found)
		freeaddrinfo(job->found);
	if (job->wake >= 0)
		sys_close_own(job->wake);
	free(job->host);
	free(job);
}

static void resolve_let_go(struct job *job)
{
	if (atomic_fetch_sub(&job->holders, 1) == 1)
		resolve_free_job(job);
}

static void *resolve_look_up(void *arg)
{
	struct job *job = arg;

	job->verdict = getaddrinfo(job->host, NULL, &job->hints, &job->found);
	job->error = errno;
	atomic_store(&job->answered, true);
	sys_eventfd_wake(job->wake);
	resolve_let_go(job);
	return NULL;
}

static int resolve_start_thread(struct job *job)
{
	pthread_t thread;
	sigset_t all, before;
	int error;

	/* Signals are the loop's: one that this thread took would pass a signalfd by. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, resolve_look_up, job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		pthread_detach(thread);
	return error;
}

static void resolve_collect(const struct addrinfo *found, uint16_t port, struct resolved *out)
{
	out->count = 0;
	for (; found && out->count < RESOLVE_MAX; found = found->ai_next) {
		struct addr *a = &out->at[out->count];

		if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
			continue;
		*a = (struct addr){.len = found->ai_addrlen};
		memcpy(&a->room, found->ai_addr, found->ai_addrlen);
		addr_set_port(a, port);
		out->count++;
	}
}

static void resolve_explain(const struct job *job, struct err *err)
{
	const char *host = job->host;

	if (job->verdict == EAI_SYSTEM)
		err_sys(err, ERR_NAME, job->error, "cannot look up %s", quoted(host).text);
	else
		err_set(err, ERR_NAME, "cannot look up %s: %s", quoted(host).text,
			gai_strerror(job->verdict ? job->verdict : EAI_NONAME));
	err_hint(err, "check its spelling with `getent hosts %s`, or give an address",
		quoted(host).text);
}

/* Nothing waits for it any more. */
static void resolve_drop_lookup(struct lookup *l)
{
	list_remove(&l->node);
	loop_unwatch(l->loop, &l->watch);
	loop_bury(l->loop, &l->node);
	resolve_let_go(l->job);
}

static void resolve_free_wish(struct resolve *r)
{
	list_remove(&r->node);
	loop_bury(r->from->loop, &r->node);
}

static void resolve_on_answer(struct watch *w, uint32_t events)
{
	struct lookup *l = container_of(w, struct lookup, watch);
	struct resolved answer;
	struct err err = {0};

	(void)events;
	if (!atomic_load(&l->job->answered))
		return;
	resolve_collect(l->job->found, l->port, &answer);
	if (answer.count == 0)
		resolve_explain(l->job, &err);
	resolve_drop_lookup(l); /* one that is asked for from now on is a new one */
	while (!list_empty(&l->wishes)) {
		struct resolve *r = container_of(l->wishes.next, struct resolve, node);

		resolve_free_wish(r);
		r->done(r->arg, answer.count ? &answer : NULL, answer.count ? NULL : &err);
	}
}

/* Returns NULL, with errno, where it cannot be. */
static struct job *resolve_new_job(const struct resolve_query *query)
{
	struct job *job = calloc(1, sizeof(*job));
	int error;

	if (!job)
		return NULL;
	atomic_init(&job->holders, 2);
	job->host = strdup(query->host);
	job->wake = job->host ? sys_eventfd() : -1;
	job->hints = (struct addrinfo){.ai_family = query->family,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = query->passive ? AI_PASSIVE : AI_ADDRCONFIG};
	if (job->wake >= 0)
		return job;
	error = errno;
	resolve_free_job(job);
	errno = error;
	return NULL;
}

/* Returns NULL, with errno, where it cannot begin. */
static struct lookup *resolve_begin(struct loop *loop, const struct resolve_query *query)
{
	struct lookup *l = calloc(1, sizeof(*l));
	struct job *job = l ? resolve_new_job(query) : NULL;
	int error = errno;

	if (!job)
		goto fail;
	*l = (struct lookup){.loop = loop,
		.job = job,
		.port = query->port,
		.shared = query->shared,
		.watch = {.fd = job->wake, .ready = resolve_on_answer}};
	list_init(&l->node);
	list_init(&l->wishes);
	if (loop_watch(loop, &l->watch, EPOLLIN) < 0) {
		error = errno;
		goto fail;
	}
	error = resolve_start_thread(job);
	if (error == 0)
		return l;
	loop_unwatch(loop, &l->watch);
fail:
	if (job)
		resolve_free_job(job);
	free(l);
	errno = error;
	return NULL;
}

/* One that is under way and asks the same. */
static struct lookup *resolve_find(const struct resolve_query *query)
{
	struct list *head = &query->shared->lookups;

	for (struct list *node = head->next; node != head; node = node->next) {
		struct lookup *l = container_of(node, struct lookup, node);

		if (l->port == query->port && l->job->hints.ai_family == query->family &&
			strcmp(l->job->host, query->host) == 0)
			return l;
	}
	return NULL;
}

struct resolve *resolve_start(struct loop *loop, const struct resolve_query *query,
	void (*done)(void *arg, const struct resolved *answer, const struct err *why), void *arg,
	struct err *err)
{
	struct resolve *r = calloc(1, sizeof(*r));
	struct lookup *l = r && query->shared ? resolve_find(query) : NULL;

	if (r && !l) {
		l = resolve_begin(loop, query);
		if (l && query->shared)
			list_push(&query->shared->lookups, &l->node);
	}
	if (!l) {
		err_sys(err, ERR_RUNTIME, errno, "cannot look up %s", quoted(query->host).text);
		free(r);
		return NULL;
	}
	*r = (struct resolve){.from = l, .done = done, .arg = arg};
	list_push(&l->wishes, &r->node);
	return r;
}

void resolve_cancel(struct resolve *r)
{
	struct lookup *l = r->from;

	resolve_free_wish(r);
	if (!l->shared)
		resolve_drop_lookup(l);
}

void resolve_shared_init(struct resolve_shared *shared)
{
	list_init(&shared->lookups);
}

void resolve_shared_free(struct resolve_shared *shared)
{
	while (shared->lookups.next && !list_empty(&shared->lookups))
		resolve_drop_lookup(container_of(shared->lookups.next, struct lookup, node));
}
