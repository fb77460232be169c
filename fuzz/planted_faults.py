"""Faults to plant in the compiler, one at a time: one piece of text in one file, replaced by another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """`right` in `file` becomes `wrong`. `shown_by`: the executor that is run to find it."""

    name: str
    file: str
    right: str
    wrong: str
    shown_by: str

    def plant(self, root: Path) -> None:
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.right) != 1:
            raise LookupError(f"{self.name}: {text.count(self.right)} places in {self.file}, not one")
        path.write_text(text.replace(self.right, self.wrong), encoding="utf-8")


_SIMPLIFY = "codegen/passes/simplify.py"
_GUARD = "codegen/passes/guard_accesses.py"
_EAGER = "codegen/passes/eager.py"
_HOIST = "codegen/passes/hoist.py"
_SHARE = "codegen/passes/share.py"
_LOWER = "codegen/lowering/lower.py"
_CHUNKS = "codegen/gpu/chunks.py"
_DEALT = "codegen/gpu/dealt.py"
_CPU_REDUCE = "backends/cpu/runtime/reduce.h"
_CPU_MOVE = "backends/cpu/runtime/load_store.h"
_GPU_REDUCE = "backends/gpu_runtime/reduce.h"
_GPU_MOVE = "backends/gpu_runtime/storage.h"
_GPU_INTEGERS = "backends/gpu_runtime/integers.h"
_METAL = "backends/metal/runtime/sgl_metal.h"

FAULTS = (
    Fault(
        "a division by two is dropped",
        _SIMPLIFY,
        'case "floor_divide", (left, ir.Const(1)):',
        'case "floor_divide", (left, ir.Const(2)):',
        "passes",
    ),
    Fault(
        "times nothing is once",
        _SIMPLIFY,
        "isinstance(left, ir.Const) and left.value == 1:",
        "isinstance(left, ir.Const) and left.value in (1, 2):",
        "passes",
    ),
    Fault(
        "a choice takes the wrong side",
        _SIMPLIFY,
        "    if condition == FALSE:\n        return other",
        "    if condition == FALSE:\n        return taken",
        "passes",
    ),
    Fault(
        "and with true is true",
        _SIMPLIFY,
        "    if right == unit:\n        return left",
        "    if right == unit:\n        return right",
        "passes",
    ),
    Fault(
        "guards join although the value changed",
        _SIMPLIFY,
        "    return _is_timeless(last.condition, mutable)",
        "    return True",
        "passes",
    ),
    Fault(
        "a load is taken for a constant",
        _SIMPLIFY,
        "isinstance(item, (ir.Load, ir.At)) or (",
        "isinstance(item, ir.Const) and item.value == 77 or (",
        "passes",
    ),
    Fault(
        "two equal guards lose the second",
        _SIMPLIFY,
        "        for item in statement.then:\n            _append",
        "        for item in statement.then[1:]:\n            _append",
        "passes",
    ),
    Fault(
        "the upper end is inside",
        _GUARD,
        'compare("less", index, extent)]',
        'compare("less_equal", index, extent)]',
        "passes",
    ),
    Fault(
        "negative indices are inside",
        _GUARD,
        'compare("less_equal", ZERO, index)',
        'compare("less_equal", ir.Const(-1, ZERO.type), index)',
        "passes",
    ),
    Fault(
        "clamped one too high",
        _GUARD,
        'op("minimum", index, op("subtract", extent, ONE))',
        'op("minimum", index, extent)',
        "passes",
    ),
    Fault(
        "a read out of range is zero",
        _GUARD,
        "otherwise = ir.Const(math.nan, F32)",
        "otherwise = ir.Const(0.0, F32)",
        "passes",
    ),
    Fault(
        "a lost index counts as found",
        _GUARD,
        "tested = conjunction(*((known,) if",
        "tested = conjunction(*(() if",
        "passes",
    ),
    Fault(
        "a filter does not guard its value",
        _EAGER,
        "lambda known: self.expr(value, self.under(path, known))",
        "lambda known: self.expr(value, path)",
        "passes",
    ),
    Fault(
        "or guards as and does",
        _EAGER,
        'left if name == "logical_and" else op("logical_not", left)',
        "left",
        "passes",
    ),
    Fault(
        "a changing name is hoisted",
        _HOIST,
        "        changing |= {item.name for item in low.walk(loop.body) if isinstance(item, ir.Update)}\n",
        "",
        "passes",
    ),
    Fault(
        "a row is hoisted that is being filled",
        _HOIST,
        "        changing |= {item.row for item in low.walk(loop.body) if isinstance(item, low.Put)}\n",
        "",
        "passes",
    ),
    Fault("guarded loads are hoisted unguarded", _HOIST, "return guarded and all(", "return all(", "passes"),
    Fault(
        "what changes is shared",
        _SHARE,
        "mutable = frozenset(item.name for item in statements if isinstance(item, ir.Update))",
        "mutable = frozenset()",
        "passes",
    ),
    Fault(
        "a guarded load is shared without its guard",
        _SHARE,
        "return (condition, *index, otherwise)",
        "return children(expr)",
        "passes",
    ),
    Fault(
        "a third power is a square",
        "codegen/passes/expand_powers.py",
        'case ir.Apply("power", (ir.Var() as base, ir.Const(2.0))):',
        'case ir.Apply("power", (ir.Var() as base, ir.Const())):',
        "passes",
    ),
    Fault(
        "a filter is forgotten",
        _LOWER,
        "low.Accumulator((name,), node.kind, node.value.type, where, value)",
        "low.Accumulator((name,), node.kind, node.value.type, None, value)",
        "passes",
    ),
    Fault(
        "a mutable name sinks into a loop",
        _LOWER,
        "case ir.Let(_, value, False):\n                return self",
        "case ir.Let(_, value):\n                return self",
        "passes",
    ),
    Fault("the sum starts at one", _CPU_REDUCE, "    return {V(0)};", "    return {V(1)};", "cpu"),
    Fault(
        "the maximum starts at zero",
        _CPU_REDUCE,
        "return {V(lowest_of<Element<V>>())};",
        "return {V(0)};",
        "cpu",
    ),
    Fault(
        "the minimum starts at zero",
        _CPU_REDUCE,
        "return {V(highest_of<Element<V>>())};",
        "return {V(0)};",
        "cpu",
    ),
    Fault("any needs all", _CPU_REDUCE, "return {s.value || value};", "return {s.value && value};", "cpu"),
    Fault("all starts false", _CPU_REDUCE, "return {V(true)};", "return {V(false)};", "cpu"),
    Fault(
        "lanes merge their minima as maxima",
        _CPU_REDUCE,
        "return {minimum(a.value, b.value)};",
        "return {maximum(a.value, b.value)};",
        "cpu",
    ),
    Fault(
        "a masked load ignores its mask",
        _CPU_MOVE,
        "return select_pack(mask, load_run(gathered), otherwise);",
        "return load_run(gathered);",
        "cpu",
    ),
    Fault(
        "a masked store stores everywhere",
        _CPU_MOVE,
        "    for_each_set(condition, [&](int i) { pointer[offsets[i]] = scattered[i]; });",
        "    for (int i = 0; i < kLanes; ++i) pointer[offsets[i]] = scattered[i];",
        "cpu",
    ),
    Fault(
        "stores to integers truncate",
        _CPU_MOVE,
        "return cast<Compute<T>>(round(value));",
        "return cast<Compute<T>>(value);",
        "cpu",
    ),
    Fault(
        "a gather takes the next element",
        _CPU_MOVE,
        "gathered[i] = pointer[offsets[i]];\n    return",
        "gathered[i] = pointer[offsets[i] + 1];\n    return",
        "cpu",
    ),
    Fault(
        "minus is plus on the CPU",
        "backends/cpu/spelling.py",
        "    **C_OPERATORS,",
        '    **C_OPERATORS,\n    "subtract": C_OPERATORS["add"],',
        "cpu",
    ),
    Fault(
        "minimum and maximum are swapped",
        "backends/cpu/spelling.py",
        '    "f32": Call("sgl::to_f32"),',
        '    "minimum": Call("sgl::maximum"),\n    "f32": Call("sgl::to_f32"),',
        "cpu",
    ),
    Fault(
        "f16 is not rounded to",
        "backends/cpu/spelling.py",
        'Call("sgl::round_to<sgl::f16>")',
        'Call("sgl::to_f32")',
        "cpu",
    ),
    Fault(
        "a stride too few",
        "codegen/writer.py",
        'term = part if is_last else op("multiply", part, ir.Size(stride_name(tensor, axis), I64))',
        'term = part if is_last else op("multiply", part, ir.Size(stride_name(tensor, 0), I64))',
        "cpu",
    ),
    Fault(
        "the GPU's sum starts at one",
        _GPU_REDUCE,
        "    return State{S(0)};",
        "    return State{S(1)};",
        "metal",
    ),
    Fault(
        "half of an i64 crosses lanes",
        _GPU_REDUCE,
        "  if (sizeof(S) > 4) words.high = shuffle_word_xor(words.high, mask);\n",
        "",
        "metal",
    ),
    Fault(
        "half of an i64 crosses simdgroups",
        _GPU_REDUCE,
        "  if (sizeof(S) > 4) place[1] = words.high;\n",
        "",
        "metal",
    ),
    Fault(
        "a chunk loads one too many",
        _GPU_MOVE,
        "if (step < count) loaded.items[step]",
        "if (step <= count) loaded.items[step]",
        "metal",
    ),
    Fault(
        "a chunk's tail is not stored",
        _GPU_MOVE,
        "if (step < count) data[offset + step]",
        "if (step + 1 < count) data[offset + step]",
        "metal",
    ),
    Fault(
        "a chunk is loaded without its condition",
        _GPU_MOVE,
        "  if (condition) loaded = load_chunk",
        "  loaded = load_chunk",
        "metal",
    ),
    Fault(
        "no barrier in device memory",
        _METAL,
        "      metal::threadgroup_barrier(metal::mem_flags::mem_device);\n",
        "",
        "metal",
    ),
    Fault(
        "the wrong fence",
        _METAL,
        "metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup);",
        "metal::threadgroup_barrier(metal::mem_flags::mem_device);",
        "metal",
    ),
    Fault(
        "no wait between simdgroups",
        _METAL,
        "    if (lanes > kSimdLanes) metal::threadgroup_barrier(metal::mem_flags::mem_threadgroup);\n",
        "",
        "metal",
    ),
    Fault(
        "division rounds to zero",
        _GPU_INTEGERS,
        "return quotient - R(a % b != 0",
        "return quotient - R(a % b > b",
        "metal",
    ),
    Fault(
        "a chunk's condition is anyone's",
        _CHUNKS,
        "return any(guard != chunk.condition for guard in guards)",
        "return False",
        "metal",
    ),
    Fault(
        "a round of another loop",
        _DEALT,
        "        if self.run.var not in self.plan.turning:\n            return None\n",
        "",
        "metal",
    ),
)
