"""What a subinterpreter refuses, and which template would not.

Module `_forkserverd_refusals`.  A promoted child is refused nothing.
"""

import re

_template = ""
_isolated = False
_promote = True  # by the configuration
_promoted = True  # what has become of it

# Type, text, and what it is about.  The texts are CPython's, Cython's and
# PyO3's.
_IMPORT = "an extension module for one interpreter only"
_MAIN = "a thing of the main interpreter"
_REFUSALS = [
    (ImportError, r"does not support loading in subinterpreters", _IMPORT),
    (ImportError, r"failed to import from subinterpreter", _MAIN),
    (ImportError, r"Interpreter change detected", _IMPORT),
    (ImportError, r"PyO3 modules do not yet support subinterpreters", _IMPORT),
    (ValueError, r"only works in main thread of the main interpreter", _MAIN),
    (RuntimeError, r"(fork|preexec_fn) not supported", _MAIN),
]


def describe(template, isolated, promote):
    global _template, _isolated, _promote, _promoted
    _template, _isolated = template, isolated
    _promote = _promoted = promote


def born(promoted):
    global _promoted
    _promoted = promoted


def _kind(exc):
    for type_, text, kind in _REFUSALS:
        if isinstance(exc, type_) and re.search(text, str(exc)):
            return kind
    return None


def _remedy(kind):
    if _promote:
        return (
            f'template "{_template}" is to be promoted, but could not be:'
            " `forkctl templates` has the reason"
        )
    also = kind is _IMPORT and _isolated
    return (
        f'template "{_template}" is unpromoted: promote = true'
        f"{' or mode = \"legacy\"' if also else ''} would do"
    )


def explain(exc):
    """Adds to EXC, and to those within and behind it, what would do instead.

    Returns these remedies.
    """
    remedies = []
    seen, found = set(), [] if _promoted else [exc]
    while found:
        exc = found.pop()
        if exc is None or id(exc) in seen:
            continue
        seen.add(id(exc))
        kind = _kind(exc)
        if kind is not None:
            remedy = _remedy(kind)
            exc.add_note(remedy)
            if remedy not in remedies:
                remedies.append(remedy)
        found += [exc.__cause__, exc.__context__]
        if isinstance(exc, BaseExceptionGroup):
            found += exc.exceptions
    return remedies
