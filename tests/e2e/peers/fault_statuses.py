"""What exit status is right when a system call of sockx fails: inject.py asks.

The manual's EXIT STATUS, call by call. Of TABLE the first row that fits is the rule:

    who      server (a mode that serves for ever), pipe (serve's one-shot mode), client (connect, echo,
             greet, analyze: each is a word of its own, too; so is exec, connect -m exec), moves (pipe or
             connect, where the kernel moves the bytes), program (serve -1 -m exec). A server is
             `starting` until its line `listening on` was read, then `serving`; pipe is `again` where
             the client that the failure befell had moved no byte, so that another was served; a
             client is `named` where a name with two addresses is tried
    over     tcp udp unix unix-datagram unix-seqpacket; inet local; stream datagram
    call     strace's name; of epoll_ctl with what it is to do: epoll_add, epoll_mod, epoll_del; peek is a
             recvfrom that only looks, as after connect
    error    as errno(3) has it
    on       what the call was made on: stdin stdout stderr socket pipe file signalfd eventfd eventpoll;
             of epoll_ctl the descriptor to be watched, of what moves bytes FROM->TO; or nothing
    status   one, mostly; several where the peer's progress decides

* is any. Statuses are numbers, or `pipe` for an end by SIGPIPE. LACKS are the errors that say that we lack
something, descriptors or memory: never the peer's fault."""

import signal

LACKS = "EMFILE ENFILE ENOBUFS ENOMEM ENOSPC"
TABLE = """
# who             over             call                        error              on               status

# Without these no program runs. A server's client is reset, and the server serves on.
exec              *                read splice                 EINTR EAGAIN EINVAL ENOMEM ENOSYS  *  0
exec              *                splice                      EIO                *                0
exec              *                pipe2 clone dup3 execve     *                  *                1
exec              *                epoll_add                   *                  pipe             1
# ... nor after it, if all had come.
exec              *                read ioctl                  *                  pipe             0 1
# ... one that hears an end too early may not like it, as that of this test.
exec              *                write splice                EPIPE              pipe socket->pipe  0 1
# ... of a one-shot server: what we lack may be there for the next client.
program           *                pipe2                       *                  *                0
program           *                clone dup3 execve           LACKS              *                0 1
program           *                clone dup3 execve           *                  *                1
program           *                epoll_add read write ioctl  *                  pipe             0 1
program           *                splice                      EPIPE              socket->pipe     0 1

# To be tried again, done in another way, or never more than a wish.
*                 *                *                           EINTR EAGAIN       *                0
*                 *                write pwritev2              *                  stderr           0
*                 *                setsockopt                  *                  *                0
*                 *                preadv2 pwritev2            EOPNOTSUPP         *                0
*                 *                getrandom                   *                  *                0
*                 *                ioctl poll wait4 close_range setpgid  *        *                0
*                 *                epoll_mod epoll_del         *                  *                0 1 4
*                 *                newfstatat                  *                  stdin stdout stderr  0
*                 *                read                        *                  signalfd         0
*                 *                unlinkat                    *                  *                0
server pipe relay  inet            bind listen                 EADDRINUSE         *                0
client            udp              recvmsg                     *                  *                0
client            udp              sendto                      ENOBUFS            *                0
*                 *                splice sendfile             EINVAL ENOMEM EIO ENOSYS  *         0
*                 *                pipe2                       *                  *                0
*                 *                fcntl                       *                  stdin stdout stderr pipe  0

# Without these there is no run.
*                 *                epoll_create1 epoll_wait    *                  *                1
*                 *                epoll_add                   *                  signalfd         0 1

# To listen.
starting          *                *                           *                  *                3

# Standard input and output.
*                 *                write pwritev2              EPIPE              stdout           pipe
*                 *                write pwritev2 epoll_add    *                  stdout           1
*                 *                read preadv2 epoll_add      *                  stdin            1
*                 *                splice                      EPIPE              pipe->stdout socket->stdout  pipe
*                 *                splice                      *                  pipe->stdout     1
# ... opened anew, or a pipe of ours.
moves             *                splice                      EPIPE              socket->pipe     pipe 4
client            *                write                       *                  pipe             1
pipe              *                write                       *                  pipe             0
moves             *                read                        *                  pipe             1 4

# What befalls one client, or a look at a path at the end, ends no server.
server            *                *                           *                  *                0
pipe relay        *                accept4 flock newfstatat getsockname  *                  *                0
pipe              datagram         sendmmsg recvmmsg           *                  *                0
again             *                *                           *                  *                0

# To connect: refused or unreachable, unless it is we who lack something.
named             *                socket connect epoll_add peek  *               *                0 1 4 7
named             datagram         recvfrom sendto             *                  *                0 1 7
client relay      *                socket bind epoll_add peek  LACKS              *                1
client relay      *                peek                        ECONNRESET         *                4
client relay      *                socket bind connect peek    *                  *                7
client relay      *                getsockname                 *                  *                0

# A connection. echo is done when all has come back, greet when a greeting has; a datagram that was
# never answered was refused.
echo              stream unix-seqpacket  recvfrom recvmsg shutdown  LACKS         *                0 1
echo              stream unix-seqpacket  recvfrom recvmsg shutdown  *             *                0 4
echo              stream unix-seqpacket  sendto                LACKS              *                1
echo              stream unix-seqpacket  sendto                *                  *                4
greet             *                recvfrom sendto shutdown    ECONNRESET ETIMEDOUT EPIPE ENOTCONN  *  0 4
greet             *                sendto shutdown             *                  *                0 1
*                 *                recvfrom recvmsg sendto shutdown epoll_add splice  LACKS  *       1
client            datagram         recvfrom sendto             *                  *                7
*                 *                recvfrom recvmsg sendto shutdown splice sendfile  *  *            4
"""


def rows_of(table):
    for line in table.splitlines():
        if line and not line.startswith("#"):
            cells = [cell.replace("LACKS", LACKS).split() for cell in line.split("  ") if cell.strip()]
            assert len(cells) == 6, line
            yield cells[:5], frozenset(-signal.SIGPIPE if word == "pipe" else int(word)
                                       for word in cells[5])


ROWS = list(rows_of(TABLE))


def allowed_for(who, over, call):
    """Of one call that failed."""
    about = [who, over, {call.name}, {call.error}, {call.on}]
    for cells, statuses in ROWS:
        if all("*" in cell or fact & set(cell) for cell, fact in zip(cells, about)):
            return statuses
    raise KeyError(f"no row for {call.name} {call.error} on {call.on}")


def allowed(who, over, failed):
    """Of all calls that failed together: each may decide, but what one has lost is not made good again."""
    sets = [allowed_for(who, over, call) for call in failed]
    statuses = frozenset().union(*sets) or frozenset([0])
    return statuses if all(0 in one for one in sets) else statuses - {0}
