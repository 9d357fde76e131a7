//! A peer, a person and a dice: one round after another.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lanspread_tests::{Dice, Party, Peer, program, read_tree, write_file};
use serde_json::{Value, json};
use walkdir::WalkDir;

use crate::versions::{Packed, Version, new_version, old_version, version};

/// Longer than anything takes here: bounds what a slow machine teaches about how long things take.
const LONGEST: Duration = Duration::from_secs(4);
/// What a kill may leave: versions by number, `None` is "not there".
#[derive(Clone, Debug)]
pub(crate) struct Allowed {
    pub(crate) payload: BTreeSet<Option<usize>>,
    pub(crate) local: BTreeSet<Option<usize>>,
}

/// Something to be killed at.
struct Deed {
    name: &'static str,
    command: Value,
    payload: Option<usize>,
    local: Option<usize>,
    deletes: bool,
}

pub(crate) struct World {
    pub(crate) party: Party,
    pub(crate) games: PathBuf,
    pub(crate) versions: [Version; 2],
    pub(crate) dice: Dice,
    pub(crate) seed: u64,
    pub(crate) story: Vec<String>,
    pub(crate) allowed: Allowed,
    /// The last deed was a download or an update.
    pub(crate) fetches: bool,
    /// What a person wrote and has not overwritten.
    pub(crate) persons: BTreeSet<String>,
    pub(crate) persons_ever: BTreeSet<String>,
    /// What downloads had put into its place when they were killed.
    pub(crate) given_up: BTreeSet<String>,
    pub(crate) durations: BTreeMap<&'static str, Duration>,
    pub(crate) kills: u64,
    pub(crate) mid_work: BTreeMap<&'static str, u64>,
}

impl World {
    pub(crate) fn new(packed: Packed) -> Self {
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

    pub(crate) fn folder(&self) -> PathBuf {
        self.games.join("arena")
    }

    /// Starts the peer with one of the catalogs, and lets it do what was left to do.
    pub(crate) fn recovered(&mut self) -> (Peer, usize) {
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

    /// The next start may expect the other version. A swap's journal says itself what is to go.
    fn note_unfinished_download(&mut self) {
        let folder = self.folder();
        if !folder.join("version.ini").exists() && !folder.join(".lanspread.json").exists() {
            self.given_up.extend(read_tree(&folder).into_keys());
        }
    }

    pub(crate) fn round(&mut self) {
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

    pub(crate) fn tell(&self) -> String {
        let last = &self.story[self.story.len().saturating_sub(30)..];
        format!("LANSPREAD_KILLS_SEED={}, after {} kills:\n  {}", self.seed, self.kills, last.join("\n  "))
    }
}
