#![no_main]

use libfuzzer_sys::fuzz_target;
use qenex_core::hsm::channel::{Device, kind};
use qenex_core::hsm::proto::{MAX_FRAME, VERSION};
use qenex_fuzz::hsm_board::{TestBoard, power_on};

// Frames that no host sealed: each is answered, and none changes the flash.
fuzz_target!(|data: &[u8]| {
    let mut device = Device::new(power_on(TestBoard::new(1)));
    let before = device.board().disk.bytes.clone();
    let mut rest = data;
    while let Some((len, tail)) = rest.split_first() {
        let (frame, tail) = tail.split_at(usize::from(*len).min(tail.len()));
        let mut answer = [0; MAX_FRAME];
        let len = device.answer(&mut frame.to_vec(), &mut answer);
        assert!(len >= 2 && answer[0] == VERSION && answer[1] != kind::SEALED);
        rest = tail;
    }
    assert_eq!(device.board().disk.bytes, before);
});
