"""Loading: what a spec text means, where its parts stand, and that nothing but SpecError escapes."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel_ir import source as source_module
from kernel_ir.dtypes import DTYPES, F32, I64
from kernel_ir.errors import Span, SpecError
from kernel_ir.load import LoadedSpec, load_bytes, load_file, load_text
from kernel_ir.names import NAME_PATTERN, TYPE_VARIABLE_PATTERN, name_problem
from kernel_ir.nodes import Apply, Const, ScalarType, Size, SizeType, TensorType
from kernel_ir.shape_types import ShapeError, parse_size, parse_tensor_type

ROPE = (Path(__file__).parent / "good_specs" / "rotate.yaml").read_text(encoding="ascii")


@pytest.fixture(scope="module")
def rope() -> LoadedSpec:
    return load_text(ROPE, "rope.yaml")


def at(text: str, span: Span) -> str:
    """The characters that a one-line span covers."""
    assert span.line == span.end_line
    return text.split("\n")[span.line - 1][span.column - 1 : span.end_column - 1]


# ---- what is loaded ----------------------------------------------------------------------------


def test_arguments_have_their_types_and_roles(rope: LoadedSpec) -> None:
    kinds = {item.name: type(item) for item in rope.arguments()}
    assert list(kinds) == ["x", "positions", "slots", "cache", "bias", "base", "head_dim", "flip"]
    assert [name for name, kind in kinds.items() if kind is ScalarType] == ["base", "flip"]
    assert rope.tensors()["cache"].role == "mutated"
    assert rope.tensors()["bias"].is_optional and not rope.tensors()["x"].is_optional
    assert rope.tensors()["x"].doc == "what is rotated"
    assert SizeType("head_dim", 64, True) in rope.arguments()
    assert ScalarType("base", F32, 10000.0) in rope.arguments()
    assert ScalarType("flip", DTYPES["bool"], False, True) in rope.arguments()


def test_shapes_are_expressions_over_sizes(rope: LoadedSpec) -> None:
    rows, heads, dim = (Size(name, I64) for name in ("rows", "heads", "head_dim"))
    x, low = rope.tensors()["x"], rope.tensors()["low"]
    assert x == TensorType(
        "x", "T", (rows, Apply("multiply", (heads, dim), I64)), "input", "rows", doc="what is rotated"
    )
    assert low.shape == (rows, Apply("floor_divide", (dim, Const(2, I64)), I64))
    assert [item.name for item in rope.results()] == ["out", "low"]
    assert all(item.role == "result" and item.leading == "rows" for item in rope.results())


def test_sizes_come_in_order_of_appearance(rope: LoadedSpec) -> None:
    assert rope.size_names() == ("rows", "heads", "head_dim", "pool")
    assert rope.spec.size_names() == rope.size_names()


def test_sizes_are_solved_from_what_is_known(rope: LoadedSpec) -> None:
    origins = {item.size: (item.argument, item.axis) for item in rope.size_origins()}
    assert origins == {
        "head_dim": ("head_dim", None),
        "rows": ("x", 0),
        "pool": ("cache", 0),
        "heads": ("cache", 1),
    }


def test_a_compound_dimension_waits_for_its_factors() -> None:
    spec = minimal(arguments='  x: {type: "f32[2 * (n * k - 1), n + 1]"}', result="f32[n, k]")
    origins = [(item.size, item.argument, item.axis) for item in load_text(spec, "s").size_origins()]
    assert origins == [("n", "x", 1), ("k", "x", 0)]


def minimal(arguments: str = '  x: {type: "f32[n]"}', result: str = "f32[n]", body: str = "|\n  pass") -> str:
    return (
        f"edition: 1\nname: small\nsummary: Small.\narguments:\n{arguments}\n"
        f'results:\n  out: {{type: "{result}"}}\nbody: {body}\n'
    )


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-6", 1e-6),
        ("1", 1.0),
        (".5", 0.5),
        ("-2.E+3", -2000.0),
        ("0123", 123.0),
        ("0x1F", 31.0),
        ("0o17", 15.0),
        ("-.inf", float("-inf")),
    ],
)
def test_numbers_are_read_as_yaml_1_2_reads_them(written: str, value: float) -> None:
    loaded = load_text(minimal(f'  x: {{type: "f32[n]"}}\n  a: {{type: f32, default: {written}}}'), "s")
    scalar = loaded.arguments()[1]
    assert isinstance(scalar, ScalarType) and type(scalar.default) is float and scalar.default == value


@pytest.mark.parametrize(
    "written", ["no", "on", "Yes", "2024-01-01", "12:30:45", "1_000", "0b11", "+0x1", "1e"]
)
def test_other_plain_words_are_strings(written: str) -> None:
    assert load_text(minimal().replace("Small.", written), "s").spec.summary == written


# ---- where it stands ---------------------------------------------------------------------------


def test_values_and_keys_have_spans(rope: LoadedSpec) -> None:
    source = rope.source
    assert at(ROPE, source.span("name")) == "rotate"
    assert at(ROPE, source.key_span("arguments", "slots")) == "slots"
    assert at(ROPE, source.span("arguments", "slots", "values", "distinct", 1)) == "pool"
    assert at(ROPE, source.span("examples", 1, "base")) == "5e5"
    assert source.span("mutates", 7) == source.span("mutates"), "a missing item is its list"
    assert at(ROPE, rope.tensors()["bias"].span) == "bias"
    body = source.span("body")
    assert ROPE.split("\n")[body.end_line - 1][: body.end_column - 1].endswith("x[r, i] * cos(angle)")


def test_dimensions_have_spans_inside_the_type_string(rope: LoadedSpec) -> None:
    assert [at(ROPE, dim.span) for dim in rope.tensors()["x"].shape] == ["rows", "heads * head_dim"]
    assert at(ROPE, rope.source.type_span(("requires", 0), 0, 8)) == "head_dim"


def names_in_body(loaded: LoadedSpec) -> list[tuple[str, Span]]:
    """Every name in the body, and where the source says that it stands."""
    return [
        (
            node.id,
            loaded.source.body_span(
                node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0
            ),
        )
        for node in ast.walk(ast.parse(loaded.spec.body))
        if isinstance(node, ast.Name)
    ]


BODIES = {
    "literal": "|\n  for i in range(n):\n      out[i] = x[i]",
    "stripped": "|-\n   for i in range(n):\n       out[i] = x[i]",
    "kept": "|+\n  for i in range(n):\n      out[i] = x[i]\n\n",
    "indented by indicator": "|1\n for i in range(n):\n     out[i] = x[i]",
    "after blank lines": "|\n\n\n     for i in range(n):\n\n         out[i] = x[i]",
    "after a comment": "| # a comment\n  for i in range(n):\n      out[i] = x[i]",
    "plain": "out[0] = x[0] + n",
    "single quoted": "'out[0] = x[0] + n'",
    "double quoted": '"out[0] = x[0] + n"',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_body_positions_map_to_the_file(body: str) -> None:
    text = minimal(body=body)
    names = names_in_body(load_text(text, "s"))
    assert {name for name, _ in names} >= {"out", "x", "n"}
    assert [at(text, span) for _, span in names] == [name for name, _ in names]


def test_a_body_with_escapes_points_at_the_whole_value() -> None:
    loaded = load_text(minimal(body='"if n:\\n    out[0] = x[0]"'), "s")
    assert {span for _, span in names_in_body(loaded)} == {loaded.source.span("body")}


def test_both_yaml_parsers_give_the_same_positions(monkeypatch: pytest.MonkeyPatch, rope: LoadedSpec) -> None:
    for parser in (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        monkeypatch.setattr(source_module, "_PARSER", parser)
        again = load_text(ROPE, "rope.yaml").source
        assert again.data == rope.source.data
        shown = {
            path: (place.key, place.value.line, place.value.column) for path, place in again.places.items()
        }
        assert shown == {
            path: (p.key, p.value.line, p.value.column) for path, p in rope.source.places.items()
        }


def test_an_error_carries_its_position() -> None:
    with pytest.raises(SpecError) as caught:
        load_text(ROPE.replace("clamp}", "clmap}"), "rope.yaml")
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.hint) == ("unknown-word", 'did you mean "clamp"?')
    assert at(ROPE, problem.span) == "clamp"


# ---- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x", "rms_norm", "q", "kv_indptr", "type", "input", "bias", "n" * 48])
def test_ordinary_names_are_legal(name: str) -> None:
    assert name_problem(name) is None


@pytest.mark.parametrize(
    "name", ["", "_x", "x_", "a__b", "X", "1x", "n" * 49, "x\n", "\u0561", "yield", "xor_eq", "half4"]
)
def test_other_names_are_refused(name: str) -> None:
    assert name_problem(name) is not None


# ---- type strings ------------------------------------------------------------------------------


@given(st.text("Tf32[]*rows, +-/()10", max_size=40))
def test_type_strings_parse_or_are_refused(text: str) -> None:
    try:
        dtype, leading, shape = parse_tensor_type(text)
    except ShapeError as error:
        assert 0 <= error.start < error.end <= len(text) + 1 and len(error.message) < 200
    else:
        assert text.split("[")[0].strip() == dtype
        assert (leading is not None) == text.split("[")[1].lstrip().startswith("*")
        assert len(shape) == text.count(",") + 1


@pytest.mark.parametrize("text", ["a - b - c", "a - (b - c)", "2 * (a + 1) // 3", "a // b * c", "7"])
def test_size_expressions_mean_what_python_means(text: str) -> None:
    sizes = {"a": 29, "b": 7, "c": 3}
    assert evaluate(parse_size(text), sizes) == eval(text, {}, sizes)


def evaluate(expr: object, sizes: dict[str, int]) -> int:
    match expr:
        case Const(value):
            return int(value)
        case Size(name):
            return sizes[name]
        case Apply(op, (left, right)):
            symbol = {"add": "+", "subtract": "-", "multiply": "*", "floor_divide": "//"}[op]
            return int(eval(f"{evaluate(left, sizes)} {symbol} {evaluate(right, sizes)}"))
    raise AssertionError(expr)


# ---- files and hostile input -------------------------------------------------------------------


def code_of(load: object, *args: object) -> str:
    with pytest.raises(SpecError) as caught:
        load(*args)  # type: ignore[operator]
    assert str(caught.value)
    return caught.value.diagnostics[0].code


def test_files_that_cannot_be_read_are_spec_errors(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    for path in (tmp_path / "none.yaml", tmp_path, pipe, "a\0b.yaml", "x" * 5000):
        assert code_of(load_file, path) == "unreadable"


def test_a_file_loads_like_its_text(tmp_path: Path, rope: LoadedSpec) -> None:
    path = tmp_path / "rope.yaml"
    path.write_bytes(ROPE.encode())
    assert load_file(path).spec == rope.spec


def test_files_that_are_not_utf_8_or_too_large_are_refused(tmp_path: Path) -> None:
    assert code_of(load_bytes, ROPE.encode("utf-16"), "s") == "not-utf-8"
    assert code_of(load_bytes, b"edition: 1\nname: \xff", "s") == "not-utf-8"
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# " + b"x" * (1 << 20))
    assert code_of(load_file, large) == "too-large"


@settings(max_examples=150)
@given(st.binary(max_size=200))
def test_any_bytes_load_or_raise_spec_error(data: bytes) -> None:
    with pytest.raises(SpecError):
        load_bytes(data, "s")


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_any_text_loads_or_raises_spec_error(text: str) -> None:
    with pytest.raises(SpecError):
        load_text(text, "s")


PARTS = re.findall(r"\w+|\s+|.", ROPE)
HOSTILE = ["&a", "*a", "!!int", "<<", "? ", "---", "|", ">", "'", '"', "1e999", ".nan"]


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 3), st.sampled_from(PARTS + HOSTILE)),
        min_size=1,
        max_size=4,
    )
)
def test_a_mutated_spec_loads_or_raises_spec_error_with_a_place(edits: list[tuple[int, int, str]]) -> None:
    pieces = list(PARTS)
    for position, removed, piece in edits:
        start = position % len(pieces)
        pieces[start : start + removed] = [piece]
    text = "".join(pieces)
    try:
        load_text(text, "s")
    except SpecError as error:
        assert all(1 <= item.span.line <= text.count("\n") + 1 for item in error.diagnostics)


# ---- round trips -------------------------------------------------------------------------------


def plain(value: object) -> object:
    """A model's dump as YAML has it: lists for tuples."""
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
    return value


def test_a_model_survives_a_round_trip(rope: LoadedSpec) -> None:
    text = yaml.safe_dump(plain(rope.spec.model_dump()), sort_keys=False, allow_unicode=False)
    assert load_text(re.sub(r"\b1e\+?", "1.0e+", text), "again").spec == rope.spec


NAMES = st.from_regex(NAME_PATTERN, fullmatch=True).filter(lambda name: name_problem(name) is None)
TEXTS = st.text([chr(code) for code in range(32, 127) if chr(code) not in "*/\\'\""], max_size=60)


@settings(max_examples=60)
@given(
    name=NAMES,
    summary=TEXTS.filter(str.strip),
    default=st.floats(width=32, allow_nan=False),
    indent=st.integers(2, 8),
)
def test_generated_specs_survive_a_round_trip(name: str, summary: str, default: float, indent: int) -> None:
    spec = yaml.safe_load(minimal('  x: {type: "f32[n]"}\n  a: {type: f32}'))
    spec |= {"name": "k" + name[:40], "summary": summary}
    spec["arguments"]["a"]["default"] = default
    text = yaml.safe_dump(spec, sort_keys=False, width=1000, indent=indent)
    loaded = load_text(text, "s").spec
    assert (loaded.name, loaded.summary) == (spec["name"], summary)
    assert loaded.arguments["a"].default == default


def test_patterns_shown_to_editors_accept_what_the_loader_accepts() -> None:
    assert re.match(NAME_PATTERN, "rms_norm") and not re.match(NAME_PATTERN, "Rms")
    assert re.match(TYPE_VARIABLE_PATTERN, "T") and not re.match(TYPE_VARIABLE_PATTERN, "t")
