/* The sockets that sockx serve was given by the program that started it, in place of an address. */
#include "base/escape.h"
#include "cmd/serve.h"
#include "os/inherited.h"
#include "transport/tcp.h"
#include "transport/unix.h"

/* What says where to listen, or is done before listen(2), has been done. */
static int serve_inherited_check_alone(
	const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	static const char *const others[] = {
		"host", "port", "unix", "udp", "seqpacket", "backlog", "unix-mode", "4", "6"};
	const char *typed = args->count ? args->words[0] : NULL;

	for (size_t i = 0; !typed && i < sizeof(others) / sizeof(others[0]); i++)
		typed = opts_given(set, args, others[i]);
	if (!typed)
		return 0;
	err_set(err, ERR_USAGE, "%s cannot be combined with inherited sockets (LISTEN_FDS)",
		quoted(typed).text);
	return err_hint(err, "leave it out: they listen already");
}

static int serve_inherited_refuse(int fd, const struct inherited *i, struct err *err)
{
	const char *what = i->type < 0             ? "is not a socket"
	                   : i->type == SOCK_DGRAM ? "is a socket of datagrams"
	                   : i->connected          ? "is connected, and does not listen"
	                   : i->listens            ? "is a kind of socket that sockx does not know"
	                                           : "does not listen";

	err_set(err, ERR_USAGE, "descriptor %d (LISTEN_FDS) %s", fd, what);
	if (i->type == SOCK_DGRAM)
		return err_hint(err, "for datagrams, give serve an address: '-u -p PORT'");
	if (i->connected)
		return err_hint(err, "to join one client to a server, make it descriptors 0 and 1 "
				     "of 'sockx connect HOST PORT'");
	return err_hint(err, "the program that started sockx must call listen on it");
}

/* What carries it; NULL: nothing does. */
static const struct transport *serve_inherited_transport(const struct inherited *i)
{
	sa_family_t family = i->at.sa.sa_family;

	if (!i->listens)
		return NULL;
	if (family == AF_UNIX)
		return i->type == SOCK_STREAM      ? &transport_unix
		       : i->type == SOCK_SEQPACKET ? &transport_unix_seqpacket
		                                   : NULL;
	return i->type == SOCK_STREAM && (family == AF_INET || family == AF_INET6) ? &transport_tcp
	                                                                           : NULL;
}

static int serve_inherited_add(struct serve_run *run, int fd, struct err *err)
{
	const struct inherited i = inherited_take(run->to, fd);
	const struct transport *via = i.type < 0 ? NULL : serve_inherited_transport(&i);

	if (!via)
		return serve_inherited_refuse(fd, &i, err);
	if (run->at_count && via != run->where.via) {
		err_set(err, ERR_USAGE, "descriptor %d (LISTEN_FDS) is %s, those before it are %s",
			fd, via->name, run->where.via->name);
		return err_hint(err, "start one server for each kind");
	}
	run->where.via = via;
	if (i.at.sa.sa_family == AF_UNIX)
		run->where.path = i.at;
	run->at[run->at_count++] = i.at;
	return 0;
}

int serve_inherited_take(struct serve_run *run, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	int count = inherited_count(err);

	if (count <= 0)
		return count;
	if (serve_inherited_check_alone(set, args, err) < 0)
		return -1;
	if (count > SERVER_LISTENERS_MAX)
		return err_set(err, ERR_USAGE, "more than %d addresses to listen on",
			SERVER_LISTENERS_MAX);
	for (int n = 0; n < count; n++)
		if (serve_inherited_add(run, INHERITED_FIRST + n, err) < 0)
			return -1;
	run->server.conf.adopts = INHERITED_FIRST;
	return socket_options_check(&run->conf->where.sockets, run->where.via, err);
}
