"""Reading untrusted files: what is accepted, and how each refusal reads."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tfbsim import yaml_file as files
from tfbsim.errors import InputError
from tfbsim.output import write_atomic

# A slow machine is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("files")


def load(folder: Path, content: str | bytes) -> files.Document:
    path = folder / "x.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return files.load(path)


def refusal(folder: Path, content: str | bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        load(folder, content)
    assert "\n" not in str(caught.value)
    return caught.value


def load_csv(folder: Path, content: str, columns: int = 2):
    path = folder / "x.csv"
    path.write_bytes(content.encode())
    return files.load_csv(path, columns)


class TestInputError:
    def test_leaves_out_unknown_parts(self):
        full = InputError("is wrong", "a.yaml", 3, "cathode.thickness")
        assert str(full) == "a.yaml:3: cathode.thickness: is wrong"
        assert str(InputError("is wrong", "a.yaml")) == "a.yaml: is wrong"
        assert str(InputError("is wrong", line=3)) == "line 3: is wrong"
        assert str(InputError("is wrong", field="a[0]")) == "a[0]: is wrong"
        assert str(InputError("is wrong")) == "is wrong"

    def test_is_one_line(self):
        error = InputError("first\nsecond", "a\nb.yaml", 1, "c\u2028d")
        assert str(error).splitlines() == [str(error)]

    def test_crosses_a_process_pool(self):
        error = InputError("is wrong", Path("a.yaml"), 3, "x")
        copy = pickle.loads(pickle.dumps(error))
        assert (copy.file, copy.line, copy.field, copy.message) == (
            "a.yaml",
            3,
            "x",
            "is wrong",
        )


class TestLoad:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("1e-14", 1e-14),
            ("-2.5E+3", -2500.0),
            (".5", 0.5),
            ("1.", 1.0),
            ("+7", 7),
            ("012", 12),
            ("0x1F", 31),
            ("1:30", "1:30"),
            ("1_000", "1_000"),
            ("yes", "yes"),
            ("on", "on"),
            ("1,5", "1,5"),
            ("600 nm", "600 nm"),
            ("'1'", "1"),
            ('"2024-01-01"', "2024-01-01"),
            ("|\n  two\n  lines\n", "two\nlines\n"),
            ("true", True),
            ("FALSE", False),
            ("~", None),
            ("", None),
            ("[1, {b: c}, []]", [1, {"b": "c"}, []]),
        ],
    )
    def test_scalars_are_yaml_1_2(self, tmp_path, text, value):
        found = load(tmp_path, f"a: {text}\n").data["a"]
        assert found == value
        assert type(found) is type(value)

    def test_knows_lines(self, tmp_path):
        document = load(
            tmp_path,
            "# a comment\ncathode:\n  thickness: 600 nm\ncases:\n"
            "  - {rate: 1C,\n     upper: 4.3 V}\n  -\n    rate: 2C\n",
        )
        assert document.line(()) == 2
        assert document.line(("cathode", "thickness")) == 3
        assert document.line(("cases", 0, "upper")) == 6
        assert document.line(("cases", 1, "rate")) == 8
        assert document.line(("cathode", "absent", 3)) == 2
        assert document.line(("absent",)) == 2

    def test_error_names_file_line_and_field(self, tmp_path):
        document = load(tmp_path, "cases:\n- rate: 1C\n- rate: 2C\n")
        error = document.error(("cases", 1, "rate"), "is wrong")
        assert str(error) == f"{tmp_path / 'x.yaml'}:3: cases[1].rate: is wrong"

    def test_windows_lines_and_byte_order_mark(self, tmp_path):
        document = load(tmp_path, b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
        assert document.data == {"a": 1, "b": 2}
        assert document.line(("b",)) == 2

    @pytest.mark.parametrize(
        ("content", "line", "field", "words"),
        [
            ("", None, "", "empty"),
            ("# only a comment\n", None, "", "empty"),
            ("---\n", None, "", "empty"),
            ("- a\n", 1, "", "a list"),
            ("words\n", 1, "", "text"),
            ("a: 1\nb:\n  c: 1\n  c: 2\n", 4, "b.c", "duplicate key"),
            ("a: 1\nb: &x 1\n", 2, "b", "anchors"),
            ("a: *x\n", 1, "a", "aliases"),
            ("a: !!python/name:os.system x\n", 1, "a", "tags"),
            ("a: !\n", 1, "a", "tags"),
            ("b: 1\n<<: {a: 1}\n", 2, "", "merge keys"),
            ("a: 1\n2: 3\n", 2, "", "a key must be text"),
            ("a:\n  yes: 1\n  true: 1\n", 3, "a", "a key must be text"),
            ("? [a]\n: 1\n", 1, "", "a key must be text"),
            ("a: 1\nb: .inf\n", 2, "b", "not a finite"),
            ("a: .NaN\n", 1, "a", "not a finite"),
            ("a: [0, 1e400]\n", 1, "a[1]", "too large"),
            ("a: 1e-400\n", 1, "a", "too small"),
            ("a: 1234567890123456\n", 1, "a", "15 digits"),
            ("a: 0." + "1" * 5000 + "\n", 1, "a", "40 characters"),
            ("a: 2024-01-01\n", 1, "a", "date"),
            ("a: 2001-12-14t21:59:43.10-05:00\n", 1, "a", "date"),
            ("a: b\nc: d\x07\n", 2, "", "U+0007 in column 5"),
            ("a: b\nc: \x85\n", 2, "", "U+0085"),
            ('a: "\\0"\n', 1, "a", "U+0000"),
            ('a: "\\ud800"\n', 1, "a", "U+D800"),
            ('a: "\\U00110000"\n', 1, "", "not valid YAML"),
            ("a: 1\n---\nb: 2\n", 2, "", "second document"),
            ("%YAML 1.1\n---\na: 1\n", 2, "", "directives"),
            ("a:\n\t- b\n", 2, "", "indent with spaces"),
            ("a: 1\nb: [1,\n 2\n", 2, "", "not valid YAML"),
            ('a: 1\nb: "c\n d\n', 2, "", "not valid YAML"),
            ("a: 1\n b: c\n", 2, "", "not valid YAML"),
            (b"a: 1\nb: \xff\n", 2, "", "UTF-8"),
            ("a: 1\n".encode("utf-16"), 1, "", "UTF-8"),
        ],
    )
    def test_refuses(self, tmp_path, content, line, field, words):
        error = refusal(tmp_path, content)
        assert words in error.message
        assert (error.line, error.field) == (line, field)
        assert error.file == str(tmp_path / "x.yaml")

    def test_bounds_what_it_reads(self, tmp_path):
        def refuse(content):
            return refusal(tmp_path, content).message

        assert "1 MiB" in refuse(b"a" * (2**20 + 1))
        assert "values" in refuse("a:\n" + "- [0, 0, 0]\n" * 30_000)
        assert "lines" in refuse("# \n" * 100_001)
        assert "wrap" in refuse("a: !" + "x" * 2**19)
        assert "20 deep" in refuse("a: " + "[" * 10_000)
        assert "20 deep" in refuse("a:\n  " + "- " * 5_000)
        assert "20 deep" in refuse("".join(" " * n + "a:\n" for n in range(200)))
        deep = "a: " + "[" * 19 + "]" * 19
        assert load(tmp_path, deep).data["a"] is not None

    def test_refuses_a_billion_laughs(self, tmp_path):
        rows = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
        assert "anchors" in refusal(tmp_path, "\n".join(["a0: &a0 lol", *rows])).message

    def test_shortens_what_it_quotes(self, tmp_path):
        key = "k" * 10_000
        assert len(str(refusal(tmp_path, f"{key}: .inf"))) < 500

    def test_refuses_what_is_no_file(self, tmp_path):
        os.mkfifo(tmp_path / "pipe.yaml")
        for path in (
            tmp_path,
            tmp_path / "absent.yaml",
            tmp_path / "pipe.yaml",
            "a\0b.yaml",
            "\ud800.yaml",
            "x" * 5000,
        ):
            with pytest.raises(InputError):
                files.load(path)
        with pytest.raises(InputError, match="no such file"):
            files.load(tmp_path / "absent.yaml")

    @unhurried
    @given(st.binary(max_size=300))
    def test_arbitrary_bytes_raise_input_errors_only(self, scratch, content):
        check_load(scratch, content)

    @unhurried
    @given(
        st.text(
            st.sampled_from("ab1.e-+:,#&*!|>'\"%@`?{}[]<~=\\x0uU \t\n\r\0\x85\ufeff_"),
            max_size=80,
        )
    )
    def test_yaml_like_text_raises_input_errors_only(self, scratch, content):
        check_load(scratch, content.encode())

    @unhurried
    @given(
        st.dictionaries(
            st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=20),
            st.recursive(
                st.none()
                | st.booleans()
                | st.integers(-(10**15) + 1, 10**15 - 1)
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=20),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3)
                ),
                max_leaves=8,
            ),
            max_size=4,
        )
    )
    def test_reads_back_what_json_wrote(self, scratch, data):
        # JSON is YAML 1.2, but for its escapes of surrogate pairs.
        text = json.dumps(data, ensure_ascii=False)
        assert load(scratch, text).data == data


def check_load(folder: Path, content: bytes) -> None:
    try:
        document = load(folder, content)
    except InputError as error:
        assert str(error).splitlines() == [str(error)]
    else:
        check_plain(document, document.data, ())


def check_plain(document, value, path) -> None:
    assert type(value) in (dict, list, str, int, float, bool, type(None))
    assert document.line(path) >= 1
    if isinstance(value, dict):
        for key, part in value.items():
            assert type(key) is str
            check_plain(document, part, (*path, key))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            check_plain(document, part, (*path, index))


class TestLoadCsv:
    def test_reads_columns(self, tmp_path):
        x, y = load_csv(tmp_path, "# note\nx, U [V]\n\n0.1, 4.2\r\n1e0,-3\n# end\n")
        np.testing.assert_array_equal(x, [0.1, 1])
        np.testing.assert_array_equal(y, [4.2, -3])
        assert x.flags["C_CONTIGUOUS"]

    def test_header_is_optional(self, tmp_path):
        (x,) = load_csv(tmp_path, "1\n2\n", columns=1)
        np.testing.assert_array_equal(x, [1, 2])

    @pytest.mark.parametrize(
        ("content", "line", "words"),
        [
            ("", None, "fewer than 2 rows"),
            ("x, y\n1,2\n", None, "fewer than 2 rows"),
            ("1,2\n1,2,3\n", 2, "columns found: 3, expected: 2"),
            ("1;2\n3;4\n", 1, "put a comma between"),
            ("1,5;2,5\n", 1, "decimal commas"),
            ("x;y\n0,1\t4,2\n", 2, "decimal commas"),
            ("0,1,4,2\n", 1, "decimal commas"),
            ("1,2\n3,four\n", 2, "'four' is not a number"),
            ("x,y\nx,y\n", 2, "'x' is not a number"),
            ("1,2\n3,\n", 2, "'' is not a number"),
            ("1,nan\n", 1, "not finite"),
            ("1,2\n1,1e400\n", 2, "too large"),
            ("1,1_0\n", 1, "not a number"),
        ],
    )
    def test_refuses(self, tmp_path, content, line, words):
        with pytest.raises(InputError) as caught:
            load_csv(tmp_path, content)
        assert words in caught.value.message
        assert caught.value.line == line

    @unhurried
    @given(st.text(st.sampled_from("0123.,;e-# \t\nxnaif"), max_size=60))
    def test_arbitrary_text_raises_input_errors_only(self, scratch, content):
        try:
            columns = load_csv(scratch, content)
        except InputError:
            return
        assert all(np.isfinite(column).all() for column in columns)

    @unhurried
    @given(
        st.lists(
            st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2),
            min_size=2,
        )
    )
    def test_round_trip(self, scratch, rows):
        content = "".join(f"{x!r},{y!r}\n" for x, y in rows)
        np.testing.assert_array_equal(load_csv(scratch, content), np.array(rows).T)


class TestShippedFiles:
    @pytest.fixture
    def library(self, tmp_path, monkeypatch):
        folder = tmp_path / "models"
        folder.mkdir()
        for name in ("lco-lipon-li.yaml", "alloy.yaml", "notes.txt"):
            (folder / name).write_text("format: 1\n")
        monkeypatch.setattr(files, "packaged", lambda _: folder)
        return folder

    def test_lists_by_name(self, library):
        assert list(files.shipped("models")) == ["alloy", "lco-lipon-li"]

    def test_resolves_names_and_paths(self, library):
        assert files.resolve("alloy", "models") == library / "alloy.yaml"
        assert files.resolve("alloy.yaml", "models") == Path("alloy.yaml")
        assert files.resolve("mine.YML", "models") == Path("mine.YML")
        assert files.resolve("./alloy", "models") == Path("./alloy")

    def test_suggests_a_name(self, library):
        with pytest.raises(InputError, match="cell is called 'lco-lipn-li'; did you"):
            files.resolve("lco-lipn-li", "models")
        with pytest.raises(InputError, match="`tfbsim list`"):
            files.resolve("", "experiments")

    def test_prefers_the_installed_folder(self, tmp_path, monkeypatch):
        package = tmp_path / "src" / "tfbsim"
        package.mkdir(parents=True)
        monkeypatch.setattr(files, "__file__", str(package / "yaml_file.py"))
        root = tmp_path.resolve()
        assert files.packaged("models") == root / "models"
        (package / "models").mkdir()
        assert files.packaged("models") == root / "src" / "tfbsim" / "models"

    @unhurried
    @given(st.text())
    def test_any_argument_raises_input_errors_only(self, word):
        try:
            files.resolve(word, "models")
        except InputError as error:
            assert str(error).splitlines() == [str(error)]


def test_suggest():
    assert files.suggest("thicknes", ["thickness", "area"]) == (
        "; did you mean 'thickness'?"
    )
    assert files.suggest("lipon", ["LiPON"]) == "; did you mean 'LiPON'?"
    assert files.suggest("zzz", ["LiPON"]) == ""


class TestWriteAtomic:
    def test_replaces_whole_files(self, tmp_path):
        target = tmp_path / "summary.csv"
        write_atomic(target, "µ\n")
        assert target.read_bytes() == "µ\n".encode()
        write_atomic(target, b"\0")
        assert target.read_bytes() == b"\0"
        assert list(tmp_path.iterdir()) == [target]

    def test_leaves_nothing_behind_on_failure(self, tmp_path, monkeypatch):
        target = tmp_path / "summary.csv"
        write_atomic(target, "old")

        def fail(*_):
            raise OSError("no space left")

        monkeypatch.setattr(os, "replace", fail)
        with pytest.raises(OSError, match="no space"):
            write_atomic(target, "new")
        assert [path.name for path in tmp_path.iterdir()] == ["summary.csv"]
        assert target.read_text() == "old"


@pytest.mark.parametrize(
    ("line", "quoted"),
    [
        ("steps: [Discharge at {rate} until 3 V]", "Discharge at {rate} until 3 V"),
        ('steps: ["Rest for {t}", Hold at {u} until {i}]', "Hold at {u} until {i}"),
        ("steps: [{repeat: 2, steps: [Rest for {t}]}]", "Rest for {t}"),
        ("steps:\n  - [Charge at {r} until 4 V]", "Charge at {r} until 4 V"),
    ],
)
def test_braces_without_quotes_are_shown_in_quotes(tmp_path, line, quoted):
    with pytest.raises(InputError) as caught:
        load(tmp_path, line)
    assert caught.value.message.endswith(f'goes in quotes: "{quoted}"')
