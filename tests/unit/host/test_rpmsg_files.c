// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sessions of file calls that end while the thread beside is busy: whatever comes first, no file of theirs stays
 * open, and none of a live one's is closed. The thread is the test's: it does its jobs when it is told to.
 */
#include "../core/rpmsg_pair.h"

#include "aside.h"
#include "rpmsg_files.h"

#include <causeway/abi/files.h>
#include <causeway/abi/rpc.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SIZE 512u

static struct rpmsg_files *files;
static struct pair_box box; /* the remote's endpoint */
static struct aside_job *todo, *done;
static uint32_t session, nonce, calls;
static char base[64];
static int root;

/* ---- in place of the thread ---- */

static void append(struct aside_job **list, struct aside_job *job)
{
	while (*list) {
		assert_ptr_not_equal(*list, job);
		list = &(*list)->next;
	}
	*list = job;
	job->next = NULL;
}

static struct aside_job *first(struct aside_job **list)
{
	struct aside_job *job = *list;

	if (job)
		*list = job->next;
	return job;
}

int aside_begin(struct aside *a, int wake)
{
	(void)a;
	(void)wake;
	return 0;
}

void aside_end(struct aside *a)
{
	(void)a;
}

void aside_put(struct aside *a, struct aside_job *job)
{
	(void)a;
	append(&todo, job);
}

bool aside_has(struct aside *a)
{
	(void)a;
	return done != NULL;
}

struct aside_job *aside_take(struct aside *a)
{
	(void)a;
	return first(&done);
}

/* All that it has to do, and nobody has collected it yet. */
static void thread(void)
{
	struct aside_job *job;

	while ((job = first(&todo))) {
		job->run(job);
		append(&done, job);
	}
}

static void collect(void)
{
	rpmsg_files_collect(files);
	pair_settle();
}

/* ---- numbers of sessions, which go round ---- */

ssize_t __wrap_getrandom(void *buf, size_t len, unsigned int flags);

ssize_t __wrap_getrandom(void *buf, size_t len, unsigned int flags)
{
	const uint32_t life = UINT32_MAX - 10;

	(void)flags;
	assert_int_equal(len, sizeof(life));
	memcpy(buf, &life, sizeof(life));
	return (ssize_t)len;
}

/* ---- the remote ---- */

static void say(uint8_t type, uint16_t method, uint32_t id, uint32_t word, const void *data,
		uint32_t len)
{
	uint8_t m[SIZE];
	const struct cw_abi_rpc h = { .version = CW_RPC_VERSION,
				      .type = type,
				      .method = cw_make_le16(method),
				      .session = cw_make_le32(type == CW_RPC_HELLO ? 0 : session),
				      .id = cw_make_le32(id),
				      .word = cw_make_le32(word) };

	memcpy(m, &h, sizeof(h));
	memcpy(m + sizeof(h), data, len);
	assert_int_equal(cw_rpmsg_send(box.e, m, (uint32_t)sizeof(h) + len, 0), CW_OK);
	pair_settle();
}

/* A new session, which is the end of the one before. */
static void hello(void)
{
	struct cw_abi_rpc h;

	say(CW_RPC_HELLO, 0, ++nonce, SIZE, "", 0);
	memcpy(&h, box.bytes, sizeof(h));
	assert_int_equal(h.type, CW_RPC_WELCOME);
	session = cw_get_le32(h.session);
}

static void open_file(void)
{
	static const uint8_t args[] = { CW_FILES_READ, 0, 0, 0, 0, 0, 0, 0, 'f' };

	say(CW_RPC_CALL, CW_FILES_M_OPEN, ++calls, CW_RPC_FOREVER, args, sizeof(args));
}

/* How many files of the folder are open. */
static unsigned int opened(void)
{
	DIR *d = opendir("/proc/self/fd");
	const struct dirent *e;
	unsigned int n = 0;
	char name[128];

	assert_non_null(d);
	while ((e = readdir(d))) {
		ssize_t len = readlinkat(dirfd(d), e->d_name, name, sizeof(name) - 1);

		name[len > 0 ? len : 0] = 0;
		n += !strncmp(name, base, strlen(base)) && name[strlen(base)] == '/';
	}
	closedir(d);
	return n;
}

/* ---- tests ---- */

static int setup(void **state)
{
	const struct cw_board_device d = { .to_host = SIZE, .to_remote = SIZE };
	struct cw_backend_fds fds = { .n = 2 };
	char path[96];
	int f;

	(void)state;
	snprintf(base, sizeof(base), "/tmp/causeway-rpmsg-files.XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(path, sizeof(path), "%s/f", base);
	f = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_return_code(f, 0);
	close(f);
	root = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fds.fd[FOLDER_ROOT] = root;
	fds.fd[FOLDER_WAKE] = -1;
	todo = done = NULL;
	session = nonce = calls = 0;
	pair_start(NULL);
	files = rpmsg_files_new(&d, &fds, &p.side[REMOTE].ch);
	assert_non_null(files);
	assert_int_equal(rpmsg_files_begin(files), 0);
	pair_open(HOST, &box, CW_FILES_NAME, CW_RPMSG_ANY, CW_RPMSG_ANY);
	pair_settle();
	hello();
	return 0;
}

static int teardown(void **state)
{
	char command[96];

	(void)state;
	rpmsg_files_free(files);
	assert_int_equal(opened(), 0);
	close(root);
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

static void an_end_closes_its_files(void **state)
{
	(void)state;
	open_file();
	thread();
	collect();
	assert_int_equal(opened(), 1);
	hello();
	thread();
	assert_int_equal(opened(), 0);
}

/* The second session's end is overtaken by the third's before that of the first is collected. */
static void ends_in_one_batch(void **state)
{
	(void)state;
	open_file();
	hello();
	open_file();
	thread();
	assert_int_equal(opened(), 1);
	for (int i = 0; i < 3; i++)
		hello();
	collect();
	thread();
	collect();
	assert_int_equal(opened(), 0);
	assert_null(todo);
}

static void a_late_end_spares_who_lives(void **state)
{
	(void)state;
	open_file();
	for (int i = 0; i < 3; i++)
		hello();
	open_file();
	for (int i = 0; i < 3; i++) {
		thread();
		collect();
	}
	assert_int_equal(opened(), 1);
}

static void ends_are_told_apart_for_ever(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		ends_in_one_batch(NULL);
		a_late_end_spares_who_lives(NULL);
		hello();
		thread();
		collect();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_end_closes_its_files, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_in_one_batch, setup, teardown),
		cmocka_unit_test_setup_teardown(a_late_end_spares_who_lives, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_are_told_apart_for_ever, setup, teardown),
	};

	return cmocka_run_group_tests_name("ends of sessions", tests, NULL, NULL);
}
