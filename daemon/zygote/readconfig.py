"""Reads a configuration file, for `forkserver-zygote --read-config`.

TOML's parser does not tell where a value stands. So the file is parsed once
more, statement by statement: lines are added to one until it parses by itself.
"""

import tomllib


def read(path):
    """The values, the line of each table and key, and why not, or None."""
    name = path.encode(errors="backslashreplace").decode()
    try:
        with open(path, "rb") as file:
            text = file.read().decode()
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        return None, None, f"{name}:{exc.lineno}:{exc.colno}: {exc.msg}"
    except OSError as exc:
        return None, None, f"{name}: {exc.strerror}"
    except ValueError as exc:
        return None, None, f"{name}: {exc}"
    return _plain(values), _places(text), None


def _plain(value):
    """Dates become text; nothing else of TOML is unknown to MessagePack."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_plain(v) for v in value]
    known = isinstance(value, (bool, int, float, str))
    return value if known else str(value)


def _places(text):
    lines, table, statement, first = {}, (), "", 0
    for number, line in enumerate(text.split("\n"), 1):
        first = first or number
        statement += line + "\n"
        try:
            found = tomllib.loads(statement)
        except tomllib.TOMLDecodeError:
            continue
        if statement.lstrip().startswith("["):
            table = _note(lines, found, (), first)
        else:
            _note(lines, found, table, first)
        statement, first = "", 0
    return lines


def _note(lines, found, path, line):
    """Returns the path of the last that was found."""
    last = path
    for key, value in found.items():
        lines.setdefault(".".join((*path, key)), line)
        last = (*path, key)
        if isinstance(value, list) and value and isinstance(value[-1], dict):
            value = value[-1]
        if isinstance(value, dict):
            last = _note(lines, value, last, line)
    return last
