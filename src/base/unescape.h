#ifndef SOCKX_BASE_UNESCAPE_H
#define SOCKX_BASE_UNESCAPE_H

#include "base/buf.h"

/* Bytes that a user typed as a text in which \r \n \t \0 \\ and \xHH (two hexadecimal digits) stand
 * for one byte each: appended to out. Returns 0; -1 where another letter, or nothing, follows a
 * backslash; -2 when memory is out. */
int unescape(const char *text, struct buf *out);

#endif
