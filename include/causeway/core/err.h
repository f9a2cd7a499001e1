/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors: negative, our own, grouped by whose fault it is, so that a caller knows what to do:
 * informative (try again, wait), caller (fix the call), peer (reset the device or the link),
 * internal (report a bug).
 */
#ifndef CAUSEWAY_CORE_ERR_H
#define CAUSEWAY_CORE_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

enum cw_error {
	CW_OK = 0,
	/* informative */
	CW_EAGAIN = -1,	   /* nothing now: no buffer, no data, not finished */
	CW_ETIMEDOUT = -2, /* the deadline passed */
	CW_ERESET = -3,	   /* the link or the device began anew: set it up again */
	CW_EDOWN = -4,	   /* the link is not up */
	CW_ECLOSED = -5,   /* the other end closed or refused the connection */
	/* caller */
	CW_EINVAL = -16,  /* argument out of range */
	CW_ENOSPC = -17,  /* the memory given does not suffice, or the queue is full */
	CW_ENOTSUP = -18, /* not offered by this device or port */
	CW_ENODEV = -19,  /* no such device in the layout */
	CW_EBUSY = -20,	  /* a request is in flight already */
	CW_ENOENT = -21,  /* no such file or directory */
	CW_EEXIST = -22,  /* it exists already, or is a directory that is not empty */
	CW_EACCES = -23,  /* not permitted, or to be read only */
	/* peer */
	CW_EPEER = -32,	    /* the peer broke the contract: this device needs a reset */
	CW_EBADINDEX = -33, /* ring index or descriptor number out of range or twice */
	CW_EBADCHAIN = -34, /* descriptor chain: loop, too long, wrong order, bad indirect table */
	CW_EBADADDR = -35,  /* address and length not wholly inside the device's memory */
	CW_EBADLEN = -36,   /* length impossible for this request */
	CW_EREFUSED = -37,  /* the device refused a register request */
	CW_EVERSION = -38,  /* the peer speaks another major version of the contract */
	CW_ELAYOUT = -39,   /* the peer was built for another layout */
	CW_EIO = -40,	    /* what stands behind the device failed: a disk, a file, a link */
	/* internal */
	CW_EINTERNAL = -48, /* a bug in this library */
};

/**
 * cw_strerror - one line for an error
 * @err: a value of enum cw_error
 *
 * Any context. Never returns NULL: an unknown value gets "unknown error".
 */
const char *cw_strerror(int err);

#ifdef __cplusplus
}
#endif

#endif
