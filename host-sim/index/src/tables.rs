//! How the index is kept: tables of an embedded database (redb).

use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable, TableDefinition, TableError, Value, WriteTransaction,
};

/// Which form the tables have. An index of another form is made anew.
const FORM: u64 = 1;

/// A height and a place in the block.
pub type Position = (u64, u32);

/// Numbers about the index itself.
const ABOUT: TableDefinition<'static, &str, u64> = TableDefinition::new("about");
/// Which records there are or were; see [`crate::names`].
pub const NAMES: TableDefinition<'static, &str, ()> = TableDefinition::new("names");
/// Where a transaction is, by its id.
pub const TRANSACTIONS: TableDefinition<'static, &[u8; 32], Position> = TableDefinition::new("transactions");
/// What touched an account: the number of the kind of operation.
pub const TOUCHED: TableDefinition<'static, (&str, u64, u32), u8> = TableDefinition::new("touched");
/// The time of each block, and how many transactions it has.
pub const BLOCKS: TableDefinition<'static, u64, (u64, u32)> = TableDefinition::new("blocks");
/// Candles by pool, number of the step and beginning; see [`crate::candles`].
pub const CANDLES: TableDefinition<'static, (&str, u8, u64), CandleRow> = TableDefinition::new("candles");
/// What was moved of an asset, by the beginning of the day; see [`crate::flows`].
pub const FLOWS: TableDefinition<'static, (&str, u64), FlowRow> = TableDefinition::new("flows");

/// Prices at the beginning, the highest, the lowest, at the end; volume of both assets; how many swaps.
pub type CandleRow = (u128, u128, u128, u128, u128, u128, u64);
/// How many transfers, what they moved, what was issued and burned.
pub type FlowRow = (u64, u128, u128, u128);

const FORM_OF: &str = "form";
const FIRST: &str = "first";
const HEIGHT: &str = "height";

/// A table, where something was written to it before.
pub fn existing<K: Key, V: Value>(
    read: &ReadTransaction,
    definition: TableDefinition<'_, K, V>,
) -> Result<Option<ReadOnlyTable<K, V>>, redb::Error> {
    match read.open_table(definition) {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn about(read: &ReadTransaction, name: &str) -> Result<u64, redb::Error> {
    let Some(table) = existing(read, ABOUT)? else { return Ok(0) };
    Ok(table.get(name)?.map_or(0, |value| value.value()))
}

/// Up to which height blocks are in the index.
pub fn height(read: &ReadTransaction) -> Result<u64, redb::Error> {
    about(read, HEIGHT)
}

/// From which height on blocks are in the index.
pub fn first(read: &ReadTransaction) -> Result<u64, redb::Error> {
    about(read, FIRST)
}

/// The first and the last height that are in the index; nothing if it was not begun, or has another form.
pub fn range(write: &WriteTransaction) -> Result<Option<(u64, u64)>, redb::Error> {
    let table = write.open_table(ABOUT)?;
    let number = |name| Ok::<_, redb::Error>(table.get(name)?.map(|value| value.value()));
    if number(FORM_OF)? != Some(FORM) {
        return Ok(None);
    }
    Ok(number(FIRST)?.zip(number(HEIGHT)?))
}

/// Notes what is in the index.
pub fn set_range(write: &WriteTransaction, first: u64, height: u64) -> Result<(), redb::Error> {
    let mut table = write.open_table(ABOUT)?;
    for (name, value) in [(FORM_OF, FORM), (FIRST, first), (HEIGHT, height)] {
        table.insert(name, value)?;
    }
    Ok(())
}

/// Forgets everything.
pub fn clear(write: &WriteTransaction) -> Result<(), redb::Error> {
    write.delete_table(ABOUT)?;
    write.delete_table(NAMES)?;
    write.delete_table(TRANSACTIONS)?;
    write.delete_table(TOUCHED)?;
    write.delete_table(BLOCKS)?;
    write.delete_table(CANDLES)?;
    write.delete_table(FLOWS)?;
    Ok(())
}
