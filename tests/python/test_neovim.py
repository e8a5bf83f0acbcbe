"""A MessagePack-RPC client that is not ours: neovim's."""

import shutil
import subprocess

SCRIPT = """
let s = sockconnect('pipe', '{socket}', {{'rpc': v:true}})
echo 'ping' len(rpcrequest(s, 'ping').instance)
for x in range(3)
  let c = rpcrequest(s, 'spawn', {{'call': 'jobs:echo', 'args': [x]}})
  let r = rpcrequest(s, 'wait', {{'id': c.id}})
  echo 'child' r.exit_code r.result
endfor
qa!
"""


def test_neovim_pings_spawns_and_waits(daemon, tmp_path):
    assert shutil.which("nvim"), "neovim is in tests/env/packages"
    script = tmp_path / "client.vim"
    script.write_text(SCRIPT.format(socket=daemon))
    done = subprocess.run(
        ["nvim", "--headless", "--clean", "-u", "NONE", "-S", script],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    # neovim answers each `exited` with a notification: it must do no harm.
    assert done.stderr.split("\n") == [
        "ping 32",
        "child 0 [[0], {}]",
        "child 0 [[1], {}]",
        "child 0 [[2], {}]",
    ]
