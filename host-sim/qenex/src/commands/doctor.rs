//! `qenex doctor`: all that a node needs, looked at before it is needed.

use qenex_core::error::NODE_NEEDS;
use qenex_service::doctor::{Finding, State, examine};
use serde_json::json;

use crate::args::Doctor;
use crate::output::{Failure, Output};

pub fn run(args: &Doctor, output: &Output) -> Result<(), Failure> {
    let findings = examine(&args.configured.config, &args.configured.overrides());
    for finding in &findings {
        let mark = match finding.state {
            State::Well => "ok  ",
            State::Doubtful => "look",
            State::Ill => "FAIL",
        };
        output.line(format_args!("{mark}  {}: {}", finding.what, finding.detail));
    }
    let ill = findings.iter().filter(|finding| finding.state == State::Ill);
    // Where there are lines, they have said the rest.
    let say = |finding: &Finding| match output.json {
        true => format!("{}: {}", finding.what, finding.detail),
        false => finding.what.clone(),
    };
    let ill: Vec<String> = ill.map(say).collect();
    if !ill.is_empty() {
        return Err(Failure::refused(NODE_NEEDS, ill.join("; ")));
    }
    output.result(&json!({ "findings": findings }));
    Ok(())
}
