#ifndef SOCKX_OS_SYS_NAMES_H
#define SOCKX_OS_SYS_NAMES_H

/* What --trace calls a socket option, as programs write it: "SOL_SOCKET, SO_REUSEADDR". */
struct option_name {
	char text[48];
};

/* The name of an option that setsockopt(2) takes; one that sockx does not use is its numbers. */
struct option_name sys_option_name(int level, int option);

/* "EAGAIN"; one that has no name here is "errno 4095". 0: "". Use within one expression. */
struct error_name {
	char text[24];
};
struct error_name sys_error_name(int error);

#endif
