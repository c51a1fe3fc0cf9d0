FROM node:22.14.0-bookworm-slim AS web
WORKDIR /src/dashboard/web
COPY dashboard/web/package.json dashboard/web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY dashboard/web ./
RUN npm run build

FROM python:3.11.12-slim-bookworm AS build
WORKDIR /src
COPY requirements/build.txt requirements/run.txt ./requirements/
# The tools stay behind: what is installed for pumpd has no pip of its own.
RUN python -m venv /tools && python -m venv --without-pip /opt/pumpd \
    && /tools/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
    && /tools/bin/pip --python /opt/pumpd/bin/python install --no-cache-dir --require-hashes \
       -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY pumpd ./pumpd
COPY config ./config
COPY dashboard ./dashboard
COPY --from=web /src/dashboard/static ./dashboard/static
RUN /tools/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /tools/bin/pip --python /opt/pumpd/bin/python install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.11.12-slim-bookworm
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin pumpd \
    && install -d -o pumpd -g pumpd -m 0700 /var/lib/pumpd
COPY --from=build /opt/pumpd /opt/pumpd
USER pumpd
VOLUME /var/lib/pumpd
ENTRYPOINT ["/opt/pumpd/bin/pumpd"]
CMD ["--help"]
