# Targets: `recist3d` (command line and workers), `recist3d-gpu` (the same on CUDA), `services` (engine and S3 server).
# All of them are built by the same setup script that a clone runs.

FROM node:20-bookworm AS clone
RUN apt-get update && apt-get install -y --no-install-recommends python3-pip && rm -rf /var/lib/apt/lists/*
WORKDIR /recist3d
ENV RECIST3D_CACHE=/var/cache/recist3d
# Before the sources, so that a change of ours does not fetch everything again.
COPY package.json package-lock.json .npmrc ./
COPY scripts scripts
COPY tools tools
RUN node scripts/setup.mjs --only npm,tfjs && rm -r "$RECIST3D_CACHE"
COPY . .
RUN node scripts/setup.mjs --only npm,tfjs,bundle && rm -rf "$RECIST3D_CACHE"

FROM node:20-bookworm-slim AS recist3d
COPY --from=clone --chown=node:node /recist3d /recist3d
ENV NODE_ENV=production RECIST3D_SETUP=none RECIST3D_HOME=/home/node/recist3d PATH=/recist3d/bin:$PATH
RUN install -d -o node -g node /home/node/recist3d
USER node
WORKDIR /home/node
ENTRYPOINT ["recist3d"]
CMD ["--help"]

# tfjs-node-gpu 4.22 is built for CUDA 11 and cuDNN 8; its installer fetches libtensorflow.
FROM nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04 AS recist3d-gpu
COPY --from=node:20-bookworm-slim /usr/local /usr/local
COPY --from=clone /recist3d /recist3d
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates g++ make python3 && rm -rf /var/lib/apt/lists/* \
  && npm install --prefix /recist3d --no-save --ignore-scripts=false @tensorflow/tfjs-node-gpu@4.22.0 \
  && useradd --create-home node && install -d -o node -g node /home/node/recist3d
ENV NODE_ENV=production RECIST3D_SETUP=none RECIST3D_HOME=/home/node/recist3d PATH=/recist3d/bin:$PATH
USER node
WORKDIR /home/node
ENTRYPOINT ["recist3d"]
CMD ["--help"]

FROM golang:1.26-bookworm AS tools
COPY --from=node:20-bookworm-slim /usr/local/bin/node /usr/local/bin/node
WORKDIR /recist3d
COPY package.json package-lock.json ./
COPY scripts scripts
COPY tools tools
RUN node scripts/setup.mjs --only tools,server \
  && mkdir /programs && cp --dereference .bin/temporal .bin/temporal-server .bin/temporal-sql-tool .bin/versitygw /programs

FROM debian:bookworm-slim AS services
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl && rm -rf /var/lib/apt/lists/* \
  && useradd --create-home services && install -d -o services -g services /store
COPY --from=tools /programs /usr/local/bin
COPY deploy /deploy
USER services
WORKDIR /
