"""Mutants from the code itself: each comparison, connective, number, flag, sum, guard and table entry."""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator

from tests.mutants.mutant import Mutant, source

COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
"""Each comparison with its boundary moved, and turned round."""
RECKONED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
SMALL = 10
"""Up to here a number is tried one below as well as one above."""
_UNTOUCHED = (ast.Raise, ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom)
"""Messages, what only narrows types, and imports."""
_SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "type_comment", "bases"}
Change = tuple[str, ast.expr, str, str]
"""Kind, the expression that is changed, what stands there instead, and that in words where it is long."""


def mutants_of(file: str) -> Iterator[Mutant]:
    """Yield every mutant of one module, in the order of its text."""
    text = source(file)
    data = text.encode()
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    seen: Counter[tuple[str, str, str]] = Counter()
    for where, lines, (kind, node, after, words) in _walk(ast.parse(text), "", range(0)):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        change = words or f"{' '.join(data[begin:end].decode().split())} -> {after}"
        seen[kind, where, change] += 1
        if seen[kind, where, change] > 1:
            change += f" ({seen[kind, where, change]})"
        changed = data[:begin] + f"({after})".encode() + data[end:]
        yield Mutant(kind, file, where or "module", change, changed.decode(), lines)


def _walk(node: ast.AST, where: str, lines: range) -> Iterator[tuple[str, range, Change]]:
    """Yield the changes below ``node``; ``lines`` are those of the statement, none outside of functions."""
    if isinstance(node, _UNTOUCHED) or _is_docstring(node):
        return
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}" if where else node.name
    inside = bool(lines)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        inside = True
    if isinstance(node, ast.Assign | ast.AnnAssign) and not inside:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        where = f"{where}.{ast.unparse(targets[0])}" if where else ast.unparse(targets[0])
    if isinstance(node, ast.stmt) and inside:
        lines = _own_lines(node)
    if isinstance(node, ast.expr):
        for change in _changes(node, inside=inside):
            yield where, lines, change
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED_FIELDS:
            continue
        if name in {"test", "guard"} and isinstance(value, ast.expr):
            for change in _turned_round(value):
                yield where, lines, change
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Assign) and _is_enumeration(node):
                continue  # its values are names
            if isinstance(child, ast.AST):
                yield from _walk(child, where, lines)


def _own_lines(node: ast.stmt) -> range:
    """Return the lines of a statement without the block below it."""
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    end = node.end_lineno or node.lineno
    if isinstance(body, list) and body:
        first = body[0]
        below = first.pattern.lineno if isinstance(first, ast.match_case) else first.lineno
        end = max(node.lineno, below - 1)
    return range(node.lineno, end + 1)


def _is_enumeration(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any("Enum" in ast.unparse(base) for base in node.bases)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _turned_round(test: ast.expr) -> Iterator[Change]:
    """Yield a condition that is no comparison with its sense turned round."""
    if isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.NamedExpr):
        yield "logic", test, f"not ({ast.unparse(test)})", ""


def _changes(node: ast.expr, *, inside: bool) -> Iterator[Change]:
    match node:
        case ast.Compare():
            for at, operator in enumerate(node.ops):
                for other in COMPARED[type(operator)]:
                    compared = copy.deepcopy(node)
                    compared.ops[at] = other()
                    yield "comparison", node, ast.unparse(compared), ""
        case ast.BoolOp():
            changed = copy.deepcopy(node)
            changed.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
            yield "logic", node, ast.unparse(changed), ""
            if len(node.values) > 2:
                for at in range(len(node.values)):
                    changed = copy.deepcopy(node)
                    del changed.values[at]
                    yield "logic", node, ast.unparse(changed), ""
        case ast.UnaryOp(op=ast.Not()):
            yield "logic", node, ast.unparse(node.operand), ""
        case ast.Constant(value=bool()):
            yield "constant", node, str(not node.value), ""
        case ast.Constant(value=int(number)):
            yield "constant", node, str(number + 1), ""
            if 0 < number <= SMALL:
                yield "constant", node, str(number - 1), ""
        case ast.Constant(value=float(number)):
            yield "constant", node, str(number * 2), ""
            yield "constant", node, str(number / 2), ""
        case ast.BinOp():
            if type(node.op) in RECKONED and not _is_words_or_type(node, inside=inside):
                changed_sum = copy.deepcopy(node)
                changed_sum.op = RECKONED[type(node.op)]()
                yield "arithmetic", node, ast.unparse(changed_sum), ""
        case ast.Call(func=ast.Name(id="min" | "max" as name)):
            called = copy.deepcopy(node)
            called.func = ast.Name("min" if name == "max" else "max")
            yield "arithmetic", node, ast.unparse(called), ""
        case ast.Set() | ast.Tuple(ctx=ast.Load()) | ast.List(ctx=ast.Load()) if not inside:
            for at in range(len(node.elts)):
                table = copy.deepcopy(node)
                gone = table.elts.pop(at)
                if isinstance(gone, ast.Attribute):
                    rest = ast.unparse(table) if table.elts else "()"
                    yield "table", node, rest, f"without {ast.unparse(gone)}"
        case ast.Dict() if not inside:
            yield from _of_table(node)


def _of_table(node: ast.Dict) -> Iterator[Change]:
    """Yield a table with one entry gone, and with two neighbours' values exchanged."""
    for at, key in enumerate(node.keys):
        if key is None or not isinstance(key, ast.Attribute):
            continue
        rest = copy.deepcopy(node)
        del rest.keys[at], rest.values[at]
        yield "table", node, ast.unparse(rest), f"without {ast.unparse(key)}"
        after = (at + 1) % len(node.values)
        if after != at and ast.unparse(node.values[at]) != ast.unparse(node.values[after]):
            other = copy.deepcopy(node)
            other.values[at] = copy.deepcopy(node.values[after])
            yield "table", node, ast.unparse(other), f"{ast.unparse(key)} as its neighbour"


def _is_words_or_type(node: ast.BinOp, *, inside: bool) -> bool:
    """Return whether it joins texts, or types: neither is a sum."""
    if isinstance(node.op, ast.BitOr) and not inside:
        return True
    parts = [part for part in ast.walk(node) if isinstance(part, ast.Constant | ast.JoinedStr)]
    return isinstance(node.op, ast.Add) and any(
        isinstance(part, ast.JoinedStr) or isinstance(part.value, str) for part in parts
    )
