"""Faults in how a CPU kernel's loops run: packs, masks, tiles and the grid."""

from fuzz.plant import Fault

_EMIT = "backends/cpu/emit.py"
_VARYING = "codegen/varying.py"

FAULTS = (
    Fault(
        "a grid starts at zero on the CPU",
        "stride",
        _EMIT,
        'start = "" if _starts_at_zero(axis) else f"{self.expr(axis.low)} + "',
        'start = ""',
        "cpu",
    ),
    Fault(
        "the grid's coordinates change places on the CPU",
        "operands",
        _EMIT,
        'value = rest if position == 0 else f"{_operand(rest)} % {_operand(counts[position])}"\n'
        '            rest = f"{_operand(rest)} / ',
        'value = rest if position == 0 else f"{_operand(rest)} / {_operand(counts[position])}"\n'
        '            rest = f"{_operand(rest)} % ',
        "cpu",
    ),
    Fault(
        "a single axis of a grid starts at zero",
        "stride",
        _EMIT,
        "    return isinstance(axis.low, ir.Const) and axis.low.value == 0\n",
        "    return isinstance(axis.low, ir.Const)\n",
        "cpu",
    ),
    Fault(
        "a masked loop stores everywhere",
        "guard",
        _EMIT,
        'self.line(f"sgl::store_if({self.pack.mask}, {place}, {value});")',
        'self.line(f"sgl::store_if({self.pack.mask} || true, {place}, {value});")',
        "cpu",
    ),
    Fault(
        "a mask forgets the one around it",
        "guard",
        _EMIT,
        'return f"{self.pack.mask} && ({condition})" if self.pack is not None and',
        'return f"{condition}" if self.pack is not None and',
        "cpu",
    ),
    Fault(
        "the other branch runs under the same mask",
        "operands",
        _EMIT,
        "{self._under(f'!{mask}')};",
        "{self._under(mask)};",
        "cpu",
    ),
    Fault(
        "a masked update changes every lane",
        "stale",
        _EMIT,
        "{identifier} = sgl::select({self.pack.mask}, {self.expr(value)}, {identifier});",
        "{identifier} = {self.expr(value)};",
        "cpu",
    ),
    Fault(
        "a filter is forgotten on the CPU",
        "identity",
        _EMIT,
        "            if item.where is None:",
        "            if item.where is None or place:",
        "cpu",
    ),
    Fault(
        "what a guard keeps out is read",
        "guard",
        _EMIT,
        'return self._widened(load, f"sgl::load_if({test}, {place}, {self.expr(otherwise)})")',
        'return self._widened(load, f"sgl::load({place})")',
        "cpu",
    ),
    Fault(
        "any integer has 32 bits",
        "narrow",
        _EMIT,
        'return f"sgl::to_i64({text})" if self.elements_vary(load.tensor) else text',
        "return text",
        "cpu",
    ),
    Fault(
        "a launch's first tile is left out",
        "tail",
        _EMIT,
        'f"sgl::tile_low({first}, tile)"',
        'f"sgl::tile_low({first}, tile + 1)"',
        "cpu",
    ),
    Fault(
        "lanes share what a branch changes",
        "stale",
        _VARYING,
        "if is_masked or is_varying(value, found):",
        "if is_varying(value, found):",
        "cpu",
    ),
    Fault(
        "lanes of different loops go together",
        "guard",
        _VARYING,
        "    return all(_fits(statement, names, is_masked) for statement in body)",
        "    return True",
        "cpu",
    ),
)
