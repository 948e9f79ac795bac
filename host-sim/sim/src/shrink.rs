//! A failing run made smaller: what can be left out while it still fails.

use crate::plan::Plan;
use crate::run::run;

/// Leaves out faults and liars, one after the other, for as long as a run with fewer of them still violates something; `seen` is told of every run.
pub fn shrink(plan: &Plan, mut seen: impl FnMut(&Plan, bool)) -> Plan {
    let mut smallest = plan.clone();
    loop {
        let smaller = candidates(&smallest).into_iter().find(|candidate| {
            let fails = run(candidate).violation.is_some();
            seen(candidate, fails);
            fails
        });
        match smaller {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

/// Plans with less in them, those that leave out most first.
fn candidates(plan: &Plan) -> Vec<Plan> {
    let mut all = Vec::new();
    let mut width = plan.faults.len();
    while width > 0 {
        for start in (0..plan.faults.len()).step_by(width) {
            let mut smaller = plan.clone();
            smaller.faults.drain(start..(start + width).min(plan.faults.len()));
            all.push(smaller);
        }
        width /= 2;
    }
    for (place, (_, lies)) in plan.liars.iter().enumerate() {
        let mut smaller = plan.clone();
        smaller.liars.remove(place);
        all.push(smaller);
        for lie in 0..if lies.len() > 1 { lies.len() } else { 0 } {
            let mut smaller = plan.clone();
            smaller.liars[place].1.remove(lie);
            all.push(smaller);
        }
    }
    all
}
