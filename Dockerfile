# One image for all services; docker-compose.yml says which of them a container runs.
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never \
    UV_PYTHON_PREFERENCE=only-system
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
WORKDIR /nashr
# What the lock names comes first: these layers change with the lock, not with every edit.
COPY pyproject.toml uv.lock ./
COPY shared/pyproject.toml shared/
COPY services/ingest/pyproject.toml services/ingest/
COPY services/images/pyproject.toml services/images/
COPY services/related/pyproject.toml services/related/
COPY services/cards/pyproject.toml services/cards/
COPY services/delivery/pyproject.toml services/delivery/
RUN uv sync --locked --no-default-groups --no-install-workspace
COPY shared shared
COPY services services
RUN uv sync --locked --no-default-groups --no-editable

FROM ${BASE}
LABEL org.opencontainers.image.title="nashr" \
      org.opencontainers.image.description="Arabic-first news publishing, self-hosted" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY LICENSE infra/containers/answers.py /nashr/
COPY --from=build /nashr/.venv /nashr/.venv
ENV PATH=/nashr/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=262144 \
    MALLOC_TRIM_THRESHOLD_=262144 \
    NASHR_ENV=production \
    NASHR_DATA=/tmp \
    NASHR_BIND=0.0.0.0
# A number, so that whoever runs it can see that it is not root. No file of the image is its own.
USER 10001:10001
WORKDIR /tmp
CMD ["nashr", "--help"]
