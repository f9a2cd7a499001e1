// SPDX-License-Identifier: BSD-3-Clause
/*
 * Every network backend keeps the same contract. A TAP lives in a network namespace made for this
 * test; its other end is a packet socket. A datagram backend's other end is another socket.
 */
#include "backend.h"

#include <arpa/inet.h>
#include <causeway/core/bytes.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#define RX   CW_NET_QUEUE_RX
#define TX   CW_NET_QUEUE_TX
#define HDR  12u
#define MTU  1500u
#define TYPE 0x88b5u /* for local experiments: nothing else in the namespace sends it */
#define TAP  "cwtap0"
#define OFFLOADS                                                                          \
	(CW_NET_F_CSUM | CW_NET_F_GUEST_CSUM | CW_NET_F_HOST_TSO4 | CW_NET_F_GUEST_TSO4 | \
	 CW_NET_F_MRG_RXBUF)

enum way { BY_NAME, BY_DESCRIPTOR, DATAGRAM };

static enum way way;
static int world = -1;	   /* the other end */
static int inherited = -1; /* a TAP that somebody else opened */
static uint8_t got[70000], frame[70000];

/* ---- the namespace and its TAP ---- */

static void must(int r, const char *what)
{
	if (r < 0)
		fail_msg("%s: %s", what, strerror(errno));
}

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	must(fd, path);
	must((int)write(fd, text, strlen(text)), path);
	close(fd);
}

static void interface_up(const char *name)
{
	struct ifreq ifr = { .ifr_flags = 0 };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(ifr.ifr_name, name);
	must(ioctl(s, SIOCGIFFLAGS, &ifr), "SIOCGIFFLAGS");
	ifr.ifr_flags |= IFF_UP;
	must(ioctl(s, SIOCSIFFLAGS, &ifr), "SIOCSIFFLAGS");
	close(s);
}

static int open_tun(const char *name, short flags)
{
	struct ifreq ifr = { .ifr_flags = flags };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	must(fd, "/dev/net/tun");
	strcpy(ifr.ifr_name, name);
	must(ioctl(fd, TUNSETIFF, &ifr), "TUNSETIFF");
	return fd;
}

static void persist(int fd, int yes)
{
	must(ioctl(fd, TUNSETPERSIST, yes), "TUNSETPERSIST");
}

static int make_namespace(void **state)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[32];

	(void)state;
	if (uid && !unshare(CLONE_NEWUSER)) {
		write_to("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", uid);
		write_to("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "0 %u 1", gid);
		write_to("/proc/self/gid_map", map);
	}
	must(unshare(CLONE_NEWNET), "a network namespace of our own");
	return 0;
}

static void make_tap(void)
{
	int fd = open_tun(TAP, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);

	persist(fd, 1);
	interface_up(TAP);
	if (way == BY_DESCRIPTOR)
		inherited = fd;
	else
		close(fd);
}

static int packet_socket(void)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex(TAP) };
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));

	must(fd, "packet socket");
	must(setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)), "PACKET_VNET_HDR");
	must(bind(fd, (struct sockaddr *)&a, sizeof(a)), "bind to the TAP");
	return fd;
}

static struct sockaddr_un at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	return a;
}

static int peer_socket(void)
{
	struct sockaddr_un a = at("peer");
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	must(bind(fd, (struct sockaddr *)&a, sizeof(a)), "peer");
	return fd;
}

static void begin(enum way w)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 9 };

	way = w;
	bed_begin(CW_ID_NET, w == DATAGRAM ? CW_BACKEND_DGRAM : CW_BACKEND_TAP);
	memcpy(bed.device.mac, mac, 6);
	bed.device.mtu = MTU;
	bed.device.offload = true;
	if (w == DATAGRAM) {
		bed.device.path = bed_text("own");
		bed.device.peer = bed_text("peer");
		world = peer_socket();
		return;
	}
	make_tap();
	world = packet_socket();
	if (w == BY_NAME)
		bed.device.ifname = bed_text(TAP);
	else
		bed.device.fd = inherited;
}

static void run(enum way w, uint64_t features)
{
	begin(w);
	bed_run(2, features);
}

static void remove_tap(void)
{
	int fd = inherited;

	if (!if_nametoindex(TAP))
		return;
	if (fd < 0)
		fd = open_tun(TAP, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	persist(fd, 0);
	if (fd != inherited)
		close(fd);
}

static int end(void **state)
{
	int fds;

	if (world >= 0)
		close(world);
	if (way == DATAGRAM)
		unlink("peer");
	if (bed.opened)
		cw_backend_close(&bed.device, &bed.fds);
	bed.opened = false;
	if (way != DATAGRAM)
		remove_tap();
	if (inherited >= 0) { /* it was not the backend's to close */
		fds = conform_fds();
		assert_int_equal(close(inherited), 0);
		assert_int_equal(conform_fds(), fds - 1);
	}
	world = inherited = -1;
	return bed_end(state);
}

/* ---- frames ---- */

static void make_frame(uint32_t len, uint8_t seed)
{
	static const uint8_t head[14] = {
		2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8, TYPE >> 8, TYPE & 255
	};

	memcpy(frame, head, 14);
	for (uint32_t i = 14; i < len; i++)
		frame[i] = (uint8_t)(i * 5 + (i >> 8) + seed);
}

static bool ours(const uint8_t *f)
{
	return f[12] == TYPE >> 8 && f[13] == (TYPE & 255);
}

/* The world takes one frame from the remote; its length, or -1 when there is none. */
static int world_take(void)
{
	struct sockaddr_ll from = { .sll_pkttype = 0 };
	socklen_t size = sizeof(from);
	uint8_t raw[10 + 66000];
	ssize_t n;

	if (way == DATAGRAM)
		return (int)recv(world, got, sizeof(got), 0);
	do {
		n = recvfrom(world, raw, sizeof(raw), 0, (struct sockaddr *)&from, &size);
	} while (n > 0 && (from.sll_pkttype == PACKET_OUTGOING || !ours(raw + 10)));
	if (n < 0)
		return -1;
	memcpy(got, raw + 10, (size_t)n - 10);
	return (int)n - 10;
}

/* The world sends one frame to the remote. */
static void world_send(uint32_t len)
{
	uint8_t raw[10 + 2000] = { 0 };
	struct sockaddr_un a = at("own");

	if (way == DATAGRAM) {
		must((int)sendto(world, frame, len, 0, (struct sockaddr *)&a, sizeof(a)), "send");
		return;
	}
	memcpy(raw + 10, frame, len);
	must((int)send(world, raw, len + 10, 0), "send");
}

static void remote_sends(uint32_t len)
{
	uint32_t mark = bed.pair.used_bytes;
	struct pair_mem m = pair_alloc(&bed.pair, HDR + len);
	const struct cw_buf buf = { m.addr, HDR + len };

	memset(m.p, 0, HDR);
	memcpy(m.p + HDR, frame, len);
	pair_add(&bed.pair, TX, &buf, 1, 0, NULL);
	pair_kick(&bed.pair, TX);
	pair_run(&bed.pair);
	assert_int_equal(pair_take(&bed.pair, TX), 0);
	bed.pair.used_bytes = mark;
}

static struct {
	uint32_t len; /* of the frame that came, header taken off */
	unsigned int buffers;
	struct cw_abi_net_hdr h;
} came;

/* Takes one frame out of the receive queue, into got[]; false when there is none. */
static bool take_frame(void)
{
	uint32_t used, skip = HDR;
	void *cookie;

	came.len = came.buffers = 0;
	do {
		if (!pair_get(&bed.pair, RX, &cookie, &used))
			return false;
		if (!came.buffers++)
			memcpy(&came.h, cookie, HDR);
		memcpy(got + came.len, (uint8_t *)cookie + skip, used - skip);
		came.len += used - skip;
		skip = 0;
	} while (came.buffers < cw_get_le16(came.h.num_buffers));
	return true;
}

static bool frame_came(void)
{
	while (take_frame())
		if (ours(got))
			return true;
	return false;
}

static void offer(unsigned int n, uint32_t bytes)
{
	while (n--)
		bed_offer(RX, NULL, bytes, true);
}

/* ---- every kind ---- */

static enum way way_of(void **state)
{
	return *(enum way *)*state;
}

static const uint32_t lengths[] = { 60, 61, 255, 256, 1000, MTU + 13, MTU + 14 };

static void frames_go_out(void **state)
{
	run(way_of(state), 0);
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_frame(lengths[i], (uint8_t)i);
		remote_sends(lengths[i]);
		assert_int_equal(world_take(), lengths[i]);
		assert_memory_equal(got, frame, lengths[i]);
	}
	assert_int_equal(world_take(), -1);
}

static void frames_come_in(void **state)
{
	run(way_of(state), 0);
	offer(20, 2048);
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		make_frame(lengths[i], (uint8_t)i);
		world_send(lengths[i]);
		bed_until(frame_came);
		assert_int_equal(came.len, lengths[i]);
		assert_int_equal(came.buffers, 1);
		assert_memory_equal(got, frame, lengths[i]);
		assert_int_equal(came.h.flags | came.h.gso_type, 0);
	}
}

static void frames_keep_their_order(void **state)
{
	run(way_of(state), 0);
	offer(60, 2048);
	for (uint8_t i = 0; i < 40;) {
		for (unsigned int k = 0; k < 8; k++, i++) { /* a datagram socket holds ten */
			make_frame(100, i);
			world_send(100);
		}
		for (unsigned int k = 8; k; k--) {
			bed_until(frame_came);
			make_frame(100, (uint8_t)(i - k));
			assert_memory_equal(got, frame, 100);
		}
	}
}

static void frame_is_spread_over_small_buffers(void **state)
{
	run(way_of(state), CW_NET_F_MRG_RXBUF);
	offer(40, 128);
	make_frame(MTU + 14, 3);
	world_send(MTU + 14);
	bed_until(frame_came);
	assert_int_equal(came.len, MTU + 14);
	assert_int_equal(came.buffers, 12); /* 1526 bytes */
	assert_memory_equal(got, frame, MTU + 14);
}

static void frame_too_large_for_the_buffer_is_lost_whole(void **state)
{
	struct cw_unit_stats s = { 0 };

	run(way_of(state), 0);
	offer(4, 512);
	make_frame(1000, 1);
	world_send(1000);
	make_frame(500, 2);
	world_send(500);
	bed_until(frame_came);
	assert_int_equal(came.len, 500);
	assert_memory_equal(got, frame, 500);
	bed.unit->ops->stats(bed.unit, &s);
	assert_true(s.dropped >= 1);
}

/* hostile-input row 34 */
static void row34_without_buffers_the_worker_rests(void **state)
{
	struct pollfd p[CW_UNIT_FDS];

	run(way_of(state), 0);
	for (unsigned int i = 0; i < 5; i++) {
		make_frame(100, (uint8_t)i);
		world_send(100);
	}
	bed_rests();
	assert_int_equal(bed.unit->ops->fds(bed.unit, p), 0);
	assert_false(bed.unit->ops->look(bed.unit));
	offer(8, 2048);
	bed_until(frame_came);
	assert_int_equal(came.len, 100);
}

static void rests_when_there_is_nothing(void **state)
{
	run(way_of(state), 0);
	offer(8, 2048);
	bed_rests();
	assert_false(bed.unit->ops->look(bed.unit));
	make_frame(100, 1);
	world_send(100);
	for (int i = 0; i < 1000 && !frame_came(); i++)
		bed.unit->ops->look(bed.unit);
	assert_int_equal(came.len, 100);
	bed_rests();
}

static void other_end_that_leaves_is_survived(void **state)
{
	struct cw_unit_stats s = { 0 };

	run(way_of(state), 0);
	offer(8, 2048);
	make_frame(100, 1);
	close(world);
	world = -1;
	if (way == DATAGRAM)
		unlink("peer");
	else
		assert_int_equal(system("ip link delete " TAP), 0);
	for (int i = 0; i < 30; i++)
		remote_sends(100);
	bed_rests();
	bed.unit->ops->stats(bed.unit, &s);
	assert_true(s.dropped >= 30);
	assert_true(cw_device_running(bed.unit->dev));
	if (way != DATAGRAM) { /* gone for good: the remote sees no link */
		assert_int_equal(bed.unit->dev->config[6], 0);
		return;
	}
	world = peer_socket();
	remote_sends(100);
	assert_int_equal(world_take(), 100);
	world_send(100);
	bed_until(frame_came);
}

static void next_driver_starts_anew(void **state)
{
	run(way_of(state), CW_NET_F_MRG_RXBUF);
	offer(8, 2048);
	pair_up(&bed.pair, bed.unit->dev, 0);
	pair_run(&bed.pair);
	make_frame(100, 1);
	world_send(100);
	bed_rests();
	offer(1, 2048);
	bed_until(frame_came);
	assert_memory_equal(got, frame, 100);
}

/* ---- TAP: offloads ---- */

/* An Ethernet, IPv4 and TCP header with @payload bytes behind; the checksum is left to others. */
static uint32_t make_tcp(uint32_t payload)
{
	uint8_t *ip = frame + 14, *tcp = ip + 20;
	uint32_t len = 40 + payload, sum = 0;

	make_frame(14 + len, 0);
	frame[12] = 8;
	frame[13] = 0;
	memset(ip, 0, 40);
	ip[0] = 0x45;
	ip[2] = (uint8_t)(len >> 8);
	ip[3] = (uint8_t)len;
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, "\x0a\0\0\1\x0a\0\0\2", 8);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	tcp[12] = 0x50;
	return 14 + len;
}

static const struct cw_abi_net_hdr tso = { .flags = CW_NET_HDR_F_NEEDS_CSUM,
					   .gso_type = CW_NET_HDR_GSO_TCPV4 };

static void set_tso(struct cw_abi_net_hdr *h)
{
	*h = tso;
	h->hdr_len = cw_make_le16(54);
	h->gso_size = cw_make_le16(1000);
	h->csum_start = cw_make_le16(34);
	h->csum_offset = cw_make_le16(16);
}

static bool tcp_came(void)
{
	while (take_frame())
		if (got[12] == 8 && got[14 + 9] == 6)
			return true;
	return false;
}

static void tcp_to_remote(uint32_t len)
{
	static uint8_t raw[10 + 66000];
	struct cw_abi_net_hdr h;

	set_tso(&h);
	memcpy(raw, &h, 10);
	memcpy(raw + 10, frame, len);
	must((int)send(world, raw, len + 10, 0), "send 64 KB with a header");
}

static void large_frame_comes_in_whole_when_negotiated(void **state)
{
	uint32_t len;

	run(way_of(state), OFFLOADS);
	offer(50, 2048);
	len = make_tcp(60000);
	tcp_to_remote(len);
	bed_until(tcp_came);
	assert_int_equal(came.len, len);
	assert_int_equal(came.h.gso_type, CW_NET_HDR_GSO_TCPV4);
	assert_true(came.h.flags & CW_NET_HDR_F_NEEDS_CSUM);
	assert_memory_equal(got + 54, frame + 54, 60000);
}

static void large_frame_comes_in_pieces_otherwise(void **state)
{
	run(way_of(state), 0);
	offer(50, 2048);
	make_tcp(5000);
	tcp_to_remote(5054);
	for (unsigned int i = 0; i < 5; i++) {
		bed_until(tcp_came);
		assert_int_equal(came.len, 1054);
		assert_int_equal(came.h.flags | came.h.gso_type, 0);
		assert_memory_equal(got + 54, frame + 54 + 1000 * i, 1000);
	}
}

static void frames_queued_for_a_former_driver_do_no_harm(void **state)
{
	run(way_of(state), OFFLOADS);
	make_tcp(5000);
	tcp_to_remote(5054); /* waits in the TAP as one */
	pair_up(&bed.pair, bed.unit->dev, 0);
	offer(20, 2048);
	for (int i = 0; i < 10; i++) {
		bed_turn(5);
		while (take_frame())
			assert_int_equal(came.h.flags | came.h.gso_type, 0);
	}
	make_frame(100, 7);
	world_send(100);
	bed_until(frame_came);
}

static void large_frame_goes_out_whole(void **state)
{
	struct cw_buf buf;
	struct pair_mem m;
	uint8_t raw[10 + 66000];
	ssize_t n;

	run(way_of(state), OFFLOADS);
	m = pair_alloc(&bed.pair, HDR + make_tcp(60000));
	set_tso((struct cw_abi_net_hdr *)(void *)m.p);
	memcpy(m.p + HDR, frame, 60054);
	buf = (struct cw_buf){ m.addr, HDR + 60054 };
	pair_add(&bed.pair, TX, &buf, 1, 0, NULL);
	pair_kick(&bed.pair, TX);
	pair_run(&bed.pair);
	do {
		n = recv(world, raw, sizeof(raw), 0);
		must((int)n, "nothing came out of the TAP");
	} while (raw[10 + 12] != 8);
	assert_int_equal(n, 10 + 60054);
	assert_memory_equal(raw + 10 + 54, frame + 54, 60000);
}

/* ---- what can be wrong ---- */

static void missing_interface_is_explained(void **state)
{
	(void)state;
	begin(BY_NAME);
	bed.device.ifname = bed_text("nosuch0");
	bed_refuses("there is no interface nosuch0; make it: sudo ip tuntap add nosuch0 mode tap");
}

static void interface_that_is_no_tap_is_explained(void **state)
{
	(void)state;
	begin(BY_NAME);
	bed.device.ifname = bed_text("lo");
	bed_refuses("lo is an interface of another kind");
}

static void tap_in_use_is_explained(void **state)
{
	int fd;

	(void)state;
	begin(BY_NAME);
	fd = open_tun(TAP, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	bed_refuses("tap " TAP " is in use by another program");
	close(fd);
}

/* A killed keeper's worker has it a moment longer. */
static void tap_that_becomes_free_is_waited_for(void **state)
{
	pid_t child;
	int fd;

	(void)state;
	begin(BY_NAME);
	fd = open_tun(TAP, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
	child = fork();
	must(child, "fork");
	if (!child) {
		usleep(100000);
		_exit(0);
	}
	close(fd);
	assert_true(bed_open());
	must(waitpid(child, NULL, 0), "waitpid");
}

static void descriptor_that_is_no_tap_is_explained(void **state)
{
	(void)state;
	begin(BY_NAME);
	bed.device.ifname = NULL;
	bed.device.fd = open("/dev/null", O_RDWR);
	bed_refuses("is no TAP made with");
	close(bed.device.fd);
	bed.device.fd = open_tun("cwtun0", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
	bed_refuses("is no TAP made with");
	close(bed.device.fd);
	bed.device.fd = open_tun("cwtap1", IFF_TAP | IFF_NO_PI);
	bed_refuses("is no TAP made with");
	close(bed.device.fd);
	bed.device.fd = 999;
	bed_refuses("descriptor 999 is no TAP");
}

static void datagram_path_that_is_somebodys(void **state)
{
	struct sockaddr_un a = at("own");
	struct stat st;
	int fd;

	(void)state;
	begin(DATAGRAM);
	bed_write_file("own", "precious", 8);
	bed_refuses("own is there already");
	assert_true(!stat("own", &st) && st.st_size == 8);
	unlink("own");
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	must(bind(fd, (struct sockaddr *)&a, sizeof(a)), "bind");
	bed_refuses("own is there already");
	assert_int_equal(stat("own", &st), 0);
	close(fd);
	assert_true(bed_open()); /* its owner is dead */
}

int main(void)
{
	static enum way tap = BY_NAME, tap_fd = BY_DESCRIPTOR, dgram = DATAGRAM;
#define T(f, k)                                  \
	{                                        \
#f " [" #k "]", f, NULL, end, &k \
	}
#define ONE(f) cmocka_unit_test_teardown(f, end)
#define STAMP(k)                                                                                 \
	T(frames_go_out, k), T(frames_come_in, k), T(frames_keep_their_order, k),                \
		T(frame_is_spread_over_small_buffers, k),                                        \
		T(frame_too_large_for_the_buffer_is_lost_whole, k),                              \
		T(row34_without_buffers_the_worker_rests, k), T(rests_when_there_is_nothing, k), \
		T(other_end_that_leaves_is_survived, k), T(next_driver_starts_anew, k)
#define STAMP_TAP(k)                                                                           \
	T(large_frame_comes_in_whole_when_negotiated, k),                                      \
		T(large_frame_comes_in_pieces_otherwise, k), T(large_frame_goes_out_whole, k), \
		T(frames_queued_for_a_former_driver_do_no_harm, k)
	const struct CMUnitTest tests[] = {
		STAMP(tap),
		STAMP_TAP(tap),
		STAMP(tap_fd),
		STAMP_TAP(tap_fd),
		STAMP(dgram),
		ONE(missing_interface_is_explained),
		ONE(interface_that_is_no_tap_is_explained),
		ONE(tap_in_use_is_explained),
		ONE(tap_that_becomes_free_is_waited_for),
		ONE(descriptor_that_is_no_tap_is_explained),
		ONE(datagram_path_that_is_somebodys),
	};

	return cmocka_run_group_tests(tests, make_namespace, NULL);
}
