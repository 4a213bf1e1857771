#include "cli/page.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void page_add(struct page *p, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		p->failed = true;
	else if (!p->failed)
		p->failed = buf_puts(p->out, text) < 0;
	va_end(args);
	free(text);
}

void page_add_escaped(struct page *p, const char *text, const char *special)
{
	for (; *text; text++)
		page_add(p, "%s%c", strchr(special, *text) ? "\\" : "", *text);
}

void page_wrap(struct page *p, size_t at, size_t indent, const char *text)
{
	bool first = true;

	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		size_t len = strcspn(text, " ");

		if (!first && at + 1 + len > PAGE_COLUMNS) {
			page_add(p, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!first) {
			page_add(p, " ");
			at++;
		}
		page_add(p, "%.*s", (int)len, text);
		at += len;
		text += len;
		first = false;
	}
	page_add(p, "\n");
}

void page_row(struct page *p, size_t indent, const char *left, size_t column, const char *right)
{
	size_t end = indent + strlen(left);

	page_add(p, "%*s%s", (int)indent, "", left);
	if (end + 2 > column)
		page_add(p, "\n%*s", (int)column, "");
	else
		page_add(p, "%*s", (int)(column - end), "");
	page_wrap(p, column, column, right);
}

int page_end(const struct page *p)
{
	return p->failed ? -1 : 0;
}
