/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the 9P client share: driver/9p.c is requests and fids, the others what they are for. */
#ifndef CAUSEWAY_DRIVER_9P_PRIV_H
#define CAUSEWAY_DRIVER_9P_PRIV_H

#include <causeway/driver/9p.h>

#define ROOT_FID    0u
#define QID_ANSWER  (CW_9P_HEADER + CW_9P_QID)
#define OPEN_ANSWER (QID_ANSWER + 4u)

/* ---- the message that is made: c->message ---- */

/* Begins one of @type, whose first field is @fid (all but Tversion have one). */
void cw_9p_msg_(struct cw_9p_driver *c, uint8_t type, uint32_t fid);
void cw_9p_put_(struct cw_9p_driver *c, uint64_t value, unsigned int bytes);
void cw_9p_put_fid_(struct cw_9p_driver *c, uint32_t fid); /* another one that it is about */
void cw_9p_put_string_(struct cw_9p_driver *c, const char *s, uint32_t len);

/* ---- requests ---- */

/* Begins a call: CW_OK, or what is wrong with the device. */
int cw_9p_begin_(struct cw_9p_driver *c);
int cw_9p_begin_file_(struct cw_9p_file *f);

/*
 * Gives c->message to the device and waits: CW_OK with the answer in c->answer, of @len bytes (0: of any
 * length up to CW_9P_ANSWER), or an error, by c->last_errno when that is not 0.
 */
int cw_9p_call_(struct cw_9p_driver *c, uint32_t len, uint64_t end);
/* The same, with the answer left in the slot, where it is until the next submit. */
int cw_9p_ask_(struct cw_9p_driver *c, struct cw_9p_slot **slot, uint64_t end);

/* An idle slot, taken by a call to submit; NULL: there is none now. */
struct cw_9p_slot *cw_9p_idle_(struct cw_9p_driver *c);
/* c->message and @data_len bytes behind it; not published. */
int cw_9p_submit_(struct cw_9p_driver *c, struct cw_9p_slot *s, const void *data,
		  uint32_t data_len);
/* Takes an answer or waits for one: CW_OK, CW_ETIMEDOUT or what ended the device. */
int cw_9p_wait_(struct cw_9p_driver *c, uint64_t end);
/* Nobody waits for it any more; of one that is answered, the slot is idle. */
void cw_9p_drop_(struct cw_9p_slot *s);
/* What an answer says: CW_OK, or the error in an Rlerror, which *@linux_errno is then. */
int cw_9p_verdict_(const struct cw_9p_slot *s, uint32_t *linux_errno);
/* Bytes of an answer, private from then on; @at + @len lie in it. */
void cw_9p_fetch_(const struct cw_9p_driver *c, const struct cw_9p_slot *s, uint32_t at, void *to,
		  uint32_t len);

/* ---- fids ---- */

/* A new fid for @path, or for what it is in, without its last part: then *@name is that. */
int cw_9p_walk_(struct cw_9p_driver *c, const char *path, uint32_t *fid, uint64_t end);
int cw_9p_walk_parent_(struct cw_9p_driver *c, const char *path, const char **name, uint32_t *len,
		       uint32_t *fid, uint64_t end);
/* What a fid is: DOOMED until it has been clunked. */
enum cw_9p_fid_state { CW_9P_FREE_, CW_9P_USED_, CW_9P_DOOMED_ };
int cw_9p_new_fid_(struct cw_9p_driver *c, uint32_t *fid, uint64_t end);
void cw_9p_release_(struct cw_9p_driver *c, uint32_t fid);

#endif
