"""Which changes to a module would no test notice? Run with ``python tests/mutants.py moses``; see docs/mutation.md.

Each operator, number, condition and call that could be another is changed, one at a time; the tests that reach the
changed line run, the quickest first, until one fails. Each change is made in a fork of one process that has everything
imported, by giving the function that holds it new code, so that an interpreter starts only once.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import inspect
import os
import pickle
import random
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import coverage
import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).parents[1]
# Test files of a module, where they are not the one of its name.
TESTS = {
    "between_study_variance": ("between_study_variance", "univariate"),
    "binomial_model": ("binomial_model", "glmm", "separable"),
    "covariates": ("covariates", "bivariate"),
    "fit_result": ("fit_result", "problem", "batch", "bivariate"),
    "glmm": ("glmm", "separable", "binomial_model"),
    "intervals": ("intervals", "counts"),
    "moses": ("moses", "metadisc"),
    "newton": ("newton", "normal_model"),
    "problem": ("problem", "bivariate"),
    "random_effects": ("random_effects", "univariate"),
    "regions": ("sroc",),
    "separable": ("separable", "binomial_model"),
    "simple_pooling": ("simple_pooling", "metadisc", "bias"),
    "solve": ("solve", "structures", "batch", "bivariate", "normal_model"),
    "structures": ("structures", "bivariate", "batch"),
    "summary": ("summary", "bivariate", "normal_model"),
    "variance_components": ("variance_components", "multilevel"),
    **dict.fromkeys(("printed", "constraints", "compatible", "tables"), ("reconstruction",)),
}
OTHER: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Div,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OTHER_NAME = {
    one: other
    for pair in (
        ("min", "max"),
        ("minimum", "maximum"),
        ("floor", "ceil"),
        ("any", "all"),
        ("argmin", "argmax"),
        ("sum", "mean"),
        ("zeros_like", "ones_like"),
        ("sf", "cdf"),
        ("upper", "lower"),
    )
    for one, other in (pair, pair[::-1])
}
# Seconds of tests that one change gets, and how much longer they may take with it: it may make a search endless.
ENOUGH = 6.0
PATIENCE = 20.0


@dataclass(frozen=True)
class Change:
    """One change: where it is, how it reads, and the module with it."""

    line: int
    lines: range
    function: str
    before: str
    after: str
    tree: ast.Module


def changes(tree: ast.Module) -> Iterator[Change]:
    """Yield every change to a module."""
    for path, node in _walk(tree, ()):
        for new in _others(node):
            changed = copy.deepcopy(tree)
            *outer, (field, index) = path
            parent: Any = changed
            for name, at in outer:
                parent = getattr(parent, name) if at is None else getattr(parent, name)[at]
            if index is None:
                setattr(parent, field, new)
            else:
                getattr(parent, field)[index] = new
            yield Change(node.lineno, *_place(tree, path), ast.unparse(node), ast.unparse(new), changed)


Path_ = tuple[tuple[str, int | None], ...]


def _walk(node: ast.AST, path: Path_) -> Iterator[tuple[Path_, Any]]:
    """Yield the statements and expressions that run, with their path from the root."""
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "keywords" if isinstance(node, ast.ClassDef) else ""):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(child, ast.AST):
                here = (*path, (field, index))
                if isinstance(child, (ast.stmt, ast.expr)):
                    yield here, child
                yield from _walk(child, here)


def _others(node: Any) -> Iterator[Any]:
    """Yield what could stand in the place of a node."""
    match node:
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1)
        case ast.BinOp() | ast.AugAssign() | ast.BoolOp() if type(node.op) in OTHER:
            yield _with(node, op=OTHER[type(node.op)]())
        case ast.Compare():
            for i, op in enumerate(node.ops):
                yield _with(node, ops=[*node.ops[:i], OTHER[type(op)](), *node.ops[i + 1 :]])
        case ast.UnaryOp(op=ast.USub() | ast.Not() | ast.Invert()):
            yield node.operand
        case ast.If() | ast.IfExp() | ast.While() if not isinstance(node.test, (ast.Compare, ast.UnaryOp)):
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Call(func=ast.Name(id="abs")):
            yield node.args[0]
        case ast.Call(func=ast.Name() as name) if name.id in OTHER_NAME:
            yield _with(node, func=ast.Name(OTHER_NAME[name.id], ast.Load()))
        case ast.Attribute(ctx=ast.Load()) if node.attr in OTHER_NAME:
            yield _with(node, attr=OTHER_NAME[node.attr])
        case ast.Raise() | ast.Assign(targets=[ast.Subscript()]) | ast.Expr(value=ast.Call()):
            yield ast.Pass()
        case ast.Break() | ast.Continue():
            yield ast.Pass()


def _with(node: Any, **fields: Any) -> Any:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _place(tree: ast.Module, path: Path_) -> tuple[range, str]:
    """Return the lines of the statement at the end of a path, and the dotted name of the outermost function."""
    node: Any = tree
    statement, names, in_function = None, [], False
    for field, index in path:
        node = getattr(node, field) if index is None else getattr(node, field)[index]
        if isinstance(node, ast.stmt):
            statement = node
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not in_function:
            names.append(node.name)
            in_function = isinstance(node, ast.FunctionDef)
    # What a default changes shows in the body.
    body = None if isinstance(statement, ast.FunctionDef) else getattr(statement, "body", None)
    stop = body[0].lineno if body else statement.end_lineno + 1
    return range(statement.lineno, max(stop, statement.lineno + 1)), ".".join(names) if in_function else ""


def make(change: Change, module: ModuleType) -> None:
    """Make a change in the module as it is loaded, wherever its names went."""
    fresh = ModuleType(module.__name__)
    fresh.__file__ = module.__file__
    exec(compile(ast.fix_missing_locations(change.tree), module.__file__ or "", "exec"), fresh.__dict__)
    if change.function:
        old, new = (_function(owner, change.function) for owner in (module, fresh))
        old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
        return
    for name, value in vars(fresh).items():
        before = vars(module).get(name)
        if not isinstance(value, (FunctionType, type, ModuleType)) and not name.startswith("__"):
            for user in [user for user in sys.modules.values() if vars(user).get(name) is before]:
                setattr(user, name, value)


def _function(owner: Any, name: str) -> FunctionType:
    for part in name.split("."):
        owner = inspect.getattr_static(owner, part)
    for wrapper in ("__func__", "fget", "func", "__wrapped__"):
        owner = getattr(owner, wrapper, owner)
    assert isinstance(owner, FunctionType)
    return owner


def in_fork(work: Callable[[], Any], seconds: float) -> Any:
    """Return what `work` returns, or the text of what it raises, in a process of its own; None if it does not end."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            try:
                result = work()
            except BaseException as error:
                result = repr(error)
            with os.fdopen(writer, "wb") as answer:
                answer.write(pickle.dumps(result))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return pickle.loads(said) if said else None


@dataclass
class Run:
    """What pytest calls once the tests are collected."""

    module: ModuleType
    sample: int | None

    def pytest_configure(self) -> None:
        """Try few examples, and the same ones every time."""
        from hypothesis import settings  # pytest is the first to import it

        settings.register_profile("mutants", deadline=None, derandomize=True, database=None, max_examples=20)
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Make every change and tell which no test notices."""
        file = str(self.module.__file__)
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
        every = list(changes(tree))
        chosen = every if self.sample is None else random.Random(1).sample(every, min(self.sample, len(every)))
        recorded = in_fork(lambda: _record(session.items, file), 3600)
        if not isinstance(recorded, tuple):
            raise SystemExit(f"the tests do not pass without any change: {recorded}")
        reached, needed = recorded
        for name in needed:
            importlib.import_module(name)
        print(f"{len(session.items)} tests in {sum(seconds for seconds, _ in reached):.0f} s", flush=True)
        survivors, unreached = [], 0
        for change in sorted(chosen, key=lambda change: change.line):
            tests = _quickest(reached, change)
            unreached += not tests
            limit = PATIENCE + 5 * sum(seconds for seconds, _ in tests)
            if (
                tests
                and in_fork(lambda c=change, t=tests: _unnoticed(c, self.module, session.items, t), limit) is not True
            ):
                continue
            survivors.append(change)
            said = " ".join(f"{change.line}: {change.before}  →  {change.after}".split())
            print(said if tests else f"{said}  (not reached)", flush=True)
        among = "" if len(chosen) == len(every) else f" of {len(every)}"
        print(
            f"{self.module.__name__}: {len(chosen)}{among} changes, {len(chosen) - len(survivors)} noticed, "
            f"{len(survivors)} not ({unreached} reached by no test)"
        )
        return True


def _record(items: list[pytest.Item], file: str) -> tuple[list[tuple[float, set[int]]], list[str]]:
    """Run every test; return how long each took and which lines it reached, and the modules they needed."""
    before = set(sys.modules)
    reached = []
    for item in items:
        tracer = coverage.Coverage(data_file=None, include=[file], config_file=False, messages=False)
        start = time.perf_counter()
        with tracer.collect():
            if not _passes(item):
                raise AssertionError(item.nodeid)
        with warnings.catch_warnings(action="ignore"):  # that nothing was reached
            reached.append((time.perf_counter() - start, set(tracer.get_data().lines(file) or ())))
    return reached, [name for name in sys.modules if name not in before and name.startswith(("scipy", "livingreview"))]


def _quickest(reached: list[tuple[float, set[int]]], change: Change) -> list[tuple[float, int]]:
    """Return the tests that reach a change, as seconds and index, as many as there is time for."""
    tests = sorted(
        (seconds, index)
        for index, (seconds, lines) in enumerate(reached)
        if (lines & set(change.lines) if change.function else lines)
    )
    until = accumulate(seconds for seconds, _ in tests)
    return [test for test, end in zip(tests, until, strict=True) if end - test[0] < ENOUGH]


def _unnoticed(change: Change, module: ModuleType, items: list[pytest.Item], tests: list[tuple[float, int]]) -> bool:
    make(change, module)
    return all(_passes(items[index]) for _, index in tests)


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in runtestprotocol(item, log=False, nextitem=None))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("module", help="of livingreview.synthesis or livingreview.reconstruction")
    parser.add_argument("--sample", type=int, help="make only so many changes, drawn at random")
    arguments = parser.parse_args()
    package = ROOT / "src" / "livingreview"
    paths = [package / folder / f"{arguments.module}.py" for folder in ("synthesis", "reconstruction")]
    file = next(filter(Path.is_file, paths), None)
    if file is None:
        parser.error(f"no module of the engine is called {arguments.module}")
    os.chdir(ROOT)
    module = importlib.import_module(f"livingreview.{file.parent.name}.{arguments.module}")
    names = TESTS.get(arguments.module, (arguments.module,))
    tests = [f"tests/test_{name}.py" for name in names]
    return int(pytest.main(["-q", "-s", str(file), *tests], plugins=[Run(module, arguments.sample)]))


if __name__ == "__main__":
    sys.exit(main())
