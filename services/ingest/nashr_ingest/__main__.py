"""``python -m nashr_ingest``: the API process that ``nashr up`` starts."""

from __future__ import annotations

import uvicorn
from nashr import bootstrap

from nashr_ingest.app import CONNECTIONS, create_app
from nashr_ingest.connections import PatientProtocol

PATIENCE = 6.0  # longer than lock_timeout; with a new connection's 3 s, an answer comes within 10


def main() -> None:
    """Serves until SIGTERM; requests in hand are finished."""
    runtime = bootstrap.runtime(
        "ingest", pool=CONNECTIONS, patience=PATIENCE, uses=("originals",), answers=True
    )
    uvicorn.run(
        create_app(runtime),
        host=runtime.settings.bind,
        port=runtime.settings.api_port,
        loop="uvloop",
        http=PatientProtocol,
        log_config=None,  # in the form of all our logs
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
        server_header=False,
        proxy_headers=False,  # origin.py reads them, from proxies that the settings name
    )


if __name__ == "__main__":
    main()
