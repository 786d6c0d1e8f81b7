# The image of a renderq worker, or of any other command:
#   docker build -t renderq .
#   docker run --rm renderq --help
#   docker run --rm -v "$PWD:/work" --user "$(id -u):$(id -g)" -e RENDERQ_STATE_DIR=.renderq renderq run catalog.csv
#
# Node 24 because the tests run on it, slim (Debian) because sharp brings its prebuilt libraries for glibc.

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Without scripts: `prepare` would build, and the sources are not there yet.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Without scripts: `prepare` needs TypeScript, which is not installed here. No dependency needs its own.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
LABEL org.opencontainers.image.title="renderq" \
      org.opencontainers.image.description="Renders a manifest of prompts with the OpenAI Images API into S3 or a folder" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production \
    RENDERQ_STATE_DIR=/var/lib/renderq
# Manifests are read from /work, and folder stores end up there; the spool must outlive the container.
RUN install -d -o node -g node -m 0755 /work && install -d -o node -g node -m 0700 /var/lib/renderq
COPY --from=dependencies /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
COPY package.json LICENSE /app/
COPY jobs /app/jobs
USER node
WORKDIR /work
VOLUME /var/lib/renderq
STOPSIGNAL SIGTERM
# Node itself and not npm, which does not pass SIGTERM on: the worker would be killed with paid calls in flight.
# No HEALTHCHECK: a worker listens on no port yet, and one that can't go on ends by itself.
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["worker"]
