# The one binary, for compose.yaml.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /banyan
COPY . .
RUN cargo build --release --locked --package banyan

FROM debian:bookworm-slim
RUN useradd --create-home --home-dir /data banyan
USER banyan
COPY --from=build /banyan/target/release/banyan /usr/local/bin/banyan
VOLUME /data
ENTRYPOINT ["banyan", "--data", "/data"]
