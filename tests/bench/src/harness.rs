//! A paired measurement: ours and its peers take turns in one process over the same inputs.
//!
//! Each round runs every contestant once over all inputs. What is compared is the ratio within a round, of which the
//! median is printed, so that a machine that is slow for a while slows down both sides. Operations are independent of
//! each other: the figures are throughput, not latency. Before anything is timed, all results must be equal.

use std::hint::black_box;
use std::time::Instant;

/// Rounds of a case.
pub const ROUNDS: usize = 101;

/// What the command line asks for, and what was measured.
pub struct Bench {
    names: Vec<String>,
    json: bool,
    rows: Vec<serde_json::Value>,
}

/// One contestant: the operation over all its inputs, timed, and the result for one input.
struct Contestant<'a, R> {
    name: &'a str,
    run: Box<dyn FnMut() + 'a>,
    result: Box<dyn Fn(usize) -> R + 'a>,
}

/// The contestants of one case; the first is ours.
pub struct Case<'a, R> {
    subject: &'a str,
    case: &'a str,
    count: usize,
    contestants: Vec<Contestant<'a, R>>,
}

impl<'a, R: PartialEq + std::fmt::Debug> Case<'a, R> {
    /// A case of a subject.
    pub fn new(subject: &'a str, case: &'a str) -> Self {
        Self { subject, case, count: 0, contestants: Vec::new() }
    }

    /// Adds a contestant with the inputs in its own types. Ours comes first.
    pub fn with<I: 'a>(
        mut self,
        name: &'a str,
        inputs: Vec<I>,
        operation: impl Fn(&I) -> R + Copy + 'a,
    ) -> Self {
        let inputs = std::rc::Rc::new(inputs);
        self.count = inputs.len();
        let shown = inputs.clone();
        self.contestants.push(Contestant {
            name,
            run: Box::new(move || {
                for input in inputs.iter() {
                    black_box(operation(black_box(input)));
                }
            }),
            result: Box::new(move |i| operation(&shown[i])),
        });
        self
    }
}

impl Bench {
    /// Reads `[--json] [name...]`.
    pub fn from_args() -> Self {
        let (flags, names): (Vec<_>, Vec<_>) =
            std::env::args().skip(1).partition(|arg| arg.starts_with("--"));
        if let Some(flag) = flags.iter().find(|flag| *flag != "--json") {
            eprintln!("unknown option {flag}; known: --json [name...]");
            std::process::exit(2);
        }
        Self { names, json: !flags.is_empty(), rows: Vec::new() }
    }

    /// Whether a subject is asked for: by a part of its name, or because none is.
    pub fn wants(&self, subject: &str) -> bool {
        self.names.is_empty() || self.names.iter().any(|name| subject.contains(name.as_str()))
    }

    /// Runs a case and prints it.
    pub fn run<R: PartialEq + std::fmt::Debug>(&mut self, mut case: Case<'_, R>) {
        for i in 0..case.count {
            let ours = (case.contestants[0].result)(i);
            for peer in &case.contestants[1..] {
                assert_eq!(
                    (peer.result)(i),
                    ours,
                    "{} {}: {} differs at input {i}",
                    case.subject,
                    case.case,
                    peer.name
                );
            }
        }
        let mut times = vec![Vec::with_capacity(ROUNDS); case.contestants.len()];
        for _ in 0..ROUNDS {
            for (contestant, times) in case.contestants.iter_mut().zip(&mut times) {
                let start = Instant::now();
                (contestant.run)();
                times.push(start.elapsed().as_secs_f64() * 1e9 / case.count as f64);
            }
        }
        if !self.json {
            println!("{}: {}", case.subject, case.case);
        }
        for (contestant, own) in case.contestants.iter().zip(&times) {
            let ratio = median(own.iter().zip(&times[0]).map(|(peer, ours)| peer / ours));
            let (least, middle) =
                (own.iter().copied().fold(f64::INFINITY, f64::min), median(own.iter().copied()));
            if self.json {
                self.rows.push(serde_json::json!({
                    "subject": case.subject, "case": case.case, "name": contestant.name,
                    "ns_minimum": least, "ns_median": middle, "ratio_median": ratio,
                }));
            } else {
                println!(
                    "  {:<18} {least:9.2} ns minimum {middle:9.2} ns median {ratio:7.2} x",
                    contestant.name
                );
            }
        }
    }

    /// Prints what is left to print.
    pub fn finish(self) {
        if self.json {
            println!("{}", serde_json::Value::from(self.rows));
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
