//! `cargo run --release --manifest-path tests/bench/Cargo.toml -- [--json] [name...]`
//!
//! Runs our kernels beside named peers, and prints nanoseconds per operation and how many times as long each peer takes.
//! Names select subjects by a part of their name. Each subject has its own file: a function `run` that builds its
//! cases and hands them to the harness.

mod abi;
mod execution;
mod harness;
mod inputs;
mod mul_div;
mod precise;
mod signatures;
mod sqrt;
mod stores;
mod swap;
mod trees;

fn main() {
    let mut bench = harness::Bench::from_args();
    for (subject, run) in [
        ("mul_div", mul_div::run as fn(&mut harness::Bench)),
        ("sqrt", sqrt::run),
        ("precise", precise::run),
        ("swap", swap::run),
        ("abi", abi::run),
        ("signatures", signatures::run),
        ("stores", stores::run),
        ("execution", execution::run),
        ("trees", trees::run),
    ] {
        if bench.wants(subject) {
            run(&mut bench);
        }
    }
    bench.finish();
}
