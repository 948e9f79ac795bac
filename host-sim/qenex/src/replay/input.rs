//! Rows of a CSV or Parquet file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use qenex_core::error::{Coded, INPUT_VALUE};
use qenex_core::num::Amount;

use super::columns::{Columns, unique};
use super::decimal;
use crate::args::Replay;
use crate::files::unreadable;
use crate::output::Failure;

/// One transfer as the file has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The line of a CSV file, counted from 1 with the header; the row of a Parquet file, counted from 1.
    pub line: u64,
    /// The sender's parts.
    pub from: Vec<String>,
    /// The receiver's parts.
    pub to: Vec<String>,
    /// What the sender pays.
    pub amount: Amount,
    /// The asset that the sender pays in.
    pub asset: Option<String>,
    /// The asset that the receiver gets, where the file names it apart.
    pub asset_received: Option<String>,
}

/// A line that is no transfer.
#[derive(Clone, Debug)]
pub struct BadRow {
    /// Its number.
    pub line: u64,
    /// What is wrong.
    pub failure: String,
    /// The code.
    pub code: qenex_core::error::Code,
}

/// Takes the rows of a file, in order.
pub trait Sink {
    /// One row. An error ends the reading.
    fn row(&mut self, row: Result<Row, BadRow>) -> Result<(), Failure>;
}

fn bad(line: u64, code: qenex_core::error::Code, failure: impl std::fmt::Display) -> BadRow {
    BadRow { line, code, failure: failure.to_string() }
}

/// Reads all rows of a file; its first bytes say whether it is Parquet.
pub fn read(path: &Path, args: &Replay, sink: &mut impl Sink) -> Result<(), Failure> {
    let mut file = File::open(path).map_err(unreadable(path))?;
    let mut magic = [0; 4];
    let parquet = file.read(&mut magic).map_err(unreadable(path))? == 4 && &magic == b"PAR1";
    if parquet { read_parquet(path, args, sink) } else { read_csv(path, args, sink) }
}

fn read_csv(path: &Path, args: &Replay, sink: &mut impl Sink) -> Result<(), Failure> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(unreadable(path))?;
    let header = reader.headers().map_err(unreadable(path))?.iter().map(str::to_string).collect();
    let columns = Columns::find(&unique(header), args)?;
    for (index, record) in reader.records().enumerate() {
        let row = match record {
            Ok(record) => {
                let line = record.position().map_or(index as u64 + 2, csv::Position::line);
                let field = |place: usize| record.get(place).map(str::trim);
                let amount =
                    |text: &str| decimal::parse(text).map_err(|error| (error.code(), text.to_string()));
                assemble(
                    line,
                    &columns,
                    |place| field(place).map(str::to_string),
                    |place| field(place).map(amount),
                )
            }
            Err(error) => {
                let line = error.position().map_or(index as u64 + 2, csv::Position::line);
                Err(bad(line, INPUT_VALUE, error))
            }
        };
        sink.row(row)?;
    }
    Ok(())
}

type AmountResult = Result<Amount, (qenex_core::error::Code, String)>;

fn assemble(
    line: u64,
    columns: &Columns,
    text: impl Fn(usize) -> Option<String>,
    amount: impl Fn(usize) -> Option<AmountResult>,
) -> Result<Row, BadRow> {
    let parts = |places: &[usize], what: &str| -> Result<Vec<String>, BadRow> {
        let parts: Option<Vec<String>> = places.iter().map(|place| text(*place)).collect();
        let parts = parts.filter(|parts| parts.iter().any(|part| !part.is_empty()));
        parts.ok_or_else(|| bad(line, INPUT_VALUE, format_args!("the {what} is missing")))
    };
    let asset = |place: Option<usize>| -> Result<Option<String>, BadRow> {
        let Some(place) = place else { return Ok(None) };
        let name = text(place).filter(|name| !name.is_empty());
        name.map(Some).ok_or_else(|| bad(line, INPUT_VALUE, "the asset is missing"))
    };
    Ok(Row {
        line,
        from: parts(&columns.from, "sender")?,
        to: parts(&columns.to, "receiver")?,
        amount: amount(columns.amount)
            .ok_or_else(|| bad(line, INPUT_VALUE, "the amount is missing"))?
            .map_err(|(code, found)| bad(line, code, format_args!("amount {found:?}")))?,
        asset: asset(columns.asset)?,
        asset_received: asset(columns.asset_received)?,
    })
}

fn read_parquet(path: &Path, args: &Replay, sink: &mut impl Sink) -> Result<(), Failure> {
    let file = File::open(path).map_err(unreadable(path))?;
    let reader = SerializedFileReader::new(file).map_err(unreadable(path))?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let header = schema.columns().iter().map(|column| column.name().to_string()).collect();
    let columns = Columns::find(&unique(header), args)?;
    for (index, record) in reader.get_row_iter(None).map_err(unreadable(path))?.enumerate() {
        let record = record.map_err(unreadable(path))?;
        let fields: Vec<&Field> = record.get_column_iter().map(|(_, field)| field).collect();
        let row = assemble(
            index as u64 + 1,
            &columns,
            |place| fields.get(place).and_then(|field| text(field)),
            |place| fields.get(place).and_then(|field| amount(field)),
        );
        sink.row(row)?;
    }
    Ok(())
}

/// A field as text, without quotes.
fn text(field: &Field) -> Option<String> {
    match field {
        Field::Null => None,
        Field::Str(text) => Some(text.trim().to_string()),
        other => Some(other.to_string()),
    }
}

fn amount(field: &Field) -> Option<AmountResult> {
    let result = match field {
        Field::Null => return None,
        Field::Double(value) => decimal::from_double(*value),
        // The shortest decimal of a float is that of the float, not of the double that it widens to.
        Field::Float(value) => decimal::parse(&value.to_string()),
        Field::Str(text) => decimal::parse(text),
        other => decimal::parse(&other.to_string()),
    };
    Some(result.map_err(|error| (error.code(), field.to_string())))
}

/// Opening balances by account name, from a file as AMLSim's nodes.csv: the account's and the balance's column.
pub fn read_accounts(path: &Path) -> Result<Vec<(String, Amount)>, Failure> {
    let mut reader = csv::Reader::from_path(path).map_err(unreadable(path))?;
    let header = reader.headers().map_err(unreadable(path))?.clone();
    let place = |names: &[&str]| header.iter().position(|column| names.contains(&column.trim()));
    let account = place(&["nodeid", "account", "id"])
        .ok_or_else(|| unreadable(path)("no column nodeid, account or id"))?;
    let balance = place(&["init_balance", "balance"])
        .ok_or_else(|| unreadable(path)("no column init_balance or balance"))?;
    let mut accounts = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable(path))?;
        let line = record.position().map_or(0, csv::Position::line);
        let (Some(name), Some(text)) = (record.get(account), record.get(balance)) else {
            return Err(unreadable(path)(format!("line {line}: a value is missing")));
        };
        let amount = decimal::parse(text)
            .map_err(|error| unreadable(path)(format!("line {line}, balance {text:?}: {error}")))?;
        accounts.push((name.trim().to_string(), amount));
    }
    Ok(accounts)
}
