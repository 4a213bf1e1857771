#ifndef SOCKX_CLI_PAGE_H
#define SOCKX_CLI_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A text that grows line by line. Out of memory leaves `failed` set and the rest undone: look once,
 * at the end, with page_end. */
struct page {
	struct buf *out;
	bool failed;
};

enum { PAGE_COLUMNS = 80 };

void page_add(struct page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add text with a backslash before each of its characters that is one of special. */
void page_add_escaped(struct page *p, const char *text, const char *special);

/* Add the words of text, the cursor being in column at, and a newline; lines that PAGE_COLUMNS are
 * too few for go on in column indent. */
void page_wrap(struct page *p, size_t at, size_t indent, const char *text);

/* Add "left   right", left in column indent, right wrapped in column or, where left reaches into
 * that, on the lines below. */
void page_row(struct page *p, size_t indent, const char *left, size_t column, const char *right);

/* Returns 0, or -1 when memory was out. */
int page_end(const struct page *p);

#endif
