# For habit's sake; nothing depends on it. Each line is the plain command.

default: fmt clippy test

fmt:
    cargo fmt --all

clippy:
    cargo clippy --workspace --all-targets -- -D warnings

build:
    cargo build --release --workspace

test:
    cargo test --workspace

# Figures, not a test. Some of them need root (a LAN of network namespaces): `just bench`, `just bench loopback-1`
bench *names:
    cargo run --release -p lanspread-tests --bin bench -- {{names}}
