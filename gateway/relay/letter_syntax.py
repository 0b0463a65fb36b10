"""What templates of letters may say that somebody typed in the console: as hostile as those of the challenge, and richer.

They may have our sentences in them (`_()`, `{% trans %}`), one loop over a short list, and a few filters whose arguments
are written out and small. So nothing a template says can take long, grow, or reach further than the values it is given.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from jinja2 import nodes

from gateway.domain.phrase import Phrase, phrase
from gateway.relay.template_parts import TemplateFault
from gateway.relay.templates import FILTERS

_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Keyword, nodes.If, nodes.CondExpr,
    nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter, nodes.FilterBlock, nodes.Concat,
    nodes.For, nodes.Call, nodes.Mul, nodes.Mod, nodes.MarkSafeIfAutoescape,
)  # fmt: skip
_SENTENCES = frozenset({"_", "gettext", "ngettext", "pgettext", "npgettext"})
_MORE = frozenset({"format", "join", "wordwrap"})
ALLOWED_FILTERS = FILTERS | _MORE
_COLUMN = re.compile(r"%-?[0-9]{1,2}s")
_PLACES = re.compile(r"%\(\w+\)s|%%")
_LONGEST_PIECE = 20
_WIDEST = 200
_MOST_JOINED = 3
_MOST_INSIDE = 20


def check_letter(tree: nodes.Template, file: Path, variables: Collection[str], lists: Collection[str]) -> None:
    """Hold a syntax tree against what is allowed. lists: variables that may be gone through. Raises TemplateFault."""
    loops = list(tree.find_all(nodes.For))
    known = {*variables, *(loop.target.name for loop in loops if isinstance(loop.target, nodes.Name))}
    spoken = {id(call.node) for call in tree.find_all(nodes.Call)}
    for node in tree.find_all(nodes.Node):
        fault = None if id(node) in spoken else _fault(node, known, lists)
        if fault:
            raise TemplateFault(file, node.lineno or 0, fault)
    for node in tree.find_all((nodes.For, nodes.Call, nodes.Concat, nodes.FilterBlock)):
        fault = _of_inside(node)
        if fault:
            raise TemplateFault(file, node.lineno or 0, fault)


def _of_inside(node: nodes.Node) -> Phrase | None:
    """Return what is wrong with what stands in a node: what is put together whole must not be able to grow."""
    if isinstance(node, nodes.FilterBlock):
        if any(node.find_all(nodes.For)) or sum(1 for _ in node.find_all(nodes.Name)) > _MOST_INSIDE:
            return phrase("a loop, or much, stands in no filter block")
    elif any(True for _ in node.find_all(type(node))):
        return phrase("a loop, a sentence or a join of pieces stands in no other")
    elif isinstance(node, nodes.Concat) and len(node.nodes) > _MOST_JOINED:
        return phrase("at most {most} pieces are joined", most=_MOST_JOINED)
    return None


def _fault(node: nodes.Node, known: Collection[str], lists: Collection[str]) -> Phrase | None:
    """Return what is wrong with one node by itself."""
    match node:
        case nodes.Call():
            return _of_call(node)
        case nodes.For():
            through = node.iter.name if isinstance(node.iter, nodes.Name) else ""
            plain = isinstance(node.target, nodes.Name) and not node.recursive and node.test is None
            if not plain or through not in lists:
                return phrase("a loop goes through one of {known}", known=", ".join(lists))
        case nodes.Name():
            if node.name not in known:
                return phrase(
                    "there is no variable {name}; there are {known}",
                    name=repr(node.name), known=", ".join(sorted(known)),
                )  # fmt: skip
        case nodes.Filter():
            return _of_filter(node)
        case nodes.Mul():
            left, right = _const(node.left), _const(node.right)
            small = isinstance(left, str) and isinstance(right, int) and len(left) == 1 and right <= _WIDEST
            if not small:
                return phrase("only a line is drawn so, as {example}", example='"-" * 66')
        case nodes.Mod():
            return phrase("{what} is not allowed; use text, variables, if and filters", what="%")
        case _:
            if not isinstance(node, _NODES):
                return phrase(
                    "{what} is not allowed; use text, variables, if and filters", what=type(node).__name__.lower()
                )
    return None


def _of_call(node: nodes.Call) -> Phrase | None:
    name = node.node.name if isinstance(node.node, nodes.Name) else ""
    if name not in _SENTENCES or node.dyn_args is not None or node.dyn_kwargs is not None:
        return phrase("{what} is not allowed; use text, variables, if and filters", what=phrase("a call"))
    words = [_const(one) for one in node.args if isinstance(one, nodes.Const)]
    # What is filled in stands as it is, some times: a width would let a sentence grow without an end.
    sound = all(
        "%" not in _PLACES.sub("", str(one)) and len(_PLACES.findall(str(one))) <= _MOST_INSIDE for one in words
    )
    if not sound or not any(isinstance(one, str) for one in words):
        return phrase("a sentence has its variables as {example}", example="%(name)s")
    return None


def _of_filter(node: nodes.Filter) -> Phrase | None:
    arguments = [_const(one) for one in node.args]
    match node.name:
        case "format":
            fits = isinstance(node.node, nodes.Const) and bool(_COLUMN.fullmatch(str(node.node.value)))
            fits = fits and len(arguments) == 1 and not node.kwargs
        case "wordwrap":
            fits = bool(arguments) and isinstance(arguments[0], int) and _LONGEST_PIECE <= arguments[0] <= _WIDEST
            fits = fits and all(_is_small(one) for one in arguments[1:]) and not node.kwargs
        case "join":
            fits = all(_is_small(one) for one in arguments) and not node.kwargs
        case name if name in ALLOWED_FILTERS:
            return None
        case _:
            return phrase(
                "filter {name} is not allowed; there are {known}",
                name=repr(node.name), known=", ".join(sorted(ALLOWED_FILTERS)),
            )  # fmt: skip
    return (
        None if fits else phrase("filter {name} is used in another way than the shipped templates do", name=node.name)
    )


def _const(node: nodes.Expr) -> object:
    return node.value if isinstance(node, nodes.Const) else None


def _is_small(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and len(value) <= _LONGEST_PIECE)
