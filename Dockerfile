# The service without the demo's embedded servers. Two images: `service`, and `console`, which can
# read Word files too. They carry what requirements.lock names, each file checked by its hash, and
# nothing that builds. By digest: --build-arg PYTHON=3.11-slim-trixie@sha256:…, as `docker buildx
# imagetools inspect python:3.11-slim-trixie` prints it. With traces (VOTING_TRACES_URL):
# --build-arg REQUIREMENTS=requirements-traces.lock.
ARG PYTHON=3.11-slim-trixie

FROM python:${PYTHON} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
ARG REQUIREMENTS=requirements.lock
COPY requirements-build.lock ${REQUIREMENTS} ./
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --only-binary :all: --require-hashes -r requirements-build.lock \
    && python -m venv --without-pip /opt/service \
    && /opt/build/bin/pip --python /opt/service/bin/python install --only-binary :all: \
       --require-hashes -r "${REQUIREMENTS}"
COPY pyproject.toml README.md hatch_build.py ./
COPY browser browser
COPY locale locale
COPY migrations migrations
COPY voting_service voting_service
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/build/bin/pip --python /opt/service/bin/python install --no-deps --no-index \
       /wheel/*.whl

FROM python:${PYTHON} AS service
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin voting
COPY --from=build /opt/service /opt/service
ENV PATH=/opt/service/bin:$PATH PYTHONUNBUFFERED=1 VOTING_HOST=0.0.0.0 VOTING_PORT=8000
USER 10001:10001
EXPOSE 8000 8001
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f\"http://127.0.0.1:{os.environ['VOTING_PORT']}/healthz\", timeout=2)"]
ENTRYPOINT ["voting-service"]
CMD ["serve"]

# LibreOffice lays out the Word files that officers upload. Debian corrects its faults, so no version
# is named: build anew, with --no-cache, when it does.
FROM service AS console
USER 0:0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
       libreoffice-writer-nogui fonts-liberation fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*
USER 10001:10001
CMD ["console"]
