"""The generated C++: tables that say what the spec says, and templates that take what they are given."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import host_ops
import jinja2.meta
import pytest

from codegen.host import generate_host, native, package, pages, tables, torch_ops
from codegen.host.render import environment
from codegen.host.sizes import linear_form
from kernel_ir import nodes as ir
from kernel_ir.dtypes import I64
from kernel_ir.errors import TargetError
from kernel_ir.printer import print_expression
from kernel_ir.shape_types import parse_type

TEMPLATES = Path(native.__file__).parent / "templates"

CONTEXTS = {
    "params.h.j2": native.ParamsHeader,
    "host.h.j2": native.HostHeader,
    "host.cpp.j2": tables.HostSource,
    "cuda_module.cpp.j2": native.ModuleSource,
    "dlpack_module.cpp.j2": native.ModuleSource,
    "mlx_module.cpp.j2": native.ModuleSource,
    "python/init.py.j2": package.Package,
    "python/init.pyi.j2": package.Package,
    "python/cuda_stub.py.j2": package.Package,
    "python/torch_ops.py.j2": torch_ops.TorchModule,
    **{
        f"python/{name}.{kind}.j2": package.TargetModule
        for name in ("cpu", "cuda", "metal")
        for kind in ("py", "pyi")
    },
    "docs/op.md.j2": pages.OpPage,
    "docs/index.md.j2": pages.IndexPage,
    **{
        f"python/_{name}.py.j2": package.Nothing
        for name in ("extension", "platform", "metal_loader", "shaders")
    },
}
INCLUDED = {"python/functions.py.j2", "python/functions.pyi.j2", "python/names.py.j2"}


def undeclared(template: str) -> set[str]:
    """The names that a template and what it includes take."""
    text = (TEMPLATES / template).read_text()
    tree = environment().parse(text)
    included = {name for name in jinja2.meta.find_referenced_templates(tree) if name}
    return jinja2.meta.find_undeclared_variables(tree).union(*map(undeclared, included))


@pytest.mark.parametrize(
    "template", sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.j2"))
)
def test_a_template_takes_exactly_the_fields_of_its_context(template: str) -> None:
    if template in INCLUDED:
        return
    assert undeclared(template) == {field.name for field in dataclasses.fields(CONTEXTS[template])} | set()


def test_the_text_of_specs_passes_through_filters() -> None:
    """Every place of free text has a filter; all other values are names that the loader has checked."""
    for path in TEMPLATES.rglob("*.j2"):
        text = path.read_text()
        for field in ("spec_path", ".doc", ".text"):
            for place in text.split("{{")[1:]:
                inside = place.partition("}}")[0].strip("- ")
                if inside.split("|")[0].strip().endswith(field):
                    assert "|" in inside, (path.name, inside)


def test_params_list_pointers_strides_sizes_and_scalars() -> None:
    files = generate_host(host_ops.records())
    members = [
        line.strip()
        for line in files["host/pick_heads_params.h"].decode().splitlines()
        if line.startswith("  ")
    ]
    assert members == [
        "void* table;",
        "void* slots;",
        "void* bias;  // null: not given",
        "void* out;",
        "void* marks;",
        "int64_t table_stride_0;",
        "int64_t out_stride_0;",
        "int64_t out_stride_1;",
        "int64_t marks_stride_0;",
        "int64_t pool;",
        "int64_t heads;",
        "int64_t head_dim;",
        "int64_t tokens;",
        "int32_t limit;",
        "uint8_t flag;",
    ]


@pytest.mark.parametrize(
    ("dimension", "slope", "rest"),
    [
        ("2 * width", "2", "0"),
        ("width * 2 + 1", "2", "1"),
        ("heads * width", "heads", "0"),
        ("3 * (width - heads)", "3", "3 * (0 - heads)"),
        ("heads - width", "0 - 1", "heads"),
    ],
)
def test_a_size_is_solved_from_its_dimension(dimension: str, slope: str, rest: str) -> None:
    shape = parse_type(f"f32[{dimension}]").shape
    assert shape is not None
    found = linear_form(shape[0], "width")
    assert tuple(map(print_expression, found)) == (slope, rest)


def test_an_op_with_more_than_the_host_holds_is_refused() -> None:
    record = host_ops.records()[0]
    scalars = tuple(ir.ScalarType(f"s{index}", I64, 0) for index in range(33))
    kernel = dataclasses.replace(record.kernel, arguments=(*record.kernel.arguments, *scalars))
    with pytest.raises(TargetError, match="34 scalar arguments: at most 32 are supported"):
        generate_host((dataclasses.replace(record, kernel=kernel),))


def test_build_list_names_every_source_once() -> None:
    import json

    files = generate_host(host_ops.records())
    units = json.loads(files["build.json"])["units"]
    paths = [unit["path"] for unit in units]
    assert len(paths) == len(set(paths))
    backends = Path(native.__file__).parents[2] / "backends"
    for unit in units:
        exists = (backends / unit["path"]).is_file() if unit["runtime"] else unit["path"] in files
        is_emitted = unit["op"] is not None and unit["path"].startswith(("cpu/", "cuda/", "metal/"))
        assert exists or is_emitted, unit
    for folder in ("gpu_host", "host_runtime", "cuda/host", "metal/host"):
        written = {path.name for path in (backends / folder).iterdir() if path.suffix in (".cpp", ".cu")}
        assert written == {Path(path).name for path in paths if path.startswith(f"{folder}/")}


def test_a_page_says_what_the_spec_says() -> None:
    record = next(item for item in host_ops.records() if item.kernel.tensors())
    text = pages.page_files([record])[f"docs/{record.name}.md"].decode()
    for item in (*record.kernel.arguments, *record.kernel.results):
        assert f"| `{item.name}` |" in text
    for export in record.exports:
        assert f"cpu.{export.name}(" in text and f"metal.{export.name}(" in text
    assert record.body.rstrip() in text


def test_the_text_of_specs_is_no_markup() -> None:
    assert environment().filters["markdown"]("a_b <c> `d_e` |") == r"a\_b \<c\> `d_e` \|"
    assert environment().filters["cell"]("a\n b") == "a b"
