"""A child's standard streams: module `_forkserverd_stdio`.

They were made with the template, on other files and in another environment.
"""

import io
import locale as _locale
import os
import sys

# As in Python/initconfig.c: where input and output may hold any bytes.
_ANY_BYTES = {"C", "POSIX", "C.UTF-8", "C.utf8", "UTF-8"}


def follow(locale):
    """Encodes as python does where LC_CTYPE is that LOCALE."""
    legacy = locale in ("C", "POSIX")
    encoding = "utf-8" if legacy else _locale.getencoding()
    errors = "surrogateescape" if locale in _ANY_BYTES else "strict"
    for stream in (sys.stdin, sys.stdout):
        if stream.errors != errors or stream.encoding.lower() != encoding.lower():
            stream.reconfigure(encoding=encoding, errors=errors)
    if sys.stderr.encoding.lower() != encoding.lower():
        sys.stderr.reconfigure(encoding=encoding)


def begin():
    """Buffers as what is at the descriptors now asks for."""
    if "PYTHONUNBUFFERED" in os.environ:
        sys.stdout = sys.__stdout__ = _unbuffered(sys.stdout)
        sys.stderr = sys.__stderr__ = _unbuffered(sys.stderr)
    elif sys.stdout.line_buffering != os.isatty(1):
        sys.stdout.reconfigure(line_buffering=os.isatty(1))


def _unbuffered(stream):
    raw = io.FileIO(stream.fileno(), "w", closefd=False)
    raw.name = stream.name
    made = io.TextIOWrapper(
        raw,
        stream.encoding,
        stream.errors,
        "\n",
        line_buffering=False,
        write_through=True,
    )
    made.mode = "w"
    return made


def flush():
    """False where standard output could not take what was left."""
    done = True
    for file in (sys.stdout, sys.stderr):
        if file is None or file.closed:
            continue
        try:
            file.flush()
        except Exception as exc:
            if file is sys.stdout:
                done = False
                _show_ignored(exc)
    return done


def _show_ignored(exc):
    import traceback

    try:
        text = "".join(traceback.format_exception_only(exc))
        print("Exception ignored while flushing sys.stdout:", file=sys.stderr)
        sys.stderr.write(text)
        sys.stderr.flush()
    except Exception:
        pass
