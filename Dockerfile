# The controller's image: one static program, certificates, nobody's account.
#
#   docker build -t REGISTRY/karpenter/controller:0.1.0 .
FROM rust:1.95-alpine AS build
RUN apk add --no-cache build-base ca-certificates cmake git perl
WORKDIR /src
COPY . .
# The image has the toolchain that is wanted; what rust-toolchain.toml asks for beside it is not needed.
RUN rm -f rust-toolchain.toml && cargo build --release --locked --package karpenter --bin karpenter

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/karpenter /karpenter
ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/karpenter"]
