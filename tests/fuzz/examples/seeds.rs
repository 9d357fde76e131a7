//! Writes inputs to begin with, one sound value of each kind: `corpus/<target>/seed-<n>`. From nothing a fuzzer takes
//! days to find its first manifest.

use std::fs;
use std::path::Path;

use lanspread_protocol::message::{
    Control, GossipPeer, Hello, Offer, OfferState, Presence, Refusal, Request, Response, WantedUnit,
};
use lanspread_protocol::{
    Blake3Hash, Catalog, CatalogHead, FileHasher, FrameError, Game, GameId, HashedFile, InstanceId, Manifest,
    ManifestId, OrganiserKey, OrganiserSecret, PeerId, Players, UnitIndex, frame,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let controls = controls()?;
    let stream: Vec<u8> = controls.concat();
    put("frame", &controls)?;
    put("frame", &[stream])?;
    // The target takes a kind, a number and the payload; what the fuzzer makes of plain payloads is enough.
    let payloads: Vec<Vec<u8>> = controls
        .iter()
        .chain(&exchanges()?)
        .map(|framed| framed[frame::FRAME_HEADER_BYTES..].to_vec())
        .collect();
    put("message", &payloads)?;
    put("manifest", &manifests()?)?;
    let secret = OrganiserSecret::from_seed([7; 32]);
    let text = catalog()?.to_text()?.into_bytes();
    put("catalog", &[secret.sign(&text).to_string().into_bytes(), secret.to_file().into_bytes(), text])?;
    put(
        "rel_path",
        &["data/maps.pak", "Größe/e\u{301}.txt", "con.txt", "a:b", "../x", "local/save"].map(Into::into),
    )?;
    Ok(())
}

fn put(target: &str, seeds: &[Vec<u8>]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    for seed in seeds {
        fs::write(folder.join(format!("seed-{}", Blake3Hash::of(seed).short())), seed)?;
    }
    Ok(())
}

fn game() -> GameId {
    "ut".parse().unwrap_or_else(|_| unreachable!("an id"))
}

fn controls() -> Result<Vec<Vec<u8>>, FrameError> {
    let (manifest, peer) = (ManifestId([1; 32]), PeerId([2; 32]));
    let version = || "1".parse().unwrap_or_else(|_| unreachable!("a version"));
    let units = [UnitIndex(0), UnitIndex(65)].into_iter().collect();
    let offer = |state| Offer { game: game(), state };
    let messages = [
        Control::Hello(Hello {
            instance: InstanceId(300),
            program: "0.1".into(),
            presence: Presence::default(),
        }),
        Control::Library {
            revision: 1,
            offers: vec![
                offer(OfferState::Complete { version: version(), manifest }),
                offer(OfferState::LocalOnly),
            ],
        },
        Control::LibraryDelta {
            revision: 2,
            changed: vec![offer(OfferState::Partial { version: version(), manifest, units, weight: 3 })],
            withdrawn: vec![game()],
        },
        Control::Units { game: game(), manifest, units: vec![UnitIndex(200)] },
        Control::Catalog(CatalogHead {
            key: OrganiserKey([3; 32]),
            serial: 300,
            hash: Blake3Hash([4; 32]),
            party: "LAN".into(),
        }),
        Control::Gossip(vec![GossipPeer {
            peer,
            addresses: vec![([10, 0, 0, 1], 40420).into(), ([0xfd00, 0, 0, 0, 0, 0, 0, 1], 1).into()],
        }]),
        Control::Introduce { peer },
        Control::Ping(1),
        Control::IdentityTaken,
        Control::Damaged { game: game(), manifest, unit: UnitIndex(5) },
    ];
    messages.iter().map(frame::encode).collect()
}

/// Requests and what answers them.
fn exchanges() -> Result<Vec<Vec<u8>>, FrameError> {
    let mut unit = WantedUnit::whole(UnitIndex(7));
    unit.skip_chunk(9);
    let requests = [
        Request::Units { game: game(), manifest: ManifestId([1; 32]), units: vec![unit] },
        Request::Manifest(ManifestId([1; 32])),
    ];
    let responses = [Response::Ok { bytes: 70_000 }, Response::Refused(Refusal::from(1))];
    requests.iter().map(frame::encode).chain(responses.iter().map(frame::encode)).collect()
}

fn manifests() -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    let file = |path: &str, contents: &[u8]| -> Result<HashedFile, Box<dyn std::error::Error>> {
        let content = FileHasher::new().hash(contents, |_, _| Ok(()))?;
        Ok(HashedFile { path: path.parse()?, executable: content.executable, chunks: content.chunks })
    };
    let small = Manifest::from_files(vec![file("version.ini", b"1")?], Vec::new())?;
    let files = vec![
        file("version.ini", b"1")?,
        file("bin/game", b"\x7fELF")?,
        file("data/empty", b"")?,
        file("data/zeros", &vec![0; 3 << 20])?,
        file("data/same", b"1")?,
    ];
    let varied = Manifest::from_files(files, vec!["void".parse()?])?;
    Ok(vec![small.encode(), varied.encode()])
}

fn catalog() -> Result<Catalog, Box<dyn std::error::Error>> {
    let mut catalog = Catalog { party: "LAN party".to_owned(), serial: 3, ..Catalog::default() };
    let mut game = Game::new(game(), "Unreal");
    game.version = Some("1.0".parse()?);
    game.manifest = Some(ManifestId([1; 32]));
    game.players = Some(Players { from: 1, to: 16 });
    game.description.insert("de".to_owned(), "Ein \"Spiel\"\n".to_owned());
    game.keep = vec!["saves/**".to_owned()];
    catalog.put(game);
    Ok(catalog)
}
