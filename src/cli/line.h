#ifndef SOCKX_CLI_LINE_H
#define SOCKX_CLI_LINE_H

#include <stdbool.h>
#include <stddef.h>

/* A command line that is suggested, word by word. */

/* Nothing in word that a shell reads in its own way, and nothing that a screen does. */
bool line_is_plain(const char *word);

/* A line of the shell that is a program and its arguments, all of them plain: it can be run without
 * a shell. */
bool line_is_program(const char *line);

/* Add " BEFORE TEXT" to the line in out, or " TEXT" where before is "". Returns false where it does
 * not fit. */
bool line_add(char *out, size_t size, const char *before, const char *text);

/* Add words as they were typed. Returns false where one is not plain, or they do not fit. */
bool line_add_words(char *out, size_t size, const char *const *words, size_t count);

#endif
