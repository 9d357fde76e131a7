//! `kill -9` at any time: while a game is downloaded, updated, installed, uninstalled, verified, removed or published,
//! and while the peer puts right what the last kill left.
//!
//! After each recovery a game is in its old state or in its new one, a person's files are there, and nothing of ours
//! lies around. `LANSPREAD_KILLS` is how many times in all, `LANSPREAD_KILLS_SEED` repeats a run's throws; when
//! exactly a kill hits is the machine's affair.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lanspread_tests::{
    Dice, Game, KIB, MIB, Node, Party, Peer, PeerBuilder, Published, lanspread, note, program, read_tree,
    write_file,
};
use serde_json::{Value, json};
use walkdir::WalkDir;

const KILLS: u64 = 600;
const SMALL_FILES: u64 = 240;
const BIG_FILE: u64 = 3 * MIB;
/// Longer than anything takes here: bounds what a slow machine teaches about how long things take.
const LONGEST: Duration = Duration::from_secs(4);

type Tree = BTreeMap<String, Node>;

fn old_version() -> Game {
    Game::new("arena", "1.0")
        .small_files(SMALL_FILES, KIB, 8 * KIB)
        .noise("data/everything.pak", BIG_FILE)
        .text("readme.txt", "The first version.\n")
        .text("config/settings.cfg", "volume=5\n")
        .text("only-in-old.txt", "old")
        .script("bin/game", "#!/bin/sh\n")
        .publish_arg("--start", "bin/game@linux")
        .publish_arg("--keep", "saves/**")
        .publish_arg("--keep", "config/*.cfg")
}

fn new_version() -> Game {
    let mut game = old_version()
        .in_version("2.0")
        .edited_noise("data/everything.pak", BIG_FILE, BIG_FILE / 2, "a few bytes more")
        .text("readme.txt", "The second version, which says more.\n")
        .noise("data/new.pak", 300 * KIB)
        .without("only-in-old.txt");
    for number in (0..SMALL_FILES).step_by(3) {
        let path = format!("files/{:03}/{number:05}.dat", number / 100);
        game = match number % 2 {
            0 => game.other_noise(&path, 5 * KIB, "2.0"),
            _ => game.without(&path),
        };
    }
    game
}

/// How a version's files become what is published.
#[derive(Clone, Copy, Debug)]
enum Packed {
    AsFiles,
    /// In `game.zip`, which an install unpacks.
    InArchive,
}

/// One of the two versions.
struct Version {
    game: Game,
    published: Published,
    payload: Tree,
    local: Tree,
    /// Serves it.
    _seed: Peer,
    /// The peer that is killed, with this version's catalog.
    ben: PeerBuilder,
}

/// What a kill may leave: versions by number, `None` is "not there".
#[derive(Clone, Debug)]
struct Allowed {
    payload: BTreeSet<Option<usize>>,
    local: BTreeSet<Option<usize>>,
}

/// Something to be killed at.
struct Deed {
    name: &'static str,
    command: Value,
    payload: Option<usize>,
    local: Option<usize>,
    deletes: bool,
}

struct World {
    party: Party,
    games: PathBuf,
    versions: [Version; 2],
    dice: Dice,
    seed: u64,
    story: Vec<String>,
    allowed: Allowed,
    /// The last deed was a download or an update.
    fetches: bool,
    /// What a person wrote and has not overwritten.
    persons: BTreeSet<String>,
    persons_ever: BTreeSet<String>,
    /// What downloads had put into its place when they were killed.
    given_up: BTreeSet<String>,
    durations: BTreeMap<&'static str, Duration>,
    kills: u64,
    mid_work: BTreeMap<&'static str, u64>,
}

fn pack(source: &Path, archive: &Path) {
    let mut writer = zip::ZipWriter::new(fs::File::create(archive).unwrap());
    for (path, node) in read_tree(source) {
        let Node::File { executable, .. } = node else { continue };
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored)
            .unix_permissions(if executable { 0o755 } else { 0o644 });
        writer.start_file(path.as_str(), options).unwrap();
        writer.write_all(&fs::read(source.join(&path)).unwrap()).unwrap();
    }
    writer.finish().unwrap();
}

fn version(party: &Party, games: &Path, number: usize, game: Game, packed: Packed) -> Version {
    let source = party.path().join(format!("files-{number}"));
    game.write_to(&source);
    let from = match packed {
        Packed::AsFiles => source.clone(),
        Packed::InArchive => {
            let archive = party.path().join(format!("archive-{number}/game.zip"));
            fs::create_dir_all(archive.parent().unwrap()).unwrap();
            pack(&source, &archive);
            archive
        }
    };
    let published = party.publish_from(&game, &from);
    let seed = party.seed(&format!("seed-{number}"), &[&published]).start();
    let ben = party.peer_on(&format!("ben-{number}"), games).knows(&seed).arg("--no-fetch-ahead");
    let (payload, local) = (read_tree(&published.payload), read_tree(&source));
    Version { game, published, payload, local, _seed: seed, ben }
}

impl World {
    fn new(packed: Packed) -> Self {
        let party = Party::new();
        let games = party.path().join("games");
        // Neither is any game's: what is beside a game, and what is in its folder and no part of it.
        write_file(&games.join("holiday/photo.jpg"), "a photo");
        write_file(&games.join("arena/screenshots/shot.png"), "a screenshot");
        let versions = [
            version(&party, &games, 0, old_version(), packed),
            version(&party, &games, 1, new_version(), packed),
        ];
        let seed = std::env::var("LANSPREAD_KILLS_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            u64::from(clock.subsec_nanos())
        });
        let nothing = BTreeSet::from([None]);
        Self {
            party,
            games,
            versions,
            dice: Dice::new(seed),
            seed,
            story: Vec::new(),
            allowed: Allowed { payload: nothing.clone(), local: nothing },
            fetches: false,
            persons: BTreeSet::new(),
            persons_ever: BTreeSet::new(),
            given_up: BTreeSet::new(),
            durations: BTreeMap::new(),
            kills: 0,
            mid_work: BTreeMap::new(),
        }
    }

    fn folder(&self) -> PathBuf {
        self.games.join("arena")
    }

    /// Starts the peer with one of the catalogs, and lets it do what was left to do.
    fn recovered(&mut self) -> (Peer, usize) {
        let expected = usize::try_from(self.dice.below(2)).unwrap();
        // A download goes on, and fetches what is expected now.
        if self.fetches {
            self.allowed.payload.insert(Some(expected));
            self.allowed.local.insert(Some(expected));
        }
        self.story.push(format!("ben starts and expects version {expected}"));
        let ben = self.versions[expected].ben.clone().start();
        let mut is_cancelled = false;
        ben.until("nothing runs", |ben| {
            let operation = ben.game("arena")["operation"].clone();
            if operation["phase"] == "waiting" && !is_cancelled {
                // It waits for a version that nobody expects any more, or for a connection.
                is_cancelled = ben.request(json!({ "cmd": "cancel", "game": "arena" })).is_ok();
            }
            operation.is_null()
        });
        (ben, expected)
    }

    /// What is on disk is an allowed state. Returns the versions of payload and `local/`.
    fn check(&mut self, ben: &Peer, expected: usize) -> (Option<usize>, Option<usize>) {
        let folder = self.folder();
        for left in
            [".lanspread.json", ".local.installing", ".local.backup", ".version.ini.tmp", ".lanspread/plan"]
        {
            assert!(!folder.join(left).exists(), "{left} is left\n{}", self.tell());
        }
        let payload = self.payload_version();
        let local = self.local_version();
        assert!(self.allowed.payload.contains(&payload), "the payload is {payload:?}\n{}", self.tell());
        assert!(self.allowed.local.contains(&local), "installed is {local:?}\n{}", self.tell());
        let there = self.small_files();
        for written in &self.persons {
            assert!(there.contains(written), "{written:?} of a person is lost\n{}", self.tell());
        }
        for (path, content) in
            [("holiday/photo.jpg", "a photo"), ("arena/screenshots/shot.png", "a screenshot")]
        {
            let read = fs::read_to_string(self.games.join(path));
            assert!(read.is_ok_and(|read| read == content), "{path} was touched\n{}", self.tell());
        }
        let scratch = self.scratch_catalog();
        if scratch.exists() {
            lanspread(["catalog".as_ref(), "check".as_ref(), scratch.as_os_str()]).ok();
        }
        let game = ben.game("arena");
        assert_eq!(game["installed"], local.is_some(), "{game}\n{}", self.tell());
        if payload == Some(expected) {
            ben.until_state("arena", if local.is_some() { "installed" } else { "downloaded" });
        }
        self.allowed = Allowed { payload: [payload].into(), local: [local].into() };
        (payload, local)
    }

    /// The version of a complete payload. Files that a download of the other version had put into their places before
    /// it was given up stay, as does everything that is no part of a payload.
    fn payload_version(&mut self) -> Option<usize> {
        if !self.folder().join("version.ini").is_file() {
            return None;
        }
        let mut tree = read_tree(&self.folder());
        tree.retain(|path, _| !path.starts_with("screenshots"));
        let strange = |version: &Version| -> BTreeSet<String> {
            let lacks = version.payload.iter().filter(|(path, node)| tree.get(*path) != Some(node));
            let adds = tree.iter().filter(|(path, _)| !version.payload.contains_key(*path));
            lacks.chain(adds).map(|(path, _)| path.clone()).collect()
        };
        let strange: Vec<_> = self.versions.iter().map(strange).collect();
        if let Some(exact) = strange.iter().position(BTreeSet::is_empty) {
            self.given_up.clear();
            return Some(exact);
        }
        let has_more = |(number, paths): (usize, &BTreeSet<String>)| {
            let payload = &self.versions[number].payload;
            paths.iter().all(|path| !payload.contains_key(path) && self.given_up.contains(path))
        };
        let version = strange.iter().enumerate().position(has_more);
        assert!(version.is_some(), "the payload is a mix:\n{strange:#?}\n{}", self.tell());
        version
    }

    fn local_version(&self) -> Option<usize> {
        let local = self.folder().join("local");
        if fs::symlink_metadata(&local).is_err() {
            return None;
        }
        let tree = read_tree(&local);
        let is_persons = |path: &str| {
            fs::read_to_string(local.join(path)).is_ok_and(|read| self.persons_ever.contains(&read))
        };
        let strange = |version: &Version| -> Vec<String> {
            let lacks = version.local.iter().filter(|(path, node)| tree.get(*path) != Some(node));
            let adds = tree
                .iter()
                .filter(|(path, node)| !version.local.contains_key(*path) && !matches!(node, Node::Folder));
            let paths = lacks.chain(adds).map(|(path, _)| path.clone());
            paths.filter(|path| !is_persons(path)).collect()
        };
        let strange: Vec<_> = self.versions.iter().map(strange).collect();
        let version = strange.iter().position(Vec::is_empty);
        assert!(version.is_some(), "local/ is a mix: not of a version:\n{strange:#?}\n{}", self.tell());
        version
    }

    /// The contents of all small files in `local/` and of those that were kept.
    fn small_files(&self) -> BTreeSet<String> {
        let roots = [self.folder().join("local"), self.folder().join(".lanspread/kept")];
        let files = roots.iter().flat_map(|root| WalkDir::new(root).into_iter().flatten());
        let small =
            files.filter(|file| file.metadata().is_ok_and(|about| about.is_file() && about.len() < 100));
        small.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }

    /// A person plays: saves, changes the configuration, adds a mod, scribbles on a file of the game's.
    fn play(&mut self) {
        let places =
            ["saves/slot1.sav", "saves/deep/slot2.sav", "config/settings.cfg", "mods/mine.mod", "readme.txt"];
        let path = self.folder().join("local").join(self.dice.one_of(&places));
        if let Ok(overwritten) = fs::read_to_string(&path) {
            self.persons.remove(&overwritten);
        }
        let written = format!("written by a person after {} kills", self.kills);
        write_file(&path, &written);
        self.story.push(format!("a person writes {}", path.display()));
        self.persons.insert(written.clone());
        self.persons_ever.insert(written);
    }

    /// What fits the state, some of it more often.
    fn deed(&mut self, expected: usize, payload: Option<usize>, local: Option<usize>) -> Deed {
        let about = |name, command: Value, payload, local| {
            let mut command = command;
            command["game"] = json!("arena");
            Deed { name, command, payload, local, deletes: false }
        };
        let new = Some(expected);
        let mut deeds = Vec::new();
        if payload.is_none() {
            deeds.push(about("download", json!({ "cmd": "download" }), new, local));
            for _ in 0..3 {
                let command = json!({ "cmd": "download", "install": true });
                deeds.push(about("download and install", command, new, new));
            }
        } else {
            let update = || about("update", json!({ "cmd": "update" }), new, local.and(new));
            for _ in 0..4 {
                deeds.extend((payload != new).then(update));
            }
            let is_other = local != payload;
            let install = || about("install", json!({ "cmd": "install" }), payload, payload);
            deeds.push(install());
            deeds.extend(is_other.then(install));
            let verify = about("verify", json!({ "cmd": "verify" }), payload, local);
            deeds.extend((payload == new).then_some(verify));
            deeds.push(about("remove", json!({ "cmd": "remove" }), None, local));
        }
        if local.is_some() {
            deeds.push(about("uninstall", json!({ "cmd": "uninstall" }), payload, None));
            let remove = json!({ "cmd": "remove", "local": true });
            // Without a payload nothing tells what in its folder is no part of it.
            deeds.extend(payload.map(|_| about("remove everything", remove, None, None)));
            let delete = json!({ "cmd": "uninstall", "saves": "delete" });
            let delete = about("uninstall and delete", delete, payload, None);
            deeds.push(Deed { deletes: true, ..delete });
        }
        let publish = json!({ "cmd": "publish in place" });
        deeds.extend(payload.map(|_| about("publish in place", publish, payload, local)));
        deeds.push(about("publish", json!({ "cmd": "publish" }), new, local));
        let at = self.dice.below(deeds.len() as u64);
        deeds.swap_remove(usize::try_from(at).unwrap())
    }

    /// A random time out of what this takes.
    fn moment(&mut self, name: &'static str) -> Duration {
        let whole = self.durations.get(name).copied().unwrap_or(Duration::from_millis(150));
        whole.mul_f64(f64::from(u32::try_from(self.dice.below(1200)).unwrap()) / 1000.0)
    }

    /// It was over before it was killed, or not: the next kill aims better.
    fn learn(&mut self, name: &'static str, waited: Duration, is_over: bool) {
        let known = self.durations.entry(name).or_insert(Duration::from_millis(150));
        if is_over {
            *known = (*known + waited.max(Duration::from_millis(4))) / 2;
        } else {
            *self.mid_work.entry(name).or_default() += 1;
            *known = known.mul_f64(1.1).max(waited).min(LONGEST);
        }
    }

    fn kill_at(&mut self, mut ben: Peer, deed: &Deed) {
        if deed.deletes {
            let kept = self.folder().join(".lanspread/kept");
            let is_kept = |text: &String| {
                let files = WalkDir::new(&kept).into_iter().flatten();
                files.into_iter().any(|file| fs::read_to_string(file.path()).is_ok_and(|read| read == *text))
            };
            self.persons.retain(is_kept);
        }
        if self.fetches {
            ben.until("a source", |ben| ben.sources("arena") > 0);
        }
        let moment = self.moment(deed.name);
        let mark = ben.mark();
        self.story.push(format!("{} is killed after {moment:?}", deed.name));
        let start = Instant::now();
        if let Err(refusal) = ben.request(deed.command.clone()) {
            panic!("{} is refused: {refusal:?}\n{}", deed.name, self.tell());
        }
        let is_idle = |event: &lanspread_tests::Event| {
            event.is("active-operations-changed") && event["operations"] == json!([])
        };
        let ended = ben.wait_at_most(moment.saturating_sub(start.elapsed()), mark, is_idle);
        let failed = ben.events_after(mark).into_iter().find(|event| event.is("operation-failed"));
        assert!(failed.is_none(), "{failed:?}\n{}", self.tell());
        let is_over = ended.is_some();
        ben.kill9();
        self.learn(deed.name, start.elapsed(), is_over);
    }

    /// Where the program's own `publish` works, without a peer.
    fn kill_publish(&mut self, expected: usize, name: &'static str) {
        let version = &self.versions[expected];
        let source = if name == "publish" { version.published.source.clone() } else { self.folder() };
        let screenshots = self.folder().join("screenshots");
        if name != "publish" {
            // All that is in the folder would be published.
            fs::rename(&screenshots, self.games.join("screenshots")).unwrap();
        }
        let mut args = self.party.publish_args(&version.game, &self.games, &source);
        let catalog = args.iter().position(|arg| arg == "--catalog").unwrap() + 1;
        args[catalog] = self.scratch_catalog().into();
        let moment = self.moment(name);
        self.story.push(format!("{name} of {expected} is killed after {moment:?}"));
        let start = Instant::now();
        let mut command = Command::new(program());
        command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut status = None;
        while status.is_none() && start.elapsed() < moment {
            std::thread::sleep(Duration::from_millis(1));
            status = child.try_wait().unwrap();
        }
        drop(child.kill());
        let output = child.wait_with_output().unwrap();
        let is_over = status.is_some();
        if name != "publish" {
            fs::rename(self.games.join("screenshots"), &screenshots).unwrap();
        }
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(status.is_none_or(|status| status.success()), "{said}\n{}", self.tell());
        self.learn(name, start.elapsed(), is_over);
    }

    fn scratch_catalog(&self) -> PathBuf {
        self.party.path().join("scratch.ron")
    }

    /// The next start may expect the other version. A swap's journal says itself what is to go.
    fn note_unfinished_download(&mut self) {
        let folder = self.folder();
        if !folder.join("version.ini").exists() && !folder.join(".lanspread.json").exists() {
            self.given_up.extend(read_tree(&folder).into_keys());
        }
    }

    fn round(&mut self) {
        let (ben, expected) = self.recovered();
        let (payload, local) = self.check(&ben, expected);
        if local.is_some() && self.dice.once_in(2) {
            self.play();
        }
        let deed = self.deed(expected, payload, local);
        self.allowed.payload.insert(deed.payload);
        self.allowed.local.insert(deed.local);
        self.fetches = deed.name.starts_with("download") || deed.name == "update";
        if deed.name.starts_with("publish") {
            drop(ben);
            let number = if deed.name == "publish" { expected } else { payload.unwrap() };
            self.kill_publish(number, deed.name);
        } else {
            self.kill_at(ben, &deed);
        }
        self.kills += 1;
        self.note_unfinished_download();
        if self.dice.once_in(3) {
            // The next start puts things right: it is killed too.
            let mut ben = self.versions[expected].ben.clone().spawn();
            let moment = self.moment("recovery");
            let is_ready =
                ben.wait_at_most(moment, lanspread_tests::Mark::default(), |event| event.is("ready"));
            ben.kill9();
            self.story.push(format!("the recovery is killed after {moment:?}"));
            self.learn("recovery", moment, is_ready.is_some());
            self.kills += 1;
            self.note_unfinished_download();
        }
    }

    fn tell(&self) -> String {
        let last = &self.story[self.story.len().saturating_sub(30)..];
        format!("LANSPREAD_KILLS_SEED={}, after {} kills:\n  {}", self.seed, self.kills, last.join("\n  "))
    }
}

fn survive(what: &str, packed: Packed) {
    let kills =
        std::env::var("LANSPREAD_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS) / 2;
    let mut world = World::new(packed);
    while world.kills < kills {
        world.round();
    }
    let (ben, expected) = world.recovered();
    world.check(&ben, expected);
    let mid_work: u64 = world.mid_work.values().sum();
    note(&format!(
        "{what}: {} kills survived, {mid_work} of them in the middle of work {:?} (seed {})",
        world.kills, world.mid_work, world.seed
    ));
    assert!(mid_work * 4 > world.kills, "most kills came too late: {:?}", world.durations);
}

#[test]
fn a_game_of_files_survives_every_kill() {
    survive("a game of files", Packed::AsFiles);
}

#[test]
fn a_game_in_an_archive_survives_every_kill() {
    survive("a game in an archive", Packed::InArchive);
}
