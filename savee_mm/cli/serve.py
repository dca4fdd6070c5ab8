"""The service, and the page with camera and microphone."""

import secrets
import threading
import time
import webbrowser
from contextlib import suppress
from urllib.parse import quote

import click

from savee_mm import load_card
from savee_mm.cli._text import echo

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that only programs on the same machine reach."""


def run_serve(model_file, *, host, port, token=None, allow_hosts=(), opens=False, limits=None):
    """Serve a model until Ctrl-C.

    Parameters
    ----------
    model_file : str
        Model file.
    host : str
        Address to listen on.
    port : int
        Port; 0 for a free one.
    token : str, default=None
        Access token; None is a random one if other machines reach the service.
    allow_hosts : sequence of str, default=()
        Names, apart from ``host`` and ``localhost``, by which the service is called.
    opens : bool, default=False
        Whether to open the page in the browser.
    limits : dict, default=None
        Arguments of :class:`~savee_mm.service.app.Limits`.

    Raises
    ------
    click.ClickException
        If the packages of the service are missing.
    """
    load_card(model_file)  # raises before the server starts
    try:
        import uvicorn

        from savee_mm.service.app import Limits, make_app
    except ImportError as error:
        raise click.ClickException(f"{error.name} is missing: pip install 'savee-mm[serve]'") from error
    # A proxy for these names makes the service public.
    if not token and (host not in LOOPBACK or allow_hosts):
        token = secrets.token_urlsafe(24)
    names = ["localhost", *(name.lower() for name in (host, *allow_hosts))]
    app = make_app(model_file, limits=Limits(**limits or {}), token=token or None, hosts=names)
    # No access log: addresses may have the token. Sound and images do not need compression.
    config = uvicorn.Config(
        app, host=host, port=port, ws="websockets-sansio", ws_max_size=4_000_000, ws_per_message_deflate=False,
        limit_concurrency=256, access_log=False, log_level="warning", server_header=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = uvicorn.Server(config)
    threading.Thread(target=_announce, args=(server, host, token, opens), daemon=True).start()
    # After its shutdown, the server raises again what ended it.
    with suppress(KeyboardInterrupt):
        server.run()


def _announce(server, host, token, opens):
    """Print the address when the server listens, and open it."""
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    everywhere = host in ("0.0.0.0", "::")
    host = "127.0.0.1" if everywhere else host
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    url += f"?token={quote(token)}" if token else ""
    echo(f"{url} is the page for camera and microphone; requests: {url.partition('?')[0]}docs; Ctrl-C ends.", err=True)
    if everywhere:
        echo("Other machines call it by an IP address of this one, or by a name that --allow-host allows.", err=True)
    if opens:
        webbrowser.open(url)
