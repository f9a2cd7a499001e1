// SPDX-License-Identifier: BSD-3-Clause
/*
 * Frames on a TAP without any device between: the floors that the network is compared with, and what
 * feeds it. Each prints one JSON line {"frames", "bytes", "us"}.
 *
 *	write NAME SIZE SECONDS		a bare write() loop; SIZE above 1514: one GSO frame a call
 *	read NAME SECONDS		a bare read() loop, from the first frame on
 *	blast NAME SIZE SECONDS		frames out of Linux into the TAP, as fast as a socket takes them
 *	sentinel			nanoseconds of a copy of 1514 bytes, over 50 ms
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FRAME 66000

static uint8_t frame[FRAME];

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int report(long frames, double bytes, double begun)
{
	printf("{\"frames\": %ld, \"bytes\": %.0f, \"us\": %.0f}\n", frames, bytes,
	       now_us() - begun);
	return frames ? 0 : 1;
}

/* TCP to nobody: a destination that is not ours, so Linux drops it once it has it. */
static struct virtio_net_hdr make_frame(uint32_t size)
{
	struct virtio_net_hdr h = { 0 };

	memset(frame, 0x5c, sizeof(frame));
	memcpy(frame, "\x02\x43\0\0\0\x77\x02\x43\0\0\0\x78\x08\0", 14);
	memcpy(frame + 14, "\x45\0\0\0\0\0\x40\0\x40\x06\0\0\x0a\0\0\1\x0a\0\0\2", 20);
	frame[16] = (uint8_t)((size - 14) >> 8);
	frame[17] = (uint8_t)(size - 14);
	memset(frame + 34, 0, 20);
	frame[46] = 0x50;
	if (size > 1514) {
		h.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
		h.hdr_len = 54;
		h.gso_size = 1448;
		h.csum_start = 34;
		h.csum_offset = 16;
	}
	return h;
}

static int open_tap(const char *name)
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int fd = open("/dev/net/tun", O_RDWR), size = sizeof(struct virtio_net_hdr_mrg_rxbuf);

	strncpy(r.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r) || ioctl(fd, TUNSETVNETHDRSZ, &size) ||
	    ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)) {
		fprintf(stderr, "tap %s: %s\n", name, strerror(errno));
		return -1;
	}
	return fd;
}

static int bare_write(const char *name, uint32_t size, double seconds)
{
	struct virtio_net_hdr_mrg_rxbuf h = { .hdr = make_frame(size) };
	struct iovec v[2] = { { &h, sizeof(h) }, { frame, size } };
	int fd = open_tap(name);
	double begun = now_us();
	long frames = 0;

	while (fd >= 0 && now_us() - begun < seconds * 1e6)
		for (int i = 0; i < 64; i++)
			frames += writev(fd, v, 2) > 0;
	return report(frames, (double)frames * size, begun);
}

static int bare_read(const char *name, double seconds)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	struct iovec v[2] = { { &h, sizeof(h) }, { frame, sizeof(frame) } };
	int fd = open_tap(name);
	double begun = 0, bytes = 0;
	long frames = 0;

	while (fd >= 0 && (frames == 0 || now_us() - begun < seconds * 1e6)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, 5000) <= 0)
			break;
		if (frames == 0)
			begun = now_us();
		for (int i = 0; i < 64; i++) {
			ssize_t n = readv(fd, v, 2);

			if (n <= (ssize_t)sizeof(h))
				break;
			frames++;
			bytes += (double)n - (double)sizeof(h);
		}
	}
	return report(frames, bytes, begun);
}

static int blast(const char *name, uint32_t size, double seconds)
{
	struct virtio_net_hdr h = make_frame(size);
	struct iovec v[2] = { { &h, sizeof(h) }, { frame, size } };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP) };
	int s = socket(AF_PACKET, SOCK_RAW, 0), one = 1;
	double begun = now_us();
	long frames = 0;

	to.sll_ifindex = (int)if_nametoindex(name);
	if (s < 0 || bind(s, (struct sockaddr *)&to, sizeof(to)) ||
	    setsockopt(s, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) ||
	    setsockopt(s, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one))) {
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
		return 1;
	}
	while (now_us() - begun < seconds * 1e6)
		for (int i = 0; i < 64; i++)
			frames += writev(s, v, 2) > 0;
	return report(frames, (double)frames * size, begun);
}

static int sentinel(void)
{
	double begun = now_us();
	long rounds = 0;

	while (now_us() - begun < 50e3)
		for (int i = 0; i < 1000; i++, rounds++) {
			memcpy(frame + 2048, frame, 1514);
			__asm__ volatile("" ::: "memory");
		}
	printf("%.2f\n", (now_us() - begun) * 1e3 / (double)rounds);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "write"))
		return bare_write(argv[2], (uint32_t)atoi(argv[3]), atof(argv[4]));
	if (argc == 4 && !strcmp(argv[1], "read"))
		return bare_read(argv[2], atof(argv[3]));
	if (argc == 5 && !strcmp(argv[1], "blast"))
		return blast(argv[2], (uint32_t)atoi(argv[3]), atof(argv[4]));
	if (argc == 2 && !strcmp(argv[1], "sentinel"))
		return sentinel();
	fprintf(stderr, "usage: see the top of tap.c\n");
	return 2;
}
