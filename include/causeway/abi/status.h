/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a remote tells of itself in RPMsg messages, and what it may be asked (docs/spec/status.md).
 * Version 1: a receiver refuses any other.
 */
#ifndef CAUSEWAY_ABI_STATUS_H
#define CAUSEWAY_ABI_STATUS_H

#include <causeway/abi/types.h>

#define CW_SAMPLE_VERSION 1u

/* The remote's endpoints */
#define CW_SAMPLE_SERVICE  "status"  /* a sample each period */
#define CW_CONTROL_SERVICE "control" /* requests, each answered */
#define CW_LOG_SERVICE	   "log"     /* lines of text */

#define CW_SAMPLE_LOOPS	     8u /* at most, in one sample */
#define CW_SAMPLE_QUEUES     8u
#define CW_SAMPLE_LOOP_NAME  12u /* bytes, padded with NUL */
#define CW_SAMPLE_QUEUE_NAME 16u
#define CW_SAMPLE_WHOLE	     1000000u /* a share of all the time */
#define CW_PERIOD_MIN_MS     100u
#define CW_PERIOD_MAX_MS     60000u

/* Which of the values are there: the others are 0. */
#define CW_SAMPLE_HAS_STACK	  (1u << 0)
#define CW_SAMPLE_HAS_HEAP	  (1u << 1)
#define CW_SAMPLE_HAS_TEMPERATURE (1u << 2)

/* Behind it come the loops, then the queues. */
struct cw_abi_sample {
	struct cw_le16 version;
	struct cw_le16 size;	     /* bytes of the whole message */
	struct cw_le32 life;	     /* differs from start to start of the remote */
	struct cw_le32 sequence;     /* number of this sample in this life, from 1 */
	struct cw_le32 links;	     /* times that the link came up in this life */
	struct cw_le32 uptime_us[2]; /* since the remote started; low word first */
	struct cw_le32 period_ms;    /* to the next sample */
	struct cw_le32 window_us;    /* over which shares were measured */
	struct cw_le32 has;	     /* CW_SAMPLE_HAS_* */
	struct cw_le32 stack_size;   /* bytes */
	struct cw_le32 stack_used;   /* the most that ever was */
	struct cw_le32 heap_size;    /* bytes */
	struct cw_le32 heap_used;    /* now */
	struct cw_le32 temperature;  /* thousandths of a degree Celsius, two's complement */
	struct cw_le32 messages_in;  /* RPMsg messages, running */
	struct cw_le32 messages_out;
	struct cw_le32 doorbells_in;  /* notifications by Linux that were seen, running */
	struct cw_le32 doorbells_out; /* rings towards Linux, running */
	uint8_t loops, queues;	      /* how many follow */
	struct cw_le16 reserved;
	uint8_t board[CW_SAMPLE_QUEUE_NAME];
	struct cw_le32 reserved2;
};

CW_ABI_AT(cw_abi_sample, uptime_us, 16);
CW_ABI_AT(cw_abi_sample, has, 32);
CW_ABI_AT(cw_abi_sample, temperature, 52);
CW_ABI_AT(cw_abi_sample, loops, 72);
CW_ABI_AT(cw_abi_sample, board, 76);
CW_ABI_SIZE(cw_abi_sample, 96);

/* A task, or a part of the main loop */
struct cw_abi_sample_loop {
	uint8_t name[CW_SAMPLE_LOOP_NAME];
	struct cw_le32 share; /* of the window, in CW_SAMPLE_WHOLE parts */
};

CW_ABI_AT(cw_abi_sample_loop, share, 12);
CW_ABI_SIZE(cw_abi_sample_loop, 16);

/* A virtqueue of one of the remote's drivers */
struct cw_abi_sample_queue {
	uint8_t name[CW_SAMPLE_QUEUE_NAME]; /* of the device */
	struct cw_le16 index;		    /* of the queue in it */
	struct cw_le16 size;		    /* descriptors */
	struct cw_le16 in_flight;	    /* chains that the device has now */
	struct cw_le16 reserved;
	struct cw_le32 offered; /* chains, running */
	struct cw_le32 used;	/* chains taken back, running */
};

CW_ABI_AT(cw_abi_sample_queue, index, 16);
CW_ABI_AT(cw_abi_sample_queue, offered, 24);
CW_ABI_SIZE(cw_abi_sample_queue, 32);

#define CW_SAMPLE_BYTES_MAX                                                                   \
	(sizeof(struct cw_abi_sample) + CW_SAMPLE_LOOPS * sizeof(struct cw_abi_sample_loop) + \
	 CW_SAMPLE_QUEUES * sizeof(struct cw_abi_sample_queue))

/* The largest sample goes through the smallest usual buffer: 512 bytes with RPMsg's header of 16. */
CW_ABI_ASSERT(CW_SAMPLE_BYTES_MAX <= 496, "a sample fits one buffer");

/* A request to `control` */
struct cw_abi_control {
	struct cw_le16 version;
	struct cw_le16 command;
	struct cw_le32 tag; /* the asker's, comes back with the answer */
	struct cw_le32 value;
};

CW_ABI_SIZE(cw_abi_control, 12);

#define CW_CONTROL_PERIOD 1u /* value: milliseconds between samples, CW_PERIOD_MIN_MS to _MAX_MS */
#define CW_CONTROL_SAMPLE 2u /* one sample now; value: 0 */

/* Its answer, to who asked */
struct cw_abi_control_answer {
	struct cw_le16 version;
	struct cw_le16 command; /* of the request */
	struct cw_le32 tag;	/* of the request */
	struct cw_le32 result;	/* CW_CONTROL_DONE or why not */
	struct cw_le32 value;	/* the period in force; of a sample its sequence number */
};

CW_ABI_SIZE(cw_abi_control_answer, 16);

#define CW_CONTROL_DONE	   0u
#define CW_CONTROL_VERSION 1u /* not known; value: the version that is */
#define CW_CONTROL_COMMAND 2u /* not known */
#define CW_CONTROL_LENGTH  3u /* no request is as long */
#define CW_CONTROL_RANGE   4u /* value is out of range */
#define CW_CONTROL_AWAY	   5u /* the sample could not be sent: nobody listens, or no room */

#endif
