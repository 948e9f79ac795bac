//! Backups as shares: who restores a root, and that nothing else does.
#![allow(clippy::unwrap_used)] // a test that meets what it does not expect should stop there

#[allow(dead_code)] // each test uses a part of it
mod flash_disk;
#[allow(dead_code)]
mod hsm_board;
mod hsm_custodians;

use hsm_board::{TestBoard, ask, give, power_on, refused, tell};
use hsm_custodians::{backup_key, cut, device, each, pass, restore, together};
use qenex_core::codec::{Tag, decode};
use qenex_core::crypto::x25519::{exchange, public_key};
use qenex_core::crypto::{Domain, Hash, Purpose, Scheme, aead, hash, shamir};
use qenex_core::error::{
    Code, DECODE_MALFORMED, DECODE_UNKNOWN_TAG, EXCHANGE_LOW_ORDER, KEY_EXISTS, NOT_CONFIRMED, SHARE_COUNT,
    SHARE_DEVICE, SHARE_FOREIGN, SHARE_KEYS, SHARE_ROOT, SHARE_TWICE, SHARE_WRONG, SHARES_TOO_FEW,
};
use qenex_core::hsm::audit::{ENTRY_BYTES, Entry};
use qenex_core::hsm::backup::Backup;
use qenex_core::hsm::proto::{AddUser, AuditFrom, Command, CreateKey, Index, KeyInfo, Login};
use qenex_core::hsm::shares::{MAX_SHARES, Manifest, SHARE_BYTES, Share};
use qenex_core::hsm::{Hsm, Refusal, Role, UserName};

type Device = Hsm<TestBoard>;

/// The first key that the device's root gives. It is deleted again, so that the root can be replaced.
fn first_key(hsm: &mut Device) -> Vec<u8> {
    let create = CreateKey {
        slot: 0,
        scheme: Scheme::Ed25519,
        purpose: Purpose::Transaction,
        path: 0,
        label: UserName::new("KEY").unwrap(),
    };
    let body = ask(hsm, Command::CreateKey, &create).unwrap();
    tell(hsm, Command::DeleteKey, &Index { index: 0 }).unwrap();
    decode::<KeyInfo<'_>>(&body).unwrap().public_key.to_vec()
}

/// What the panel showed last under a label.
fn shown(hsm: &mut Device, label: &str) -> String {
    hsm.board().shown.iter().rev().find(|line| line.starts_with(label)).unwrap().clone()
}

/// Asserts that a command is refused with this code and writes nothing.
fn unchanged<T: std::fmt::Debug + PartialEq>(
    hsm: &mut Device,
    code: Code,
    command: impl FnOnce(&mut Device) -> Result<T, Refusal>,
) {
    let before = hsm.board().disk.bytes.clone();
    assert_eq!(command(hsm), refused(code));
    assert_eq!(hsm.board().disk.bytes, before);
}

/// The root of a source is cut among so many custodians, each of whom seals the share anew to a target: the shares, and the target.
fn passed(source: u8, threshold: u8, count: u8) -> (Vec<Vec<u8>>, Device, Vec<u8>) {
    let (mut source, mut target) = (device(source), device(2));
    let mut custodians: Vec<_> = (0..count).map(|index| device(10 + index)).collect();
    let keys: Vec<_> = custodians.iter_mut().map(backup_key).collect();
    let shares = cut(&mut source, threshold, &keys).unwrap();
    let to = backup_key(&mut target);
    let shares =
        custodians.iter_mut().zip(each(&shares)).map(|(hsm, share)| pass(hsm, &share, to).unwrap()).collect();
    (shares, target, first_key(&mut source))
}

#[test]
fn so_many_custodians_restore_a_root_and_all_panels_agree() {
    let (mut source, mut target) = (device(1), device(2));
    let mut custodians: Vec<_> = (0..3).map(|index| device(10 + index)).collect();
    let keys: Vec<_> = custodians.iter_mut().map(backup_key).collect();
    let key = first_key(&mut source);
    let cut = cut(&mut source, 2, &keys).unwrap();
    // The panel names each custodian's key by the code that the custodian's own panel shows.
    let lines = &source.board().shown;
    let mut expected = vec!["Operation: Back up in shares".into(), "Shares: 3, of which 2 restore".into()];
    expected.extend(custodians.iter_mut().map(|hsm| shown(hsm, "Backup key")));
    assert_eq!(lines[lines.len() - 6..lines.len() - 1], expected);
    let root = shown(&mut source, "Root");

    let to = backup_key(&mut target);
    let code = shown(&mut target, "Backup key");
    let mut shares = Vec::new();
    for (number, (hsm, share)) in (1..).zip(custodians.iter_mut().zip(each(&cut))) {
        shares.push(pass(hsm, &share, to).unwrap());
        let lines = &hsm.board().shown;
        let expected = [
            "Operation: Seal share to device".into(),
            format!("Share: {number} of 3"),
            code.clone(),
            root.clone(),
        ];
        assert_eq!(lines[lines.len() - 4..], expected);
    }
    // In any order, and with more than it takes.
    for numbers in [&[2, 0][..], &[2, 1, 0]] {
        let some: Vec<_> = numbers.iter().map(|number| &shares[*number]).collect();
        restore(&mut target, &together(&some)).unwrap();
        assert_eq!(shown(&mut target, "Root"), root);
        assert_eq!(first_key(&mut target), key);
    }
}

#[test]
fn as_many_as_the_threshold_restore_and_fewer_do_not() {
    for count in 2..=5u8 {
        for threshold in 2..=count {
            let (shares, mut target, key) = passed(1, threshold, count);
            let own = first_key(&mut target);
            assert_ne!(own, key);
            let mut restored = 0;
            for subset in 1..1u32 << count {
                let some: Vec<_> = (0..count)
                    .filter(|bit| subset >> bit & 1 == 1)
                    .map(|bit| &shares[usize::from(bit)])
                    .collect();
                // The same device again, as it was.
                let mut hsm = power_on(target.board().clone());
                let login = Login { user: UserName::new("ALICE").unwrap(), pin: b"officer pin" };
                tell(&mut hsm, Command::Login, &login).unwrap();
                let whole = together(&some);
                if some.len() < usize::from(threshold) {
                    unchanged(&mut hsm, SHARES_TOO_FEW, |hsm| restore(hsm, &whole));
                    assert_eq!(first_key(&mut hsm), own);
                } else {
                    restore(&mut hsm, &whole).unwrap();
                    assert_eq!(first_key(&mut hsm), key, "{threshold} of {count}, {subset:b}");
                    restored += 1;
                }
            }
            assert!(restored > 0);
        }
    }
}

/// All that fits: one frame, 16 shares.
#[test]
fn sixteen_of_sixteen() {
    let (mut source, mut target) = (device(1), device(2));
    let to = backup_key(&mut target);
    let keys: Vec<_> = (0..MAX_SHARES as u8).map(|index| public_key(&[index + 1; 32])).collect();
    let shares = cut(&mut source, MAX_SHARES as u8, &keys).unwrap();
    assert_eq!(shares.len(), 36 + MAX_SHARES * (32 + SHARE_BYTES));
    // What custodians' devices do, done by hand.
    let (manifest, sealed) = Manifest::read(&shares).unwrap();
    let mut whole = manifest.bytes.to_vec();
    for (index, share) in (0..).zip(sealed) {
        let share = Share::read(share).unwrap();
        assert_eq!((share.number, share.to), (index + 1, &keys[usize::from(index)]));
        let opened = open(&[index + 1; 32], &manifest.id(), &share);
        let digest = hash(Domain::BackupShare, &[&[share.number], &opened]);
        assert_eq!(digest.0, manifest.hashes[usize::from(index)]);
        whole.extend(seal(&to, &manifest.id(), share.number, &opened));
    }
    restore(&mut target, &whole).unwrap();
    assert_eq!(first_key(&mut target), first_key(&mut source));
}

/// The key between two keys, as the format says.
fn sealing_key(secret: &[u8; 32], public: &[u8; 32], ephemeral: &[u8; 32], to: &[u8; 32]) -> Hash {
    hash(Domain::Backup, &[&*exchange(secret, public).unwrap(), ephemeral, to])
}

fn open(secret: &[u8; 32], id: &Hash, share: &Share<'_>) -> [u8; 32] {
    let Backup { ephemeral, mut bytes, tag } = decode(&[&Tag::BACKUP.0, share.sealed].concat()).unwrap();
    let key = sealing_key(secret, &ephemeral, &ephemeral, share.to);
    let context = [&id.0[..], &[share.number]].concat();
    aead::open(&key.0, &[0; 12], &context, &mut bytes, &tag).unwrap();
    bytes
}

/// A share that anybody can make who has a manifest.
fn seal(to: &[u8; 32], id: &Hash, number: u8, share: &[u8; 32]) -> [u8; SHARE_BYTES] {
    let ephemeral = public_key(&[99; 32]);
    let key = sealing_key(&[99; 32], to, &ephemeral, to);
    let mut bytes = *share;
    let context = [&id.0[..], &[number]].concat();
    let tag = aead::seal(&key.0, &[0; 12], &context, &mut bytes).unwrap();
    [&[number][..], to, &ephemeral, &bytes, &tag].concat().try_into().unwrap()
}

/// A manifest that anybody can make.
fn manifest(threshold: u8, root: &Hash, hashes: &[Hash]) -> Vec<u8> {
    let mut bytes = [&Tag::BACKUP_SHARES.0[..], &[hashes.len() as u8, threshold], &root.0].concat();
    hashes.iter().for_each(|hash| bytes.extend(hash.0));
    bytes
}

#[test]
fn what_is_cut_says_among_how_many_whom_it_goes() {
    let mut source = device(1);
    let keys: Vec<_> = (1..=17).map(|fill| public_key(&[fill; 32])).collect();
    for (threshold, count) in
        [(0, 2), (1, 2), (1, 1), (2, 1), (2, 0), (0, 0), (3, 2), (17, 16), (2, 17), (17, 17)]
    {
        unchanged(&mut source, SHARE_COUNT, |hsm| cut(hsm, threshold, &keys[..count]));
    }
    for twice in [[0, 0, 1], [0, 1, 0], [1, 0, 0]] {
        unchanged(&mut source, SHARE_KEYS, |hsm| cut(hsm, 2, &twice.map(|index| keys[index])));
    }
    // A list that is no list of keys.
    unchanged(&mut source, DECODE_MALFORMED, |hsm| {
        give(hsm, Command::BackupShares as u8, &[&[2, 65][..], &[7; 65]].concat())
    });
    // A key of low order gives everybody the sealing key.
    unchanged(&mut source, EXCHANGE_LOW_ORDER, |hsm| cut(hsm, 2, &[keys[0], [0; 32]]));
    source.board().confirms = false;
    unchanged(&mut source, NOT_CONFIRMED, |hsm| cut(hsm, 2, &keys[..3]));
    source.board().confirms = true;
    // The same root, other shares.
    let [one, other] = [(); 2].map(|()| cut(&mut source, 2, &keys[..3]).unwrap());
    let (one, other) = (Manifest::read(&one).unwrap().0, Manifest::read(&other).unwrap().0);
    assert_eq!(one.root, other.root);
    assert!(one.hashes.iter().all(|hash| !other.hashes.contains(hash)));
}

#[test]
fn what_does_not_restore_is_told_apart_and_changes_nothing() {
    let (shares, mut target, _) = passed(1, 3, 4);
    let (foreign, ..) = passed(3, 3, 4);
    let own = first_key(&mut target);
    let to = backup_key(&mut target);
    let parts = |share: &Vec<u8>| Manifest::read(share).unwrap().1[0];
    let (read, _) = Manifest::read(&shares[0]).unwrap();
    let start = read.bytes;
    let put = |shares: &[[u8; SHARE_BYTES]]| [start, shares.as_flattened()].concat();
    let [a, b, c, d] = [0, 1, 2, 3].map(|index: usize| parts(&shares[index]));

    unchanged(&mut target, SHARES_TOO_FEW, |hsm| restore(hsm, &put(&[])));
    unchanged(&mut target, SHARES_TOO_FEW, |hsm| restore(hsm, &put(&[a, c])));
    unchanged(&mut target, SHARE_TWICE, |hsm| restore(hsm, &put(&[a, a])));
    for twice in [[a, a, b], [a, b, a], [b, a, a]] {
        unchanged(&mut target, SHARE_TWICE, |hsm| restore(hsm, &put(&twice)));
    }
    unchanged(&mut target, SHARE_TWICE, |hsm| restore(hsm, &put(&[a, b, c, d, b])));
    // Of another time, with either manifest.
    unchanged(&mut target, SHARE_FOREIGN, |hsm| restore(hsm, &put(&[a, b, parts(&foreign[2])])));
    let other = [Manifest::read(&foreign[0]).unwrap().0.bytes, &a, &b, &c].concat();
    unchanged(&mut target, SHARE_FOREIGN, |hsm| restore(hsm, &other));
    // Sealed to a custodian still.
    let mut custodian = device(77);
    let key = backup_key(&mut custodian);
    let (mut source, unknown) = (device(1), public_key(&[1; 32]));
    let held = cut(&mut source, 2, &[key, unknown]).unwrap();
    unchanged(&mut target, SHARE_DEVICE, |hsm| restore(hsm, &held));
    unchanged(&mut target, SHARE_DEVICE, |hsm| pass(hsm, &each(&held)[0], unknown));
    // Made up: the hash betrays them, or the number does.
    let id = read.id();
    for number in [0, 1, 4, 5, 255] {
        let made_up = seal(&to, &id, number, &[7; 32]);
        unchanged(&mut target, SHARE_WRONG, |hsm| restore(hsm, &put(&[b, c, made_up])));
        unchanged(&mut target, SHARE_WRONG, |hsm| pass(hsm, &put(&[made_up]), key));
    }
    // Shares that agree with their manifest, and a root that does not.
    let values = [[1; 32], [2; 32]];
    let hashes =
        [1, 2].map(|number: u8| hash(Domain::BackupShare, &[&[number], &values[usize::from(number) - 1]]));
    let secret = [1, 2].map(|number| (number, values[usize::from(number) - 1].into()));
    let right = hash(Domain::BackupRoot, &[&*shamir::combine(&secret)]);
    for (root, expected) in [(Hash([5; 32]), refused(SHARE_ROOT)), (right, Ok(()))] {
        let mut whole = manifest(2, &root, &hashes);
        let id = hash(Domain::BackupManifest, &[&whole]);
        for (number, value) in secret.iter() {
            whole.extend(seal(&to, &id, *number, value));
        }
        let mut hsm = power_on(target.board().clone());
        tell(&mut hsm, Command::Login, &Login { user: UserName::new("ALICE").unwrap(), pin: b"officer pin" })
            .unwrap();
        assert_eq!(restore(&mut hsm, &whole), expected);
    }
    // Bytes of another form.
    for (threshold, count) in [(0, 2), (1, 2), (3, 2), (0, 0), (2, 17)] {
        let whole = manifest(threshold, &right, &vec![right; count]);
        unchanged(&mut target, SHARE_COUNT, |hsm| restore(hsm, &whole));
    }
    let whole = put(&[a, b, c]);
    unchanged(&mut target, DECODE_UNKNOWN_TAG, |hsm| restore(hsm, &[]));
    unchanged(&mut target, DECODE_MALFORMED, |hsm| restore(hsm, &whole[..whole.len() - 1]));
    unchanged(&mut target, DECODE_MALFORMED, |hsm| restore(hsm, &whole[..20]));
    unchanged(&mut target, DECODE_MALFORMED, |hsm| pass(hsm, start, key));
    unchanged(&mut target, DECODE_MALFORMED, |hsm| pass(hsm, &put(&[a, b]), key));
    unchanged(&mut target, EXCHANGE_LOW_ORDER, |hsm| pass(hsm, &put(&[a]), [0; 32]));

    target.board().confirms = false;
    unchanged(&mut target, NOT_CONFIRMED, |hsm| restore(hsm, &whole));
    unchanged(&mut target, NOT_CONFIRMED, |hsm| pass(hsm, &put(&[a]), key));
    target.board().confirms = true;
    assert_eq!(first_key(&mut target), own);
    // Not while a key derives from the root.
    let label = UserName::new("KEY").unwrap();
    let create = CreateKey { slot: 3, scheme: Scheme::Ed25519, purpose: Purpose::Approval, path: 0, label };
    ask(&mut target, Command::CreateKey, &create).unwrap();
    unchanged(&mut target, KEY_EXISTS, |hsm| restore(hsm, &whole));
    tell(&mut target, Command::DeleteKey, &Index { index: 3 }).unwrap();
    restore(&mut target, &whole).unwrap();
}

/// No byte of a manifest or a share may differ.
#[test]
fn every_byte_counts() {
    let (shares, mut target, _) = passed(1, 2, 2);
    let whole = together(&[&shares[0], &shares[1]]);
    let start = Manifest::read(&whole).unwrap().0.bytes.len();
    assert_eq!(whole.len(), start + 2 * SHARE_BYTES);
    for index in 0..whole.len() {
        let mut wrong = whole.clone();
        wrong[index] ^= 1;
        let expected = match index {
            0 | 1 => DECODE_UNKNOWN_TAG,
            // One hash less or more: the shares begin elsewhere.
            2 => DECODE_MALFORMED,
            3 => SHARE_COUNT,
            _ if index < start => SHARE_FOREIGN,
            _ if (1..33).contains(&((index - start) % SHARE_BYTES)) => SHARE_DEVICE,
            _ => SHARE_FOREIGN,
        };
        unchanged(&mut target, expected, |hsm| restore(hsm, &wrong));
        if index < start + SHARE_BYTES {
            wrong.truncate(start + SHARE_BYTES);
            unchanged(&mut target, expected, |hsm| pass(hsm, &wrong, [9; 32]));
        }
    }
    restore(&mut target, &whole).unwrap();
}

/// The log names the manifest where a root is cut and restored, and the key to which a share went.
#[test]
fn the_log_tells_of_shares() {
    let (mut source, mut target) = (device(1), device(2));
    let (one, two) = (backup_key(&mut source), backup_key(&mut target));
    let shares = cut(&mut source, 2, &[one, two]).unwrap();
    let first = pass(&mut source, &each(&shares)[0], two).unwrap();
    restore(&mut target, &together(&[&first, &each(&shares)[1]])).unwrap();
    let id = Manifest::read(&shares).unwrap().0.id();
    let last = |hsm: &mut Device| {
        let (user, pin) = (UserName::new("AUDREY").unwrap(), b"auditor pin");
        tell(hsm, Command::AddUser, &AddUser { user, role: Role::Auditor, pin }).unwrap();
        tell(hsm, Command::Login, &Login { user, pin }).unwrap();
        let bytes = ask(hsm, Command::AuditRead, &AuditFrom { count: 0 }).unwrap();
        let entries =
            bytes.as_chunks::<ENTRY_BYTES>().0.iter().map(|entry| Entry::from_bytes(entry).unwrap());
        entries.map(|entry| (entry.command, entry.about)).collect::<Vec<_>>()
    };
    let expected =
        [(Command::BackupShares as u8, id), (Command::PassShare as u8, hash(Domain::Backup, &[&two]))];
    assert_eq!(last(&mut source)[2..4], expected);
    assert_eq!(last(&mut target)[2], (Command::RestoreShares as u8, id));
}
