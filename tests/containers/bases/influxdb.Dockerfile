# In the place of influxdb:2: Debian's InfluxDB 1.6 behind the tests' proxy for the write path of 2.x.
FROM debian:trial
RUN groupadd --gid 1000 influxdb && useradd --uid 1000 --gid 1000 --create-home influxdb \
    && apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends influxdb python3 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && mkdir -p /var/lib/influxdb2 && chown influxdb:influxdb /var/lib/influxdb2
COPY influx_proxy.py influx_stand_in.py /usr/local/lib/stand-in/
RUN printf '#!/bin/sh\nexec python3 /usr/local/lib/stand-in/influx_stand_in.py "$@"\n' > /usr/local/bin/influx \
    && chmod 755 /usr/local/bin/influx /usr/local/lib/stand-in/*
VOLUME /var/lib/influxdb2
CMD ["python3", "/usr/local/lib/stand-in/influx_stand_in.py"]
