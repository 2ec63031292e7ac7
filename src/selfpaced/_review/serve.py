"""Serve a review on this machine until it is stopped."""

import os
import socket
from collections.abc import Callable
from secrets import token_urlsafe

import uvicorn

from selfpaced._review.app import make_app
from selfpaced._review.desk import Desk

# The address of this machine that other machines do not reach.
HOST = "127.0.0.1"
# The number of random bytes of a token.
TOKEN_BYTES = 24
# Seconds for which requests that are being answered may go on when the server stops.
LAST_SECONDS = 3


def serve(desk: Desk, began: Callable[[str], None], *, port: int = 0) -> None:
    """Serve a review until Ctrl-C or SIGTERM, which are raised again after the server has closed.

    Args:
        desk: The review.
        began: Called with the address of the page, when the server listens.
        port: The port; 0 for any that is free.

    Raises:
        OSError: If the port is in use.
    """
    listening = listen(port)
    with listening:
        at = int(listening.getsockname()[1])
        token = token_urlsafe(TOKEN_BYTES)
        config = uvicorn.Config(
            make_app(desk, token, at),
            access_log=False,  # the address holds the token
            log_level="error",
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=LAST_SECONDS,
        )
        began(f"http://{HOST}:{at}/{token}/")
        uvicorn.Server(config).run(sockets=[listening])


def listen(port: int) -> socket.socket:
    """Return a socket that listens on this machine only.

    Raises:
        OSError: If the port is in use.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # a port of a review that has just ended; elsewhere this would share it
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((HOST, port))
        made.listen()
    except (OSError, OverflowError) as error:
        made.close()
        reason = getattr(error, "strerror", None) or error
        raise OSError(
            f"port={port} cannot be used: {reason}. Choose another port, or leave it out."
        ) from error
    return made
