#ifndef SOCKX_CMD_SUGGEST_H
#define SOCKX_CMD_SUGGEST_H

#include <stdbool.h>
#include <stddef.h>

/* Whether our own parser takes each command line in a hint: those between quotes, as in "did you
 * mean 'sockx serve 80'?", and one after a colon at the hint's end. A word in capitals, such as
 * PORT or DUR, stands for an example of its kind; what begins with "<", ">" or "|" is the shell's.
 */
bool suggestion_holds(const char *hint);

#endif
