#include <string.h>

#include "base/buf.h"
#include "base/list.h"
#include "check.h"

static struct span mem(const void *data, size_t len)
{
	return (struct span){data, len};
}

static struct span waiting(const struct buf *b)
{
	return buf_span(b);
}

Test(buf, bytes_leave_in_the_order_they_came)
{
	struct buf b = {0};

	cr_assert(eq(int, buf_puts(&b, "one "), 0));
	cr_assert(eq(int, buf_printf(&b, "%d %s", 2, "three"), 0));
	cr_assert(eq(int, buf_add(&b, (struct span){(const uint8_t *)"\0\xff", 2}), 0));
	cr_assert(eq(span, waiting(&b), mem("one 2 three\0\xff", 13)));
	buf_take(&b, 4);
	cr_assert(eq(span, waiting(&b), mem("2 three\0\xff", 9)));
	buf_printf(&b, "%s", "more");
	cr_assert(eq(span, waiting(&b),
		mem("2 three\0\xff"
		    "more",
			13)));
	buf_free(&b);
}

Test(buf, an_empty_one_holds_no_memory)
{
	struct buf b = {0};

	cr_assert(eq(ptr, (void *)buf_span(&b).data, NULL));
	buf_take(&b, 0);
	cr_assert(eq(int, buf_add(&b, (struct span){NULL, 0}), 0));
	cr_assert(eq(int, buf_puts(&b, ""), 0));
	cr_assert(eq(ptr, b.data, NULL), "after adding nothing");
	cr_assert(eq(int, buf_printf(&b, "%s", ""), 0));
	cr_assert(eq(ptr, b.data, NULL), "after printing nothing");
	buf_puts(&b, "abc");
	buf_take(&b, 3);
	cr_assert(eq(ptr, b.data, NULL), "after the last byte was taken");
	cr_assert(eq(sz, b.len, 0));
	cr_assert(eq(sz, b.start, 0));
	cr_assert(eq(sz, b.cap, 0));
}

Test(buf, can_be_used_again_once_freed)
{
	struct buf b = {0};

	buf_puts(&b, "old");
	buf_free(&b);
	buf_puts(&b, "new");
	cr_assert(eq(span, waiting(&b), mem("new", 3)));
	buf_free(&b);
}

Test(buf, text_longer_than_what_is_free_is_printed_whole)
{
	struct buf b = {0};
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	cr_assert(eq(int, buf_printf(&b, "<%s>", text), 0));
	cr_assert(eq(sz, b.len, sizeof(text) + 1));
	cr_assert(eq(chr, (char)b.data[0], '<'));
	cr_assert(eq(chr, (char)b.data[b.len - 1], '>'));
	buf_free(&b);
}

Test(buf, printing_leaves_no_nul_between_texts)
{
	struct buf b = {0};

	/* 255 letters and a NUL fill the first allocation to its last byte. */
	buf_printf(&b, "%0255d", 0);
	buf_printf(&b, "end");
	cr_assert(eq(sz, b.len, 258));
	cr_assert(eq(span, mem(b.data + 254, 4), mem("0end", 4)));
	buf_free(&b);
}

/* What a queue does all day: it grows and shrinks at once, and each byte keeps its place. */
Test(buf, a_queue_that_never_empties_keeps_every_byte_and_bounded_memory)
{
	struct buf b = {0};
	uint8_t added = 0, taken = 0;
	size_t most = 0;

	for (int turn = 0; turn < 20000; turn++) {
		for (int i = 0; i < 100; i++, added++)
			buf_add(&b, (struct span){&added, 1});
		if (turn < 10)
			continue;
		for (size_t i = 0; i < 100; i++, taken++)
			cr_assert(eq(u8, b.data[b.start + i], taken));
		buf_take(&b, 100);
		most = b.cap > most ? b.cap : most;
	}
	cr_assert(eq(sz, b.len, 1000));
	cr_assert(le(sz, most, 8 * 1100));
	buf_free(&b);
}

Test(buf, an_impossible_size_is_refused_and_nothing_changes)
{
	struct buf b = {0};
	struct span endless = {(const uint8_t *)"x", SIZE_MAX};

	cr_assert(eq(int, buf_add(&b, endless), -1));
	buf_puts(&b, "abc");
	cr_assert(eq(int, buf_add(&b, endless), -1), "len + SIZE_MAX overflows");
	endless.len = SIZE_MAX / 2;
	cr_assert(eq(int, buf_add(&b, endless), -1));
	cr_assert(eq(span, waiting(&b), mem("abc", 3)));
	buf_free(&b);
}

struct item {
	int number;
	struct list node;
};

static int number_at(struct list *node)
{
	return container_of(node, struct item, node)->number;
}

Test(list, members_stand_in_the_order_they_were_pushed)
{
	struct list head;
	struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
	int expected = 1;

	list_init(&head);
	cr_assert(list_empty(&head));
	for (int i = 0; i < 3; i++)
		list_push(&head, &items[i].node);
	cr_assert(not(list_empty(&head)));
	for (struct list *at = head.next; at != &head; at = at->next)
		cr_assert(eq(int, number_at(at), expected++));
	cr_assert(eq(int, expected, 4));
	cr_assert(eq(int, number_at(head.prev), 3));
}

Test(list, a_member_taken_out_leaves_the_others_linked_both_ways)
{
	struct list head;
	struct item items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};

	list_init(&head);
	for (int i = 0; i < 3; i++)
		list_push(&head, &items[i].node);
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	cr_assert(eq(int, number_at(head.next->next), 3));
	cr_assert(eq(int, number_at(head.prev->prev), 1));
	list_remove(&items[0].node);
	list_remove(&items[2].node);
	cr_assert(list_empty(&head));
	list_push(&head, &items[1].node);
	cr_assert(eq(int, number_at(head.next), 2));
	cr_assert(eq(ptr, head.next, head.prev));
}
