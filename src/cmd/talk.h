#ifndef SOCKX_CMD_TALK_H
#define SOCKX_CMD_TALK_H

#include "cli/command.h"

/* The rows about messages that every command has: -h --help --version -v -Q -j --trace
 * --color. They fill a struct talk_conf. */
extern const struct opt talk_options[];
extern const size_t talk_option_count;

#endif
