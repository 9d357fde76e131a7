//! The wire as the previous version of the program reads and writes it, by hand: none of today's message types.
//!
//! A peer of an earlier version decodes strictly. It skips a message whose variant it does not know, and closes the
//! connection over any other that has a field too many or too few. [`FrozenPeer`] is such a peer: it notes every frame
//! that the old decoder would not take. The layouts below must never be changed to make a story pass: they are what
//! programs in the field do.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::{Payload, Reply, Stranger};

const DEADLINE: Duration = Duration::from_mins(1);

/// The reason why a frame is wrong, in words.
pub(crate) type Broken = String;

/// Variants of the frozen control messages, by what the first number of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Said {
    Hello = 0,
    Library = 1,
    LibraryDelta = 2,
    Units = 3,
    Presence = 4,
    Catalog = 5,
    Gossip = 6,
    Introduce = 7,
    Ping = 8,
    Pong = 9,
    IdentityTaken = 10,
    Damaged = 11,
}

/// Reads a payload piece by piece, as postcard lays it out.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or_else(|| format!("{count} bytes are not there"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Seven bits a byte, lowest first; the highest bit says that more follow.
    fn number(&mut self, bits: u32) -> Result<u64, Broken> {
        let mut value = 0_u64;
        for shift in (0..bits).step_by(7) {
            let byte = self.take(1)?[0];
            let part = u64::from(byte & 0x7f);
            if shift + 7 > bits && part >> (bits - shift) != 0 {
                return Err(format!("a number of more than {bits} bits"));
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(format!("a number of more than {bits} bits"))
    }

    fn hash(&mut self) -> Result<(), Broken> {
        self.take(32).map(drop)
    }

    fn text(&mut self) -> Result<&'a str, Broken> {
        let length = self.number(64)?;
        let bytes = self.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        std::str::from_utf8(bytes).map_err(|error| error.to_string())
    }

    fn game(&mut self) -> Result<(), Broken> {
        let game = self.text()?;
        let is_plain = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if (1..=64).contains(&game.len()) && game.bytes().all(is_plain) {
            Ok(())
        } else {
            Err(format!("{game:?} is no game"))
        }
    }

    fn version(&mut self) -> Result<(), Broken> {
        let version = self.text()?;
        if (1..=64).contains(&version.len()) { Ok(()) } else { Err(format!("{version:?} is no version")) }
    }

    fn list(&mut self, mut entry: impl FnMut(&mut Self) -> Result<(), Broken>) -> Result<(), Broken> {
        for _ in 0..self.number(64)? {
            entry(self)?;
        }
        Ok(())
    }

    fn offer(&mut self) -> Result<(), Broken> {
        self.game()?;
        match self.number(32)? {
            0 => self.version().and_then(|()| self.hash()),
            1 => {
                self.version()?;
                self.hash()?;
                self.list(|words| words.number(64).map(drop))?;
                self.take(1).map(drop)
            }
            2 => Ok(()),
            state => Err(format!("an offer in the state {state}")),
        }
    }

    fn presence(&mut self) -> Result<(), Broken> {
        self.text()?;
        self.text()?;
        match self.take(1)? {
            [0] => {}
            [1] => self.game()?,
            option => return Err(format!("an option that begins with {option:?}")),
        }
        self.list(|server| server.game().and_then(|()| server.text().map(drop)))
    }

    fn address(&mut self) -> Result<(), Broken> {
        match self.number(32)? {
            0 => self.take(4)?,
            1 => self.take(16)?,
            family => return Err(format!("an address of the family {family}")),
        };
        self.number(16).map(drop)
    }

    fn end(self) -> Result<(), Broken> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(format!("{} bytes after the message's end", self.0.len()))
        }
    }
}

/// Reads a control message as the previous version does. `None` is one that it skips.
pub(crate) fn read_control(payload: &[u8]) -> Result<Option<Said>, Broken> {
    let mut read = Reader(payload);
    let said = match read.number(32)? {
        0 => {
            read.number(64)?;
            read.text()?;
            read.presence()?;
            Said::Hello
        }
        1 => {
            read.number(64)?;
            read.list(Reader::offer)?;
            Said::Library
        }
        2 => {
            read.number(64)?;
            read.list(Reader::offer)?;
            read.list(Reader::game)?;
            Said::LibraryDelta
        }
        3 => {
            read.game()?;
            read.hash()?;
            read.list(|unit| unit.number(32).map(drop))?;
            Said::Units
        }
        4 => read.presence().map(|()| Said::Presence)?,
        5 => {
            read.hash()?;
            read.number(64)?;
            read.hash()?;
            read.text()?;
            Said::Catalog
        }
        6 => {
            read.list(|peer| peer.hash().and_then(|()| peer.list(Reader::address)))?;
            Said::Gossip
        }
        7 => read.hash().map(|()| Said::Introduce)?,
        8 => read.number(64).map(|_| Said::Ping)?,
        9 => read.number(64).map(|_| Said::Pong)?,
        10 => Said::IdentityTaken,
        11 => {
            read.game()?;
            read.hash()?;
            read.number(32)?;
            Said::Damaged
        }
        _ => return Ok(None),
    };
    read.end().map(|()| Some(said))
}

/// A request to the previous version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Units by index, each with the mask of the chunks that are not wanted.
    Units(Vec<(u32, Vec<u8>)>),
    Manifest,
    Cover,
    Catalog,
}

/// Reads a request as the previous version does. `None` is one that it refuses as unknown.
pub(crate) fn read_request(payload: &[u8]) -> Result<Option<Asked>, Broken> {
    let mut read = Reader(payload);
    let asked = match read.number(32)? {
        0 => {
            read.game()?;
            read.hash()?;
            let mut units = Vec::new();
            read.list(|unit| {
                let index = u32::try_from(unit.number(32)?).map_err(|error| error.to_string())?;
                let length = usize::try_from(unit.number(64)?).unwrap_or(usize::MAX);
                units.push((index, unit.take(length)?.to_vec()));
                Ok(())
            })?;
            Asked::Units(units)
        }
        1 => read.hash().map(|()| Asked::Manifest)?,
        2 => read.hash().map(|()| Asked::Cover)?,
        3 => read.hash().map(|()| Asked::Catalog)?,
        _ => return Ok(None),
    };
    read.end().map(|()| Some(asked))
}

/// Reads the frame of a response and returns how many bytes it announces.
pub(crate) fn read_response(payload: &[u8]) -> Result<u64, Broken> {
    let mut read = Reader(payload);
    let bytes = match read.number(32)? {
        0 => read.number(64)?,
        1 => return Err(format!("refused with {}", read.number(16)?)),
        other => return Err(format!("a response of the variant {other}")),
    };
    read.end().map(|()| bytes)
}

fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [number(text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// A payload behind its length.
fn frame(payload: &[u8]) -> Vec<u8> {
    [&u32::try_from(payload.len()).unwrap().to_le_bytes(), payload].concat()
}

fn hello(instance: u64) -> Vec<u8> {
    // The variant, the instance, the program's version, a name, a PC, no game that runs, no servers.
    frame(&[vec![0], number(instance), text("0.1"), text("old"), text("old-pc"), vec![0, 0]].concat())
}

/// A library of one offer that is complete, or of one where every unit is here.
fn library(revision: u64, payload: &Payload, is_complete: bool) -> Vec<u8> {
    let manifest = payload.manifest();
    let head = [vec![1], number(revision), vec![1], text(payload.game()), vec![u8::from(!is_complete)]];
    let offer = [text(payload.version()), manifest.id().0.to_vec()];
    let mut bytes = [head.concat(), offer.concat()].concat();
    if !is_complete {
        let words = manifest.units().len().div_ceil(64);
        bytes.extend(number(words as u64));
        bytes.extend((0..words).flat_map(|_| number(u64::MAX)));
        bytes.push(3);
    }
    frame(&bytes)
}

fn units_request(payload: &Payload, units: std::ops::Range<u32>) -> Vec<u8> {
    let list = units.clone().flat_map(|unit| [number(u64::from(unit)), vec![0]].concat());
    let head =
        [vec![0], text(payload.game()), payload.manifest().id().0.to_vec(), number(units.len() as u64)];
    frame(&[head.concat(), list.collect()].concat())
}

/// A peer of the previous version that holds a payload. It answers pings, serves, and can fetch.
#[derive(Debug)]
pub struct FrozenPeer {
    stranger: Stranger,
    payload: Arc<Payload>,
    heard: Arc<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    notes: Mutex<Notes>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Notes {
    said: Vec<Said>,
    /// Variants of newer programs.
    skipped: usize,
    asked: Vec<Asked>,
    broken: Vec<Broken>,
}

impl Heard {
    fn note(&self, note: impl FnOnce(&mut Notes)) {
        note(&mut self.notes.lock().unwrap());
        self.news.notify_all();
    }
}

impl FrozenPeer {
    /// Dials a peer from this loopback address and greets it.
    #[track_caller]
    pub fn dial_from(local: &str, address: &str, payload: &Arc<Payload>) -> Self {
        let stranger = Stranger::dial_from(local, address);
        let heard = Arc::new(Heard::default());
        let control = Arc::clone(&heard);
        stranger.hears_frames(move |frame| {
            control.note(|notes| match read_control(&frame) {
                Ok(Some(said)) => notes.said.push(said),
                Ok(None) => notes.skipped += 1,
                Err(broken) => notes.broken.push(format!("a control message: {broken}: {frame:?}")),
            });
        });
        let (requests, held) = (Arc::clone(&heard), Arc::clone(payload));
        stranger.replies_to_frames(move |frame| {
            let read = read_request(frame);
            let reply = answer(&held, read.as_ref().ok().and_then(Option::as_ref));
            requests.note(|notes| match read {
                Ok(Some(asked)) => notes.asked.push(asked),
                Ok(None) => notes.skipped += 1,
                Err(broken) => notes.broken.push(format!("a request: {broken}: {frame:?}")),
            });
            reply
        });
        let mut peer = Self { stranger, payload: Arc::clone(payload), heard };
        peer.say(&hello(peer.instance()));
        peer
    }

    fn instance(&self) -> u64 {
        u64::from_str_radix(&self.id()[..8], 16).unwrap_or(1)
    }

    pub fn id(&self) -> String {
        self.stranger.id()
    }

    #[track_caller]
    fn say(&mut self, frame: &[u8]) {
        self.stranger.say_bytes(frame).unwrap_or_else(|error| panic!("saying {frame:?}: {error}"));
    }

    /// Says that it has the whole payload.
    #[track_caller]
    pub fn offer_complete(&mut self) {
        let library = library(1, &Arc::clone(&self.payload), true);
        self.say(&library);
    }

    /// Says that it downloads the payload and has all units of it.
    #[track_caller]
    pub fn offer_every_unit(&mut self) {
        let library = library(1, &Arc::clone(&self.payload), false);
        self.say(&library);
    }

    #[track_caller]
    pub fn ping(&mut self) {
        self.say(&frame(&[8, 77]));
    }

    /// Awaits such a control message.
    #[track_caller]
    pub fn wait(&self, said: Said) {
        self.wait_until(&format!("{said:?}"), |notes| notes.said.contains(&said));
    }

    /// Awaits a request that is accepted.
    #[track_caller]
    pub fn wait_asked(&self, what: &str, accept: impl Fn(&Asked) -> bool) {
        self.wait_until(what, |notes| notes.asked.iter().any(&accept));
    }

    #[track_caller]
    fn wait_until(&self, what: &str, holds: impl Fn(&Notes) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        let mut notes = self.heard.notes.lock().unwrap();
        while !holds(&notes) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the old peer never heard: {what}; {notes:?}");
            notes = self.heard.news.wait_timeout(notes, left).unwrap().0;
        }
    }

    /// Fetches the whole payload as the previous version does: the manifest, then its units, some at a time.
    #[track_caller]
    pub fn fetch(&self) -> Vec<u8> {
        let manifest = self.payload.manifest();
        let encoded = self.ask(&frame(&[&[1][..], &manifest.id().0].concat()));
        assert_eq!(blake3::hash(&encoded).as_bytes(), &manifest.id().0, "the manifest");
        let count = u32::try_from(manifest.units().len()).unwrap();
        let batches = (0..count).step_by(8).map(|start| start..(start + 8).min(count));
        batches.flat_map(|units| self.ask(&units_request(&self.payload, units))).collect()
    }

    /// One request, and the bytes that answer it.
    #[track_caller]
    fn ask(&self, request: &[u8]) -> Vec<u8> {
        let answer = self.stranger.exchange(request).expect("an answer");
        let (header, rest) = answer.split_at(4);
        let length = u32::from_le_bytes(header.try_into().unwrap()) as usize;
        let (response, body) = rest.split_at(length);
        let announced = read_response(response).unwrap_or_else(|broken| panic!("an answer: {broken}"));
        assert_eq!(announced, body.len() as u64, "as many bytes as were announced");
        body.to_vec()
    }

    /// Requires that the previous version would have read everything so far, and that the connection still stands.
    #[track_caller]
    pub fn understood_everything(&self) {
        let notes = self.heard.notes.lock().unwrap();
        assert!(
            notes.broken.is_empty(),
            "the previous version closes its connection over {:#?}",
            notes.broken
        );
        assert!(self.stranger.is_open(), "the new program closed the connection; {notes:?}");
    }
}

/// The previous version's answer.
fn answer(payload: &Payload, asked: Option<&Asked>) -> Reply {
    let ok = |body: Vec<u8>| {
        let response = frame(&[vec![0], number(body.len() as u64)].concat());
        Reply::Bytes([response, body].concat())
    };
    match asked {
        Some(Asked::Manifest) => ok(payload.manifest().encode()),
        Some(Asked::Units(units)) => {
            ok(units.iter().flat_map(|(unit, skip)| payload.unit(*unit, skip)).collect())
        }
        // Not here, and the reason without a name for what it does not know.
        Some(Asked::Cover | Asked::Catalog) => Reply::Bytes(frame(&[1, 3])),
        None => Reply::Bytes(frame(&[1, 0])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let hex = hex.replace("<ones>", &"01".repeat(32));
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// The golden frames of commit 7b11dc6, as its tests hold them.
    const CONTROL: [&str; 12] = [
        "1d00000000ac0203302e31034c6561025043010261620102616206736572766572",
        "2d000000010102026162000131<ones>02616202",
        "31000000020201026162010131<ones>0201020301026162",
        "2700000003026162<ones>01c801",
        "1700000004034c6561025043010261620102616206736572766572",
        "4700000005<ones>ac02<ones>034c414e",
        "3d00000006<ones>0102000a000001e4bb0201fd00000000000000000000000000000101",
        "2100000007<ones>",
        "020000000801",
        "020000000901",
        "010000000a",
        "250000000b026162<ones>05",
    ];
    const REQUESTS: [&str; 4] =
        ["2b00000000026162<ones>02000001020002", "21000000<ones>01", "2100000002<ones>", "2100000003<ones>"];

    #[test]
    fn the_golden_messages_are_read_and_nothing_longer_or_shorter() {
        for (variant, golden) in (0_u32..).zip(CONTROL) {
            let frame = bytes(golden);
            let payload = &frame[4..];
            assert_eq!(read_control(payload).map(|said| said.map(|said| said as u32)), Ok(Some(variant)));
            assert!(read_control(&[payload, &[0]].concat()).is_err(), "{golden} takes no further field");
            assert!(read_control(&payload[..payload.len() - 1]).is_err(), "{golden} has no field too many");
        }
        assert_eq!(read_control(&[12, 1, 2, 3]), Ok(None));
    }

    #[test]
    fn the_golden_requests_are_read_and_nothing_longer_or_shorter() {
        let units = vec![(0, Vec::new()), (1, vec![0, 2])];
        let expected = [Asked::Units(units), Asked::Manifest, Asked::Cover, Asked::Catalog];
        for (golden, expected) in REQUESTS.into_iter().zip(expected) {
            let frame = bytes(golden);
            let payload = &frame[4..];
            assert_eq!(read_request(payload), Ok(Some(expected)));
            assert!(read_request(&[payload, &[0]].concat()).is_err());
            assert!(read_request(&payload[..payload.len() - 1]).is_err());
        }
        assert_eq!((read_request(&[4, 1]), read_response(&[0, 0xac, 2])), (Ok(None), Ok(300)));
        assert!(read_response(&[1, 4]).is_err() && read_response(&[0, 5, 9]).is_err());
    }

    #[test]
    fn what_the_old_peer_says_is_golden_too() {
        assert_eq!(hello(300), bytes("1400000000ac0203302e31036f6c64066f6c642d70630000"));
    }
}
