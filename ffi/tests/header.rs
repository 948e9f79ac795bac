//! `include/qenex.h` is what these sources declare. `QENEX_WRITE=1 cargo test -p qenex-ffi --test header` writes it anew.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cbindgen::{Builder, Config, DocumentationStyle, ExportConfig, Language, Style};
use qenex_core::error::TABLE;

/// The groups of the header, in its order: each a module.
const GROUPS: [&str; 22] = [
    "status",
    "text",
    "amount",
    "amm",
    "hash",
    "key",
    "merkle",
    "record",
    "witness",
    "transaction",
    "policy",
    "light",
    "checkpoint",
    "client",
    "client_keys",
    "client_chain",
    "client_sign",
    "client_audit",
    "client_backup",
    "client_update",
    "cobs",
    "device",
];

const TOP: &str = r#"/* qenex.h: the C ABI of QENEX. MIT licence.
 *
 * For host software in C and C++ that builds, checks, signs and verifies transactions, and for firmware. C99 and later.
 * This file is made from the sources in ffi/src; do not edit it.
 *
 * Rules that hold for every function:
 * - The caller owns every buffer and every state. The library allocates nothing, has no global state and keeps no pointer
 *   after a call has returned, unless the function says so.
 * - Any thread may call any function, as long as no other thread uses the same memory meanwhile.
 * - A function that can fail returns zero (QNX_OK) or a number of the table below. Its codes stand behind it without their prefix QNX_ERR_, a
 *   star for all that start alike. Besides those each may return QNX_ERR_NULL_POINTER, QNX_ERR_POINTER_MISALIGNED, QNX_ERR_LENGTH_TOO_LARGE, QNX_ERR_POINTER_OVERLAP, QNX_ERR_NUMBER_UNKNOWN
 *   and QNX_ERR_STATE_UNINITIALISED for arguments that cannot be right. A call that failed wrote nothing, but for the length
 *   that is needed where a buffer was too small.
 * - What is written may not overlap anything else that is passed. A pointer to no bytes at all may be null.
 * - A length of a buffer is a pointer: its room before the call, the length of the result after it. Where there is too little room, the
 *   status is QNX_ERR_BUFFER_TOO_SMALL and the length is the one that is needed.
 * - A state is a struct whose content only the library reads, with room for later versions; its _size function says how much of it
 *   is used. Its _init function comes first; its _clear function overwrites it, secrets too. Before _init a state may hold anything.
 * - Bytes between fields and behind texts are zero in what the library writes, and are not read in what it is given.
 */
#ifndef QENEX_H
#define QENEX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
"#;

const BOTTOM: &str = r"
#ifdef __cplusplus
}
#endif

#endif /* QENEX_H */
";

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The text of a module's `//!` lines, as a comment of C.
fn heading(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let mut out = String::from("\n/* ");
    out.push_str(&"=".repeat(117));
    for line in lines {
        let line = line.strip_prefix(' ').unwrap_or(line);
        write!(out, "\n * {line}").unwrap();
    }
    while out.ends_with(' ') {
        out.pop();
    }
    out.push_str("\n */\n");
    out.lines().map(str::trim_end).fold(String::new(), |all, line| all + line + "\n")
}

/// One `#define` for each row of the table.
fn codes() -> String {
    let mut out = String::from("\n");
    for code in TABLE {
        writeln!(out, "/* {} */\n#define QNX_ERR_{} {}", code.sentence, code.name, code.number).unwrap();
    }
    out
}

fn group(name: &str) -> String {
    let path = sources().join(name).with_extension("rs");
    let source = std::fs::read_to_string(&path).unwrap();
    // Types that this group's own functions do not use, too.
    let types = source.lines().filter_map(|line| {
        let rest =
            ["pub struct ", "pub union ", "pub type "].iter().find_map(|start| line.strip_prefix(start))?;
        rest.split_once(|c: char| c != '_' && !c.is_alphanumeric()).map(|(name, _)| name.to_owned())
    });
    let export = ExportConfig { include: types.collect(), ..ExportConfig::default() };
    let config = Config {
        export,
        language: Language::C,
        style: Style::Type,
        documentation_style: DocumentationStyle::C99,
        usize_is_size_t: true,
        no_includes: true,
        line_length: 110,
        ..Config::default()
    };
    let mut declarations = Vec::new();
    Builder::new().with_config(config).with_src(&path).generate().unwrap().write(&mut declarations);
    let mut out = heading(&source);
    out.push('\n');
    out.push_str(String::from_utf8(declarations).unwrap().trim());
    out.push('\n');
    if name == "status" {
        out.push_str(&codes());
    }
    out
}

fn header() -> String {
    GROUPS.iter().fold(String::from(TOP), |all, name| all + &group(name)) + BOTTOM
}

#[test]
fn the_header_is_what_the_sources_declare() {
    let path = sources().join("../../include/qenex.h");
    let made = header();
    if std::env::var_os("QENEX_WRITE").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (there, made)) in there.lines().zip(made.lines()).enumerate() {
        assert_eq!(there, made, "line {} of include/qenex.h", number + 1);
    }
    assert_eq!(there.len(), made.len());
}

#[test]
fn every_module_of_functions_is_a_group() {
    for entry in std::fs::read_dir(sources()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(source) = std::fs::read_to_string(&path) else { continue };
        let name = path.file_stem().unwrap().to_str().unwrap();
        let declares = ["no_mangle", "#[repr(C)]"].iter().any(|mark| source.contains(mark));
        assert_eq!(declares, GROUPS.contains(&name), "{name}");
    }
}
