/* What a program learns of its connection: the variables of UCSPI-TCP, and their like for Unix
 * sockets. */
#include "mode/exec.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"

/* What only our own parent could mean by them, or the next one. A name that ends in "*" stands for
 * all that begin so. */
static const char *const removed[] = {"PROTO", "TCPLOCAL*", "TCPREMOTE*", "UNIXLOCAL*",
	"UNIXREMOTE*", "LISTEN_*", "NOTIFY_SOCKET", "SSLKEYLOGFILE"};

static bool exec_env_is_removed(const char *var)
{
	size_t len = strcspn(var, "=");

	for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
		size_t name_len = strcspn(removed[i], "*");

		if (strncmp(var, removed[i], name_len) == 0 &&
			(removed[i][name_len] || len == name_len))
			return true;
	}
	return false;
}

int exec_env_begin(struct exec_env *e)
{
	size_t count = 0;

	while (environ[count])
		count++;
	e->kept = calloc(count + 1, sizeof(*e->kept));
	if (!e->kept)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (!exec_env_is_removed(environ[i]))
			e->kept[e->count++] = environ[i];
	return 0;
}

void exec_env_free(struct exec_env *e)
{
	free(e->kept);
	*e = (struct exec_env){0};
}

/* With nothing of its own yet. */
static struct exec_vars *exec_vars_new(const struct exec_env *e)
{
	struct exec_vars *v = malloc(sizeof(*v) + (e->count + EXEC_VARS + 1) * sizeof(v->all[0]));

	if (!v)
		return NULL;
	v->count = e->count;
	v->own_count = 0;
	memcpy(v->all, e->kept, e->count * sizeof(v->all[0]));
	return v;
}

static void __attribute__((format(printf, 2, 3)))
exec_env_add(struct exec_vars *v, const char *format, ...)
{
	char *own = v->own[v->own_count++];
	va_list args;

	va_start(args, format);
	vsnprintf(own, EXEC_VAR_BYTES, format, args);
	va_end(args);
	v->all[v->count++] = own;
}

/* An address as two variables: SIDE is LOCAL or REMOTE. */
static void exec_env_add_tcp(struct exec_vars *v, const char *side, const struct addr *at)
{
	struct addr_shown words;

	if (!at->len)
		return;
	words = addr_words(at);
	exec_env_add(v, "TCP%sIP=%.*s", side, (int)strcspn(words.text, " "), words.text);
	exec_env_add(v, "TCP%sPORT=%u", side, addr_port(at));
}

/* The one thing here that a peer may have chosen. */
static void exec_env_add_path(struct exec_vars *v, const char *name, const struct addr *at)
{
	const struct addr_shown words = addr_words(at);
	struct escaper escaper = {.one_line = true};
	struct buf path = {0};

	if (at->len > offsetof(struct sockaddr_un, sun_path) &&
		escape_add(&escaper, span_of(words.text), &path) == 0 &&
		escape_end(&escaper, &path) == 0)
		exec_env_add(v, "%s=%.*s", name, (int)path.len, (const char *)path.data);
	buf_free(&path);
}

static void exec_env_add_unix(
	struct exec_vars *v, struct conn *net, const struct addr *local, const struct addr *peer)
{
	struct ucred who;

	exec_env_add_path(v, "UNIXLOCALPATH", local);
	exec_env_add_path(v, "UNIXREMOTEPATH", peer);
	if (conn_credentials(net, &who) < 0)
		return;
	exec_env_add(v, "UNIXREMOTEEUID=%ju", (uintmax_t)who.uid);
	exec_env_add(v, "UNIXREMOTEEGID=%ju", (uintmax_t)who.gid);
	exec_env_add(v, "UNIXREMOTEPID=%jd", (intmax_t)who.pid);
}

struct exec_vars *exec_env_for(const struct exec_env *e, struct conn *net)
{
	const struct addr local = conn_local_address(net), peer = conn_address(net);
	bool is_unix = local.sa.sa_family == AF_UNIX;
	struct exec_vars *v = exec_vars_new(e);

	if (!v)
		return NULL;
	exec_env_add(v, "PROTO=%s", is_unix ? "UNIX" : "TCP");
	if (is_unix) {
		exec_env_add_unix(v, net, &local, &peer);
	} else {
		exec_env_add_tcp(v, "LOCAL", &local);
		exec_env_add_tcp(v, "REMOTE", &peer);
	}
	v->all[v->count] = NULL;
	return v;
}
