//! Anything at all, in any order: no input makes the engine panic, loop, or grow without bound.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lanspread_engine::{
    AfterDownload, BlobError, Candidate, ClosedReason, Command, CommandError, ConnId, DialId, DiskFailure,
    Effect, Engine, ErrorCode, Extras, FailureKind, FetchEnd, FetchId, Input, KeptFiles, OpId, Opened,
    Payload, RaceId, Raced, ReplyId, RunId, Saves, ScannedGame, ServeEnd, ServeId, Settings, UpdateSize,
    VerifyOutcome,
};
use lanspread_protocol::message::{
    Control, GameServer, GossipPeer, Hello, Offer, OfferState, Presence, Request, WantedUnit,
};
use lanspread_protocol::{
    GameId, InstanceId, ManifestId, OrganiserSecret, PeerId, SignedCatalog, UnitIndex, UnitSet, Version,
};

use crate::content::{Release, organiser, plain, release, repetitive, signed, update};
use crate::dice::Dice;
use crate::node::{Node, Setup, peer_id};

/// Makes inputs out of small pools of numbers, so that they often name something that is there.
struct Garbage {
    dice: Dice,
    releases: Vec<Release>,
    last_number: u64,
    answers: VecDeque<Input>,
    serves: u64,
}

impl Garbage {
    fn new(seed: u64) -> Self {
        let releases = vec![
            release("ut", "1", 12),
            update("ut", "2", 9, 5),
            repetitive("quake", "1", 20),
            release("lone", "7", 1),
        ];
        Self { dice: Dice::new(seed), releases, last_number: 0, answers: VecDeque::new(), serves: 0 }
    }

    fn config(&self) -> lanspread_engine::EngineConfig {
        let games = vec![self.releases[0].pinned(), self.releases[2].open(), self.releases[3].pinned()];
        let setup = Setup::new().catalog(&plain(games)).pin(organiser(1).public());
        Node::new(0, setup, vec![Self::address(1)]).config(0, 7)
    }

    fn address(host: u8) -> SocketAddr {
        SocketAddr::new(Ipv4Addr::new(10, 0, 0, host).into(), 40420)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.dice.below(bound)
    }

    fn number(&mut self) -> u64 {
        let last = self.last_number;
        if self.dice.percent(80) { last.saturating_sub(self.below(12)) } else { self.below(last + 3) }
    }

    fn release(&mut self) -> Release {
        let at = self.below(self.releases.len() as u64) as usize;
        self.releases[at].clone()
    }

    fn game(&mut self) -> GameId {
        if self.dice.percent(5) { "unheard-of".parse().unwrap() } else { self.release().game }
    }

    fn manifest(&mut self) -> ManifestId {
        if self.dice.percent(10) {
            ManifestId([self.below(256) as u8; 32])
        } else {
            self.release().manifest.id()
        }
    }

    fn version(&mut self) -> Version {
        self.release().version
    }

    fn peer(&mut self) -> PeerId {
        peer_id(self.below(6), 0)
    }

    fn conn(&mut self) -> ConnId {
        ConnId(self.below(12))
    }

    fn unit(&mut self) -> UnitIndex {
        UnitIndex(match self.below(20) {
            0 => u32::MAX,
            1 => 2_000_000,
            _ => self.below(24) as u32,
        })
    }

    fn units(&mut self) -> Vec<UnitIndex> {
        (0..self.below(8)).map(|_| self.unit()).collect()
    }

    fn unit_set(&mut self) -> UnitSet {
        (0..self.below(16)).map(|_| UnitIndex(self.below(30) as u32)).collect()
    }

    fn wanted(&mut self) -> Vec<WantedUnit> {
        (0..self.below(5))
            .map(|_| WantedUnit {
                unit: self.unit(),
                skip: vec![self.below(4) as u8; self.below(3) as usize],
            })
            .collect()
    }

    fn offer(&mut self) -> Offer {
        let release = self.release();
        let manifest = if self.dice.percent(80) { release.manifest.id() } else { self.manifest() };
        let version = if self.dice.percent(80) { release.version } else { self.version() };
        let state = match self.below(5) {
            0 | 1 => OfferState::Complete { version, manifest },
            2 | 3 => OfferState::Partial {
                version,
                manifest,
                units: self.unit_set(),
                weight: self.below(256) as u8,
            },
            _ => OfferState::LocalOnly,
        };
        Offer { game: release.game, state }
    }

    fn offers(&mut self) -> Vec<Offer> {
        (0..self.below(4)).map(|_| self.offer()).collect()
    }

    fn signed(&self, by: &OrganiserSecret, serial: u64) -> SignedCatalog {
        let entry =
            |release: &Release| if serial.is_multiple_of(2) { release.open() } else { release.pinned() };
        let games = [0, 2, 3].map(|at| entry(&self.releases[at]));
        signed(by, serial, games.to_vec())
    }

    fn head(&mut self) -> lanspread_protocol::CatalogHead {
        let by = organiser(1 + self.below(2) as u8);
        let serial = self.below(5);
        self.signed(&by, serial).head
    }

    fn hello(&mut self) -> Hello {
        let servers = vec![GameServer { game: self.game(), entry: "e".repeat(9) }; self.below(3) as usize];
        let presence =
            Presence { name: "\u{7}é".repeat(200), pc: String::new(), playing: Some(self.game()), servers };
        Hello { instance: InstanceId(self.below(3)), program: "x\n".repeat(300), presence }
    }

    fn message(&mut self) -> Control {
        let (revision, game, manifest) = (self.below(9), self.game(), self.manifest());
        match self.below(13) {
            0 if self.dice.percent(10) => Control::Hello(self.hello()),
            0 => Control::Ping(1),
            1 | 2 => Control::Library { revision, offers: self.offers() },
            3 | 4 => {
                let withdrawn = vec![game; self.below(2) as usize];
                Control::LibraryDelta { revision, changed: self.offers(), withdrawn }
            }
            5 => Control::Units { game, manifest, units: self.units() },
            6 => Control::Presence(self.hello().presence),
            7 => Control::Catalog(self.head()),
            8 => {
                let entry = |garbage: &mut Self| GossipPeer {
                    peer: PeerId([garbage.below(256) as u8; 32]),
                    addresses: vec![
                        SocketAddr::new(Ipv4Addr::from(garbage.below(1 << 32) as u32).into(), 9);
                        3
                    ],
                };
                Control::Gossip((0..self.below(50)).map(|_| entry(self)).collect())
            }
            9 => Control::Introduce { peer: self.peer() },
            10 => Control::Ping(self.below(9)),
            11 => Control::Pong(self.below(12)),
            _ => Control::Damaged { game, manifest, unit: self.unit() },
        }
    }

    fn scan(&mut self) -> ScannedGame {
        let release = self.release();
        ScannedGame {
            version: self.dice.percent(60).then_some(release.version),
            has_local: self.dice.percent(30),
            installed: self.dice.percent(20).then(|| self.version()),
            has_files: self.dice.percent(70),
            bytes: self.below(1000),
            fingerprint: self.below(4),
            payload: match self.below(4) {
                0 => Payload::Unknown,
                1 => Payload::Damaged,
                _ => Payload::Hashed(release.manifest.id()),
            },
        }
    }

    fn failure(&mut self) -> DiskFailure {
        let kinds = [FailureKind::NoSpace, FailureKind::Cancelled, FailureKind::Refused, FailureKind::Io];
        DiskFailure { kind: kinds[self.below(4) as usize], message: "garbage".to_owned() }
    }

    fn or_failure<T>(&mut self, value: T) -> Result<T, DiskFailure> {
        if self.dice.percent(75) { Ok(value) } else { Err(self.failure()) }
    }

    fn command(&mut self) -> Command {
        let game = self.game();
        match self.below(30) {
            24 => Command::Install { game, kept: KeptFiles::Restore },
            25 => Command::Uninstall { game, saves: Saves::Keep },
            26 => Command::Remove { game, local: Some(Saves::Delete), extras: Extras::Keep },
            27 => Command::Start {
                game,
                entry: ["play", "server", "join"][self.below(3) as usize].to_owned(),
                server: None,
            },
            28 => Command::Download { game, then: AfterDownload::Install },
            29 => Command::Set(Settings { fetch_ahead: Some(self.dice.percent(50)), ..Settings::default() }),
            0..=4 | 16..=22 => Command::Download { game, then: AfterDownload::Nothing },
            5 if self.dice.percent(50) => Command::MeasureUpdate { game },
            5 => Command::Update { game },
            6 => Command::Verify { game },
            7 => Command::Cancel { game },
            8 => Command::Pause { game },
            9 => Command::Resume { game },
            10 => Command::Remove { game, local: None, extras: Extras::Keep },
            11 => Command::Publish { game },
            12 => Command::Connect { addresses: vec![Self::address(9); self.below(3) as usize] },
            13 if self.dice.percent(10) => {
                Command::Trust { key: organiser(1 + self.below(2) as u8).public() }
            }
            14 => Command::Set(Settings {
                name: Some("n".to_owned()),
                upload_limit: Some(self.below(3)),
                playing_limit: Some(self.below(3)),
                fetch_ahead: None,
            }),
            _ => Command::ChangeGamesFolder,
        }
    }

    fn opened(&mut self) -> Opened {
        Opened { here: self.unit_set(), wanted: self.wanted(), bytes_missing: self.below(99) }
    }

    fn input(&mut self) -> Input {
        let (op, game) = (OpId(self.number()), self.game());
        match self.below(34) {
            0 => Input::Tick,
            1..=3 => Input::Command { reply: ReplyId(1), command: self.command() },
            4 => Input::Discovered {
                peer: self.peer(),
                candidates: vec![Candidate { rank: 1, address: Self::address(3) }; self.below(3) as usize],
            },
            5 => Input::DialFailed { dial: DialId(self.number()) },
            6 | 7 => {
                let dial = self.dice.percent(50).then(|| DialId(self.number()));
                let host = self.below(5) as u8;
                Input::Connected {
                    conn: self.conn(),
                    peer: self.peer(),
                    remote: Self::address(host),
                    rank: self.below(3) as u8,
                    gossiped: true,
                    dial,
                }
            }
            8 if self.dice.percent(20) => {
                Input::Control { conn: self.conn(), message: Control::Hello(self.hello()) }
            }
            8 => Input::Tick,
            9..=14 => Input::Control { conn: self.conn(), message: self.message() },
            15 => Input::Closed { conn: self.conn(), reason: ClosedReason::TimedOut },
            16 | 17 => {
                self.serves += 1;
                let request = match self.below(4) {
                    0 => Request::Manifest(self.manifest()),
                    _ => Request::Units { game, manifest: self.manifest(), units: self.wanted() },
                };
                let serve =
                    ServeId(if self.dice.percent(95) { self.serves } else { self.below(self.serves) });
                Input::Requested { serve, conn: self.conn(), request }
            }
            18 => Input::ServeEnded {
                serve: ServeId(self.serves - self.below(9).min(self.serves)),
                end: ServeEnd::Cancelled,
            },
            19..=21 => Input::UnitStored {
                fetch: FetchId(self.number()),
                unit: self.unit(),
                bytes: 9,
                completed: self.units(),
            },
            22 => {
                let ends =
                    [FetchEnd::Done, FetchEnd::Refused, FetchEnd::BadChunk(self.unit()), FetchEnd::Cancelled];
                Input::FetchEnded { fetch: FetchId(self.number()), end: ends[self.below(4) as usize].clone() }
            }
            23 => {
                let manifest = Arc::clone(&self.release().manifest);
                let raced = self.raced(manifest);
                Input::ManifestFetched { race: RaceId(self.number()), op, raced }
            }
            24 => {
                let [old, new] = [0; 2].map(|_| Arc::clone(&self.release().manifest));
                Input::UpdateMeasured { game, size: UpdateSize::between(&old, &new) }
            }
            25 => Input::ManifestLoaded {
                op,
                manifest: self.dice.percent(60).then(|| Arc::clone(&self.release().manifest)),
            },
            26..=31 => self.news_of_disk_and_catalog(op, game),
            32 => self.end_of_work(op),
            _ => Input::StoreClosed { op },
        }
    }

    /// Any end of a race, which may name connections that it never had.
    fn raced<T>(&mut self, answer: T) -> Raced<T> {
        let first = self.dice.percent(70).then(|| (self.conn(), answer));
        let errors = [BlobError::Unavailable, BlobError::Late, BlobError::Wrong("garbage".to_owned())];
        let failed = errors.into_iter().map(|error| (self.conn(), error)).collect();
        Raced { first, failed }
    }

    fn news_of_disk_and_catalog(&mut self, op: OpId, game: GameId) -> Input {
        match self.below(6) {
            0 if self.dice.percent(50) => {
                let cover = self.releases[0].manifest.id().into();
                let raced = self.raced(());
                Input::CoverFetched { race: RaceId(self.number()), cover, raced }
            }
            0 => {
                let signed = Box::new(self.signed(&organiser(1), 3));
                let raced = self.raced(signed);
                Input::CatalogFetched { race: RaceId(self.number()), raced }
            }
            1 if self.dice.percent(50) => Input::CatalogGiven(plain(vec![self.release().open()])),
            1 => Input::GamesListed(vec![game; 2]),
            2 => Input::Scanned { game, found: self.dice.percent(80).then(|| self.scan()) },
            3 => Input::Hashed {
                game,
                fingerprint: self.below(4),
                manifest: self.dice.percent(70).then(|| self.manifest()),
            },
            4 => Input::StoreOpened {
                op,
                result: {
                    let opened = self.opened();
                    self.or_failure(opened)
                },
            },
            _ => Input::Finished {
                op,
                result: {
                    let scan = self.scan();
                    self.or_failure(scan)
                },
            },
        }
    }

    fn end_of_work(&mut self, op: OpId) -> Input {
        match self.below(7) {
            0 => Input::WriteFailed { op, failure: self.failure() },
            1 => Input::Verified {
                op,
                result: self.or_failure(VerifyOutcome { damaged: vec!["a".to_owned()], damaged_bytes: 1 }),
            },
            2 => match self.below(3) {
                0 => Input::Removed { op, result: self.or_failure(None) },
                1 => Input::Installed { op, result: self.or_failure(None) },
                _ => Input::Uninstalled { op, result: self.or_failure(None) },
            },
            3 => {
                let scan = self.scan();
                Input::Published { op, result: self.or_failure(scan) }
            }
            4 => {
                let refused = CommandError::new(ErrorCode::Io, "garbage");
                let result = if self.dice.percent(70) { Ok(1) } else { Err(refused) };
                Input::Started { run: RunId(self.number()), result }
            }
            5 => Input::Exited { run: RunId(self.number()), code: None, output: Vec::new() },
            _ => Input::GamesFolderSwitched { reply: ReplyId(1), result: self.or_failure(None) },
        }
    }

    /// Numbers of effects are good for later inputs; and what a sound shell would answer is mixed into the garbage, so
    /// that it meets every stage of the work.
    fn learn(&mut self, effect: &Effect) {
        let answers = self.answers_to(effect);
        self.answers.extend(answers);
        let number = match effect {
            Effect::Dial { dial, .. } => dial.0,
            Effect::FetchUnits { fetch, .. } => fetch.0,
            Effect::OpenStore { op, .. }
            | Effect::LoadManifest { op, .. }
            | Effect::CloseStore { op, .. }
            | Effect::Install { op, .. }
            | Effect::Verify { op, .. } => op.0,
            Effect::Start { run, .. } => run.0,
            Effect::FetchManifest { race, .. }
            | Effect::FetchCatalog { race, .. }
            | Effect::FetchCover { race, .. } => race.0,
            _ => return,
        };
        self.last_number = self.last_number.max(number);
    }

    fn answers_to(&mut self, effect: &Effect) -> Vec<Input> {
        let release_of = |id: &ManifestId| self.releases.iter().find(|release| release.manifest.id() == *id);
        match effect.clone() {
            Effect::LoadManifest { op, manifest } => {
                let manifest = release_of(&manifest).map(|release| Arc::clone(&release.manifest));
                vec![Input::ManifestLoaded { op, manifest }]
            }
            Effect::FetchManifest { race, op, from, manifest } => {
                let found = release_of(&manifest).map(|release| Arc::clone(&release.manifest));
                let first = found.and_then(|found| Some((*from.last()?, found)));
                let failed = vec![(from[0], BlobError::Late)];
                vec![Input::ManifestFetched { race, op, raced: Raced { first, failed } }]
            }
            Effect::FetchCatalog { race, from, .. } => {
                let failed = from.into_iter().map(|conn| (conn, BlobError::Late)).collect();
                vec![Input::CatalogFetched { race, raced: Raced { first: None, failed } }]
            }
            Effect::FetchCover { race, from, cover } => {
                let raced = Raced { first: Some((from[0], ())), failed: Vec::new() };
                vec![Input::CoverFetched { race, cover, raced }]
            }
            Effect::OpenStore { op, manifest, .. } => {
                let count = manifest.units().len() as u32;
                let wanted: Vec<WantedUnit> =
                    (0..count).map(|unit| WantedUnit::whole(UnitIndex(unit))).collect();
                let opened = Opened { here: UnitSet::new(), wanted, bytes_missing: manifest.total_bytes() };
                vec![Input::StoreOpened { op, result: Ok(opened) }]
            }
            Effect::FetchUnits { fetch, units, .. } => {
                let stored = units.into_iter().map(|wanted| {
                    let unit = wanted.unit;
                    Input::UnitStored { fetch, unit, bytes: 9, completed: vec![unit] }
                });
                stored.chain([Input::FetchEnded { fetch, end: FetchEnd::Done }]).collect()
            }
            Effect::CancelFetch { fetch } => vec![Input::FetchEnded { fetch, end: FetchEnd::Cancelled }],
            Effect::CloseStore { op, .. } => vec![Input::StoreClosed { op }],
            Effect::Finish { op, .. } => vec![Input::Finished { op, result: Ok(self.scan()) }],
            Effect::Verify { op, .. } => vec![Input::Verified { op, result: Ok(VerifyOutcome::default()) }],
            Effect::Publish { op, .. } => vec![Input::Published { op, result: Ok(self.scan()) }],
            Effect::Remove { op, .. } => vec![Input::Removed { op, result: Ok(None) }],
            Effect::Install { op, .. } => vec![Input::Installed { op, result: Ok(None) }],
            Effect::Uninstall { op, .. } => vec![Input::Uninstalled { op, result: Ok(None) }],
            Effect::Start { run, .. } => {
                let exited = Input::Exited { run, code: Some(0), output: Vec::new() };
                vec![Input::Started { run, result: Ok(1) }, exited]
            }
            Effect::Scan { game, .. } => {
                let found = self.releases.iter().find(|release| release.game == game).cloned();
                let found = found.map(|release| ScannedGame {
                    payload: Payload::Hashed(release.manifest.id()),
                    version: Some(release.version),
                    ..self.scan()
                });
                vec![Input::Scanned { game, found: found.filter(|_| self.dice.percent(50)) }]
            }
            Effect::Serve { serve, .. } | Effect::Refuse { serve, .. } | Effect::ServeBlob { serve, .. } => {
                vec![Input::ServeEnded { serve, end: ServeEnd::Served { bytes: 1, units: 1 } }]
            }
            Effect::SwitchGamesFolder { reply } => {
                vec![Input::GamesFolderSwitched { reply, result: Ok(None) }]
            }
            Effect::Close { conn, .. } => vec![Input::Closed { conn, reason: ClosedReason::Goodbye }],
            _ => Vec::new(),
        }
    }

    /// A new connection whose peer greets, offers and asks.
    fn visitor(&mut self) {
        let (conn, peer, host) = (self.conn(), self.peer(), self.below(200) as u8);
        let remote = Self::address(host);
        let offers = self.releases.clone().into_iter().map(|release| {
            let (version, manifest) = (release.version, release.manifest.id());
            let state = if self.dice.percent(50) {
                OfferState::Complete { version, manifest }
            } else {
                OfferState::Partial { version, manifest, units: self.unit_set(), weight: 3 }
            };
            Offer { game: release.game, state }
        });
        let offers = offers.collect();
        let hello = self.hello();
        let message = |message| Input::Control { conn, message };
        self.answers.extend([
            Input::Connected { conn, peer, remote, rank: 0, gossiped: true, dial: None },
            message(Control::Hello(hello)),
            message(Control::Library { revision: 1, offers }),
        ]);
        for release in self.releases.clone() {
            self.serves += 1;
            let units = (0..3).map(|unit| WantedUnit::whole(UnitIndex(unit))).collect();
            let request = Request::Units { game: release.game, manifest: release.manifest.id(), units };
            self.answers.push_back(Input::Requested { serve: ServeId(self.serves), conn, request });
        }
    }

    fn next(&mut self) -> Input {
        if self.dice.percent(3) {
            self.visitor();
        }
        if self.dice.percent(85) && !self.answers.is_empty() {
            let reach = self.below(3).min(self.answers.len() as u64 - 1) as usize;
            return self.answers.remove(reach).unwrap();
        }
        self.input()
    }
}

#[expect(clippy::disallowed_methods, reason = "virtual time counts from some instant")]
fn feed_garbage(seed: u64, count: u32) {
    let mut garbage = Garbage::new(seed);
    let mut now = Instant::now();
    let mut engine = Engine::new(garbage.config(), now);
    for step in 0..count {
        now += Duration::from_millis([0, 0, 1, 20, 300, 5000][garbage.below(6) as usize]);
        let input = garbage.next();
        engine.handle(input.clone(), now);
        let mut effects = 0;
        while let Some(effect) = engine.poll_effect() {
            garbage.learn(&effect);
            effects += 1;
            assert!(effects < 2000, "seed {seed}, step {step}: {input:?} leads to no end of effects");
        }
        let due = engine.poll_timeout();
        assert!(due.is_none_or(|due| due > now), "seed {seed}, step {step}: the timer spins after {input:?}");
    }
    let size = format!("{engine:?}").len();
    assert!(size < 400_000, "seed {seed}: the engine grew to {size}");
}

#[test]
fn no_input_makes_it_panic() {
    let seeds = std::env::var("LANSPREAD_SIM_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(150);
    for seed in 0..seeds {
        let result = std::panic::catch_unwind(|| feed_garbage(seed, 2000));
        assert!(result.is_ok(), "garbage of seed {seed}");
    }
}

/// One connected peer that says whatever it likes as fast as it may.
#[expect(clippy::disallowed_methods, reason = "virtual time counts from some instant")]
#[test]
fn a_flood_of_messages_does_not_grow_the_engine() {
    let mut garbage = Garbage::new(1);
    let start = Instant::now();
    let mut engine = Engine::new(garbage.config(), start);
    let (conn, peer, remote) = (ConnId(1), peer_id(1, 0), Garbage::address(2));
    engine.handle(Input::Connected { conn, peer, remote, rank: 0, gossiped: true, dial: None }, start);
    engine.handle(Input::Control { conn, message: Control::Hello(garbage.hello()) }, start);
    let mut sizes = Vec::new();
    for step in 0_u32..60_000 {
        let now = start + Duration::from_millis(u64::from(step));
        let mut any = [0; 32];
        any[..4].copy_from_slice(&step.to_le_bytes());
        let game = |step: u32| format!("g{}", step % 7000).parse::<GameId>().unwrap();
        let manifest = ManifestId(any);
        let state = OfferState::Partial {
            version: "1".parse().unwrap(),
            manifest: ManifestId([1; 32]),
            units: UnitSet::new(),
            weight: 1,
        };
        let message = match step % 7 {
            0 => Control::Gossip(
                (0..32)
                    .map(|nth| {
                        any[5] = nth;
                        GossipPeer {
                            peer: PeerId(any),
                            addresses: vec![SocketAddr::new(Ipv4Addr::from(step).into(), 9); 16],
                        }
                    })
                    .collect(),
            ),
            1 => Control::LibraryDelta {
                revision: u64::from(step),
                changed: vec![Offer { game: game(step % 4000), state }],
                withdrawn: vec![game(step)],
            },
            2 => Control::Units {
                game: game(step % 4000),
                manifest: ManifestId([1; 32]),
                units: vec![UnitIndex(step * 70_000)],
            },
            3 => Control::Introduce { peer: PeerId(any) },
            4 => Control::Catalog(lanspread_protocol::CatalogHead {
                key: lanspread_protocol::OrganiserKey(any),
                serial: u64::from(step),
                hash: lanspread_protocol::Blake3Hash(any),
                party: "p".repeat(5000),
            }),
            5 => Control::Damaged { game: game(step), manifest, unit: UnitIndex(step) },
            _ => Control::Library { revision: u64::from(step), offers: vec![] },
        };
        engine.handle(Input::Control { conn, message }, now);
        let mut effects = 0;
        while let Some(effect) = engine.poll_effect() {
            effects += 1;
            if let Effect::Dial { dial, .. } = effect {
                engine.handle(Input::DialFailed { dial }, now);
            }
        }
        assert!(effects < 200, "step {step}: {effects} effects");
        if step % 20_000 == 19_999 {
            sizes.push(format!("{engine:?}").len());
        }
    }
    assert!(sizes.iter().all(|size| *size < 2_000_000), "{sizes:?}");
    assert!(sizes[2] < sizes[0] * 2 + 100_000, "it goes on growing: {sizes:?}");
}
