# In the place of python:3.11-slim: the Python 3.11 of Debian. The lock's packages come from the trial itself.
FROM debian:trial
ARG WHEELS
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends python3 python3-venv python-is-python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /usr/share/doc/* /usr/share/man/* \
    && printf '[global]\nno-index = true\nfind-links = %s\n' "$WHEELS" > /etc/pip.conf
