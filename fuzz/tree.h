/* SPDX-License-Identifier: BSD-3-Clause */
/* A small exported folder and one beside it that nobody may touch, for targets that serve files. */
#ifndef FUZZ_TREE_H
#define FUZZ_TREE_H

#include <stdbool.h>

#define TREE_SECRET "9f2 not to be read 6b1" /* in the file outside */

extern char tree_export[80]; /* its path */
extern int tree_root;	     /* O_PATH of it */

/** tree_begin - make both, in memory where that can be; removed when the program ends */
void tree_begin(void);

/** tree_make - what is in it, anew: a, a/b, a/f, f, links l and a/l, fifo p; remembers how it is outside */
void tree_make(void);

/** tree_exchange - what a Linux user does meanwhile: a folder for a link that leads outside */
void tree_exchange(void);

/** tree_check - nothing outside has changed, and no descriptor is open that was not open at tree_make() */
void tree_check(void);

#endif
