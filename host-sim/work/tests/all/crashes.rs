//! Power cuts at every write and sync of both disks of a node.

use bytes::Bytes;
use qenex_core::consensus::work::Work;
use qenex_node::error::NodeError;
use qenex_store::SimDisk;
use qenex_store::disk::Loss;
use qenex_work::Refusal;
use qenex_work::ledger::Ledger;

use crate::world::{Disks, at_head, catch_up, easy, genesis, mine, open, records, seed, solve, transfer};

const DEPTH: u32 = 4;

/// What a node has said to others: it must still know it after a cut.
#[derive(Clone, Copy, Default)]
struct Told {
    work: Work,
    height: u64,
}

/// The blocks of a rival whose branch is heavier at the end.
fn rival() -> Vec<Bytes> {
    let disks = Disks::new(99);
    let mut ledger = open(&disks, &genesis(easy(DEPTH)), 5).unwrap();
    ledger.submit(&transfer(1, 2, 8, 0)).unwrap();
    (0..5).map(|step| mine(&mut ledger, 2_500 + 1_000 * step)).collect()
}

fn tell(ledger: &Ledger, told: &mut Told) {
    *told = Told { work: ledger.work(), height: ledger.node().chain().tip().height };
}

/// A life: three own blocks, five of the rival, which win, own ones again.
fn live(disks: &Disks, rival: &[Bytes], told: &mut Told) -> Result<Ledger, Refusal> {
    let mut ledger = open(disks, &genesis(easy(DEPTH)), 0)?;
    assert!(ledger.work() >= told.work, "{} of {}", ledger.work(), told.work);
    assert!(ledger.node().chain().tip().height >= told.height);
    let own = |ledger: &mut Ledger, told: &mut Told| {
        let _ = ledger.submit(&transfer(0, 1, 5, ledger.head().height));
        let puzzle = ledger.template(2_000 + 1_000 * ledger.head().height)?;
        ledger.solved(&puzzle, solve(&puzzle))?;
        tell(ledger, told);
        Ok::<_, Refusal>(())
    };
    while ledger.head().height < 3 {
        own(&mut ledger, told)?;
    }
    for block in rival {
        ledger.take(block, u64::MAX)?;
        ledger.settle()?;
        tell(&ledger, told);
    }
    while ledger.head().height < 14 {
        own(&mut ledger, told)?;
    }
    Ok(ledger)
}

#[test]
fn cut_at_every_operation() {
    let seed = seed();
    let rival = rival();
    // A node that was never begun is another story, the store's.
    let begun = |seed| {
        let disks = Disks::new(seed);
        open(&disks, &genesis(easy(DEPTH)), 0).unwrap();
        let operations = [disks.ledger.operations(), disks.journal.operations()];
        (disks, operations)
    };
    let (disks, first) = begun(seed);
    let whole = live(&disks, &rival, &mut Told::default()).unwrap();
    let operations = [disks.ledger.operations(), disks.journal.operations()];
    println!("{operations:?} operations");
    let mut cuts = 0;
    for (which, operations) in operations.into_iter().enumerate() {
        for cut in first[which]..operations {
            let (disks, _) = begun(seed ^ cut);
            let disk: &SimDisk = if which == 0 { &disks.ledger } else { &disks.journal };
            disk.cut_at(cut);
            let mut told = Told::default();
            match live(&disks, &rival, &mut told) {
                Ok(_) => {}
                Err(Refusal::Node(_)) => cuts += 1,
                Err(refusal) => panic!("disk {which}, cut {cut}: {refusal}"),
            }
            // The power goes for both.
            let loss = [Loss::Random, Loss::All, Loss::Nothing][(cut % 3) as usize];
            let disks = Disks { ledger: disks.ledger.restart(loss), journal: disks.journal.restart(loss) };
            let again = live(&disks, &rival, &mut told);
            let again =
                again.unwrap_or_else(|refusal| panic!("disk {which}, cut {cut}, {loss:?}: {refusal}"));
            // Whatever it mined again, somebody who only hears its chain comes to the same.
            let mut fresh = open(&Disks::new(1), &genesis(easy(DEPTH)), 3).unwrap();
            catch_up(&mut fresh, &again);
            assert_eq!((fresh.head_id(), at_head(&fresh)), (again.head_id(), at_head(&again)));
            assert_eq!(records(&fresh), records(&again));
        }
    }
    assert!(cuts > 40, "{cuts}");
    drop(whole);
}

/// All is there again after a start: the pending blocks of all branches, in the order in which they came.
#[test]
fn pending_blocks_outlive_a_restart() {
    let disks = Disks::new(seed());
    let rival = rival();
    let mut ledger = open(&disks, &genesis(easy(DEPTH)), 0).unwrap();
    for step in 0..3 {
        mine(&mut ledger, 2_000 + 1_000 * step);
        // As heavy, later: it does not become the head, not after a restart either.
        ledger.take(&rival[step as usize], u64::MAX).unwrap();
    }
    ledger.settle().unwrap();
    let expected = (ledger.head_id(), ledger.work(), ledger.branches().len(), at_head(&ledger));
    assert_eq!(expected.2, 6);
    drop(ledger);
    let disks = Disks { ledger: disks.ledger.restart(Loss::All), journal: disks.journal.restart(Loss::All) };
    let mut ledger = open(&disks, &genesis(easy(DEPTH)), 0).unwrap();
    assert_eq!((ledger.head_id(), ledger.work(), ledger.branches().len(), at_head(&ledger)), expected);
    // A journal that was lost costs the pending blocks and nothing else.
    for step in 3..12 {
        mine(&mut ledger, 2_000 + 1_000 * step);
    }
    let (height, root) = (ledger.node().chain().tip().height, *ledger.branches().root().1);
    assert_eq!(height, 8);
    drop(ledger);
    let disks = Disks { journal: SimDisk::new(5), ledger: disks.ledger.restart(Loss::All) };
    let ledger = open(&disks, &genesis(easy(DEPTH)), 0).unwrap();
    assert_eq!((ledger.head().height, ledger.work(), ledger.branches().len()), (height, root.work, 0));
}

/// Long lives do not fill the disk of the journal.
#[test]
fn the_journal_is_cut_off_behind() {
    let disks = Disks::new(seed());
    let mut ledger = open(&disks, &genesis(easy(DEPTH)), 0).unwrap();
    let files = |disks: &Disks| qenex_store::Disk::list(&*disks.journal).unwrap();
    for step in 0..200 {
        mine(&mut ledger, 2_000 + 1_000 * step);
    }
    println!("{:?}", files(&disks));
    assert!(files(&disks).len() <= 3 && !files(&disks).contains(&"blocks-00000000000000000000.log".into()));
    let expected = (ledger.head_id(), ledger.work());
    drop(ledger);
    let ledger = open(&disks, &genesis(easy(DEPTH)), 0).unwrap();
    assert_eq!((ledger.head_id(), ledger.work()), expected);
}

/// A chain that does not go by work is no chain of this kind.
#[test]
fn another_kind_of_chain_is_refused() {
    let stake = qenex_node::genesis::Genesis { work: None, ..genesis(easy(DEPTH)) };
    let refused = open(&Disks::new(1), &stake, 0).err().unwrap();
    assert!(matches!(refused, NodeError::Genesis(_)), "{refused}");
}
