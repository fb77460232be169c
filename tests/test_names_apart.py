"""What a target's text says of its own never meets what an author calls things.

Specs are compiled with names that nobody else would choose. Every other identifier of a kernel's text is
the emitter's or the runtime's own, and an author could choose it too: it has to be reserved, or found by
the namer.
"""

from __future__ import annotations

import random
import re
import subprocess
import symtable
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from backends.cpu.spelling import RESERVED_HERE
from backends.cpu.toolchain import KERNEL_FLAGS
from codegen.gpu.words import WORDS
from codegen.host import generate_host
from codegen.host.native import op_files
from codegen.namer import Namer
from codegen.pipeline import Compiled, compile_folder, compile_spec
from fuzz.metamorphic_text import EMITTERS, author_names, with_names
from fuzz.reduce_spec import read, write
from kernel_ir.errors import SpecError, TargetError
from kernel_ir.load import load_text
from kernel_ir.names import (
    BODY_NAMES,
    WRAPPER_NAMES,
    kernel_name_problem,
    name_problem,
    type_variable_problem,
)

ROOT = Path(__file__).parents[1]
KEYS = {"doc", "type", "values"}  # of a spec, which `with_names` would take for names of the author's
SPECS = sorted((ROOT / "specs").rglob("*.yaml")) + sorted((ROOT / "tests" / "regressions").glob("*.yaml"))
# Words that meet no name: those outside of all kernels, and one that gives way to type variables.
APART = {"run", "kernels", "position", "Ahead"}
WORDS_OF = {"cpu": RESERVED_HERE, "metal": WORDS, "cuda": WORDS}
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-psabi")
MARK = re.compile("zq|Zq")  # in every name of the author's


@cache
def marked(path: Path) -> Compiled | None:
    """The spec with names of the author's that nobody else would choose."""
    spec = read(path.read_text())
    names = author_names(spec)
    if names & KEYS:
        return None
    chosen = {name: f"zq{position}" for position, name in enumerate(sorted(names))}
    chosen |= {name: f"ZqT{position}" for position, name in enumerate(spec.get("types", {}))}
    text = write({**with_names(spec, chosen), "name": "zqk", "exports": []})
    return compile_spec(load_text(text, "zqk.yaml"))


def words(text: str) -> set[str]:
    """The identifiers of a text that stand for themselves: no members, and nothing of a namespace."""
    bare = re.sub(r'//.*|^#.*|\[\[.*?\]\]|"[^"\n]*"|\.template \w+', "", text, flags=re.MULTILINE)
    return set(re.findall(r"(?<![\w.:])[A-Za-z_]\w*", bare))


def can_be_chosen(word: str) -> bool:
    return name_problem(word) is None or type_variable_problem(word) is None


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every identifier that namers gave out."""
    given: set[str] = set()
    invent, fix = Namer.invent, Namer.fix

    def record_invented(self: Namer, base: str) -> str:
        given.add(identifier := invent(self, base))
        return identifier

    def record_fixed(self: Namer, name: str, identifier: str) -> None:
        if MARK.match(identifier):  # what else is fixed is the emitter's own
            given.add(identifier)
        fix(self, name, identifier)

    monkeypatch.setattr(Namer, "invent", record_invented)
    monkeypatch.setattr(Namer, "fix", record_fixed)
    return given


@pytest.mark.parametrize("target", EMITTERS)
def test_kernels_have_reserved_what_they_say_themselves(target: str, found: set[str]) -> None:
    wrong = {}
    for path in SPECS:
        if compiled := marked(path):
            found.clear()
            text = kernel_text(target, compiled)
            known = found | WORDS_OF[target] | APART | {name for name, _ in compiled.kernel.types}
            unknown = {word for word in words(text) - known if can_be_chosen(word) or MARK.search(word)}
            if bad := {word for word in unknown if "zqk" not in word}:  # the kernel's own, and its struct's
                wrong[path.stem] = bad
    assert not wrong


def kernel_text(target: str, compiled: Compiled) -> str:
    files = EMITTERS[target](compiled.program, compiled.record)
    return next(text for name, text in files.items() if not name.endswith("_launches.cpp"))


# ---- names that are taken ----------------------------------------------------------------------

RICH = ("paged_attention_decode", "route_softmax", "per_token_group_quant_8bit", "in_place_behind_a_stream")
TIMES = 4  # that a spec is renamed


@pytest.mark.parametrize("name", RICH)
def test_whatever_an_author_chooses_the_kernel_is_the_same(name: str) -> None:
    """Names of every kind become words of the kernels' own, and words that emitters make of other names."""
    plain = marked(next(path for path in SPECS if path.stem == name))
    assert plain is not None
    texts = {target: kernel_text(target, plain) for target in EMITTERS}
    for time, chosen in enumerate(takings(plain, texts)):
        other = renamed(plain, chosen)
        for target, text in texts.items():
            off = other_than_scoped_names(text, kernel_text(target, other))
            assert not off, f"{target}, renaming {time} ({chosen}): {off}"


def takings(plain: Compiled, texts: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """By names of the author's, what they are called instead: half of them are to meet something."""
    draw = random.Random(17)
    every = set().union(*map(words, texts.values()))
    own = sorted(word for word in every - APART if not MARK.search(word) and is_free(word))
    made = sorted(word for word in every if re.fullmatch(r"zq\d+_(?!stride_)\w+", word))
    spec = read(plain.loaded.source.text)
    for time in range(TIMES):
        names = sorted(author_names(spec))
        draw.shuffle(names)
        half = len(names) // 2
        words_of_kept = [word for word in made if word.partition("_")[0] in names[half:]]
        taken = draw.sample(own, min(half - half // 2, len(own)))
        taken += draw.sample(words_of_kept, min(half - len(taken), len(words_of_kept)))
        types = {"ZqT0": "Ahead"} if time % 2 and "ahead" not in taken else {}
        yield dict(zip(names, taken, strict=False)) | types


def is_free(word: str) -> bool:
    """Whether anything may be called so, of all that an author names."""
    return name_problem(word) is None and word not in BODY_NAMES | WRAPPER_NAMES


def renamed(plain: Compiled, chosen: Mapping[str, str]) -> Compiled:
    return compile_spec(load_text(write(with_names(read(plain.loaded.source.text), chosen)), "zqk.yaml"))


# ---- host code ---------------------------------------------------------------------------------

HOSTILE = """
edition: 1
name: hostile
summary: Names that host code makes of other names, or has itself.
types: {V: [f32, f16], Ahead: [i32, i64]}
arguments:
  x: {type: "V[*n, size_n]"}
  tensor_x: {type: "V[2 * params + 1]", optional: true}
  y_dims: {type: "Ahead[size_params]"}
  host: {type: i32, default: 2}
  scalar_host: {type: i32, default: 2}
  x_strides: {type: size, keyword_only: true}
results:
  out: {type: "V[*n, size_n]"}
requires:
  - "size_params > 0 and params >= 0"
  - "size_n >= x_strides or n > 2 * size_n"
  - "host % scalar_host == 0 and params <= size_params + host"
body: |
  for run in range(n):
      for measure_0 in range(size_n):
          out[run, measure_0] = x[run, measure_0] * (tensor_x[0] if given(tensor_x) else 2.0) * host
  for params_2 in range(n):
      tile = sum(x[params_2, sgl] for sgl in range(size_n) if sgl < size_params)
      for item in range(size_n):
          out[params_2, item] = tile + x[params_2, item] + (scalar_host if y_dims[0] > 0 else 1)
examples:
  - {n: 3, size_n: 2, params: 2, size_params: 2, x_strides: 1}
"""


def test_hostile_names_compile(tmp_path: Path) -> None:
    compiled = compile_spec(load_text(HOSTILE, "hostile.yaml"))
    files = {path: text.decode() for path, text in generate_host([compiled.record]).items()}
    files |= EMITTERS["cpu"](compiled.program, compiled.record)
    files |= EMITTERS["cuda"](compiled.program, compiled.record)
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    backends = ROOT / "backends"
    includes = [f"-I{folder}" for folder in (tmp_path, tmp_path / "host", backends, backends / "cpu/runtime")]
    command = [
        "c++",
        "-std=c++20",
        *KERNEL_FLAGS,
        "-DSGL_ISA=baseline",
        "-fopenmp",
        *WARNINGS,
        "-fsyntax-only",
    ]
    sources = ("cpu/hostile.cpp", "host/hostile_host.cpp", "cuda/hostile_launches.cpp")
    done = subprocess.run(
        [*command, *includes, *(str(tmp_path / source) for source in sources)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for function in re.findall(
        r"^\w+ \w+\(const Values& V\) {.*?^}", files[sources[1]], re.MULTILINE | re.DOTALL
    ):
        for declared in re.findall(r"^  const \w+ (\w+) = V\.", function, re.MULTILINE):
            assert f"[{declared}]" not in function  # it would hide what says where another value is


def test_functions_of_host_code_say_no_name_themselves() -> None:
    for path in SPECS:
        if compiled := marked(path):
            record = compiled.record
            text = op_files(record)[f"host/{record.name}_host.cpp"].decode()
            text += EMITTERS["metal"](compiled.program, record)[f"metal/{record.name}_launches.cpp"]
            bodies = re.findall(r"^\w+ \w+\(const Values&.*?\) {(.*?)^}", text, re.MULTILINE | re.DOTALL)
            said = words(re.sub(r"\w+::", "::", " ".join(bodies)))  # no variable hides a namespace there
            assert bodies and not {word for word in said if is_free(word) and not MARK.search(word)}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' headers have macros of their own")
@pytest.mark.parametrize("header", ["cpu/runtime/runtime.h", "host_runtime/run_kernel.h"])
def test_no_name_is_a_macro(header: str) -> None:
    command = [
        "c++",
        "-std=c++20",
        *KERNEL_FLAGS,
        "-DSGL_ISA=baseline",
        "-fopenmp",
        "-dM",
        "-E",
        "-x",
        "c++",
        "-",
    ]
    text = f'#include "{ROOT / "backends" / header}"\n#include <cmath>\n'
    includes = [f"-I{ROOT / 'backends'}", f"-I{ROOT / 'backends/cpu/runtime'}"]
    done = subprocess.run([*command, *includes], input=text, capture_output=True, text=True, check=True)
    macros = set(re.findall(r"^#define (\w+)(?!\()\b", done.stdout, re.MULTILINE))
    assert not {name for name in macros if can_be_chosen(name)}


def test_names_that_make_one_identifier_are_refused() -> None:
    record = compile_spec(load_text(HOSTILE.replace("y_dims", "x_dims"), "hostile.yaml")).record
    with pytest.raises(TargetError, match="two things called tensor_x_dims: choose another name"):
        generate_host([record])


TYPED = """
edition: 1
name: {name}
summary: A copy of whole numbers.
types: {types}
arguments:
  x: {{type: "{dtype}[n]"}}
  y: {{type: "I[n]"}}
results:
  out: {{type: "{dtype}[n]"}}
body: |
  for i in range(n):
      out[i] = x[i] * y[i]
"""


def test_kernels_that_compile_under_one_name_are_refused(tmp_path: Path) -> None:
    wide = TYPED.format(name="scaled", types="{T: [f32, f16], I: [i32, i64]}", dtype="T")
    (tmp_path / "scaled.yaml").write_text(wide)
    one = TYPED.format(name="scaled_f16", types="{I: [i32, i64]}", dtype="f16")
    (tmp_path / "scaled_f16.yaml").write_text(one)
    message = "`scaled_f16_i32`, as it is compiled, is also compiled for specs/scaled.yaml"
    with pytest.raises(SpecError, match=message):
        compile_folder(tmp_path)


def test_no_public_name_is_one_that_the_package_reads() -> None:
    """Modules read their own names and Python's from where public functions are put."""
    for module, table in package_modules():
        read_by_all = {name for inner in tables(table) for name in globals_of(inner) if not MARK.search(name)}
        bare = {name for name in read_by_all if name[0] != "_" and name_problem(name) is None}
        assert not {name for name in bare if kernel_name_problem(name) is None}, module


def test_no_argument_is_one_that_a_wrapper_reads() -> None:
    for module, table in package_modules():
        for inner in tables(table):
            if MARK.search(inner.get_name()):
                assert all(name[0] == "_" for name in globals_of(inner)), module


def package_modules() -> Iterator[tuple[str, symtable.SymbolTable]]:
    """The modules that hold a function for each op, with the names of each of their scopes."""
    compiled = marked(next(path for path in SPECS if path.stem == "rope_pool_fused"))
    assert compiled is not None
    files = generate_host([compiled.record])
    for name in ("__init__", "cpu", "cuda", "metal", "torch_ops"):
        path = f"python/sgl_kernel/{name}.py"
        yield path, symtable.symtable(files[path].decode(), path, "exec")


def tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for inner in table.get_children():
        yield from tables(inner)


def globals_of(table: symtable.SymbolTable) -> set[str]:
    """What a scope reads from its module or from Python."""
    is_module = table.get_type() == "module"
    return {
        item.get_name()
        for item in table.get_symbols()
        if item.is_referenced() and (item.is_global() or is_module)
    }


def test_an_argument_may_be_called_as_a_wrapper_calls_its_op() -> None:
    spec = HOSTILE.replace("y_dims", "op").replace("measure_0", "name")
    record = compile_spec(load_text(spec, "hostile.yaml")).record
    text = generate_host([record])["python/sgl_kernel/torch_ops.py"].decode()
    assert "def _refuse_gradients(op: str, /," in text
    assert "op=op" in text


def test_operators_of_two_names_do_not_share_a_function() -> None:
    spec = HOSTILE + "exports: [{name: hostile_out, out: false}]\n"
    text = generate_host([compile_spec(load_text(spec, "hostile.yaml")).record])
    defined = re.findall(r"^def (\w+)", text["python/sgl_kernel/torch_ops.py"].decode(), re.MULTILINE)
    assert len(defined) == len(set(defined))


# ---- comparing ---------------------------------------------------------------------------------

_WORD = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|\s+|::|.", re.DOTALL)


def other_than_scoped_names(one: str, two: str) -> str:
    """The first place where two texts differ in more than names.

    A word stands for one other from where it is met to the end of the block. Members are apart from the rest.
    """
    left, right = tokens(one), tokens(two)
    there: list[dict[str, str]] = [{}]
    back: list[dict[str, str]] = [{}]
    for word, other in zip(left, right, strict=False):
        are_names = word[-1].isalnum() and other[-1].isalnum() and word[0] == other[0]
        if not are_names and word != other:
            return f"{word!r} became {other!r}"
        if word in "{}":
            for blocks in (there, back):
                blocks.append({}) if word == "{" else blocks.pop()
        known = next((block[word] for block in reversed(there) if word in block), None)
        origin = next((block[other] for block in reversed(back) if other in block), None)
        if (known, origin) not in ((None, None), (other, word)):
            return f"{word!r} became {other!r}, which stands for {origin!r}, after {known!r}"
        there[-1][word], back[-1][other] = other, word
    return "" if len(left) == len(right) else f"{len(left)} words became {len(right)}"


def tokens(text: str) -> list[str]:
    """The words of a text without layout and comments; names of members begin with a dot, others with "n"."""
    found: list[str] = []
    before = ""
    for word in _WORD.findall(re.sub(r"//.*", "", text)):
        if not word.isspace():
            is_name = word[0].isalpha() or word[0] == "_"
            found.append(("." if before in (".", "::") else "n") + word if is_name else word)
            before = word
    return found
