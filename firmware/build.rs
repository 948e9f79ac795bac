//! Links for the board that a feature chooses: its memory.x, the start-up code's script, and the table of log texts.

use std::env::var;

fn main() {
    let board = if var("CARGO_FEATURE_MPS3_AN524").is_ok() { "mps3_an524" } else { "mps2_an505" };
    let folder = format!("{}/src/boards/{board}", var("CARGO_MANIFEST_DIR").unwrap_or_default());
    println!("cargo:rerun-if-changed={folder}/memory.x");
    for argument in [format!("-L{folder}").as_str(), "-Tlink.x", "-Tdefmt.x"] {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
}
