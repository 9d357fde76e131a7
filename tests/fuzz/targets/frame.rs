//! A stream of bytes as frames: no header claims more than is allowed, and what decodes is written the same again.
#![no_main]

use lanspread_protocol::frame::{self, FRAME_HEADER_BYTES};
use lanspread_protocol::limits::MAX_FRAME_BYTES;
use lanspread_protocol::message::Control;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| {
    let mut rest = stream;
    while let Some((header, after)) = rest.split_first_chunk::<FRAME_HEADER_BYTES>() {
        let Ok(length) = frame::payload_length(*header) else { return };
        assert!((1..=MAX_FRAME_BYTES).contains(&length));
        let Some((payload, next)) = after.split_at_checked(length) else { return };
        match frame::decode::<Control>(payload) {
            Ok(Some(message)) => {
                let again = frame::encode(&message).unwrap();
                let decoded = frame::decode::<Control>(&again[FRAME_HEADER_BYTES..]).unwrap();
                assert_eq!(decoded, Some(message));
            }
            // Of a newer minor version: skipped.
            Ok(None) => {}
            Err(_closes_the_connection) => return,
        }
        rest = next;
    }
});
