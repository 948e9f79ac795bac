//! Which column of a file is what.

use qenex_core::error::INPUT_COLUMNS;

use crate::args::Replay;
use crate::output::Failure;

/// The columns of a file, by their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The time; only shown with rejected rows.
    pub time: Option<usize>,
    /// The sender: one column, or bank and account.
    pub from: Vec<usize>,
    /// The receiver.
    pub to: Vec<usize>,
    /// The amount that the sender pays.
    pub amount: usize,
    /// The asset that the sender pays in; none where the file has none.
    pub asset: Option<usize>,
    /// The asset that the receiver gets, where the file names it apart.
    pub asset_received: Option<usize>,
}

/// A header that is recognised without flags.
struct Known {
    time: &'static str,
    from: &'static [&'static str],
    to: &'static [&'static str],
    amount: &'static str,
    asset: Option<&'static str>,
    asset_received: Option<&'static str>,
}

const KNOWN: &[Known] = &[
    // AMLSim's transactions.csv.
    Known {
        time: "time",
        from: &["sourceNodeId"],
        to: &["targetNodeId"],
        amount: "value",
        asset: None,
        asset_received: None,
    },
    // IBM AMLworld: an account is known by its bank and its number together.
    Known {
        time: "Timestamp",
        from: &["From Bank", "Account"],
        to: &["To Bank", "Account.1"],
        amount: "Amount Paid",
        asset: Some("Payment Currency"),
        asset_received: Some("Receiving Currency"),
    },
    Known {
        time: "time",
        from: &["from"],
        to: &["to"],
        amount: "amount",
        asset: Some("asset"),
        asset_received: None,
    },
    Known { time: "time", from: &["from"], to: &["to"], amount: "amount", asset: None, asset_received: None },
];

/// A repeated column name is told apart by a number, as pandas and the published Parquet file do it: the second
/// `Account` is `Account.1`.
pub fn unique(header: Vec<String>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(header.len());
    for name in header {
        let name = name.trim().trim_start_matches('\u{feff}').to_string();
        let earlier = names.iter().filter(|known| **known == name).count();
        names.push(if earlier == 0 { name } else { format!("{name}.{earlier}") });
    }
    names
}

impl Columns {
    /// Finds the columns: those that the command line names, otherwise those of a known header.
    pub fn find(header: &[String], args: &Replay) -> Result<Self, Failure> {
        let place = |name: &str| header.iter().position(|column| column == name);
        let missing = |what: &str| {
            let header = header.join(", ");
            Failure::input(INPUT_COLUMNS, format_args!("no column {what}; the file has: {header}"))
        };
        let known = KNOWN.iter().find(|known| {
            let all = known.from.iter().chain(known.to).chain([&known.amount]).chain(&known.asset);
            all.into_iter().all(|name| place(name).is_some())
        });
        let required = |flag: &Option<String>, known: Option<&str>, what: &str| {
            let name = flag.as_deref().or(known).ok_or_else(|| missing(what))?;
            place(name).ok_or_else(|| missing(&format!("{name:?} ({what})")))
        };
        let several = |flag: &Option<String>, known: Option<&'static [&'static str]>, what: &str| {
            let names: Vec<&str> = match flag {
                Some(names) => names.split(',').map(str::trim).collect(),
                None => known.ok_or_else(|| missing(what))?.to_vec(),
            };
            let places: Option<Vec<usize>> = names.iter().map(|name| place(name)).collect();
            places.ok_or_else(|| missing(&format!("{} ({what})", names.join(", "))))
        };
        let asset = match &args.asset {
            Some(name) => Some(place(name).ok_or_else(|| missing(&format!("{name:?} (--asset)")))?),
            None => known.and_then(|known| known.asset).and_then(place),
        };
        Ok(Self {
            time: match &args.time {
                Some(name) => Some(place(name).ok_or_else(|| missing(&format!("{name:?} (--time)")))?),
                None => known.and_then(|known| place(known.time)),
            },
            from: several(&args.from, known.map(|known| known.from), "--from")?,
            to: several(&args.to, known.map(|known| known.to), "--to")?,
            amount: required(&args.amount, known.map(|known| known.amount), "--amount")?,
            asset,
            // An asset column of the command line stands for both sides.
            asset_received: if args.asset.is_some() {
                None
            } else {
                known.and_then(|known| known.asset_received).and_then(place)
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};

    fn find(header: &str, flags: &[&str]) -> Result<Columns, Failure> {
        let args = Args::parse_from(["qenex", "replay", "file"].iter().chain(flags));
        let Some(Command::Replay(replay)) = args.command else { panic!("replay was expected") };
        Columns::find(&unique(header.split(',').map(str::to_string).collect()), &replay)
    }

    #[test]
    fn known_headers_need_no_flags() {
        let amlsim = find("sourceNodeId,targetNodeId,value,time", &[]).unwrap();
        assert_eq!((amlsim.from, amlsim.to, amlsim.amount, amlsim.time), (vec![0], vec![1], 2, Some(3)));
        assert_eq!(amlsim.asset, None);
        let header = "Timestamp,From Bank,Account,To Bank,Account,Amount Received,Receiving Currency,\
                      Amount Paid,Payment Currency,Payment Format,Is Laundering";
        let world = find(header, &[]).unwrap();
        assert_eq!((world.from, world.to, world.amount), (vec![1, 2], vec![3, 4], 7));
        assert_eq!((world.asset, world.asset_received), (Some(8), Some(6)));
    }

    #[test]
    fn the_command_line_names_what_is_unknown() {
        let flags = ["--from", "payer", "--to", "bank,payee", "--amount", "sum"];
        let columns = find("payer,bank,payee,sum", &flags).unwrap();
        assert_eq!((columns.from, columns.to, columns.amount, columns.time), (vec![0], vec![1, 2], 3, None));
        assert!(find("payer,payee,sum", &[]).unwrap_err().detail.contains("payer, payee, sum"));
        assert!(find("from,to,amount", &["--asset", "coin"]).unwrap_err().detail.contains("coin"));
    }
}
