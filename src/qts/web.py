"""The composition root of the web process: the API, with the pages mounted beside it, in one server."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

from qts.api.server import create_api
from qts.app.settings import Settings
from qts.app.workspace import Workspace, open_workspace
from qts.ui.asgi import streamlit_app

_SHUTDOWN_SECONDS = 3


def create_web(workspace: Workspace) -> FastAPI:
    """Return the whole web application: ``/api`` and ``/health`` first, the pages for everything else."""
    pages = streamlit_app(workspace)
    app = create_api(workspace, lifespan=pages.lifespan())
    app.mount("/", pages)
    return app


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM."""
    with open_workspace(settings) as workspace:
        uvicorn.run(
            create_web(workspace),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            server_header=False,
            # Behind no proxy of ours: headers that claim another client are not believed.
            proxy_headers=False,
        )
