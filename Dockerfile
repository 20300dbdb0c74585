# The operator's image, for who has a container engine: the files, user and entry point that `make image` gives it without one.
# hack/image/operator.ts says what is in it, for both; test/integration/dockerfile.test.ts holds this file against that.
FROM node:24-bookworm AS files
WORKDIR /src
COPY . .
RUN npm ci --no-audit --no-fund
RUN node_modules/.bin/node hack/image/main.ts stage operator /image

FROM scratch
COPY --from=files --chown=0:0 /image/ /
ENV NODE_ENV=production
WORKDIR /app
USER 65532:65532
ENTRYPOINT ["/usr/bin/node", "--optimize-for-size", "--max-semi-space-size=4", "/app/genops.mjs"]
