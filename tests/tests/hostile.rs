//! Peers that lie, stall, flood and talk nonsense. They lose their connection, and nobody else notices.

use std::fs;
use std::net::UdpSocket;
use std::sync::mpsc::sync_channel;

use lanspread_protocol::message::{CloseCode, Control, GossipPeer, Offer, OfferState, Request};
use lanspread_protocol::{CatalogHead, Manifest, ManifestId, PeerId, UnitIndex, frame, limits};
use lanspread_tests::{
    Answer, Closed, Game, MIB, Party, Payload, Peer, Published, Stranger, assert_same_tree, ok_of, read_tree,
};
use serde_json::json;

/// A seed, and what proves that it is well: a guest that comes and fetches.
struct Victim {
    party: Party,
    game: Published,
    peer: Peer,
}

impl Victim {
    fn new() -> Self {
        let party = Party::new();
        let game = party.publish(&Game::small("chess"));
        let peer = party.seed("victim", &[&game]).start();
        peer.until_state("chess", "downloaded");
        Self { party, game, peer }
    }

    fn address(&self) -> String {
        self.peer.address()
    }

    #[track_caller]
    fn is_well(&self) {
        let guest = self.party.peer("guest").knows(&self.peer).start();
        guest.fetch("chess");
        assert_same_tree(&self.game.payload, &guest.folder("chess"));
        self.is_small();
    }

    /// Far above what it needs, far below what the floods of these stories would take if they were kept.
    #[track_caller]
    fn is_small(&self) {
        let Ok(status) = fs::read_to_string(format!("/proc/{}/status", self.peer.pid())) else { return };
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
        let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        assert!(peak_kib < 400 * 1024, "it grew to {} MiB", peak_kib / 1024);
    }
}

/// Bytes without meaning, the same in each run.
fn garbage(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().update(&seed.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn complete_offer(game: &Published) -> Offer {
    Payload::of(game).complete()
}

#[test]
fn garbage_in_packets_is_dropped() {
    let victim = Victim::new();
    let socket = UdpSocket::bind("127.0.0.201:0").unwrap();
    for seed in 0..2000 {
        let len = usize::try_from(seed % 1400).unwrap() + 1;
        // A packet that the kernel drops is none that the victim minds.
        drop(socket.send_to(&garbage(seed, len), victim.address()));
    }
    victim.is_well();
}

#[test]
fn garbage_on_a_stream_closes_the_connection() {
    let victim = Victim::new();
    for seed in 0..30 {
        let mut stranger = Stranger::dial(&victim.address());
        if seed % 2 == 0 {
            stranger.say(&stranger.hello());
        }
        // Variant 0 is a second hello with garbage in it; random headers announce random lengths.
        let mut bytes = garbage(seed, 400);
        if seed % 3 == 0 {
            bytes[..5].copy_from_slice(&[60, 0, 0, 0, u8::try_from(seed % 12).unwrap()]);
        }
        if stranger.say_bytes(&bytes).is_ok() {
            drop(stranger.say_bytes(&garbage(seed + 1000, 4000)));
        }
        assert!(
            matches!(stranger.closed(), Closed::Because(CloseCode::Protocol | CloseCode::Flood)),
            "garbage {seed}"
        );
    }
    victim.is_well();
}

#[test]
fn an_oversized_frame_closes_the_connection_before_it_is_read() {
    let victim = Victim::new();
    let mut stranger = Stranger::greeting(&victim.address());
    let length = u32::try_from(limits::MAX_FRAME_BYTES).unwrap() + 1;
    stranger.say_bytes(&length.to_le_bytes()).unwrap();
    assert_eq!(stranger.closed(), Closed::Because(CloseCode::Protocol));
    let stranger = Stranger::greeting(&victim.address());
    assert_eq!(stranger.request_bytes(&[0xff; 64]), Answer::Nothing);
    victim.is_well();
}

#[test]
fn a_guest_that_never_greets_is_shown_the_door() {
    let victim = Victim::new();
    let stranger = Stranger::dial(&victim.address());
    assert!(!matches!(stranger.closed(), Closed::Because(CloseCode::Goodbye)));
    assert_eq!(victim.peer.count("peer-joined"), 0, "who never greeted never joined");
    victim.is_well();
}

#[test]
fn another_major_version_is_no_peer() {
    let victim = Victim::new();
    assert!(Stranger::try_dial(&victim.address(), b"lanspread/2").is_err());
    assert!(Stranger::try_dial(&victim.address(), b"h3").is_err());
    victim.is_well();
}

#[test]
fn what_a_newer_version_says_is_skipped() {
    let victim = Victim::new();
    let mut stranger = Stranger::greeting(&victim.address());
    // A frame of five bytes with the variant 99.
    stranger.say_bytes(&[5, 0, 0, 0, 99, 1, 2, 3, 4]).unwrap();
    stranger.say(&Control::Ping(7));
    assert!(matches!(stranger.request(&Request::Manifest(ManifestId([0; 32]))), Answer::Refused(_)));
    assert!(stranger.is_open());
    victim.is_well();
}

#[test]
fn a_flood_of_messages_closes_the_connection() {
    let victim = Victim::new();
    let mut stranger = Stranger::greeting(&victim.address());
    let ping = frame::encode(&Control::Ping(1)).unwrap();
    let many = ping.repeat(usize::try_from(limits::MAX_MESSAGES_PER_SECOND).unwrap());
    // More and more until it is shut out: however slowly they are sent, they are read faster than is allowed.
    for _ in 0..100 {
        if stranger.say_bytes(&many).is_err() {
            break;
        }
    }
    assert_eq!(stranger.closed(), Closed::Because(CloseCode::Flood));
    victim.is_well();
}

#[test]
fn a_flood_of_connections_leaves_room_for_others() {
    let victim = Victim::new();
    let strangers: Vec<_> = (0..60)
        .filter_map(|_| {
            let mut stranger = Stranger::try_dial(&victim.address(), lanspread_protocol::ALPN).ok()?;
            let hello = frame::encode(&stranger.hello()).ok()?;
            stranger.say_bytes(&hello).ok().map(|()| stranger)
        })
        .collect();
    victim.peer.until("few of them are left", |_| {
        let open = strangers.iter().filter(|stranger| stranger.is_open()).count();
        (1..=limits::MAX_CONNECTIONS_PER_ADDRESS).contains(&open)
    });
    victim.is_well();
}

#[test]
fn a_flood_of_requests_leaves_room_for_others() {
    let victim = Victim::new();
    let Ok(manifest) = victim.game.manifest.parse() else { unreachable!() };
    let stranger = Stranger::greeting(&victim.address());
    let open = stranger.request_and_ignore(&Request::Manifest(manifest), 1000);
    let allowed = usize::try_from(limits::MAX_REQUESTS_PER_CONNECTION).unwrap();
    assert!(open.len() < 1000 || allowed >= 1000, "{} requests at once", open.len());
    victim.is_well();
}

#[test]
fn a_receiver_that_reads_nothing_holds_nobody_up() {
    let victim = Victim::new();
    let big = victim.party.publish(&Game::big("arena", 16 * MIB));
    let seed = victim.party.seed("seed", &[&big]).start();
    seed.until_state("arena", "downloaded");
    let (Ok(game), Ok(manifest)) = ("arena".parse(), big.manifest.parse()) else { unreachable!() };
    let units = (0..32).map(|unit| lanspread_protocol::message::WantedUnit::whole(UnitIndex(unit))).collect();
    let stranger = Stranger::greeting(&seed.address());
    let open = stranger.request_and_ignore(&Request::Units { game, manifest, units }, 32);
    assert!(!open.is_empty());
    seed.wait("it serves the stranger", |event| {
        event.about("outbound-transfer-count-changed", "arena") && event["count"] != 0
    });

    // A writer does not wait for a stalled reader.
    let mark = seed.mark();
    seed.ask(json!({ "cmd": "remove", "game": "arena" }));
    seed.wait_after(mark, "removed", |event| event.about("operation-finished", "arena"));
    assert!(!seed.folder("arena").join("version.ini").exists());
}

#[test]
fn a_source_that_never_answers_is_passed_over() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 8 * MIB));
    let ben = party.peer("ben").start();
    let stalling = Stranger::offering(&ben.address(), vec![complete_offer(&game)]);
    stalling.answers(|_| None);
    let sound = party.seed("sound", &[&game]).knows(&ben).start();
    ben.until_connected_to(&sound);
    ben.until_sources("arena", 2);
    ben.fetch("arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
}

#[test]
fn a_source_that_stalls_while_it_is_the_only_one_is_given_up() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let ben = party.peer("ben").start();
    let stalling = Stranger::offering(&ben.address(), vec![complete_offer(&game)]);
    let (asked, was_asked) = sync_channel(64);
    stalling.answers(move |request| {
        if matches!(request, Request::Manifest(_)) {
            asked.try_send(()).unwrap();
        }
        None
    });
    ben.until_sources("chess", 1);
    let mark = ben.download("chess");
    was_asked.recv().unwrap();
    // The request that stalls is under way: nothing but its time limit ends it.
    let sound = party.seed("sound", &[&game]).knows(&ben).start();
    ben.wait_downloaded(mark, "chess");
    assert_same_tree(&game.payload, &ben.folder("chess"));
    assert!(stalling.is_open() && sound.status("served_chunks") > 0);
}

#[test]
fn a_source_that_lies_is_named_and_left() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 8 * MIB));
    let ben = party.peer("ben").start();
    let liar = Stranger::offering(&ben.address(), vec![complete_offer(&game)]);
    let liar_id = liar.id();
    liar.answers(|request| match request {
        // As many bytes as a unit may have: whatever was asked for, these are not it.
        Request::Units { units, .. } => {
            let bytes = garbage(units.len() as u64, 256 * 1024 * units.len());
            Some([ok_of(bytes.len() as u64), bytes].concat())
        }
        Request::Manifest(_) | Request::Cover(_) | Request::Catalog(_) => {
            Some([ok_of(1000), garbage(3, 1000)].concat())
        }
    });
    let sound = party.seed("sound", &[&game]).upload_limit(2 * MIB).knows(&ben).start();
    ben.until_connected_to(&sound);
    ben.until_sources("arena", 2);
    ben.fetch("arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    for event in ben.events().iter().filter(|event| event.is("chunk-rejected")) {
        assert_eq!(event["peer_id"], liar_id.as_str(), "the wrong one is named: {event}");
    }
}

#[test]
fn answers_that_break_the_rules_are_no_answers() {
    let party = Party::new();
    let game = party.publish(&Game::big("arena", 4 * MIB));
    let ben = party.peer("ben").start();
    let answers: [fn() -> Vec<u8>; 6] = [
        || ok_of(u64::MAX),
        || [ok_of(10), garbage(1, 5000)].concat(),
        || ok_of(5000),
        || vec![0xff; 100],
        Vec::new,
        || [ok_of(0), vec![1]].concat(),
    ];
    let strangers: Vec<_> = answers
        .into_iter()
        .map(|answer| {
            let stranger = Stranger::offering(&ben.address(), vec![complete_offer(&game)]);
            stranger.answers(move |_| Some(answer()));
            stranger
        })
        .collect();
    let sound = party.seed("sound", &[&game]).knows(&ben).start();
    ben.until_connected_to(&sound);
    ben.fetch("arena");
    assert_same_tree(&game.payload, &ben.folder("arena"));
    drop(strangers);
}

/// The wire form of a manifest, written by hand: with paths that the types refuse to hold.
fn manifest_with_path(path: &str) -> Vec<u8> {
    let content = b"out!";
    let chunk = |bytes: &[u8]| (*blake3::hash(bytes).as_bytes(), u32::try_from(bytes.len()).unwrap_or(0));
    let mut files = vec![(path, false, 1_u32), ("version.ini", false, 1)];
    files.sort_unstable();
    let mut chunks = vec![chunk(content), chunk(b"1.0")];
    if files[0].0 == "version.ini" {
        chunks.swap(0, 1);
    }
    let empty_folders: Vec<&str> = Vec::new();
    postcard::to_stdvec(&(files, empty_folders, chunks)).unwrap_or_default()
}

#[test]
fn no_manifest_leads_out_of_its_folder() {
    let party = Party::new();
    party.publish(&Game::small("chess"));
    party.unpin_manifests();
    // The form is right: a harmless path makes a manifest.
    assert!(Manifest::decode(&manifest_with_path("a.txt")).is_ok());
    for path in [
        "../escape.txt",
        "/lanspread-escape.txt",
        "a/../../b",
        "C:/x",
        "a\\..\\b",
        "local/x",
        ".lanspread/x",
        "con",
    ] {
        let ben = party.peer(&format!("ben-{}", blake3::hash(path.as_bytes()).to_hex())).start();
        let manifest = manifest_with_path(path);
        let id = ManifestId(*blake3::hash(&manifest).as_bytes());
        let state = OfferState::Complete { version: "1.0".parse().unwrap(), manifest: id };
        let evil = Stranger::offering(&ben.address(), vec![Offer { game: "chess".parse().unwrap(), state }]);
        evil.answers(move |request| match request {
            Request::Manifest(_) => Some([ok_of(manifest.len() as u64), manifest.clone()].concat()),
            Request::Units { .. } | Request::Cover(_) | Request::Catalog(_) => {
                Some([ok_of(4), b"out!".to_vec()].concat())
            }
        });
        ben.until("the offer", |ben| ben.connected().iter().any(|peer| peer["peer_id"] == evil.id()));
        let mark = ben.mark();
        if ben.request(json!({ "cmd": "download", "game": "chess" })).is_ok() {
            ben.wait_after(mark, "its failure", |event| {
                event.about("operation-failed", "chess") || event.about("download-all-peers-gone", "chess")
            });
        }
        assert!(!ben.games().join("escape.txt").exists() && !ben.games().join("../escape.txt").exists());
        let tree = read_tree(ben.games());
        assert!(tree.keys().all(|name| name == "chess"), "{path}: {tree:?}");
    }
}

#[test]
fn boundless_libraries_gossip_and_names_are_bounded() {
    let victim = Victim::new();
    let game = |n: usize| format!("game-{n}").parse().unwrap();
    let manifest = ManifestId([9; 32]);
    let offers: Vec<_> = (0..limits::MAX_GAMES * 4)
        .map(|n| Offer {
            game: game(n),
            state: OfferState::Complete { version: "1".parse().unwrap(), manifest },
        })
        .collect();
    let mut stranger = Stranger::greeting(&victim.address());
    for library in offers.chunks(5000) {
        let message = Control::Library { revision: 2, offers: library.to_vec() };
        if stranger.say_bytes(&frame::encode(&message).unwrap()).is_err() {
            break;
        }
    }
    let gossip: Vec<_> = (0..5000_u32)
        .map(|n| {
            let mut id = [0; 32];
            id[..4].copy_from_slice(&n.to_le_bytes());
            let [a, b, ..] = n.to_be_bytes()[2..] else { unreachable!() };
            GossipPeer { peer: PeerId(id), addresses: vec![([127, 9, a, b], 9).into()] }
        })
        .collect();
    let mut gossiper = Stranger::greeting(&victim.address());
    drop(gossiper.say_bytes(&frame::encode(&Control::Gossip(gossip)).unwrap()));
    let mut loud = Stranger::dial(&victim.address());
    if let Control::Hello(mut hello) = loud.hello() {
        hello.presence.name = "n".repeat(3_000_000);
        drop(loud.say_bytes(&frame::encode(&Control::Hello(hello)).unwrap()));
    }
    victim.is_well();
    let peers = victim.peer.ask(json!({ "cmd": "peers" }));
    let longest = peers["peers"].as_array().unwrap().iter().map(|peer| peer["name"].to_string().len()).max();
    assert!(longest.unwrap_or(0) < 1_000, "a name is cut or refused");
}

#[test]
fn a_catalog_that_is_only_announced_changes_nothing() {
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let ben = party.seed("ben", &[&game]).pinned().start();
    let mut liar = Stranger::greeting(&ben.address());
    liar.answers(|request| match request {
        Request::Catalog(_) => Some([ok_of(500), garbage(5, 500)].concat()),
        Request::Units { .. } | Request::Manifest(_) | Request::Cover(_) => None,
    });
    let head = CatalogHead {
        key: party.organiser().parse().unwrap(),
        serial: u64::MAX,
        hash: lanspread_protocol::Blake3Hash([5; 32]),
        party: "evil".into(),
    };
    liar.say(&Control::Catalog(head));
    // What the organiser publishes later still arrives: the liar's serial was never believed.
    party.publish(&Game::small("go"));
    let seed = party.peer("seed").pinned().knows(&ben).start();
    ben.until_connected_to(&seed);
    ben.until("the real catalog", |ben| ben.game("go")["title"].is_string());
    assert_eq!(ben.state("chess"), "downloaded");
}
