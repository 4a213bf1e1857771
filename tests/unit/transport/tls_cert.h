#ifndef UNIT_TLS_CERT_H
#define UNIT_TLS_CERT_H

#include <stdbool.h>

/* A certificate that is signed by itself. Names have spaces between them; '!' is a NUL byte. */
struct cert_words {
	const char *common;  /* the subject's (commonName) */
	const char *dns;     /* the alternative ones */
	const char *purpose; /* the only one (extKeyUsage); NULL: any */
};

/* Write it, and a key that was made for it, to a new file, whose name is made of path as by
 * mkstemp(3). */
void cert_write(const struct cert_words *n, char path[]);

/* The next name at *text. Returns false where there is none left. */
bool cert_next_name(const char **text, char name[64]);

#endif
