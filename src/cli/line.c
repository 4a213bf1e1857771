#include "cli/line.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

bool line_is_plain(const char *word)
{
	for (const char *c = word; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._:/@%+=-,[]", *c))
			return false;
	return *word != '\0';
}

bool line_add(char *out, size_t size, const char *before, const char *text)
{
	size_t used = strlen(out);
	int len = snprintf(out + used, size - used, " %s%s%s", before, *before ? " " : "", text);

	return len > 0 && (size_t)len < size - used;
}

bool line_add_words(char *out, size_t size, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!line_is_plain(words[i]) || !line_add(out, size, "", words[i]))
			return false;
	return true;
}
