/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of Linux by messages, for those who have a channel (messages.h) and a board that grants them. */
#ifndef CAUSEWAY_FIRMWARE_FCALLS_H
#define CAUSEWAY_FIRMWARE_FCALLS_H

#include <causeway/driver/rpmsg_files.h>

/* fcalls_files - for cw_rfile_open() and the others; makes the endpoint, after messages_init() */
struct cw_rfiles *fcalls_files(void);

/* fcalls_stdio - what fopen() and its like do with @path here, said in the shell */
void fcalls_stdio(const char *path);

#endif
