#include "transport/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "os/sys_file.h"
#include "os/sys_socket.h"
#include "transport/datagram.h"
#include "transport/options.h"
#include "transport/stream.h"
#include "transport/unix_kind.h"
#include "transport/unix_path.h"

enum {
	UNIX_STREAM_BYTES = 1 << 20, /* what a stream's writer may be ahead of its reader */
	/* What a peer has not read yet is charged to its sender: one socket, for all peers. */
	UNIX_DATAGRAMS_BYTES = 4 << 20,
	UNIX_MESSAGE_MAX = 64 << 10, /* well within net.core.wmem_default, which bounds messages */
	UNIX_DATAGRAM_MAX = 512 << 10, /* more than net.core.wmem_max usually lets anybody send */
};

/* ---- sockets ---- */

static void unix_prepare_stream(struct reporter *to, int fd)
{
	sys_setsockopt(to, fd, SOL_SOCKET, SO_SNDBUF, UNIX_STREAM_BYTES);
	stream_keep_urgent(to, fd);
}

/* Where messages have a connection, control data tells an empty one from the end: see
 * seqpacket_read. */
static void unix_prepare(struct reporter *to, int fd, int type)
{
	if (type == SOCK_STREAM)
		unix_prepare_stream(to, fd);
	if (type == SOCK_DGRAM)
		datagram_enlarge(to, fd, SO_SNDBUFFORCE, SO_SNDBUF, UNIX_DATAGRAMS_BYTES);
	if (type == SOCK_SEQPACKET)
		sys_setsockopt(to, fd, SOL_SOCKET, SO_PASSCRED, 1);
}

static int unix_make_socket(struct reporter *to, int type)
{
	int fd = sys_socket(to, AF_UNIX, type, 0);

	if (fd >= 0)
		unix_prepare(to, fd, type);
	return fd;
}

static int unix_cannot_listen(struct err *err, const char *call, const struct addr *at)
{
	int error = errno;

	err_sys(err, ERR_LISTEN, error, "cannot listen on %s: %s", addr_text(at).text, call);
	if (error == EADDRINUSE)
		return err_hint(err, "another server uses it; choose another name");
	if (error == EACCES)
		return err_hint(err,
			"no permission to create a socket in that directory; choose another path");
	return -1;
}

/* Bind and listen, while the place is locked. */
static int unix_occupy(struct reporter *to, int fd, int type, struct unix_path *place,
	const struct addr *at, const struct listen_conf *conf, struct err *err)
{
	if (unix_path_bind(place, fd, conf->permissions) < 0)
		return unix_cannot_listen(err, "bind", at);
	if (type != SOCK_DGRAM && sys_listen(to, fd, (int)conf->backlog) < 0)
		return unix_cannot_listen(err, "listen", at);
	unix_path_unlock(place);
	return 0;
}

static enum io unix_listen_with(int type, struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	struct unix_path *place = NULL;
	enum io verdict;
	int fd = unix_make_socket(to, type);

	if (fd < 0) {
		unix_cannot_listen(err, "socket", at);
		return IO_FAIL;
	}
	if (socket_options_set(to, fd, SOCKET_UNIX, at, conf->options, ERR_LISTEN, err) < 0) {
		sys_close(to, fd);
		return IO_FAIL;
	}
	*out = (struct listening){.fd = fd, .options = conf->options};
	verdict = unix_path_take(to, at, &place, err);
	if (verdict == IO_DONE && unix_occupy(to, fd, type, place, at, conf, err) < 0)
		verdict = IO_FAIL;
	if (verdict == IO_DONE) {
		out->held = place;
		return IO_DONE;
	}
	unix_path_release(place);
	sys_close(to, fd);
	return verdict;
}

static enum io stream_listen(struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	return unix_listen_with(SOCK_STREAM, to, at, conf, out, err);
}

static enum io datagram_listen(struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	return unix_listen_with(SOCK_DGRAM, to, at, conf, out, err);
}

static enum io seqpacket_listen(struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	return unix_listen_with(SOCK_SEQPACKET, to, at, conf, out, err);
}

static enum io unix_adopt(int type, struct reporter *to, int fd, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	unix_prepare(to, fd, type);
	if (socket_options_set(to, fd, SOCKET_UNIX, at, conf->options, ERR_LISTEN, err) < 0) {
		sys_close(to, fd);
		return IO_FAIL;
	}
	*out = (struct listening){.fd = fd, .options = conf->options};
	return IO_DONE;
}

static enum io stream_adopt(struct reporter *to, int fd, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	return unix_adopt(SOCK_STREAM, to, fd, at, conf, out, err);
}

static enum io seqpacket_adopt(struct reporter *to, int fd, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	return unix_adopt(SOCK_SEQPACKET, to, fd, at, conf, out, err);
}

static void unix_unlisten(struct reporter *to, struct listening *socket)
{
	unix_path_release(socket->held);
	sys_close(to, socket->fd);
}

/* What accept returns has the usual options, whatever its listener has: what was asked of that is
 * asked of it as well. */
static void unix_ask_as_listener(
	struct reporter *to, const struct listening *listener, int fd, const struct addr *peer)
{
	struct err unused;

	socket_options_set(to, fd, SOCKET_UNIX, peer, listener->options, ERR_RUNTIME, &unused);
}

static enum io seqpacket_accept(
	struct reporter *to, const struct listening *listener, struct link *link, struct addr *peer)
{
	enum io verdict = stream_accept(to, listener, link, peer);

	if (verdict == IO_DONE)
		unix_ask_as_listener(to, listener, link->fd, peer);
	return verdict;
}

static enum io unix_accept(
	struct reporter *to, const struct listening *listener, struct link *link, struct addr *peer)
{
	enum io verdict = stream_accept(to, listener, link, peer);

	if (verdict != IO_DONE)
		return verdict;
	unix_prepare_stream(to, link->fd);
	unix_ask_as_listener(to, listener, link->fd, peer);
	return IO_DONE;
}

/* A read stops after bytes that came with descriptors (unix(7), SCM_RIGHTS), which there is no
 * room for: no edge reports what follows. */
static enum io unix_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	struct iovec part = {.iov_len = size};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	part.iov_base = room;
	n = sys_recvmsg(link->to, link->fd, &m, 0);
	if (n < 0)
		return link_error(link, errno);
	link->left = m.msg_flags & MSG_CTRUNC;
	*got = (size_t)n;
	return n == 0 ? IO_EOF : IO_DONE;
}

/* What the peer has not read, by whole buffers with their overhead: sk_wmem_alloc, which falls to
 * nothing once all has been read (net/unix/af_unix.c, SIOCOUTQ). */
static int unix_unsent(struct link *link)
{
	return sys_unsent(link->to, link->fd);
}

static int unix_close(struct link *link)
{
	unix_path_release(link->held);
	link->held = NULL;
	return stream_close(link);
}

/* ---- connecting ---- */

/* Take the path we are to connect from. IO_AGAIN: its directory is locked, as the link's story has
 * it. */
static enum io unix_take_path(struct link *link, const struct addr *source)
{
	struct unix_path *place;
	struct err why = {0};
	enum io verdict = unix_path_take(link->to, source, &place, &why);

	if (verdict == IO_AGAIN) {
		unix_path_explain_lock(source, ERR_RUNTIME, "cannot bind the source address", &why);
		link_fail_with(link, &why);
		return IO_AGAIN;
	}
	if (verdict != IO_DONE)
		return link_error(link, why.sys);
	link->held = place;
	if (unix_path_bind(place, link->fd, UNIX_PATH_USUAL) < 0)
		return link_error(link, errno);
	unix_path_unlock(place);
	return IO_DONE;
}

/* Take the name we are to connect from. A datagram client without one could not be answered: the
 * kernel finds it one (unix(7), autobind). Returns as transport.connect. */
static enum io unix_take_name(struct link *link, int type, const struct addr *source)
{
	const struct addr automatic = {.len = sizeof(sa_family_t), .un.sun_family = AF_UNIX};

	if (source->len)
		return unix_take_path(link, source);
	if (type == SOCK_DGRAM && sys_bind(link->to, link->fd, &automatic.sa, automatic.len) < 0)
		return link_error(link, errno);
	return IO_DONE;
}

/* A server whose queue is full says so at once (EAGAIN), and nothing tells when it has room. */
static enum io unix_connect_with(int type, struct link *link, const struct addr *at,
	const struct dial_conf *conf, bool *source_failed)
{
	struct err why = {0};
	enum io verdict;

	*source_failed = false;
	link->fd = unix_make_socket(link->to, type);
	if (link->fd < 0)
		return link_error(link, errno);
	if (socket_options_set(
		    link->to, link->fd, SOCKET_UNIX, at, conf->options, ERR_RUNTIME, &why) < 0) {
		stream_close(link);
		link->fd = -1;
		return link_fail_with(link, &why);
	}
	verdict = unix_take_name(link, type, &conf->source);
	*source_failed = verdict != IO_DONE && conf->source.len;
	if (verdict == IO_DONE && sys_connect(link->to, link->fd, &at->sa, at->len) < 0)
		verdict = link_error(link, errno);
	if (verdict == IO_DONE)
		return IO_DONE;
	unix_close(link);
	link->fd = -1;
	return verdict;
}

static enum io stream_connect(
	struct link *link, const struct addr *at, const struct dial_conf *conf, bool *source_failed)
{
	return unix_connect_with(SOCK_STREAM, link, at, conf, source_failed);
}

static enum io datagram_connect(
	struct link *link, const struct addr *at, const struct dial_conf *conf, bool *source_failed)
{
	return unix_connect_with(SOCK_DGRAM, link, at, conf, source_failed);
}

static enum io seqpacket_connect(
	struct link *link, const struct addr *at, const struct dial_conf *conf, bool *source_failed)
{
	return unix_connect_with(SOCK_SEQPACKET, link, at, conf, source_failed);
}

static const enum fact unix_no_server[] = {[SOCK_STREAM] = FACT_NO_UNIX_SERVER,
	[SOCK_DGRAM] = FACT_NO_UNIX_DATAGRAM_SERVER,
	[SOCK_SEQPACKET] = FACT_NO_UNIX_SEQPACKET_SERVER};

static const enum fact unix_is_of_kind[] = {[SOCK_STREAM] = FACT_STREAM_SOCKET,
	[SOCK_DGRAM] = FACT_DATAGRAM_SOCKET,
	[SOCK_SEQPACKET] = FACT_SEQPACKET_SOCKET};

/* Nothing answers at an address; in the abstract namespace a server of another kind does not. */
static void unix_advise_no_server(
	struct reporter *to, struct err *err, const struct addr *at, int ours)
{
	const char *path = at->un.sun_path;
	struct stat there;
	int kind = *path ? 0 : unix_kind_at(to, at, ours);

	if (kind)
		err_fact(err, unix_is_of_kind[kind], at);
	else if (*path && sys_lstatat(AT_FDCWD, path, &there) == 0 && !S_ISSOCK(there.st_mode) &&
		 !S_ISLNK(there.st_mode))
		err_hint(err, "there is no socket at that path: `ls -ld` shows what it is");
	else
		err_fact(err, unix_no_server[ours], at);
}

static void unix_advise_about(
	struct reporter *to, struct err *err, int error, const struct addr *at, int ours)
{
	int kind;

	switch (error) {
	case ENOENT:
	case ECONNREFUSED: unix_advise_no_server(to, err, at, ours); break;
	case EPROTOTYPE:
		kind = unix_kind_at(to, at, ours);
		err_fact(err, kind ? unix_is_of_kind[kind] : FACT_OTHER_SOCKET_TYPE, at);
		break;
	case EACCES: err_fact(err, FACT_SOCKET_FORBIDDEN, at); break;
	default: err_hint(err, "check the path with `ls -l`, and who has it with `ss -xlp`"); break;
	}
}

static void unix_advise(struct reporter *to, struct err *err, int error, const struct addr *at)
{
	unix_advise_about(to, err, error, at, SOCK_STREAM);
}

static void unix_advise_datagram(
	struct reporter *to, struct err *err, int error, const struct addr *at)
{
	unix_advise_about(to, err, error, at, SOCK_DGRAM);
}

static void unix_advise_seqpacket(
	struct reporter *to, struct err *err, int error, const struct addr *at)
{
	unix_advise_about(to, err, error, at, SOCK_SEQPACKET);
}

/* ---- messages ---- */

/* An empty message and the end both read as 0 bytes; with SO_PASSCRED, a message alone has its
 * sender's credentials beside it. There is room for no more than these, so that no peer can leave
 * descriptors with us (unix(7), SCM_RIGHTS). Puts in *ended whether there is no more. */
static ssize_t unix_receive_message(struct link *link, uint8_t *room, size_t size, bool *ended)
{
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct ucred))];
	struct iovec part = {.iov_len = size};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	part.iov_base = room;
	n = sys_recvmsg(link->to, link->fd, &m, 0);
	*ended = n == 0 && m.msg_controllen == 0;
	if (n < 0 || !(m.msg_flags & MSG_TRUNC))
		return n;
	errno = EOVERFLOW;
	return -1;
}

/* That the peer left with our bytes unread is reported before what it had sent, which still waits.
 */
static enum io seqpacket_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	bool ended;
	ssize_t n = unix_receive_message(link, room, size, &ended);

	if (n < 0 && errno == ECONNRESET) {
		link->reset = true;
		n = unix_receive_message(link, room, size, &ended);
	}
	if (n < 0)
		return link_error(link, errno);
	if (ended && link->reset)
		return link_error(link, ECONNRESET);
	*got = (size_t)n;
	return ended ? IO_EOF : IO_DONE;
}

/* A read that met the error went on to what still waited: it is not reported twice. */
static int seqpacket_pending(struct link *link)
{
	return link->reset ? ECONNRESET : stream_pending(link);
}

/* Of a sender without a name, the kernel tells nothing. */
static void unix_name_sender(struct addr *peer, socklen_t len)
{
	if (!len)
		peer->un.sun_family = AF_UNIX;
	peer->len = len ? len : sizeof(sa_family_t);
}

static int datagram_receive(struct reporter *to, const struct listening *socket,
	const struct addr *own, struct datagram *in, size_t count)
{
	struct batch b __attribute__((uninitialized));
	int came;

	count = batch_prepare(&b, in, count, true);
	came = batch_receive(to, socket->fd, &b, count);
	for (int i = 0; i < came; i++) {
		unix_name_sender(&in[i].peer, b.messages[i].msg_hdr.msg_namelen);
		in[i].len = b.messages[i].msg_len;
		in[i].cut = b.messages[i].msg_hdr.msg_flags & MSG_TRUNC;
		in[i].local.len = 0;
		in[i].hops = in[i].onward_hops = 0;
		in[i].forbidden = NULL;
		if (in[i].peer.len <= sizeof(sa_family_t))
			in[i].forbidden = "not answered: it has no name to answer to";
		else if (addr_equal(&in[i].peer, own))
			in[i].forbidden = "not answered: it came from our own address";
	}
	return came;
}

static int datagram_send(struct reporter *to, int fd, struct datagram *out, size_t count)
{
	struct batch b __attribute__((uninitialized));

	count = batch_prepare(&b, out, count, false);
	return batch_send(to, fd, &b, count);
}

const struct transport transport_unix = {
	.name = "unix",
	.kind = SOCKET_UNIX,
	.edges = true,
	.bulk = BULK_SOCKET,
	.unsent_is_unread = true,
	.listen = stream_listen,
	.adopt = stream_adopt,
	.unlisten = unix_unlisten,
	.accept = unix_accept,
	.connect = stream_connect,
	.advise = unix_advise,
	.read = unix_read,
	.write = stream_write,
	.finish = stream_finish,
	.unsent = unix_unsent,
	.pending = stream_pending,
	.close = unix_close,
};

const struct transport transport_unix_seqpacket = {
	.name = "unix-seqpacket",
	.kind = SOCKET_UNIX,
	.message_max = UNIX_MESSAGE_MAX,
	.unsent_is_unread = true,
	.listen = seqpacket_listen,
	.adopt = seqpacket_adopt,
	.unlisten = unix_unlisten,
	.accept = seqpacket_accept,
	.connect = seqpacket_connect,
	.advise = unix_advise_seqpacket,
	.read = seqpacket_read,
	.write = stream_write,
	.finish = stream_finish,
	.unsent = unix_unsent,
	.pending = seqpacket_pending,
	.close = unix_close,
};

const struct transport transport_unix_datagram = {
	.name = "unix-datagram",
	.kind = SOCKET_UNIX,
	.message_max = UNIX_MESSAGE_MAX,
	.connectionless = true,
	.listen = datagram_listen,
	.unlisten = unix_unlisten,
	.connect = datagram_connect,
	.advise = unix_advise_datagram,
	.read = datagram_read,
	.write = stream_write,
	.pending = stream_pending,
	.close = unix_close,
	.datagram_max = UNIX_DATAGRAM_MAX,
	.receive = datagram_receive,
	.send = datagram_send,
};
