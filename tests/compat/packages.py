"""Packages that people preload, each with a program that uses it.

A program defines use(), which raises where the package does not work.  It is
run in a child whose template has preloaded MODULES, then in a grandchild that
the child forks, then in the child again.
"""

import dataclasses
import textwrap


@dataclasses.dataclass
class Package:
    name: str
    modules: list[str]
    program: str
    allow: tuple[str, ...] = ()  # what its import leaves behind
    ci: bool = False  # part of `make check`


def _package(name, modules, program, **more):
    return Package(name, modules.split(), textwrap.dedent(program), **more)


PACKAGES = [
    _package(
        "numpy",
        "numpy numpy.linalg numpy.random",
        """
        import numpy

        def use():
            a = numpy.arange(250_000.0).reshape(500, 500) + numpy.eye(500) * 1e6
            assert numpy.allclose(numpy.linalg.solve(a, a @ numpy.ones(500)), 1)
            assert numpy.random.default_rng(7).integers(100, size=3).tolist() == [94, 62, 68]
        """,
        ci=True,
    ),
    _package(
        "pandas",
        "pandas",
        """
        import io, pandas

        def use():
            frame = pandas.read_csv(io.StringIO("k,v\\na,1\\nb,2\\na,4\\n"))
            assert frame.groupby("k").v.sum().to_dict() == {"a": 5, "b": 2}
            day = pandas.Timestamp("2026-02-28") + pandas.offsets.BDay(1)
            assert str(day.date()) == "2026-03-02"
        """,
        ci=True,
    ),
    _package(
        "lxml",
        "lxml.etree",
        """
        from lxml import etree

        def use():
            tree = etree.fromstring(b"<a><b n='1'/><b n='2'/></a>")
            assert tree.xpath("sum(//b/@n)") == 3
            try:
                etree.fromstring("<a>")
            except etree.XMLSyntaxError:
                pass
        """,
        ci=True,
    ),
    _package(
        "ssl",
        "ssl hashlib",
        """
        import hashlib, ssl

        def use():
            assert hashlib.sha256(b"x").hexdigest().startswith("2d711642")
            context = ssl.create_default_context()
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname="x")
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            assert outgoing.read(1) == b"\\x16"
        """,
        ci=True,
    ),
    _package(
        "sqlite3",
        "sqlite3",
        """
        import sqlite3

        def use():
            db = sqlite3.connect(":memory:")
            db.create_function("twice", 1, lambda v: 2 * v)
            assert db.execute("select twice(21)").fetchone() == (42,)
            db.close()
        """,
        ci=True,
    ),
    _package(
        "ctypes callbacks",
        "ctypes",
        """
        import ctypes, threading

        libc = ctypes.CDLL(None)
        COMPARE = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.POINTER(ctypes.c_int)] * 2)
        START = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)

        def use():
            numbers = (ctypes.c_int * 5)(5, 1, 4, 2, 3)
            compare = COMPARE(lambda a, b: a[0] - b[0])
            libc.qsort(numbers, 5, ctypes.sizeof(ctypes.c_int), compare)
            assert list(numbers) == [1, 2, 3, 4, 5]
            # A callback on a thread that Python has not made.
            seen, thread = [], ctypes.c_ulong()
            start = START(lambda _: seen.append(threading.get_native_id()))
            assert libc.pthread_create(ctypes.byref(thread), None, start, None) == 0
            assert libc.pthread_join(thread, None) == 0
            assert seen and seen != [threading.get_native_id()]
        """,
        ci=True,
    ),
    _package(
        "scipy.linalg",
        "scipy.linalg",
        """
        import numpy, scipy.linalg

        def use():
            a = numpy.arange(9.0).reshape(3, 3) + numpy.eye(3)
            lu = scipy.linalg.lu_factor(a)
            assert numpy.allclose(scipy.linalg.lu_solve(lu, a @ [1, 2, 3]), [1, 2, 3])
            assert numpy.allclose(scipy.linalg.expm(numpy.zeros((2, 2))), numpy.eye(2))
        """,
    ),
    _package(
        "matplotlib (Agg)",
        "matplotlib matplotlib.backends.backend_agg matplotlib.pyplot",
        """
        import io, matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot

        def use():
            figure, axes = pyplot.subplots()
            axes.plot([1, 2, 3], [2, 1, 3])
            axes.set_title("title")
            file = io.BytesIO()
            figure.savefig(file, format="png")
            pyplot.close(figure)
            assert file.getvalue().startswith(b"\\x89PNG")
        """,
    ),
    _package(
        "psycopg2",
        "psycopg2",
        """
        import psycopg2, psycopg2.extensions

        def use():
            try:
                psycopg2.connect(host="/nowhere", dbname="x")
            except psycopg2.OperationalError as exc:
                assert "No such file" in str(exc)
            else:
                raise AssertionError("connected")
            quoted = psycopg2.extensions.adapt("it's")
            assert quoted.getquoted() == b"'it''s'"
        """,
    ),
    _package(
        "cryptography",
        "cryptography.fernet cryptography.hazmat.primitives.asymmetric.ec",
        """
        from cryptography.fernet import Fernet
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        def use():
            box = Fernet(Fernet.generate_key())
            assert box.decrypt(box.encrypt(b"secret")) == b"secret"
            key = ec.generate_private_key(ec.SECP256R1())
            signature = key.sign(b"text", ec.ECDSA(hashes.SHA256()))
            key.public_key().verify(signature, b"text", ec.ECDSA(hashes.SHA256()))
        """,
    ),
    _package(
        "cffi callbacks",
        "cffi",
        """
        import cffi

        ffi = cffi.FFI()
        ffi.cdef("void qsort(void *, size_t, size_t, int (*)(const void *, const void *));")
        libc = ffi.dlopen(None)

        def use():
            @ffi.callback("int(const void *, const void *)")
            def compare(a, b):
                return ffi.cast("int *", a)[0] - ffi.cast("int *", b)[0]

            numbers = ffi.new("int[]", [3, 1, 2])
            libc.qsort(numbers, 3, 4, compare)
            assert list(numbers) == [1, 2, 3]
        """,
    ),
    _package(
        "zmq",
        "zmq",
        """
        import zmq

        def use():
            with zmq.Context() as context:
                with context.socket(zmq.PAIR) as a, context.socket(zmq.PAIR) as b:
                    a.bind("inproc://x")
                    b.connect("inproc://x")
                    a.send(b"hello")
                    assert b.poll(10_000) and b.recv() == b"hello"
        """,
    ),
    _package(
        "grpc",
        "grpc",
        """
        import grpc

        def use():
            with grpc.insecure_channel("unix:/nowhere") as channel:
                call = channel.unary_unary("/a/b")
                try:
                    call(b"x", timeout=5)
                except grpc.RpcError as exc:
                    assert exc.code() is grpc.StatusCode.UNAVAILABLE, exc
        """,
    ),
    _package(
        "uvloop",
        "uvloop",
        """
        import asyncio, uvloop

        async def main():
            process = await asyncio.create_subprocess_exec("true")
            assert await process.wait() == 0
            await asyncio.sleep(0.01)
            return await asyncio.to_thread(lambda: 7)

        def use():
            assert uvloop.run(main()) == 7
        """,
    ),
    _package(
        "Django",
        "django django.http django.template django.test",
        """
        import django
        from django.conf import settings

        if not settings.configured:
            settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])
            django.setup()
        from django.http import HttpResponse
        from django.test import Client
        from django.urls import path

        urlpatterns = [path("hello/", lambda request: HttpResponse("hello"))]

        def use():
            assert Client().get("/hello/").content == b"hello"
        """,
    ),
    _package(
        "Flask",
        "flask",
        """
        import flask

        app = flask.Flask("app")

        @app.get("/hello")
        def hello():
            return {"hello": [1, 2]}

        def use():
            assert app.test_client().get("/hello").json == {"hello": [1, 2]}
        """,
    ),
    _package(
        "PIL",
        "PIL.Image PIL.ImageFilter",
        """
        import io
        from PIL import Image, ImageFilter

        def use():
            image = Image.new("RGB", (64, 64), "red").filter(ImageFilter.BLUR)
            file = io.BytesIO()
            image.resize((8, 8)).save(file, "JPEG")
            assert Image.open(io.BytesIO(file.getvalue())).size == (8, 8)
        """,
    ),
    _package(
        "SQLAlchemy",
        "sqlalchemy sqlite3",
        """
        import sqlalchemy

        def use():
            engine = sqlalchemy.create_engine("sqlite://")
            with engine.connect() as connection:
                assert connection.execute(sqlalchemy.text("select 42")).scalar() == 42
        """,
    ),
    _package(
        "requests",
        "requests",
        """
        import requests

        def use():
            try:
                requests.get("http://127.0.0.1:1/", timeout=5)
            except requests.ConnectionError:
                return
            raise AssertionError("connected")
        """,
    ),
    _package(
        "msgspec",
        "msgspec",
        """
        import msgspec

        class Point(msgspec.Struct):
            x: int

        def use():
            assert msgspec.msgpack.decode(msgspec.msgpack.encode(Point(7)), type=Point).x == 7
        """,
        ci=True,
    ),
]

# Around each program: the child, a grandchild, the child again.
AROUND = """
import os, sys
{imports}
{program}
use()
print("used", flush=True)
if {fork}:
    pid = os.fork()
    if pid == 0:
        try:
            use()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert status == 0, f"the grandchild ended with {{status}}"
    use()
    print("forked and used", flush=True)
"""


def program(package, fork):
    """The whole of it, as `-c` takes it."""
    imports = f"import {', '.join(package.modules)}"
    return AROUND.format(imports=imports, program=package.program, fork=fork)
