//! Each kind of message, and what is done with its parts as soon as it is there.
#![no_main]

use lanspread_protocol::frame::{self, FRAME_HEADER_BYTES, Message};
use lanspread_protocol::message::{CloseCode, Control, OfferState, Refusal, Request, Response};
use libfuzzer_sys::fuzz_target;

fn again<M: Message + PartialEq + std::fmt::Debug>(payload: &[u8]) -> Option<M> {
    let message = frame::decode::<M>(payload).ok()??;
    let encoded = frame::encode(&message).unwrap();
    assert_eq!(frame::decode::<M>(&encoded[FRAME_HEADER_BYTES..]).unwrap().as_ref(), Some(&message));
    Some(message)
}

fuzz_target!(|input: (u8, u64, &[u8])| {
    let (kind, number, payload) = input;
    match kind % 4 {
        0 => {
            if let Some(Control::Library { offers, .. } | Control::LibraryDelta { changed: offers, .. }) =
                again(payload)
            {
                for offer in offers {
                    if let OfferState::Partial { units, .. } = offer.state {
                        assert_eq!(units.iter().count(), units.len());
                        assert!(units.iter().all(|unit| units.contains(unit)));
                    }
                }
            }
        }
        1 => {
            if let Some(Request::Units { units, .. }) = again(payload) {
                for mut unit in units {
                    let nth = usize::try_from(number % 100_000).unwrap();
                    unit.skip_chunk(nth);
                    assert!(!unit.wants(nth));
                }
            }
        }
        2 => drop(again::<Response>(payload)),
        _ => {
            let code = u16::try_from(number & 0xffff).unwrap();
            let refusal = Refusal::from(code);
            assert_eq!(Refusal::from(u16::from(refusal)), refusal);
            if let Some(close) = CloseCode::from_code(number) {
                assert_eq!(u64::from(close.code()), number);
            }
        }
    }
});
