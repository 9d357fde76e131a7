//! A published payload as a source holds it: what a stranger needs to offer it and to serve it by hand.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

use lanspread_protocol::message::{Offer, OfferState, Refusal, Request, Response};
use lanspread_protocol::{GameId, Manifest, UnitSet, Version, frame};

use crate::Published;

/// A payload, its manifest, and the answers of an honest source.
#[derive(Debug)]
pub struct Payload {
    game: GameId,
    version: Version,
    manifest: Manifest,
    root: PathBuf,
}

impl Payload {
    pub fn of(published: &Published) -> Self {
        let stored = published.games.join(".lanspread/manifests").join(&published.manifest);
        let manifest = Manifest::decode(&fs::read(&stored).unwrap()).unwrap();
        assert_eq!(manifest.id().to_string(), published.manifest);
        Self {
            game: published.id.parse().unwrap(),
            version: published.version.parse().unwrap(),
            manifest,
            root: published.payload.clone(),
        }
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    pub fn game(&self) -> &str {
        self.game.as_str()
    }

    pub fn version(&self) -> &str {
        self.version.as_str()
    }

    /// All units' bytes, in order: a payload in which no chunk repeats.
    pub fn bytes(&self) -> Vec<u8> {
        let units = 0..u32::try_from(self.manifest.units().len()).unwrap();
        units.flat_map(|unit| self.unit(unit, &[])).collect()
    }

    /// The offer of a peer that has all of it.
    pub fn complete(&self) -> Offer {
        let state = OfferState::Complete { version: self.version.clone(), manifest: self.manifest.id() };
        Offer { game: self.game.clone(), state }
    }

    /// The offer of a peer that downloads it and says that it has every unit already.
    pub fn every_unit(&self, weight: u8) -> Offer {
        let units = UnitSet::full(self.manifest.units().len());
        let (version, manifest) = (self.version.clone(), self.manifest.id());
        Offer { game: self.game.clone(), state: OfferState::Partial { version, manifest, units, weight } }
    }

    /// The chunks of a unit, in order, without those whose bit in the mask is set, lowest bit first.
    pub fn unit(&self, unit: u32, skip: &[u8]) -> Vec<u8> {
        let is_wanted = |nth: usize| skip.get(nth / 8).is_none_or(|byte| byte & (1 << (nth % 8)) == 0);
        let chunks = self.manifest.units()[unit as usize].chunks.clone().zip(0..);
        chunks.filter(|(_, nth)| is_wanted(*nth)).flat_map(|(chunk, _)| self.chunk(chunk)).collect()
    }

    fn chunk(&self, index: u32) -> Vec<u8> {
        let file = self.manifest.file_of_chunk(index).unwrap();
        let chunks = self.manifest.chunks();
        let before = &chunks[file.chunks.start as usize..index as usize];
        let at: u64 = before.iter().map(|chunk| u64::from(chunk.bytes)).sum();
        let mut bytes = vec![0; chunks[index as usize].bytes as usize];
        let mut open = File::open(self.root.join(file.path.as_str())).unwrap();
        open.seek(SeekFrom::Start(at)).unwrap();
        open.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// The bytes that an honest source sends: the response's frame, then what was asked for.
    pub fn answer(&self, request: &Request) -> Vec<u8> {
        let body = match request {
            Request::Manifest(id) if *id == self.manifest.id() => self.manifest.encode(),
            Request::Units { manifest, units, .. } if *manifest == self.manifest.id() => {
                units.iter().flat_map(|wanted| self.unit(wanted.unit.0, &wanted.skip)).collect()
            }
            Request::Units { .. } | Request::Manifest(_) | Request::Cover(_) | Request::Catalog(_) => {
                return refusal(Refusal::UnknownGame);
            }
        };
        [ok_of(body.len() as u64), body].concat()
    }
}

/// The frame that announces so many bytes.
pub fn ok_of(bytes: u64) -> Vec<u8> {
    frame::encode(&Response::Ok { bytes }).unwrap()
}

/// The frame that refuses a request.
pub fn refusal(why: Refusal) -> Vec<u8> {
    frame::encode(&Response::Refused(why)).unwrap()
}
