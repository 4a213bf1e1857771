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

/* What the shell does itself, and there is no program for. */
static bool line_is_shells_own(const char *word)
{
	static const char own[] = " . : cd eval exec export for if read set source trap ulimit "
				  "umask until wait while ";
	char alone[136];

	snprintf(alone, sizeof(alone), " %s ", word);
	return strchr(word, '=') || strstr(own, alone);
}

bool line_is_program(const char *line)
{
	char word[128];
	size_t count = 0, len;

	for (line += strspn(line, " "); *line; line += strspn(line, " ")) {
		len = strcspn(line, " ");
		snprintf(word, sizeof(word), "%.*s", (int)len, line);
		if (len >= sizeof(word) || !line_is_plain(word) ||
			(!count && line_is_shells_own(word)))
			return false;
		count++;
		line += len;
	}
	return count > 0;
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
