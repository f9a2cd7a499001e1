/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers of 9P2000.L, the file protocol that virtio-9p carries (virtio 1.3 section 5.9 names the
 * device; the messages are those of Linux's v9fs and of diod). Every message is size[4] type[1]
 * tag[2] and then its fields, little-endian, without padding; a string is its length in 2 bytes,
 * then its bytes.
 */
#ifndef CAUSEWAY_ABI_9P_H
#define CAUSEWAY_ABI_9P_H

#include <causeway/abi/types.h>

/* Messages; an answer has the number of its request plus one. */
enum cw_abi_9p_type {
	CW_9P_RLERROR = 7, /* ecode[4]: the answer to any request that failed */
	CW_9P_TSTATFS = 8,
	CW_9P_TLOPEN = 12,
	CW_9P_TLCREATE = 14,
	CW_9P_TSYMLINK = 16,
	CW_9P_TMKNOD = 18,
	CW_9P_TRENAME = 20,
	CW_9P_TREADLINK = 22,
	CW_9P_TGETATTR = 24,
	CW_9P_TSETATTR = 26,
	CW_9P_TXATTRWALK = 30,
	CW_9P_TXATTRCREATE = 32,
	CW_9P_TREADDIR = 40,
	CW_9P_TFSYNC = 50,
	CW_9P_TLOCK = 52,
	CW_9P_TGETLOCK = 54,
	CW_9P_TLINK = 70,
	CW_9P_TMKDIR = 72,
	CW_9P_TRENAMEAT = 74,
	CW_9P_TUNLINKAT = 76,
	CW_9P_TVERSION = 100,
	CW_9P_TAUTH = 102,
	CW_9P_TATTACH = 104,
	CW_9P_TFLUSH = 108,
	CW_9P_TWALK = 110,
	CW_9P_TREAD = 116,
	CW_9P_TWRITE = 118,
	CW_9P_TCLUNK = 120,
	CW_9P_TREMOVE = 122,
};

#define CW_9P_VERSION  "9P2000.L"
#define CW_9P_NOTAG    0xffffu
#define CW_9P_NOFID    0xffffffffu
#define CW_9P_NONUNAME 0xffffffffu

/* Sizes in bytes */
#define CW_9P_HEADER	    7u	/* size, type, tag */
#define CW_9P_RREAD_HEADER  11u /* and of Rreaddir: the header and count[4] */
#define CW_9P_TWRITE_HEADER 23u /* the header, fid[4], offset[8], count[4] */
#define CW_9P_QID	    13u /* type[1] version[4] path[8] */
#define CW_9P_DIRENT	    24u /* qid offset[8] type[1] and the length of the name */
#define CW_9P_WALK_MAX	    16u /* names in one Twalk */
#define CW_9P_NAME_MAX	    255u
#define CW_9P_MSIZE_MIN	    4096u
#define CW_9P_MSIZE_MAX	    (1u << 20)

/* qid.type */
#define CW_9P_QTDIR	0x80u
#define CW_9P_QTSYMLINK 0x02u
#define CW_9P_QTFILE	0x00u

/* flags of Tlopen and Tlcreate: Linux's generic octal values, on every processor */
#define CW_9P_O_RDONLY	  00000000u
#define CW_9P_O_WRONLY	  00000001u
#define CW_9P_O_RDWR	  00000002u
#define CW_9P_O_ACCESS	  00000003u /* mask of these three */
#define CW_9P_O_CREAT	  00000100u
#define CW_9P_O_EXCL	  00000200u
#define CW_9P_O_NOCTTY	  00000400u
#define CW_9P_O_TRUNC	  00001000u
#define CW_9P_O_APPEND	  00002000u
#define CW_9P_O_NONBLOCK  00004000u
#define CW_9P_O_DSYNC	  00010000u
#define CW_9P_O_ASYNC	  00020000u
#define CW_9P_O_DIRECT	  00040000u
#define CW_9P_O_LARGEFILE 00100000u
#define CW_9P_O_DIRECTORY 00200000u
#define CW_9P_O_NOFOLLOW  00400000u
#define CW_9P_O_NOATIME	  01000000u
#define CW_9P_O_CLOEXEC	  02000000u
#define CW_9P_O_SYNC	  04000000u

/* Tgetattr request_mask, Rgetattr valid */
#define CW_9P_GETATTR_MODE	   0x0001u
#define CW_9P_GETATTR_NLINK	   0x0002u
#define CW_9P_GETATTR_UID	   0x0004u
#define CW_9P_GETATTR_GID	   0x0008u
#define CW_9P_GETATTR_RDEV	   0x0010u
#define CW_9P_GETATTR_ATIME	   0x0020u
#define CW_9P_GETATTR_MTIME	   0x0040u
#define CW_9P_GETATTR_CTIME	   0x0080u
#define CW_9P_GETATTR_INO	   0x0100u
#define CW_9P_GETATTR_SIZE	   0x0200u
#define CW_9P_GETATTR_BLOCKS	   0x0400u
#define CW_9P_GETATTR_BTIME	   0x0800u
#define CW_9P_GETATTR_GEN	   0x1000u
#define CW_9P_GETATTR_DATA_VERSION 0x2000u
#define CW_9P_GETATTR_BASIC	   0x07ffu

/* Tsetattr valid */
#define CW_9P_SETATTR_MODE	0x0001u
#define CW_9P_SETATTR_UID	0x0002u
#define CW_9P_SETATTR_GID	0x0004u
#define CW_9P_SETATTR_SIZE	0x0008u
#define CW_9P_SETATTR_ATIME	0x0010u
#define CW_9P_SETATTR_MTIME	0x0020u
#define CW_9P_SETATTR_CTIME	0x0040u
#define CW_9P_SETATTR_ATIME_SET 0x0080u
#define CW_9P_SETATTR_MTIME_SET 0x0100u

/* Tunlinkat flags */
#define CW_9P_AT_REMOVEDIR 0x200u

/* Tlock, Tgetlock: type, flags; Rlock: status */
enum cw_abi_9p_lock {
	CW_9P_LOCK_RDLCK = 0,
	CW_9P_LOCK_WRLCK = 1,
	CW_9P_LOCK_UNLCK = 2,
	CW_9P_LOCK_F_BLOCK = 1,
	CW_9P_LOCK_F_RECLAIM = 2,
	CW_9P_LOCK_SUCCESS = 0,
	CW_9P_LOCK_BLOCKED = 1,
	CW_9P_LOCK_ERROR = 2,
	CW_9P_LOCK_GRACE = 3,
};

/* Txattrcreate flags */
#define CW_9P_XATTR_CREATE  1u
#define CW_9P_XATTR_REPLACE 2u

/* Type of an entry of Rreaddir: Linux's DT_* */
#define CW_9P_DT_UNKNOWN 0u
#define CW_9P_DT_DIR	 4u
#define CW_9P_DT_REG	 8u
#define CW_9P_DT_LNK	 10u

/* File types in a mode, and ecode: Linux's generic numbers, for a side that has none of its own */
#define CW_9P_S_IFMT  0170000u
#define CW_9P_S_IFDIR 0040000u
#define CW_9P_S_IFREG 0100000u
#define CW_9P_S_IFLNK 0120000u

enum cw_abi_9p_errno {
	CW_9P_EPERM = 1,
	CW_9P_ENOENT = 2,
	CW_9P_EIO = 5,
	CW_9P_E2BIG = 7,
	CW_9P_EBADF = 9,
	CW_9P_ENOMEM = 12,
	CW_9P_EACCES = 13,
	CW_9P_EBUSY = 16,
	CW_9P_EEXIST = 17,
	CW_9P_EXDEV = 18,
	CW_9P_ENOTDIR = 20,
	CW_9P_EISDIR = 21,
	CW_9P_EINVAL = 22,
	CW_9P_ENFILE = 23,
	CW_9P_EMFILE = 24,
	CW_9P_EFBIG = 27,
	CW_9P_ENOSPC = 28,
	CW_9P_EROFS = 30,
	CW_9P_ENAMETOOLONG = 36,
	CW_9P_ENOTEMPTY = 39,
	CW_9P_ELOOP = 40,
	CW_9P_ENODATA = 61,
	CW_9P_EPROTO = 71,
	CW_9P_EOPNOTSUPP = 95,
	CW_9P_EDQUOT = 122,
};

#endif
