//! Publishing a game, for organisers: the form as it is filled in, what would be in the way, and what was published.

use std::path::PathBuf;
use std::time::Instant;

use lanspread_engine::CommandError;
use lanspread_peer::api::{Links, PublishRequest};
use lanspread_peer::publish::{SourceContents, SourceFile};
use lanspread_protocol::{Game, GameId, LaunchEntry, OrganiserKey, Os, Players, RelPath, Version};

use super::{Fault, Source, StatusModel};

/// The launch entry that a card's button starts.
const PLAY: &str = "play";
/// What a game leaves behind and nobody wants.
const LOGS: [&str; 3] = [".log", ".dmp", ".mdmp"];
/// In the names of programs that are not the game.
const HELPERS: [&str; 8] = ["unins", "setup", "install", "redist", "crash", "dxweb", "update", "config"];

/// Who signs, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organiser {
    /// The catalog file that games are published into.
    pub catalog: PathBuf,
    /// The key's file.
    pub key: PathBuf,
    pub public: OrganiserKey,
    pub party: Option<String>,
}

/// What the screen shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PublishModel {
    pub party: Option<String>,
    /// With this one.
    pub pcs: usize,
    /// The catalog's entry of the game that is being described.
    pub known: Option<Game>,
    pub known_cover: Option<PathBuf>,
    /// A game is being published: one at a time is enough.
    pub is_busy: bool,
    /// The newest first.
    pub published: Vec<PublishedRow>,
}

/// A game that was published, or is about to be.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedRow {
    pub id: GameId,
    pub title: String,
    pub cover: Option<PathBuf>,
    pub version: Version,
    pub secs_ago: u64,
    pub step: PublishStep,
    /// PCs that have this version, this one too.
    pub have: usize,
}

/// How far a publish is.
#[derive(Clone, Debug, PartialEq)]
pub enum PublishStep {
    /// Files are read and hashed; the total is 0 until they are counted.
    Preparing {
        bytes_done: u64,
        bytes_total: u64,
    },
    /// All is read; catalog and payload are put into force.
    Signing,
    Published,
    Failed(CommandError),
}

/// A publish that was asked for in this run.
#[derive(Clone, Debug)]
pub struct Publishing {
    pub request: Box<PublishRequest>,
    pub at: Instant,
    pub step: PublishStep,
}

impl PublishModel {
    /// `id` is the game that is being described.
    pub fn new(source: Source<'_>, id: Option<&GameId>, now: Instant) -> Self {
        let rows = source.told.publishing.iter().rev().map(|publishing| row(source, publishing, now));
        Self {
            party: source.party(),
            pcs: StatusModel::new(source).pcs,
            known: id.and_then(|id| source.game(id)).and_then(|game| game.entry.clone()),
            known_cover: id.and_then(|id| source.game(id)).and_then(|game| source.cover(game)),
            is_busy: source.told.publishing.iter().any(|publishing| {
                matches!(publishing.step, PublishStep::Preparing { .. } | PublishStep::Signing)
            }),
            published: rows.collect(),
        }
    }
}

fn row(source: Source<'_>, publishing: &Publishing, now: Instant) -> PublishedRow {
    let PublishRequest { game, version, .. } = &*publishing.request;
    let peers = source.view().map_or(&[][..], |view| &view.peers);
    let has_it = |offered: &lanspread_engine::PeerGame| {
        offered.id == game.id && offered.complete && offered.version.as_ref() == Some(version)
    };
    let others = peers.iter().filter(|peer| peer.games.iter().any(has_it)).count();
    PublishedRow {
        id: game.id.clone(),
        title: game.title.clone(),
        cover: source.game(&game.id).and_then(|game| source.cover(game)),
        version: version.clone(),
        secs_ago: now.saturating_duration_since(publishing.at).as_secs(),
        have: if publishing.step == PublishStep::Published { others + 1 } else { others },
        step: publishing.step.clone(),
    }
}

/// What was found at a source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceReport {
    pub from: Vec<PathBuf>,
    pub found: Result<SourceContents, Fault>,
}

/// What an organiser writes about a game.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Form {
    /// One folder, or archives.
    pub from: Vec<PathBuf>,
    pub report: Option<SourceReport>,
    pub title: String,
    pub version: String,
    /// The name of the start program in the source.
    pub program: String,
    pub players_from: String,
    pub players_to: String,
    pub genre: String,
    pub year: String,
    pub keep: Vec<String>,
    pub cover: Option<PathBuf>,
    pub leaves_logs_out: bool,
}

/// Why a form cannot be published as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Nobody's key is loaded.
    Key,
    Source,
    /// It is still being looked at.
    Look,
    /// It cannot be published, as the checks say.
    Unfit,
    Title,
    Version,
    Players,
    Year,
}

/// One line of the checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceCheck {
    NoSource,
    Looking,
    Unreadable(Fault),
    Program,
    NoProgram,
    /// Members of archives are not looked at.
    InArchive,
    Quiet,
    /// This program has files of it open.
    HeldBy(String),
    VersionMissing,
    /// Nobody has published this game before.
    FirstVersion,
    VersionDiffers(String),
    VersionSame(String),
    LogsShared(usize),
    LogsLeftOut(usize),
    /// Names that cannot be on every PC, the first few of them.
    BadNames(Vec<String>, usize),
}

impl Form {
    /// Another source; what was written about the last one goes.
    pub fn begin(from: Vec<PathBuf>) -> Self {
        Self { from, ..Self::default() }
    }

    /// The id that the title gives.
    pub fn id(&self) -> Option<GameId> {
        derive_id(&self.title)
    }

    fn contents(&self) -> Option<&SourceContents> {
        self.report.as_ref()?.found.as_ref().ok()
    }

    /// Files and bytes that would be shared.
    pub fn amount(&self) -> Option<(usize, u64)> {
        let contents = self.contents()?;
        let shared = contents.files.iter().filter(|file| !(self.leaves_logs_out && is_log(file)));
        Some(shared.fold((0, 0), |(files, bytes), file| (files + 1, bytes + file.bytes)))
    }

    /// Programs of the source, the best guess first.
    pub fn programs(&self) -> Vec<&SourceFile> {
        let Some(contents) = self.contents() else { return Vec::new() };
        let mut programs: Vec<_> = contents.files.iter().filter(|file| file.runs_on.is_some()).collect();
        let words = derive_id(&self.title).map(|id| id.to_string()).unwrap_or_default();
        programs.sort_by_key(|file| rank(file, &words));
        programs
    }

    pub fn is_archives(&self) -> bool {
        self.contents().is_some_and(|contents| contents.is_archives)
    }

    /// What was found in a source fills what is still empty. A report of another source does not count.
    pub fn take_report(&mut self, report: SourceReport) {
        if report.from != self.from {
            return;
        }
        let name = self.from.first().and_then(|path| path.file_name());
        let name = name.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let is_archives = report.found.as_ref().is_ok_and(|found| found.is_archives);
        let name = if is_archives { name.split('.').next().unwrap_or_default().to_owned() } else { name };
        let version = report.found.as_ref().ok().and_then(|found| found.version.clone());
        self.report = Some(report);
        if self.title.trim().is_empty() {
            self.title = name;
        }
        if let Some(version) = version.filter(|_| self.version.trim().is_empty()) {
            self.version = version.to_string();
        }
        if self.program.is_empty() {
            self.program = self.programs().first().map(|file| file.name.clone()).unwrap_or_default();
        }
    }

    /// What the catalog says of the game fills what is still empty.
    pub fn take_known(&mut self, known: &Game) {
        let fill = |to: &mut String, from: Option<String>| {
            if let Some(from) = from.filter(|_| to.is_empty()) {
                *to = from;
            }
        };
        fill(&mut self.genre, known.genre.clone());
        fill(&mut self.year, known.year.map(|year| year.to_string()));
        fill(&mut self.players_from, known.players.map(|players| players.from.to_string()));
        fill(&mut self.players_to, known.players.map(|players| players.to.to_string()));
        if self.keep.is_empty() {
            self.keep.clone_from(&known.keep);
        }
    }

    fn logs(&self) -> Vec<&SourceFile> {
        let files = self.contents().map_or(&[][..], |contents| &contents.files);
        files.iter().filter(|file| is_log(file)).collect()
    }

    /// What an organiser should know before publishing.
    pub fn checks(&self, known: Option<&Game>) -> Vec<SourceCheck> {
        if self.from.is_empty() {
            return vec![SourceCheck::NoSource];
        }
        let contents = match self.report.as_ref().map(|report| &report.found) {
            None => return vec![SourceCheck::Looking],
            Some(Err(error)) => return vec![SourceCheck::Unreadable(error.clone())],
            Some(Ok(contents)) => contents,
        };
        let is_there = contents.files.iter().any(|file| file.name == self.program);
        let mut checks = vec![match (contents.is_archives, is_there) {
            (true, _) => SourceCheck::InArchive,
            (false, true) => SourceCheck::Program,
            (false, false) => SourceCheck::NoProgram,
        }];
        checks.push(contents.held_by.clone().map_or(SourceCheck::Quiet, SourceCheck::HeldBy));
        checks.push(self.version_check(known));
        match (self.logs().len(), self.leaves_logs_out) {
            (0, _) => {}
            (count, true) => checks.push(SourceCheck::LogsLeftOut(count)),
            (count, false) => checks.push(SourceCheck::LogsShared(count)),
        }
        if !contents.offenders.is_empty() {
            let names = contents.offenders.iter().take(3).map(|(name, _)| name.clone()).collect();
            checks.push(SourceCheck::BadNames(names, contents.offenders.len()));
        }
        checks
    }

    fn version_check(&self, known: Option<&Game>) -> SourceCheck {
        let old = known.and_then(|known| known.version.as_ref()).map(Version::to_string);
        match (self.version.trim(), old) {
            ("", _) => SourceCheck::VersionMissing,
            (_, None) => SourceCheck::FirstVersion,
            (version, Some(old)) if version == old => SourceCheck::VersionSame(old),
            (_, Some(old)) => SourceCheck::VersionDiffers(old),
        }
    }

    /// What is asked of the peer, or the first thing that lacks.
    pub fn request(&self, organiser: &Organiser, known: Option<&Game>) -> Result<PublishRequest, Lack> {
        if self.from.is_empty() {
            return Err(Lack::Source);
        }
        let contents = match self.report.as_ref().map(|report| &report.found) {
            None => return Err(Lack::Look),
            Some(Ok(contents)) if contents.offenders.is_empty() => contents,
            Some(_) => return Err(Lack::Unfit),
        };
        let id = self.id().ok_or(Lack::Title)?;
        let version: Version = self.version.trim().parse().map_err(|_unfit| Lack::Version)?;
        let mut game = known.cloned().unwrap_or_else(|| Game::new(id, ""));
        self.title.trim().clone_into(&mut game.title);
        game.version = Some(version.clone());
        game.genre = Some(self.genre.trim().to_owned()).filter(|genre| !genre.is_empty());
        game.players = self.players()?;
        game.year = optional(&self.year).map_err(|()| Lack::Year)?;
        game.keep.clone_from(&self.keep);
        self.put_program(&mut game, contents);
        let logs = self.logs().into_iter().filter(|_| self.leaves_logs_out);
        Ok(PublishRequest {
            game,
            version,
            from: self.from.clone(),
            catalog: organiser.catalog.clone(),
            cover: self.cover.clone(),
            key: Some(organiser.key.clone()),
            links: Links::Refuse,
            leave_out: logs.filter_map(|file| file.name.parse().ok()).collect(),
        })
    }

    /// Takes the place of the entry of its system; entries of other names and systems stay.
    fn put_program(&self, game: &mut Game, contents: &SourceContents) {
        let Ok(program) = self.program.parse::<RelPath>() else { return };
        let file = contents.files.iter().find(|file| file.name == self.program);
        let by_name =
            if program.as_str().to_lowercase().ends_with(".exe") { Os::Windows } else { Os::CURRENT };
        let os = file.and_then(|file| file.runs_on).unwrap_or(by_name);
        let old = game.launch.iter_mut().find(|entry| entry.name == PLAY && entry.os == os);
        match old {
            Some(entry) => entry.program = program,
            None => game.launch.push(LaunchEntry {
                name: PLAY.to_owned(),
                os,
                program,
                args: Vec::new(),
                folder: None,
                env: std::collections::BTreeMap::new(),
            }),
        }
    }

    fn players(&self) -> Result<Option<Players>, Lack> {
        let number = |text: &str| optional::<u16>(text).map_err(|()| Lack::Players);
        match (number(&self.players_from)?, number(&self.players_to)?) {
            (None, None) => Ok(None),
            (from, Some(to)) if (1..=to).contains(&from.unwrap_or(1)) => {
                Ok(Some(Players { from: from.unwrap_or(1), to }))
            }
            (Some(_) | None, _) => Err(Lack::Players),
        }
    }
}

fn optional<T: std::str::FromStr>(text: &str) -> Result<Option<T>, ()> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(|_unfit| ()) }
}

fn is_log(file: &SourceFile) -> bool {
    let name = file.name.to_lowercase();
    LOGS.iter().any(|ending| name.ends_with(ending))
}

/// Lower is better: no helper, this system, named like the game, not deep, large.
fn rank(file: &SourceFile, words: &str) -> (bool, bool, bool, usize, u64) {
    let name = file.name.to_lowercase();
    let program = name.rsplit('/').next().unwrap_or_default();
    let stem: String =
        program.split('.').next().unwrap_or_default().chars().filter(char::is_ascii_alphanumeric).collect();
    let words: String = words.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_named_so = !stem.is_empty() && (stem.contains(&words) || words.contains(&stem));
    (
        HELPERS.iter().any(|helper| program.contains(helper)),
        file.runs_on != Some(Os::CURRENT),
        !is_named_so,
        name.matches('/').count(),
        u64::MAX - file.bytes,
    )
}

/// `Speed Dreams 2` is `speed-dreams-2`; `None` when nothing of the title can be in an id.
fn derive_id(title: &str) -> Option<GameId> {
    let plain = |letter: char| match letter.to_lowercase().next().unwrap_or(letter) {
        'ä' => "ae".to_owned(),
        'ö' => "oe".to_owned(),
        'ü' => "ue".to_owned(),
        'ß' => "ss".to_owned(),
        '.' | '\'' | '’' => String::new(),
        letter if letter.is_ascii_alphanumeric() => letter.to_string(),
        _ => "-".to_owned(),
    };
    let text: String = title.chars().map(plain).collect();
    let words: Vec<&str> = text.split('-').filter(|word| !word.is_empty()).collect();
    let mut id = words.join("-");
    id.truncate(64);
    // A device's name is none for a folder on Windows.
    id.parse().or_else(|_unfit| format!("{id}-game").parse()).ok().filter(|_| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: u64, runs_on: Option<Os>) -> SourceFile {
        SourceFile { name: name.to_owned(), bytes, runs_on }
    }

    fn contents() -> SourceContents {
        let files = vec![
            file("data/a.pk3", 1000, None),
            file("run.log", 10, None),
            file("speed-dreams-2", 50, Some(Os::CURRENT)),
            file("tools/editor", 90, Some(Os::CURRENT)),
            file("unins000.exe", 90, Some(Os::Windows)),
        ];
        SourceContents { files, version: "2.3.1".parse().ok(), ..SourceContents::default() }
    }

    fn form(contents: SourceContents) -> Form {
        let from = vec![PathBuf::from("/setups/Speed Dreams")];
        let mut form = Form::begin(from.clone());
        form.take_report(SourceReport { from, found: Ok(contents) });
        form
    }

    fn organiser() -> Organiser {
        let (catalog, key) = ("/p/catalog.ron".into(), "/p/catalog.ron.key".into());
        Organiser { catalog, key, public: OrganiserKey([0; 32]), party: None }
    }

    #[test]
    fn an_id_is_made_of_a_title() {
        let id = |title: &str| derive_id(title).map(|id| id.to_string());
        assert_eq!(id("Speed Dreams").as_deref(), Some("speed-dreams"));
        assert_eq!(id("0 A.D.").as_deref(), Some("0-ad"));
        assert_eq!(id("Müllers  Büro!").as_deref(), Some("muellers-buero"));
        assert_eq!(id("Con").as_deref(), Some("con-game"));
        assert_eq!(id(" – "), None);
    }

    #[test]
    fn a_folder_fills_the_form_and_the_catalog_the_rest() {
        let mut form = form(contents());
        assert_eq!((form.title.as_str(), form.version.as_str()), ("Speed Dreams", "2.3.1"));
        assert_eq!(form.program, "speed-dreams-2");
        assert_eq!(form.programs().last().map(|file| file.name.as_str()), Some("unins000.exe"));
        let mut known = Game::new("speed-dreams".parse().unwrap(), "Speed Dreams");
        known.genre = Some("Racing".to_owned());
        known.players = Some(Players { from: 1, to: 8 });
        form.genre = "Cars".to_owned();
        form.take_known(&known);
        assert_eq!((form.genre.as_str(), form.players_to.as_str()), ("Cars", "8"));
    }

    #[test]
    fn checks_say_what_is_in_the_way() {
        let mut known = Game::new("speed-dreams".parse().unwrap(), "Speed Dreams");
        known.version = "2.3.0".parse().ok();
        let mut form = form(contents());
        let expected = [
            SourceCheck::Program,
            SourceCheck::Quiet,
            SourceCheck::VersionDiffers("2.3.0".to_owned()),
            SourceCheck::LogsShared(1),
        ];
        assert_eq!(form.checks(Some(&known)), expected);
        form.leaves_logs_out = true;
        form.version = "2.3.0".to_owned();
        form.program.clear();
        let expected = [
            SourceCheck::NoProgram,
            SourceCheck::Quiet,
            SourceCheck::VersionSame("2.3.0".to_owned()),
            SourceCheck::LogsLeftOut(1),
        ];
        assert_eq!(form.checks(Some(&known)), expected);
        assert_eq!(form.amount(), Some((4, 1230)));
        let offenders = vec![("aux".to_owned(), "a device".to_owned())];
        let form = self::form(SourceContents { offenders, held_by: Some("vim".to_owned()), ..contents() });
        let checks = form.checks(None);
        assert!(checks.contains(&SourceCheck::BadNames(vec!["aux".to_owned()], 1)));
        assert!(
            checks.contains(&SourceCheck::HeldBy("vim".to_owned()))
                && checks.contains(&SourceCheck::FirstVersion)
        );
        assert_eq!(form.request(&organiser(), None), Err(Lack::Unfit));
    }

    #[test]
    fn a_request_is_what_was_written() {
        let mut form = form(contents());
        form.leaves_logs_out = true;
        (form.players_from, form.players_to) = ("2".to_owned(), "8".to_owned());
        let request = form.request(&organiser(), None).unwrap();
        assert_eq!(
            (request.game.id.as_str(), request.version.to_string().as_str()),
            ("speed-dreams", "2.3.1")
        );
        assert_eq!(request.game.players, Some(Players { from: 2, to: 8 }));
        assert_eq!(request.game.launch[0].program.as_str(), "speed-dreams-2");
        assert_eq!(request.leave_out, ["run.log".parse().unwrap()]);
        for (change, lack) in [
            ((|form: &mut Form| form.title.clear()) as fn(&mut Form), Lack::Title),
            (|form| form.version.clear(), Lack::Version),
            (|form| "9".clone_into(&mut form.players_from), Lack::Players),
            (|form| "soon".clone_into(&mut form.year), Lack::Year),
            (|form| form.report = None, Lack::Look),
            (|form| form.from.clear(), Lack::Source),
        ] {
            let mut form = form.clone();
            change(&mut form);
            assert_eq!(form.request(&organiser(), None), Err(lack));
        }
    }
}
