"""Can someone who knows Python use the engine from its docstrings and the README alone?"""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import FunctionType

import pytest

from livingreview import reconstruction, synthesis
from livingreview.pool import pooling, tables
from livingreview.synthesis import bias, influence, metadisc, multilevel, refits, univariate, utility

#: Modules whose pages are made of all that they name.
WHOLE = (reconstruction, tables, pooling, univariate, refits, multilevel, bias, influence, utility, metadisc)
PUBLIC = {
    f"{module.__name__}.{name}": thing
    for module in (synthesis, *WHOLE)
    for name in module.__all__
    if isinstance(thing := getattr(module, name), type | FunctionType)
}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_says_what_goes_in_what_comes_out_and_shows_it(name: str) -> None:
    thing = PUBLIC[name]
    says = inspect.getdoc(thing) or ""
    assert "\nExamples\n---" in says
    wanted = ("Parameters", "Returns") if isinstance(thing, FunctionType) else ("Parameters",)
    # A measure among others says whose parameters it shares.
    assert "parameters as :func:" in says or all(f"\n{section}\n---" in says for section in wanted)
    for member in vars(thing).values() if isinstance(thing, type) else ():
        getter = member.fget if isinstance(member, property) else getattr(member, "func", None)
        # Before a colon on the first line the reference expects a type.
        assert getter is None or ": " not in inspect.getdoc(getter).splitlines()[0]


def test_each_public_name_stands_once_in_the_reference() -> None:
    chapters = Path(__file__).parents[1] / "chapters"
    text = "\n".join(path.read_text(encoding="utf-8") for path in chapters.glob("engine*.md"))
    named = re.findall(r"\.\. auto(?:class|function):: (\w+)", text)
    assert sorted(named) == sorted(synthesis.__all__)
    for module in WHOLE:
        assert f".. automodule:: {module.__name__}\n" in text


def test_what_the_readme_shows_runs(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", readme, flags=re.DOTALL)
    exec(block, {})  # this repository's own text
    assert "HSROC" in capsys.readouterr().out
