"""Every fault code with what is found and the way out, read from the syntax trees of the package.

All it asks of the code is a habit: problem, remedy and code are the last three of a call or of a tuple, in that order.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

import livingreview

__all__ = ["CODE", "CodeUse", "code_uses", "fault_code_table"]

CODE: Final = re.compile(r"[A-Z]+-\d{3}")
UNKNOWN: Final = "…"
DEEPEST: Final = 5  # how far a text is looked for through functions that call functions

_Scopes = tuple[ast.Module | ast.FunctionDef, ...]  # the innermost last
_Nodes = Sequence[tuple[_Scopes, ast.AST]]
_Texts = tuple[str, ...]


@dataclass(frozen=True, order=True)
class CodeUse:
    """One place of the code that names a fault, such as ``DATA-003``, and the path of its module in the package.

    What may be found there, and the ways out, have ``…`` for what only a run of the code knows; no problem is named
    where nothing else is known of it.
    """

    code: str
    problems: tuple[str, ...]
    remedies: tuple[str, ...]
    module: str


def code_uses(package: Path = Path(livingreview.__file__).parent) -> list[CodeUse]:
    """Return every place of a package's code that names a fault, by code."""
    return sorted({use for path in package.rglob("*.py") for use in _uses_in(path, package)})


def fault_code_table() -> pd.DataFrame:
    """Return the fault codes for readers: a row for each thing that a code says, blank where only a run can say it."""
    uses = code_uses()
    told = {(use.code, use.remedies) for use in uses if use.problems}
    rows = [
        (use.code, " / ".join(use.problems), " / ".join(use.remedies), use.module)
        for use in uses
        if use.problems or (use.code, use.remedies) not in told
    ]
    return pd.DataFrame(rows, columns=["Code", "Found", "Way out", "Module"])


def _uses_in(path: Path, package: Path) -> Iterator[CodeUse]:
    text = path.read_text(encoding="utf-8")
    if not re.search("['\"][A-Z]+-[0-9{]", text):  # most modules name no fault
        return
    tree = ast.parse(text)
    nodes = list(_nodes_in_scopes(tree, (tree,)))
    module = path.relative_to(package).as_posix()
    for scopes, node in nodes:
        match node:
            case ast.Call(args=[*_, problem, remedy, code]) | ast.Tuple(elts=[*_, problem, remedy, code]):
                for given in _given_by_callers(scopes[-1], nodes) if _may_be_code(code) else ():
                    name = "".join(_texts(code, scopes, given))
                    if CODE.fullmatch(name):
                        found, ways_out = _texts(problem, scopes, given), _texts(remedy, scopes, given)
                        if found != (UNKNOWN,):
                            yield CodeUse(name, found, ways_out, module)
                        elif isinstance(code, ast.Constant):
                            yield CodeUse(name, (), ways_out, module)


def _may_be_code(node: ast.expr) -> bool:
    """Return whether an expression is a code, begins like one, or is what a helper calls the one it is given."""
    return bool(re.fullmatch(r"f?'[A-Z]+-[\d{}a-z]+'|code", ast.unparse(node)))


def _nodes_in_scopes(node: ast.AST, scopes: _Scopes) -> Iterator[tuple[_Scopes, ast.AST]]:
    """Yield each node below with the module and the functions that it stands in."""
    for child in ast.iter_child_nodes(node):
        yield scopes, child
        yield from _nodes_in_scopes(child, (*scopes, child) if isinstance(child, ast.FunctionDef) else scopes)


def _given_by_callers(scope: ast.Module | ast.FunctionDef, nodes: _Nodes) -> list[Mapping[str, _Texts]]:
    """Return the texts that each caller in the module gives a function by position, its defaults included."""
    if not isinstance(scope, ast.FunctionDef):
        return [{}]
    names = [item.arg for item in scope.args.args if item.arg != "self"]
    defaults = dict(zip(reversed(names), reversed(scope.args.defaults), strict=False))
    return [
        {
            name: _texts(value, scopes, {})
            for name, value in (defaults | dict(zip(names, call.args, strict=False))).items()
        }
        for scopes, call in nodes
        if isinstance(call, ast.Call) and scope.name in (getattr(call.func, "id", ""), getattr(call.func, "attr", ""))
    ] or [{}]


def _texts(node: ast.expr, scopes: _Scopes, given: Mapping[str, _Texts]) -> _Texts:
    """Return what an expression may read as; nothing for an empty text."""

    def union(parts: Iterable[ast.expr], scopes: _Scopes = scopes) -> _Texts:
        return tuple(dict.fromkeys(text for part in parts for text in _texts(part, scopes, given)))

    match node:
        case ast.Constant(value=str(text)):
            return (text,) if text else ()
        case ast.JoinedStr(values=parts):
            options = [_texts(part, scopes, given) for part in parts]
            text = "".join(texts[0] if len(texts) == 1 else UNKNOWN for texts in options)
            return (re.sub(f"{UNKNOWN}+", UNKNOWN, text),)
        case ast.FormattedValue(value=value, conversion=-1):
            return _texts(value, scopes, given)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return tuple(one + two for one in union([left]) for two in union([right]))
        case ast.IfExp(body=first, orelse=second):
            return union([first, second])
        case ast.Name(id=name) if name in given:
            return given[name]
        case ast.Name(id=name, lineno=line):
            for scope in reversed(scopes):
                if values := [value for value in _assigned(scope, name) if value.lineno < line]:
                    return union([max(values, key=lambda value: value.lineno)])
        case ast.Call(func=ast.Name(id=name)) if len(scopes) < DEEPEST:
            for function in scopes[0].body:
                if isinstance(function, ast.FunctionDef) and function.name == name:
                    returns = [part.value for part in ast.walk(function) if isinstance(part, ast.Return) and part.value]
                    return union(returns, (*scopes, function)) or (UNKNOWN,)
    return (UNKNOWN,)


def _assigned(scope: ast.Module | ast.FunctionDef, name: str) -> Iterator[ast.expr]:
    """Yield what a function, or a module outside of any function, assigns to a name."""
    for node in scope.body if isinstance(scope, ast.Module) else ast.walk(scope):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                yield value
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value) if target == name:
                yield value
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                pairs = zip(targets, values, strict=False)
                yield from (value for target, value in pairs if getattr(target, "id", "") == name)
