/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A board: what the architect fixed in the board file, checked and laid out. Made by host/board*.c
 * from YAML or from the quick form's options; read by everything else in the PMM.
 *
 * All of it is immutable after loading. Strings live as long as the board.
 */
#ifndef CAUSEWAY_HOST_BOARD_H
#define CAUSEWAY_HOST_BOARD_H

#include <causeway/core/layout.h>
#include <causeway/host/forward.h>
#include <causeway/host/qemu.h>

#include <stdbool.h>
#include <stdio.h>

enum cw_carrier_kind {
	CW_CARRIER_PROCESS,    /* firmware built for Linux, run as a child */
	CW_CARRIER_ATTACH,     /* somebody else runs it: nothing is started, nothing zeroed */
	CW_CARRIER_QEMU,       /* firmware for another processor, run by an emulator */
	CW_CARRIER_REMOTEPROC, /* another processor of this machine, started by Linux */
};

enum cw_memory_kind {
	CW_MEMORY_MEMFD,
	CW_MEMORY_FILE,	  /* path and offset: a QEMU RAM file, a tmpfs file shared with a test */
	CW_MEMORY_UIO,	  /* a map of a UIO device */
	CW_MEMORY_DEVMEM, /* physical addresses, by /dev/mem */
};

enum cw_doorbell_kind {
	CW_DOORBELL_SOCKET,  /* datagram pair (process) or a bound path (attach) */
	CW_DOORBELL_POLL,    /* none: both sides look every poll_us */
	CW_DOORBELL_IVSHMEM, /* qemu: interrupts of its ivshmem device */
	CW_DOORBELL_CHARDEV, /* a byte is a ring: a UART of qemu's, or a character device */
	CW_DOORBELL_UIO,     /* an interrupt of a UIO device; a register of its rings */
};

/* A 32-bit store to a register, at an offset in the first map of a UIO device. */
struct cw_board_store {
	uint32_t offset, value;
};

enum cw_backend_kind {
	CW_BACKEND_GETRANDOM, /* rng */
	CW_BACKEND_FILE,      /* rng: bytes of a file, repeated (tests) */
	CW_BACKEND_TAP,	      /* net: by name, or by inherited descriptor */
	CW_BACKEND_DGRAM,     /* net: unix datagram socket, a frame a datagram */
	CW_BACKEND_PTY,	      /* console */
	CW_BACKEND_STDIO,     /* console: the PMM's own terminal */
	CW_BACKEND_STREAM,    /* console: unix stream socket, the PMM listens */
	CW_BACKEND_LOG,	      /* console: append to a file, no input */
	CW_BACKEND_DISK,      /* blk: a file or a block device */
	CW_BACKEND_FOLDER,    /* 9p: what is in a directory */
	CW_BACKEND_VSOCK,     /* vsock: unix sockets beside a path */
	CW_BACKEND_VHOST,     /* vsock: Linux's own sockets, AF_VSOCK */
	CW_BACKEND_SERVICES,  /* rpmsg: a unix socket a service, in the run directory */
};

#define CW_RPMSG_BYTES_MIN 64u
#define CW_RPMSG_BYTES_MAX 65536u
#define CW_PORTS_MAX	   8u
#define CW_FORWARDS_MAX	   32u /* of a remote */

struct cw_board_port { /* of a console */
	char *name;    /* multiport name; NULL: unnamed */
	enum cw_backend_kind backend;
	char *path; /* stream: socket; log: file; pty: symbolic link to make, may be NULL */
};

struct cw_board_device {
	uint32_t id; /* CW_ID_RNG, CW_ID_NET, CW_ID_CONSOLE, ...; place[] has the same order */
	enum cw_backend_kind backend;
	/* rng */
	char *path; /* file backend; net dgram, vsock: own socket; blk: of the disk; 9p: the folder;
		     * rpmsg: of file calls, NULL: there are none */
	uint32_t rate; /* bytes a second, 0: unlimited */
	/* net */
	char *ifname; /* tap by name */
	int fd;	      /* tap by inherited descriptor, -1: by name */
	char *peer;   /* dgram: where to send */
	uint8_t mac[6];
	uint16_t mtu; /* 68 to 65521; default 1500 */
	bool offload; /* checksum, GSO and mergeable buffers offered when the backend can */
	/* blk */
	char *disk_id;	/* at most 20 characters */
	bool read_only; /* 9p and rpmsg too */
	/* 9p */
	char *tag;	/* at most 30 characters, NULL: the device's name */
	uint32_t msize; /* bytes of the longest message */
	/* vsock */
	uint32_t cid; /* 3 to 2^32 - 2 */
	/* rpmsg */
	uint32_t to_host, to_remote; /* bytes of a buffer of each direction, header included */
	/* console */
	uint16_t cols, rows; /* 0: not offered */
	unsigned int ports;  /* 1: plain console; more: multiport */
	struct cw_board_port port[CW_PORTS_MAX];
};

enum cw_recovery { CW_RECOVER_NEVER, CW_RECOVER_ALWAYS, CW_RECOVER_LIMIT };

struct cw_board_remote {
	char *name; /* [a-z0-9_-]{1,31}, unique on the board */
	struct cw_layout layout;
	struct cw_layout_device place[CW_DEVICES_MAX];
	struct cw_board_device device[CW_DEVICES_MAX];
	enum cw_carrier_kind carrier;
	const struct cw_qemu_machine *machine; /* qemu */
	char *remoteproc;		       /* remoteproc: its folder in sysfs */
	char *firmware; /* process: path of the executable; qemu: of the ELF file; remoteproc: name in
			 * Linux's firmware folders, NULL: whatever is set */
	char **argv;	/* NULL-terminated, argv[0] is the firmware; qemu: more for the emulator */
	bool autostart;
	enum cw_recovery recovery;
	unsigned int recovery_limit, recovery_seconds;
	char *core_directory; /* where core files of a crashed remote go, NULL: none are made */
	uint64_t core_limit;  /* bytes of all of them */
	enum cw_memory_kind memory;
	char *memory_path;
	uint64_t memory_offset; /* in the file; devmem: physical address */
	uint32_t memory_map;	/* uio: which of its maps */
	enum cw_doorbell_kind doorbell;
	char *doorbell_path; /* attach with socket: the PMM binds PATH, the remote PATH.remote;
			      * chardev, uio: of the device */
	/* uio: lets the interrupt through, once; rings the remote; takes back its interrupt */
	struct cw_board_store enable, ring, clear;
	bool has_enable, has_clear;
	struct cw_forward_rule *forward; /* vsock: path of its first vsock device */
	unsigned int forwards;
	uint32_t poll_us;    /* poll doorbell: interval */
	uint32_t boot_ms;    /* from its start to its link, or it is taken for crashed */
	uint32_t probe_ms;   /* how often one that is idle is asked whether it is there, 0: never */
	uint32_t lost_ms;    /* an unseen kick or probe for so long means lost */
	unsigned int worker; /* index of the worker that serves it */
};

struct cw_board {
	char *file; /* NULL: quick form */
	char *name; /* default: the file's name without directory and .yaml */
	unsigned int remotes;
	struct cw_board_remote *remote;
	unsigned int workers;
	bool poll;	      /* adaptive polling; off on battery-minded boards */
	uint32_t poll_max_us; /* longest time to spin for news */
};

/**
 * cw_board_load - read, check and lay out a board file
 * @board: set on success, freed with cw_board_free(); @path: YAML file; @err: where errors are
 * written as "FILE:LINE:COLUMN: FIELD: what is wrong; what would be right", with the line and a
 * caret below. FIELD is a path such as remotes[0].region.size.
 *
 * Returns 0, or -1 when anything at all was wrong (all errors found are reported, not one).
 */
int cw_board_load(struct cw_board **board, const char *path, FILE *err);

/** cw_board_load_text - the same from memory; @name stands in for the file name (tests, fuzzing) */
int cw_board_load_text(struct cw_board **board, const char *text, size_t len, const char *name,
		       FILE *err);

/**
 * cw_board_quick - the board of the quick form
 * @argc, @argv: what follows `causeway run`, e.g. --rng --net tap=tap0 --console pty -- FIRMWARE
 */
int cw_board_quick(struct cw_board **board, int argc, char **argv, FILE *err);

/**
 * cw_board_check_files - whether the files that a board needs are there
 *
 * Apart from loading, because a layout is needed to build a firmware that is not there yet.
 * Returns 0, or -1 with a line for each missing file, as cw_board_load() writes them.
 */
int cw_board_check_files(const struct cw_board *board, FILE *err);

void cw_board_free(struct cw_board *board);

/** cw_board_remote_find - remote by name, or NULL */
const struct cw_board_remote *cw_board_remote_find(const struct cw_board *board, const char *name);

/** cw_device_kind_text - "net", "rng", ... for a virtio device id */
const char *cw_device_kind_text(uint32_t id);

/** cw_board_exports - whether the device gives its remote files below a folder, d->path */
bool cw_board_exports(const struct cw_board_device *d);

/* Default number of queues, queue size and block size of a device, before the board file's word. */
void cw_board_device_defaults(const struct cw_board_device *d, uint16_t *queues,
			      uint16_t *queue_size, uint32_t *block_size);

/**
 * cw_dtb_write - the device-tree fragment that describes a remote's region (region.md section 9)
 * @buf, @size: where to write; Returns its size in bytes, or -1 when it does not fit.
 */
int cw_dtb_write(const struct cw_layout *layout, const char *remote, void *buf, size_t size);

#endif
