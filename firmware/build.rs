//! Links for the board that a feature chooses: its memory.x, the start-up code's script, and the image's table of log texts.

use std::env::var;

fn main() {
    let board = if var("CARGO_FEATURE_MPS3_AN524").is_ok() { "mps3_an524" } else { "mps2_an505" };
    let folder = format!("{}/src/boards/{board}", var("CARGO_MANIFEST_DIR").unwrap_or_default());
    let image = ("qenex-firmware", folder.clone(), ["-Tlink.x", "-Tdefmt.x"].as_slice());
    let loader = ("qenex-loader", format!("{folder}/loader"), ["-Tlink.x"].as_slice());
    for (name, folder, scripts) in [image, loader] {
        println!("cargo:rerun-if-changed={folder}/memory.x");
        println!("cargo:rustc-link-arg-bin={name}=-L{folder}");
        for script in scripts {
            println!("cargo:rustc-link-arg-bin={name}={script}");
        }
    }
}
