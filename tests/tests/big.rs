//! Stories with a game of more than a gibibyte. The engine picks units inside a window of 256 MiB: whatever is to be
//! fetched behind the first window is tried here, after every kind of interruption.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use lanspread_tests::{Game, MIB, Mark, Node, Party, Peer, PeerBuilder, Published, lanspread, read_tree};
use serde_json::json;

/// The large file; `LAST_BYTES` more follow in a second one.
const BIG_BYTES: u64 = 1_100 * MIB;
const LAST_BYTES: u64 = 2 * MIB;
/// Beyond the engine's window.
const INTERRUPTED_AT: u64 = 320 * MIB;
/// The seed's upload limit until the interruption. At this rate a progress event tells of 25 MB.
const RATE: u64 = 100_000_000;
/// Chunks between the source's uplink and the receiver's disk when a download is interrupted: QUIC's windows of 48 MiB
/// and the units that wait to be written.
const IN_FLIGHT: u64 = 64 * MIB;
/// A chunk has up to 1 MiB, and with the one byte that is wrong its whole unit may be fetched.
const DAMAGE: u64 = 2 * MIB;
/// A download that makes no progress for so long hangs.
const STANDSTILL: Duration = Duration::from_mins(1);

const BIG_FILE: &str = "data/everything.pak";
const LAST_FILE: &str = "data/last.pak";

/// A party with the game in two versions that differ in the last file only. The stories share it, because it takes
/// seconds to make.
struct World {
    party: Party,
    old: Published,
    new: Published,
    /// The catalog before the second version was published.
    old_catalog: PathBuf,
    old_tree: BTreeMap<String, Node>,
}

impl World {
    /// Returns the world that another story made and still uses, or makes one. The last story that uses it deletes it.
    fn shared() -> Arc<Self> {
        static WORLD: Mutex<Weak<World>> = Mutex::new(Weak::new());
        let mut world = WORLD.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(world) = world.upgrade() {
            return world;
        }
        let made = Arc::new(Self::make());
        *world = Arc::downgrade(&made);
        made
    }

    fn make() -> Self {
        let party = Party::within(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let game = Game::new("arena", "1.0").noise(BIG_FILE, BIG_BYTES).noise(LAST_FILE, LAST_BYTES);
        let old = party.publish_in_place(&game);
        let old_catalog = party.path().join("old-catalog.ron");
        for (from, to) in [("catalog.ron", "old-catalog.ron"), ("catalog.ron.sig", "old-catalog.ron.sig")] {
            fs::copy(party.path().join(from), party.path().join(to)).unwrap();
        }
        // Nothing changes the large file where it is published, so that both versions may share it.
        let games = party.path().join("new");
        Game::new("arena", "2.0").other_noise(LAST_FILE, LAST_BYTES, "2.0").write_to(&games.join("arena"));
        fs::hard_link(old.payload.join(BIG_FILE), games.join("arena").join(BIG_FILE)).unwrap();
        let new = party.publish_standing(&game.in_version("2.0"), &games);
        let old_tree = read_tree(&old.payload);
        Self { party, old, new, old_catalog, old_tree }
    }

    /// A peer that expects the first version.
    fn peer(&self, name: &str) -> PeerBuilder {
        self.party.peer(name).with_catalog(&self.old_catalog)
    }

    /// A source of the first version, which is slow until it is told otherwise. Each story has its own.
    fn slow_seed(&self, name: &str) -> Peer {
        let builder = self.party.linked_seed(name, &self.old).with_catalog(&self.old_catalog);
        builder.upload_limit(RATE).patient().start()
    }

    #[track_caller]
    fn is_complete(&self, peer: &Peer) {
        let here = read_tree(&peer.folder("arena"));
        assert!(here == self.old_tree, "{here:?}\nis not\n{:?}", self.old_tree);
    }
}

#[track_caller]
fn unleash(source: &Peer) {
    source.ask(json!({ "cmd": "set", "upload_limit": 0 }));
}

/// Awaits that so many bytes are here.
#[track_caller]
fn wait_bytes(peer: &Peer, mark: Mark, bytes: u64) {
    peer.wait_after(mark, &format!("{bytes} bytes"), |event| {
        assert!(!event.about("download-finished", "arena"), "too late to interrupt: {event}");
        event.about("download-progress", "arena") && event.number("bytes_done") >= bytes
    });
}

/// Awaits the end of a download, an update or a repair, however long it takes, as long as it makes progress.
#[track_caller]
fn wait_while_it_moves(peer: &Peer, mark: Mark) {
    let standing = || {
        let events = peer.events_after(mark);
        let last =
            events.into_iter().rfind(|event| event.is("download-progress") || event.is("operation-progress"));
        last.map(|event| (event["phase"].clone(), event.number("bytes_done")))
    };
    loop {
        let before = standing();
        let end = peer.wait_at_most(STANDSTILL, mark, |event| {
            let is_end =
                event.about("operation-finished", "arena") || event.about("operation-failed", "arena");
            // A verification that finds damage is followed by the repair.
            is_end && event["operation"] != "verify"
        });
        if let Some(end) = end {
            assert!(end.is("operation-finished"), "{} failed: {end}", peer.name());
            return;
        }
        assert!(standing() != before, "{} stands still at {before:?}: {}", peer.name(), peer.game("arena"));
    }
}

/// Changes one byte of a file.
fn damage(path: &Path, at: u64) {
    let mut file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 0x20]).unwrap();
}

#[test]
fn a_download_that_is_paused_behind_the_first_window_goes_on() {
    let world = World::shared();
    let seed = world.slow_seed("seed-of-pause");
    let ben = world.peer("pausing").knows(&seed).patient().start();
    let mark = ben.download("arena");
    wait_bytes(&ben, mark, INTERRUPTED_AT);
    ben.ask(json!({ "cmd": "pause", "game": "arena" }));
    ben.until("the pause", |ben| ben.game("arena")["operation"]["phase"] == "paused");
    unleash(&seed);
    let mark = ben.mark();
    ben.ask(json!({ "cmd": "resume", "game": "arena" }));
    wait_while_it_moves(&ben, mark);
    world.is_complete(&ben);
    let (sent, bytes) = (seed.status("tx_bytes"), world.old.bytes);
    assert!(sent <= bytes + IN_FLIGHT, "{sent} bytes were sent for a game of {bytes}");
}

#[test]
fn a_download_that_is_killed_behind_the_first_window_goes_on_by_itself() {
    let world = World::shared();
    let seed = world.slow_seed("seed-of-kill");
    let mut ben = world.peer("killed").knows(&seed).patient().start();
    let mark = ben.download("arena");
    wait_bytes(&ben, mark, INTERRUPTED_AT);
    ben.kill9();
    unleash(&seed);
    ben.restart();
    wait_while_it_moves(&ben, Mark::default());
    world.is_complete(&ben);
    let missing = world.old.bytes - INTERRUPTED_AT;
    let fetched = ben.status("rx_bytes");
    assert!(fetched <= missing + IN_FLIGHT, "{fetched} bytes were fetched where {missing} were missing");
}

#[test]
fn a_source_that_goes_and_returns_behind_the_first_window_completes_the_download() {
    let world = World::shared();
    let mut seed = world.slow_seed("seed-that-returns");
    let ben = world.peer("waiting").knows(&seed).patient().start();
    let mark = ben.download("arena");
    wait_bytes(&ben, mark, INTERRUPTED_AT);
    let sent = seed.status("tx_bytes");
    seed.stop();
    ben.wait_after(mark, "no source is left", |event| event.about("download-all-peers-gone", "arena"));
    seed.restart();
    unleash(&seed);
    wait_while_it_moves(&ben, mark);
    world.is_complete(&ben);
    let (sent, bytes) = (sent + seed.status("tx_bytes"), world.old.bytes);
    assert!(sent <= bytes + IN_FLIGHT, "{sent} bytes were sent for a game of {bytes}");
}

#[test]
fn an_update_that_lacks_only_the_end_fetches_only_that() {
    let world = World::shared();
    let seed = world.party.origin("seed-of-update", &world.new).patient().start();
    let ben = world.party.knowing_seed("updating", &[&world.old]).arg("--no-fetch-ahead");
    let ben = ben.knows(&seed).patient().start();
    ben.until("the update is offered", |ben| {
        ben.game("arena")["update_available"] == true && ben.sources("arena") > 0
    });
    let mark = ben.mark();
    ben.ask(json!({ "cmd": "update", "game": "arena" }));
    wait_while_it_moves(&ben, mark);
    assert_eq!(ben.game("arena")["local"]["version"], "2.0");
    assert!(read_tree(&ben.folder("arena")) == read_tree(&world.new.payload));
    let fetched = ben.status("rx_bytes");
    assert!(
        (LAST_BYTES..=LAST_BYTES + DAMAGE).contains(&fetched),
        "{fetched} bytes fetched for {LAST_BYTES} new ones"
    );
}

#[test]
fn a_damaged_byte_near_the_start_or_the_end_is_all_that_a_repair_fetches() {
    let world = World::shared();
    let seed = world.slow_seed("seed-of-repair");
    unleash(&seed);
    let builder = world.party.knowing_seed("damaged", &[&world.old]).with_catalog(&world.old_catalog);
    let ben = builder.knows(&seed).patient();
    let (games, big_file) = (ben.games().to_owned(), ben.games().join("arena").join(BIG_FILE));
    damage(&big_file, 1_000);
    let mut ben = ben.start();
    for place in ["start", "end"] {
        ben.until_sources("arena", 1);
        ben.until_state("arena", "modified");
        let (mark, before) = (ben.mark(), ben.status("rx_bytes"));
        ben.ask(json!({ "cmd": "verify", "game": "arena" }));
        let verified = ben.wait_after(mark, "the damage", |event| event.about("verify-finished", "arena"));
        assert_eq!(verified["damaged"], json!([BIG_FILE]), "{place}: {verified}");
        wait_while_it_moves(&ben, mark);
        let fetched = ben.status("rx_bytes") - before;
        assert!((1..=DAMAGE).contains(&fetched), "{place}: {fetched} bytes fetched for one");
        if place == "start" {
            ben.stop();
            damage(&big_file, BIG_BYTES - 1_000);
            ben.restart();
        }
    }
    world.is_complete(&ben);
    drop(ben);
    let verify = [
        "verify".as_ref(),
        "--games".as_ref(),
        games.as_os_str(),
        "--catalog".as_ref(),
        world.old_catalog.as_os_str(),
    ];
    let verified = lanspread(verify).ok().json();
    assert_eq!((&verified["state"], &verified["damaged"]), (&json!("downloaded"), &json!([])), "{verified}");
}
