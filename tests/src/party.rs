//! A party: an organiser's key and catalog, published games, and peers that share them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use crate::peer::{DEFAULT_DEADLINE, Launch};
use crate::{Game, Host, Peer, Run, Wine, copy_tree, lanspread, link_tree, windows_path};

/// Lives in a temporary folder, which goes with it: declare it before its peers.
#[derive(Debug)]
pub struct Party {
    dir: TempDir,
    catalog: PathBuf,
    key: PathBuf,
    organiser: String,
    published: AtomicU32,
    peers: AtomicU8,
}

/// A game as `publish` left it.
#[derive(Clone, Debug)]
pub struct Published {
    pub id: String,
    pub version: String,
    /// The manifest's id.
    pub manifest: String,
    pub bytes: u64,
    /// The games folder that it was published into; no other game is in it.
    pub games: PathBuf,
    /// The payload: `<games>/<id>`.
    pub payload: PathBuf,
    /// What it was published from.
    pub source: PathBuf,
}

impl Party {
    /// A party with an organiser's key and no game yet.
    #[allow(
        clippy::new_without_default,
        reason = "it makes a folder and runs a program: nothing to be had by default"
    )]
    #[track_caller]
    pub fn new() -> Self {
        Self::within(&std::env::temp_dir())
    }

    /// Makes a party whose folder is made in this one: for games that are too large for where temporary files go.
    #[track_caller]
    pub fn within(folder: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("lanspread-test-").tempdir_in(folder).unwrap();
        let key = dir.path().join("organiser.key");
        let made = lanspread([OsString::from("keygen"), "--out".into(), key.clone().into()]);
        made.ok();
        let organiser =
            made.stdout.split_whitespace().last().expect("keygen prints the public key").to_owned();
        let catalog = dir.path().join("catalog.ron");
        Self { dir, catalog, key, organiser, published: AtomicU32::new(0), peers: AtomicU8::new(0) }
    }

    /// A place for whatever a story needs on disk.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The organiser's catalog; `.sig` is beside it. It grows with each publish.
    pub fn catalog(&self) -> &Path {
        &self.catalog
    }

    /// The file of the organiser's secret key.
    pub fn key(&self) -> &Path {
        &self.key
    }

    /// The organiser's public key.
    pub fn organiser(&self) -> &str {
        &self.organiser
    }

    /// Writes a game and publishes it from there with the real program, each into a games folder of its own.
    #[track_caller]
    pub fn publish(&self, game: &Game) -> Published {
        let source = self.fresh_folder(&game.id, "source");
        game.write_to(&source);
        self.publish_from(game, &source)
    }

    /// Publishes a game in place: its source is the payload. For games that are too large to be copied.
    #[track_caller]
    pub fn publish_in_place(&self, game: &Game) -> Published {
        let games = self.fresh_folder(&game.id, "games");
        game.write_to(&games.join(&game.id));
        self.publish_standing(game, &games)
    }

    /// Publishes the payload `<games>/<id>` in place, whatever it holds: for a story that makes it itself.
    #[track_caller]
    pub fn publish_standing(&self, game: &Game, games: &Path) -> Published {
        let source = games.join(&game.id);
        let run = self.run_publish(game, games, &source);
        run.ok();
        published(game, games, &source, &run)
    }

    /// Publishes what stands in a folder under this game's id and version.
    #[track_caller]
    pub fn publish_from(&self, game: &Game, source: &Path) -> Published {
        let games = self.fresh_folder(&game.id, "games");
        fs::create_dir_all(&games).unwrap();
        let run = self.run_publish(game, &games, source);
        run.ok();
        published(game, &games, source, &run)
    }

    /// Runs `publish` and leaves it to the story to judge the outcome.
    pub fn run_publish(&self, game: &Game, games: &Path, source: &Path) -> Run {
        lanspread(self.publish_args(game, games, source))
    }

    /// The arguments of `publish` for this game.
    pub fn publish_args(&self, game: &Game, games: &Path, source: &Path) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["publish".into()];
        let title = format!("The game {}", game.id);
        for (flag, value) in [
            ("--games", games.as_os_str()),
            ("--catalog", self.catalog.as_os_str()),
            ("--key", self.key.as_os_str()),
            ("--from", source.as_os_str()),
            ("--id", game.id.as_ref()),
            ("--version", game.version.as_ref()),
            ("--title", title.as_ref()),
        ] {
            args.extend([flag.into(), value.to_owned()]);
        }
        args.extend(game.publish_args.iter().map(OsString::from));
        args
    }

    /// Takes manifests and signature out of the catalog: what an imported catalog looks like.
    pub fn unpin_manifests(&self) {
        let mut catalog = lanspread_protocol::Catalog::parse(&fs::read(&self.catalog).unwrap()).unwrap();
        for game in &mut catalog.games {
            game.manifest = None;
        }
        fs::write(&self.catalog, catalog.to_text().unwrap()).unwrap();
        fs::remove_file(signature_of(&self.catalog)).unwrap();
    }

    /// A peer without games, which holds a copy of the catalog as it is now.
    pub fn peer(&self, name: &str) -> PeerBuilder {
        let home = self.path().join(name);
        let games = home.join("games");
        fs::create_dir_all(&games).unwrap();
        self.builder(name, &home, games)
    }

    /// A peer that holds complete copies of these games, made as a person would, without Lanspread.
    pub fn seed(&self, name: &str, games: &[&Published]) -> PeerBuilder {
        let builder = self.peer(name);
        for game in games {
            copy_tree(&game.payload, &builder.launch.games.join(&game.id));
        }
        builder
    }

    /// As [`Party::seed`], with hard links in place of copies: for games that are too large to be copied. The story must
    /// not change the files of either.
    pub fn linked_seed(&self, name: &str, game: &Published) -> PeerBuilder {
        let builder = self.peer(name);
        link_tree(&game.payload, &builder.launch.games.join(&game.id));
        builder
    }

    /// As [`Party::seed`], of a peer that knows the games' manifests: it can tell extra and damaged files apart.
    pub fn knowing_seed(&self, name: &str, games: &[&Published]) -> PeerBuilder {
        let builder = self.seed(name, games);
        let known = builder.launch.games.join(".lanspread/manifests");
        fs::create_dir_all(&known).unwrap();
        for game in games {
            for manifest in fs::read_dir(game.games.join(".lanspread/manifests")).unwrap().flatten() {
                fs::copy(manifest.path(), known.join(manifest.file_name())).unwrap();
            }
        }
        builder
    }

    /// The peer of the organiser: on the folder that this game was published into.
    pub fn origin(&self, name: &str, game: &Published) -> PeerBuilder {
        let home = self.path().join(name);
        fs::create_dir_all(&home).unwrap();
        self.builder(name, &home, game.games.clone())
    }

    /// A peer on a given games folder.
    pub fn peer_on(&self, name: &str, games: &Path) -> PeerBuilder {
        let home = self.path().join(name);
        fs::create_dir_all(&home).unwrap();
        self.builder(name, &home, games.to_owned())
    }

    fn builder(&self, name: &str, home: &Path, games: PathBuf) -> PeerBuilder {
        let number = self.peers.fetch_add(1, Ordering::Relaxed) + 1;
        let catalog = home.join("catalog.ron");
        let mut args = vec!["--no-mdns".to_owned()];
        if self.catalog.exists() {
            copy_catalog(&self.catalog, &catalog);
            args.extend(["--catalog".into(), catalog.display().to_string()]);
        }
        let launch = Launch {
            name: name.into(),
            games,
            host: None,
            windows: None,
            program: None,
            bind: Some(format!("127.0.0.{number}")),
            port: Some(0),
            args,
            env: Vec::new(),
            deadline: DEFAULT_DEADLINE,
        };
        PeerBuilder { launch, catalog, organiser: self.organiser.clone() }
    }

    fn fresh_folder(&self, id: &str, what: &str) -> PathBuf {
        let number = self.published.fetch_add(1, Ordering::Relaxed) + 1;
        self.path().join(format!("{id}-{number}-{what}"))
    }
}

fn published(game: &Game, games: &Path, source: &Path, run: &Run) -> Published {
    let told = run.json();
    assert_eq!(told["game"], *game.id, "{run}");
    assert_eq!(told["version"], *game.version, "{run}");
    Published {
        id: game.id.clone(),
        version: game.version.clone(),
        manifest: told["manifest"].as_str().unwrap_or_else(|| panic!("no manifest id\n{run}")).to_owned(),
        bytes: told["bytes"].as_u64().unwrap_or_else(|| panic!("no bytes\n{run}")),
        games: games.to_owned(),
        payload: games.join(&game.id),
        source: source.to_owned(),
    }
}

/// Copies a catalog and, if there is one, its signature.
pub(crate) fn copy_catalog(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    let signature = signature_of(from);
    if signature.exists() {
        fs::copy(signature, signature_of(to)).unwrap();
    }
}

fn signature_of(catalog: &Path) -> PathBuf {
    let mut name = catalog.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// A peer to be started. By default it is on loopback with an address of its own (a PC of its own, as far
/// as votes and bans go), on a free port, without mDNS, without a pinned key.
#[derive(Clone, Debug)]
pub struct PeerBuilder {
    launch: Launch,
    catalog: PathBuf,
    organiser: String,
}

impl PeerBuilder {
    /// Its games folder, before it starts.
    pub fn games(&self) -> &Path {
        &self.launch.games
    }

    /// Its own copy of the catalog, before it starts.
    pub fn catalog(&self) -> &Path {
        &self.catalog
    }

    /// Takes this catalog file itself, not a copy of the party's.
    #[must_use]
    pub fn with_catalog(mut self, catalog: &Path) -> Self {
        if let Some(at) = self.launch.args.iter().position(|arg| arg == "--catalog") {
            self.launch.args.drain(at..at + 2);
        }
        self.arg("--catalog").arg(&catalog.display().to_string())
    }

    /// Types in the address of another peer.
    #[must_use]
    pub fn knows(self, other: &Peer) -> Self {
        let address = other.address();
        self.arg("--peer").arg(&address)
    }

    /// Bytes a second that it gives to others, all together.
    #[must_use]
    pub fn upload_limit(self, bytes_per_sec: u64) -> Self {
        self.arg("--upload-limit").arg(&bytes_per_sec.to_string())
    }

    /// Pins the organiser's key.
    #[must_use]
    pub fn pinned(self) -> Self {
        let key = self.organiser.clone();
        self.arg("--organiser").arg(&key)
    }

    /// Takes this address instead of its own one.
    #[must_use]
    pub fn at(mut self, address: &str) -> Self {
        self.launch.bind = Some(address.into());
        self
    }

    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.launch.port = Some(port);
        self
    }

    /// Puts it on a PC of a LAN, on all adapters and the default port.
    #[must_use]
    pub fn on(mut self, host: &Host) -> Self {
        self.launch.host = Some(host.clone());
        self.launch.bind = None;
        self.launch.port = None;
        self
    }

    /// Runs the Windows program, which names its files as Windows does.
    #[must_use]
    pub fn in_wine(mut self, wine: &Wine) -> Self {
        self.launch.windows = Some(wine.program("lanspread-peer"));
        // Wine binds all addresses and answers from the first, whatever a program asked for.
        self.launch.bind = Some("127.0.0.1".into());
        self.launch.env.extend(wine.variables());
        let catalog = windows_path(&self.catalog);
        for arg in self.launch.args.iter_mut().filter(|arg| Path::new(arg.as_str()) == self.catalog) {
            arg.clone_from(&catalog);
        }
        self
    }

    /// Runs this program instead of the one under test.
    #[must_use]
    pub fn running(mut self, program: &Path) -> Self {
        self.launch.program = Some(program.to_owned());
        self
    }

    /// Lets it find others by mDNS.
    #[must_use]
    pub fn with_mdns(mut self) -> Self {
        self.launch.args.retain(|arg| arg != "--no-mdns");
        self
    }

    /// For stories that move so much that a minute is no sign of a hang.
    #[must_use]
    pub fn patient(mut self) -> Self {
        self.launch.deadline = Duration::from_mins(10);
        self
    }

    /// Sets a variable of its environment, which games inherit.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.launch.env.push((name.into(), value.into()));
        self
    }

    #[must_use]
    pub fn arg(mut self, arg: &str) -> Self {
        self.launch.args.push(arg.into());
        self
    }

    /// Starts it and awaits `ready`.
    #[track_caller]
    pub fn start(self) -> Peer {
        Peer::start(self.launch)
    }

    /// Starts it and awaits nothing: for peers that must not come up.
    pub fn spawn(self) -> Peer {
        Peer::spawn(self.launch)
    }
}
