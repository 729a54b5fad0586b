# Kong with the plugin: Node.js and one file, found by its name.
#
#   docker build .                                                    Kong's Debian and Ubuntu images
#   docker build --target rhel --build-arg KONG_IMAGE=IMAGE .         those with microdnf or dnf
#   docker build --target distroless --build-arg KONG_IMAGE=IMAGE .   those without a shell
#
# The digests are those of the lists for all platforms; a newer base image is a new release (SECURITY.md).
ARG KONG_IMAGE=kong:3.9.3@sha256:62721edc9669e2a96fe9d188ab8950b9105e69abb033129624a72d3e10da6777
ARG NODE_IMAGE=node:22.23.3-bookworm-slim@sha256:43ac6c60b8f89723f746e8a92ce91abd5017e627ce1ddfe4238355d3a30b772c

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci
COPY . .
RUN npm run build

FROM ${KONG_IMAGE} AS distroless
COPY --from=build /usr/local/bin/node /usr/local/bin/node
# What the Node.js binary is linked with and such an image may lack; lib64 is searched by the loaders of both families.
COPY --from=build /usr/lib/*-linux-gnu/libstdc++.so.6 /lib/*-linux-gnu/libgcc_s.so.1 /usr/lib64/
COPY --from=build /src/dist/ssl-cert-reloader.cjs /usr/local/lib/ssl-cert-reloader/ssl-cert-reloader.cjs
# The file begins with a line for a shell; without one Node.js is named.
ENV KONG_PLUGINS=bundled,ssl-cert-reloader \
    KONG_PLUGINSERVER_NAMES=ssl-cert-reloader \
    KONG_PLUGINSERVER_SSL_CERT_RELOADER_START_CMD="/usr/local/bin/node --no-node-snapshot --no-opt --max-semi-space-size=1 --no-parallel-scavenge --expose-gc /usr/local/lib/ssl-cert-reloader/ssl-cert-reloader.cjs" \
    KONG_PLUGINSERVER_SSL_CERT_RELOADER_QUERY_CMD="/usr/local/bin/node /usr/local/lib/ssl-cert-reloader/ssl-cert-reloader.cjs -dump"

FROM ${KONG_IMAGE} AS rhel
USER root
RUN if command -v microdnf; then microdnf install -y libstdc++ && microdnf clean all; else dnf install -y libstdc++ && dnf clean all; fi
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /src/dist/ssl-cert-reloader.cjs /usr/local/bin/ssl-cert-reloader
ENV KONG_PLUGINS=bundled,ssl-cert-reloader \
    KONG_PLUGINSERVER_NAMES=ssl-cert-reloader
# Fails the build where the plugin could not be loaded.
RUN ssl-cert-reloader -dump > /dev/null
USER kong

FROM ${KONG_IMAGE} AS debian
USER root
RUN apt-get update && apt-get install -y --no-install-recommends libstdc++6 && rm -rf /var/lib/apt/lists/*
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /src/dist/ssl-cert-reloader.cjs /usr/local/bin/ssl-cert-reloader
ENV KONG_PLUGINS=bundled,ssl-cert-reloader \
    KONG_PLUGINSERVER_NAMES=ssl-cert-reloader
# The name under which Kong before 3.9 looks for the query command.
RUN ln -s ssl-cert-reloader /usr/local/bin/query_ssl-cert-reloader && ssl-cert-reloader -dump > /dev/null
USER kong
