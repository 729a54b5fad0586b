# Kong with the plugin: Node.js and one file, found by its name.
ARG KONG_VERSION=3.9
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM kong:${KONG_VERSION}
USER root
# What the Node.js binary is linked with and a slim image may lack.
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /src/dist/ssl-cert-reloader.cjs /usr/local/bin/ssl-cert-reloader
ENV KONG_PLUGINS=bundled,ssl-cert-reloader \
    KONG_PLUGINSERVER_NAMES=ssl-cert-reloader
# The name under which Kong before 3.9 looks for the query command.
RUN ln -s ssl-cert-reloader /usr/local/bin/query_ssl-cert-reloader
# Fails the build where the plugin could not be loaded.
RUN ssl-cert-reloader -dump > /dev/null
USER kong
