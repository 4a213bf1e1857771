#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "core/conn_state.h"
#include "report/dump.h"
#include "script.h"

/* What a dump is given of the bytes that a connection moves. */
TestSuite(conn_dump, .timeout = 20);

struct shown {
	struct dump dump;
	char text[2048]; /* "1<0:hello;" a piece */
	size_t len;
};

static void write_down(struct dump *d, const struct dump_piece *piece)
{
	struct shown *s = container_of(d, struct shown, dump);

	s->len += (size_t)snprintf(s->text + s->len, sizeof(s->text) - s->len, "%ju%s%c%s%ju:%.*s;",
		(uintmax_t)piece->conn, piece->onward ? "+" : "", piece->sent ? '>' : '<',
		piece->whole ? "=" : "", (uintmax_t)piece->at, (int)piece->bytes.len,
		(const char *)piece->bytes.data);
	cr_assert(lt(sz, s->len, sizeof(s->text)));
}

static void send_back(struct conn *c, struct span in)
{
	conn_write(c, in);
}

static const struct handler echoes = {.data = send_back};
static const struct handler drops = {0};

static void begin(struct scene *sc, struct shown *shown, const struct handler *on)
{
	*shown = (struct shown){.dump.show = write_down};
	scene_begin_for(sc, on, NULL);
	sc->to.dump = &shown->dump;
}

static void play(struct scene *sc, struct script *s)
{
	scene_join(sc, s);
	scene_play(sc);
	scene_end(sc);
}

Test(conn_dump, both_directions_in_their_order_and_place)
{
	struct script s = {.incoming = "hello, world", .per_read = 7};
	struct shown shown;
	struct scene sc;

	begin(&sc, &shown, &echoes);
	play(&sc, &s);
	cr_assert(eq(str, shown.text, "1<0:hello, ;1>0:hello, ;1<7:world;1>7:world;"));
}

Test(conn_dump, what_is_sent_is_what_was_taken)
{
	struct script s = {.incoming = "hello", .per_write = 2};
	struct shown shown;
	struct scene sc;

	begin(&sc, &shown, &echoes);
	play(&sc, &s);
	cr_assert(eq(str, shown.text, "1<0:hello;1>0:he;1>2:ll;1>4:o;"));
}

Test(conn_dump, a_failed_write_sends_nothing)
{
	struct script s = {.incoming = "hello", .fail_write_at = 1, .error = EPIPE};
	struct shown shown;
	struct scene sc;

	begin(&sc, &shown, &echoes);
	play(&sc, &s);
	cr_assert(eq(str, shown.text, "1<0:hello;"));
}

Test(conn_dump, each_message_is_whole_and_an_empty_one_counts)
{
	struct script s = {
		.message_max = 100, .messages = (const char *const[]){"one", "", "three", NULL}};
	struct shown shown;
	struct scene sc;

	begin(&sc, &shown, &echoes);
	play(&sc, &s);
	cr_assert(eq(str, shown.text, "1<=0:one;1>=0:one;1<=0:;1>=0:;1<=0:three;1>=0:three;"));
}

Test(conn_dump, bytes_that_no_handler_takes_are_read_to_be_shown)
{
	struct script s = {.incoming = "hello", .drops = true};
	struct shown shown;
	struct scene sc;

	begin(&sc, &shown, &drops);
	play(&sc, &s);
	cr_assert(eq(str, shown.text, "1<0:hello;"));
	cr_expect(eq(uint, s.drops_tried, 0));
}

Test(conn_dump, connections_have_their_numbers_and_those_onward_a_mark)
{
	struct script one = {.incoming = "a"}, two = {.incoming = "b"};
	struct shown shown;
	struct scene sc;

	begin(&sc, &shown, &drops);
	scene_join(&sc, &one);
	sc.owner.onward = true;
	play(&sc, &two);
	cr_expect(strstr(shown.text, "2+<0:b;") != NULL, "%s", shown.text);
	cr_expect(strstr(shown.text, "1+<0:a;") != NULL, "%s", shown.text);
}

Test(conn_dump, standard_input_and_output_are_not_shown)
{
	struct script s = {.incoming = "hello"};
	struct shown shown;
	struct scene sc;

	begin(&sc, &shown, &echoes);
	sc.owner.local = "standard input";
	play(&sc, &s);
	cr_expect(eq(str, shown.text, ""));
	cr_expect(eq(str, s.outgoing, "hello"));
}

Test(conn_dump, the_kernel_moves_nothing_unseen)
{
	struct script s = {.incoming = "hello"};
	struct shown shown;
	struct scene sc;
	struct link link;
	struct conn *c;

	begin(&sc, &shown, &echoes);
	link = scene_link(&sc, &s);
	link.bulk = BULK_SOCKET;
	c = conn_new(&sc.owner, &link, NULL, CONN_BOTH);
	cr_assert(c != NULL);
	cr_expect(eq(int, (int)c->link.bulk, BULK_NONE));
	conn_open(c);
	scene_play(&sc);
	scene_end(&sc);
	cr_expect(eq(str, shown.text, "1<0:hello;1>0:hello;"));
}
