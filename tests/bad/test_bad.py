# SPDX-License-Identifier: BSD-3-Clause
"""Board files that are wrong (hostile-input rows 53 and 58), and what `causeway` says of each.

A file's last lines, after "# expect", are all its mistakes, in order: LINE:COLUMN: FIELD: MESSAGE.
"""
import glob
import json
import os
import re
import subprocess

import pytest

CAUSEWAY = os.path.join(os.environ["CW_BUILD"], "cli", "causeway")
HERE = os.path.dirname(os.path.abspath(__file__))
FILES = sorted(glob.glob(HERE + "/*.yaml"))
GOOD = "remotes: [ { name: a, carrier: { process: /bin/true }, devices: [ { kind: rng } ] } ]\n"


def run(*args, cwd=HERE, **kw):
    return subprocess.run([CAUSEWAY, *args], capture_output=True, text=True, timeout=300, cwd=cwd,
                          errors="replace", **kw)


def mistakes(stderr, name):
    """The complaints without the lines and carets below them, which begin with two spaces."""
    found = [line for line in stderr.splitlines() if not line.startswith("  ")]
    assert all(line.startswith(name + ":") for line in found), stderr
    return [line[len(name) + 1:].lstrip() for line in found]


@pytest.mark.parametrize("path", FILES, ids=os.path.basename)
def test_every_mistake_is_named(path, tmp_path):
    name = os.path.basename(path)
    text = open(path).read()
    expected = [line[2:] for line in text.split("# expect\n")[1].splitlines()]
    assert expected
    done = run("check", name)
    assert done.returncode == 2 and not done.stdout
    assert mistakes(done.stderr, name) == expected

    # The same is said by run, which starts nothing, and for programs.
    done = run("run", "--run-dir", str(tmp_path / "run"), name)
    assert done.returncode == 2 and mistakes(done.stderr, name) == expected
    assert not (tmp_path / "run").exists()
    found = json.loads(run("check", "--json", name).stdout)
    assert found["file"] == name and found["ok"] is False
    assert len(found["mistakes"]) == len(expected)
    assert all(m["message"] in e for m, e in zip(found["mistakes"], expected))


@pytest.mark.parametrize("path", FILES, ids=os.path.basename)
def test_line_and_caret(path):
    """Below a complaint stands its line, and the caret below the column that was named."""
    name = os.path.basename(path)
    text = open(path).read().split("\n")
    said = run("check", name).stderr.splitlines()
    for i, line in enumerate(said):
        m = re.match(re.escape(name) + r":(\d+):(\d+): ", line)
        if not m or len(text[int(m[1]) - 1]) > 100:
            continue
        assert said[i + 1] == "  " + text[int(m[1]) - 1]
        assert said[i + 2].expandtabs(1) == "  " + " " * (int(m[2]) - 1) + "^"


@pytest.mark.parametrize("data, message", [
    (b"", "the file says nothing; right is a mapping with 'remotes:'"),
    (b"name: \xff\n", "1:7: a byte that is no printable character of UTF-8; right is a text file"),
    (b"name: a\nx: \x00\n", "2:4: a byte that is no printable character of UTF-8; "
                            "right is a text file"),
    (b"name: \xc3\xa4\x1b[31m\n", "1:8: a byte that is no printable character of UTF-8; "
                                  "right is a text file"),
    (b"name: \xc2\x9b31m\n", "1:7: a byte that is no printable character of UTF-8; "
                           "right is a text file"),
    (b"\xed\xa0\x80: 1\n", "1:1: a byte that is no printable character of UTF-8; "
                           "right is a text file"),
    (b"remotes: " + b"[" * 5000, "1:72: this is not YAML: Max depth (64) exceeded"),
    (b"# " + b"x" * (1 << 20) + b"\n", "larger than 1 MiB, so no board file"),
], ids=range(8))
def test_bytes(tmp_path, data, message):
    (tmp_path / "b.yaml").write_bytes(data)
    done = run("check", "b.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert mistakes(done.stderr, "b.yaml") == [message]


def test_missing_and_unreadable(tmp_path):
    done = run("check", "none.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == \
        (2, "none.yaml: cannot open the board file: No such file or directory\n")
    done = run("check", ".", cwd=tmp_path)
    assert (done.returncode, done.stderr) == \
        (2, ".: cannot read the board file: Is a directory\n")


def test_mistakes_are_bounded(tmp_path):
    """A file of nothing but mistakes, on one long line: a hundred are shown, pieces of the line."""
    devices = ", ".join("{ kind: rng, size: 1, rate: -1, queue-size: 3 }" for _ in range(64))
    (tmp_path / "b.yaml").write_text("remotes: [ { name: a, carrier: attach, devices: [ %s ] } ]\n"
                                     % devices)
    done = run("check", "b.yaml", cwd=tmp_path)
    found = mistakes(done.stderr, "b.yaml")
    assert done.returncode == 2 and len(found) == 101
    assert found[-1] == "more than 100 mistakes; mend these first"
    assert max(map(len, done.stderr.splitlines())) < 200


def test_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "fw").write_text("")
    (tmp_path / "sub" / "fw").chmod(0o755)
    (tmp_path / "sub" / "b.yaml").write_text(GOOD.replace("/bin/true", "fw"))
    for cwd, name in ((tmp_path, "sub/b.yaml"), (tmp_path / "sub", "b.yaml")):
        done = run("check", name, cwd=cwd)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.parametrize("args, message", [
    ([], None),
    (["nonsense"], "there is no command 'nonsense'"),
    (["check"], "no board file"),
    (["check", "a", "b"], "'b' is one too many"),
    (["check", "--remote", "x", "a"], "check has no option --remote"),
    (["layout"], "no board file"),
    (["layout", "--format"], "--format needs a value"),
    (["layout", "-f", "pdf", "a"], "no format 'pdf'; there are text, c-header"),
    (["layout", "-r", "x", "good.yaml"], "good.yaml has no remote 'x'"),
    (["run"], "no board file"),
    (["run", "--rng", "--"], "no firmware: right is"),
    (["run", "--rng", "stray", "--", "/bin/true"], "'stray': right is options, then --"),
    (["run", "--", "/bin/true"], "no device: right is at least one of --rng, --net, --console, --rpmsg"),
    (["run", "--rpmsg=4K", "--", "/bin/true"], "--rpmsg 4K: right is --rpmsg alone"),
    (["run", "--rpmsg", "--rpmsg", "--", "/bin/true"], "--rpmsg: is a second rpmsg device"),
    (["run", "--disk", "--", "/bin/true"], "--disk is no option of the quick form"),
    (["run", "--net", "--", "/bin/true"], "right is"),
    (["run", "--net", "tap0", "--", "/bin/true"], "--net tap0: right is tap=NAME"),
    (["run", "--net", "tap=a/b", "--", "/bin/true"], "--net tap=a/b: right is tap=NAME"),
    (["run", "--net", "fd=1", "--", "/bin/true"], "--net fd=1: right is tap=NAME"),
    (["run", "--net", "fd=3x", "--", "/bin/true"], "--net fd=3x: right is tap=NAME"),
    (["run", "--console", "tty", "--", "/bin/true"], "--console tty: right is pty, stdio"),
    (["run", "--rng=dev", "--", "/bin/true"], "--rng dev: right is --rng or --rng=file=PATH"),
    (["run", "--rng", "--name", "A", "--", "/bin/true"], "--name A: right is a name of 1 to 31"),
    (["run", "--rng", "--region", "0x1000", "--", "x"], "--region 0x1000: right is BASE,SIZE"),
    (["run", "--rng", "--region", "0,16K", "--", "x"],
     "--region 0,16K: 16 KB are too few for its devices; right is at least 36 KB"),
    (["run", "--net", "tap=t", "--net", "tap=t", "--", "x"], "--net tap=t: TAP 't' is used twice"),
    (["run", "--console", "stdio", "--console", "stdio", "--", "x"],
     "--console stdio: terminal 'stdio' is used twice"),
])
def test_usage(tmp_path, args, message):
    (tmp_path / "good.yaml").write_text(GOOD)
    env = dict(os.environ, CAUSEWAY_RUN_DIR=str(tmp_path / "run"))
    done = run(*args, cwd=tmp_path, env=env)
    assert done.returncode == 2 and not done.stdout
    if message:
        assert message in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "run").exists()


def test_output_that_cannot_be_written(tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD)
    with open("/dev/full", "w") as full:
        done = subprocess.run([CAUSEWAY, "layout", "good.yaml"], cwd=tmp_path, stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=300)
    assert done.returncode == 1 and "No space left on device" in done.stderr
    done = run("layout", "-o", "no/such/file", "good.yaml", cwd=tmp_path)
    assert done.returncode == 1 and "cannot write no/such/file" in done.stderr


def test_odd_start(tmp_path):
    """Closed standard descriptors, no environment, no argument at all (row 58)."""
    (tmp_path / "bad.yaml").write_text("name: 7.5\n")
    before = (tmp_path / "bad.yaml").read_bytes()
    done = subprocess.run("exec '%s' check bad.yaml <&- >&- 2>&-" % CAUSEWAY, shell=True,
                          cwd=tmp_path, timeout=300)
    assert done.returncode == 2 and (tmp_path / "bad.yaml").read_bytes() == before
    for fd in (0, 2):  # they are /dev/null then, not the next file that is opened
        done = subprocess.run("exec '%s' check --json /proc/self/fd/%d %d<&-" % (CAUSEWAY, fd, fd),
                              shell=True, capture_output=True, text=True, timeout=300)
        assert "the file says nothing" in done.stdout
    done = subprocess.run([CAUSEWAY, "check", "bad.yaml"], cwd=tmp_path, env={}, timeout=300,
                          capture_output=True)
    assert done.returncode == 2
    done = subprocess.run(["bash", "-c", "exec -a '' \"$0\"", CAUSEWAY], capture_output=True,
                          timeout=300)
    assert done.returncode == 2 and done.stderr.startswith(b"Causeway gives")
