//! `qenex tx`.

use std::path::Path;

use qenex_api::view;
use qenex_core::codec::{self, Tag};
use qenex_core::tx::{DISPLAY_COLUMNS, DISPLAY_ROWS, SignedTransaction, Summary, Transaction};
use serde_json::json;

use super::submit;
use crate::args::Tx;
use crate::files;
use crate::local::Local;
use crate::output::{Failure, Output};

pub fn run(args: Tx, output: &Output) -> Result<(), Failure> {
    match args {
        Tx::Show { file, display } => {
            let bytes = read(&file)?;
            let (transaction, signatures) = if bytes.starts_with(&Tag::SIGNED_TRANSACTION.0) {
                let signed = SignedTransaction::decode(&bytes)?;
                let count = signed.signatures.len();
                (signed.transaction, count)
            } else {
                (codec::decode::<Transaction<'_>>(&bytes)?, 0)
            };
            if display {
                pages(&transaction, output);
            } else {
                for line in Summary::new(&transaction).lines() {
                    output.line(format_args!("{:<20} {}", line.label, line.value));
                }
                output.line(format_args!("{:<20} {}", "Transaction id", transaction.id()));
                output.line(format_args!("{:<20} {signatures}, not checked", "Signatures"));
            }
            output.result(&json!({
                "id": transaction.id().to_string(),
                "signatures": signatures,
                "summary": view::summary(&transaction),
            }));
            Ok(())
        }
        Tx::Submit { data, file } => {
            let bytes = read(&file)?;
            submit::commit(&mut Local::open(&data.data)?, &bytes, output)
        }
    }
}

/// Reads a transaction as bytes, or as hexadecimal digits where the file holds nothing else.
fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = files::read(file)?;
    let digits = hex::decode(bytes.trim_ascii()).ok().filter(|digits| !digits.is_empty());
    Ok(digits.unwrap_or(bytes))
}

/// The pages of a 128x64 display: a label's row and its value's rows stay together where they fit.
fn pages(transaction: &Transaction<'_>, output: &Output) {
    let mut page: Vec<String> = Vec::new();
    let show = |page: &mut Vec<String>| {
        let edge = "-".repeat(DISPLAY_COLUMNS);
        output.line(format_args!("+{edge}+"));
        for row in 0..DISPLAY_ROWS {
            output.line(format_args!("|{:<DISPLAY_COLUMNS$}|", page.get(row).map_or("", String::as_str)));
        }
        output.line(format_args!("+{edge}+"));
        page.clear();
    };
    for line in Summary::new(transaction).lines() {
        let mut rows = vec![line.label.to_string()];
        rows.extend(line.rows().map(str::to_string));
        if page.len() + rows.len() > DISPLAY_ROWS && !page.is_empty() {
            show(&mut page);
        }
        for row in rows {
            if page.len() == DISPLAY_ROWS {
                show(&mut page);
            }
            page.push(row);
        }
    }
    show(&mut page);
}
