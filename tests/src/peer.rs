//! One real `lanspread-peer run`, driven over JSON lines.

use std::cell::Cell;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::record::{Event, Mark, Record};
use crate::wine::command_on;
use crate::{Host, list_tree, program, windows_path};

/// Generous: a deadline ends a test that hangs, it never measures anything.
const DEADLINE: Duration = Duration::from_mins(1);

/// How to start a peer, the first time and again.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) name: String,
    pub(crate) games: PathBuf,
    pub(crate) host: Option<Host>,
    /// The Windows program, to be run by wine; `None` is the program under test.
    pub(crate) windows: Option<PathBuf>,
    /// Another program than the one under test.
    pub(crate) program: Option<PathBuf>,
    /// An address to bind; `None` is all adapters.
    pub(crate) bind: Option<String>,
    /// `None` is the program's own choice, 40420 and up.
    pub(crate) port: Option<u16>,
    pub(crate) args: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) deadline: Duration,
}

/// A running peer; killed when dropped. Its last words are printed when the test is failing.
#[derive(Debug)]
pub struct Peer {
    launch: Launch,
    child: Child,
    record: Arc<Record>,
    readers: Vec<JoinHandle<()>>,
    next_id: Cell<u64>,
}

/// A command that was answered with `"ok":false`.
#[derive(Debug)]
pub struct Refusal {
    pub code: String,
    pub message: String,
}

impl Peer {
    /// Starts the program and awaits `ready`.
    #[track_caller]
    pub(crate) fn start(launch: Launch) -> Self {
        let mut peer = Self::spawn(launch);
        let ready = peer.wait("ready", |event| event.is("ready"));
        // A restart takes the same port, as a PC does: others know it.
        if peer.launch.port == Some(0) {
            peer.launch.port = Some(port_of(ready["addresses"][0].as_str().unwrap_or_default()));
        }
        peer
    }

    /// Starts the program and awaits nothing.
    pub(crate) fn spawn(launch: Launch) -> Self {
        let native = launch.program.as_deref().unwrap_or_else(|| program());
        let mut command = match (&launch.windows, &launch.host) {
            (Some(program), host) => with_argument(command_on(host.as_ref(), "wine"), program),
            (None, Some(host)) => host.command(native),
            (None, None) => Command::new(native),
        };
        command.args(["run", "--name", &launch.name, "--games"]);
        match launch.windows {
            Some(_) => command.arg(windows_path(&launch.games)),
            None => command.arg(&launch.games),
        };
        if let Some(port) = launch.port {
            command.args(["--port", &port.to_string()]);
        }
        if let Some(address) = &launch.bind {
            command.args(["--bind", address]);
        }
        command.args(&launch.args);
        command.envs(launch.env.iter().cloned());
        command.env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| LOG_FILTER.into()));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("lanspread-peer starts");
        let record = Arc::new(Record::default());
        let readers = record.listen(child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Self { launch, child, record, readers: readers.into(), next_id: Cell::new(0) }
    }

    pub fn name(&self) -> &str {
        &self.launch.name
    }

    pub fn games(&self) -> &Path {
        &self.launch.games
    }

    /// The folder of one game.
    pub fn folder(&self, game: &str) -> PathBuf {
        self.launch.games.join(game)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn id(&self) -> String {
        self.ready().text("peer_id").to_owned()
    }

    pub fn ready(&self) -> Event {
        self.wait("ready", |event| event.is("ready"))
    }

    /// Where others reach it.
    pub fn address(&self) -> String {
        let ready = self.ready();
        if let Some(host) = &self.launch.host {
            let port = port_of(ready["addresses"][0].as_str().unwrap_or_default());
            return format!("{}:{port}", host.address);
        }
        ready["addresses"][0].as_str().unwrap_or_else(|| panic!("no address in {ready}")).to_owned()
    }

    // What it said

    pub fn mark(&self) -> Mark {
        self.record.mark()
    }

    /// All events since it was started.
    pub fn events(&self) -> Vec<Event> {
        self.record.events_after(Mark::default())
    }

    pub fn events_after(&self, mark: Mark) -> Vec<Event> {
        self.record.events_after(mark)
    }

    /// How many events of this name it had since it was started.
    pub fn count(&self, name: &str) -> usize {
        self.events().iter().filter(|event| event.is(name)).count()
    }

    pub fn log(&self) -> String {
        self.record.log()
    }

    /// The first such event since the peer was started, awaited if it is still to come.
    #[track_caller]
    pub fn wait(&self, what: &str, accept: impl Fn(&Event) -> bool) -> Event {
        self.wait_after(Mark::default(), what, accept)
    }

    /// The first such event after the mark, awaited if it is still to come.
    #[track_caller]
    pub fn wait_after(&self, mark: Mark, what: &str, accept: impl Fn(&Event) -> bool) -> Event {
        let deadline = Instant::now() + self.launch.deadline;
        match self.record.wait(mark, deadline, accept) {
            Some(event) => event,
            None if self.record.has_ended() => {
                panic!("{} ended while a test waited for: {what}", self.name())
            }
            None => panic!("{} did not see in {:?}: {what}", self.name(), self.launch.deadline),
        }
    }

    /// The first such event after the mark, if it comes within this time.
    pub fn wait_at_most(&self, time: Duration, mark: Mark, accept: impl Fn(&Event) -> bool) -> Option<Event> {
        self.record.wait(mark, Instant::now() + time, accept)
    }

    /// Asks again with each new event until the condition holds. The short pause between two looks only
    /// serves facts that come without an event of their own.
    #[track_caller]
    pub fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + self.launch.deadline;
        loop {
            let mark = self.mark();
            if holds(self) {
                return;
            }
            let now = Instant::now();
            assert!(now < deadline, "{} did not come to: {what}", self.name());
            let pause = now + Duration::from_millis(100);
            self.record.wait(mark, pause, |event| !event.is("reply"));
        }
    }

    // What it is told

    /// Sends one line as it is.
    pub fn send_line(&self, line: &str) {
        let mut stdin = self.child.stdin.as_ref().expect("stdin is open");
        stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush()).expect("the peer reads");
    }

    pub fn close_stdin(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Sends a command and awaits its reply.
    #[track_caller]
    pub fn request(&self, mut command: Value) -> Result<Event, Refusal> {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        command["id"] = id.into();
        let mark = self.mark();
        self.send_line(&command.to_string());
        let reply = self.wait_after(mark, &format!("the reply to {command}"), |event| {
            event.is("reply") && event["id"] == id
        });
        if reply["ok"] == true {
            return Ok(reply);
        }
        assert_eq!(reply["ok"], false, "a reply says whether it is ok: {reply}");
        let words = |field: &str| {
            let text = reply["error"][field].as_str();
            text.unwrap_or_else(|| panic!("no error.{field} in {reply}")).to_owned()
        };
        Err(Refusal { code: words("code"), message: words("message") })
    }

    /// Sends a command that must be accepted.
    #[track_caller]
    pub fn ask(&self, command: Value) -> Event {
        let told = command.to_string();
        match self.request(command) {
            Ok(reply) => reply,
            Err(refusal) => panic!("{} refused {told}: {refusal:?}", self.name()),
        }
    }

    /// Sends a command that must be refused with this code; a refusal always has words too.
    #[track_caller]
    pub fn is_refused(&self, command: Value, code: &str) -> Refusal {
        let told = command.to_string();
        match self.request(command) {
            Ok(reply) => panic!("{} accepted {told}: {reply}", self.name()),
            Err(refusal) => {
                assert_eq!(refusal.code, code, "the refusal of {told}: {refusal:?}");
                assert!(!refusal.message.is_empty(), "the refusal of {told} says nothing");
                refusal
            }
        }
    }

    /// The entry of one game in `list`; null when there is none.
    #[track_caller]
    pub fn game(&self, game: &str) -> Value {
        let reply = self.ask(json!({ "cmd": "list" }));
        let games = reply["games"].as_array().unwrap_or_else(|| panic!("no games in {reply}"));
        games.iter().find(|entry| entry["id"] == game).cloned().unwrap_or(Value::Null)
    }

    /// The state of a local game as `list` tells it; null when it is not here.
    #[track_caller]
    pub fn state(&self, game: &str) -> Value {
        self.game(game)["local"]["state"].clone()
    }

    #[track_caller]
    pub fn sources(&self, game: &str) -> u64 {
        count_of(&self.game(game)["sources"])
    }

    #[track_caller]
    pub fn until_sources(&self, game: &str, count: u64) {
        self.until(&format!("{count} sources of {game}"), |peer| peer.sources(game) == count);
    }

    /// Awaits a state; the empty one is "not here".
    #[track_caller]
    pub fn until_state(&self, game: &str, state: &str) {
        self.until(&format!("{game} is {state}"), |peer| {
            let local = &peer.game(game)["local"];
            // Before it is hashed, a payload is only claimed to be what its version.ini says.
            let is_settled = local["checked"] == true || !matches!(state, "downloaded" | "installed");
            local["state"].as_str().unwrap_or_default() == state && is_settled
        });
    }

    /// The peers that it is connected to.
    #[track_caller]
    pub fn connected(&self) -> Vec<Value> {
        let reply = self.ask(json!({ "cmd": "peers" }));
        let peers = reply["peers"].as_array().unwrap_or_else(|| panic!("no peers in {reply}"));
        peers.iter().filter(|peer| peer["connected"] == true).cloned().collect()
    }

    #[track_caller]
    pub fn is_connected_to(&self, other: &Self) -> bool {
        let id = other.id();
        self.connected().iter().any(|peer| peer["peer_id"] == id)
    }

    #[track_caller]
    pub fn until_connected_to(&self, other: &Self) {
        self.until(&format!("connected to {}", other.name()), |peer| peer.is_connected_to(other));
    }

    /// One number of `status`.
    #[track_caller]
    pub fn status(&self, field: &str) -> u64 {
        self.ask(json!({ "cmd": "status" })).number(field)
    }

    /// Starts a download once there is a source; the mark is from before the command.
    #[track_caller]
    pub fn download(&self, game: &str) -> Mark {
        self.until(&format!("a source of {game}"), |peer| peer.sources(game) > 0);
        let mark = self.mark();
        self.ask(json!({ "cmd": "download", "game": game }));
        mark
    }

    /// Downloads to the end; `download-finished` is returned when the operation is over, too.
    #[track_caller]
    pub fn fetch(&self, game: &str) -> Event {
        let mark = self.download(game);
        self.wait_downloaded(mark, game)
    }

    /// Awaits the end of a download or an update of this game.
    #[track_caller]
    pub fn wait_downloaded(&self, mark: Mark, game: &str) -> Event {
        let end = self.wait_after(mark, &format!("the end of the work on {game}"), |event| {
            event.about("operation-finished", game) || event.about("operation-failed", game)
        });
        assert!(end.is("operation-finished"), "{} failed: {end}", self.name());
        self.wait_after(mark, "download-finished", |event| event.about("download-finished", game))
    }

    /// Sends a command about a game and awaits the end of the operation of this kind.
    #[track_caller]
    pub fn carry_out(&self, kind: &str, command: Value) -> Event {
        let game = command["game"].as_str().expect("a command about a game").to_owned();
        let mark = self.mark();
        self.ask(command);
        let end = self.wait_after(mark, &format!("the end of {kind} of {game}"), |event| {
            let is_end = event.about("operation-finished", &game) || event.about("operation-failed", &game);
            is_end && event["operation"] == kind
        });
        assert!(end.is("operation-finished"), "{} failed: {end}", self.name());
        end
    }

    /// Awaits that this part of the download (in percent) is done.
    #[track_caller]
    pub fn wait_progress(&self, mark: Mark, game: &str, percent: u64) -> Event {
        self.wait_after(mark, &format!("{percent} % of {game}"), |event| {
            assert!(!event.about("download-finished", game), "too late to interrupt: {event}");
            event.about("download-progress", game)
                && event.number("bytes_done") * 100 >= event.number("bytes_total") * percent
        })
    }

    // Its end

    /// `kill -9`: no goodbye, nothing flushed.
    pub fn kill9(&mut self) {
        drop(self.child.kill());
        self.reap();
    }

    /// Asks it to stop in order, which must give exit code 0 and `stopped` as the last line.
    #[track_caller]
    pub fn stop(&mut self) {
        self.send_line(r#"{"cmd":"shutdown"}"#);
        self.wait_stopped();
    }

    /// Sends a signal such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }

    #[track_caller]
    pub fn wait_stopped(&mut self) {
        let status = self.wait_exit();
        assert_eq!(status.code(), Some(0), "{}: exit code of an orderly stop", self.name());
        let last = self.events().pop();
        assert!(last.as_ref().is_some_and(|event| event.is("stopped")), "the last line is {last:?}");
    }

    /// Awaits the end of the program, whatever it is.
    #[track_caller]
    pub fn wait_exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + self.launch.deadline;
        // Both pipes end with the process; nothing else is to be awaited.
        assert!(
            self.record.wait(Mark::default(), deadline, |_| false).is_none() && self.record.has_ended(),
            "{} does not end",
            self.name()
        );
        self.reap()
    }

    /// Starts it again with the same folder, port and arguments: after a stop, a crash, or at once. Under wine it gets
    /// another port: a busy server of wine's keeps a killed program's socket open.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill9();
        let mut launch = self.launch.clone();
        if launch.windows.is_some() {
            launch.port = launch.port.map(|_| 0);
        }
        *self = Self::start(launch);
    }

    fn reap(&mut self) -> ExitStatus {
        let status = self.child.wait().unwrap();
        for reader in self.readers.drain(..) {
            drop(reader.join());
        }
        status
    }

    /// Everything that a person needs to see: events, log, files.
    pub fn tell(&self) -> String {
        let mut story = format!("==== {} (pid {})\n{}", self.name(), self.pid(), self.record.tell());
        writeln!(story, "-- files\n{}", list_tree(self.games())).unwrap();
        story
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.tell());
        }
        self.kill9();
        if !std::thread::panicking() {
            let log = self.log();
            assert!(!log.contains("panicked at"), "{} panicked:\n{log}", self.name());
        }
    }
}

const LOG_FILTER: &str = "warn,lanspread_peer=debug,lanspread_engine=debug";

pub(crate) const DEFAULT_DEADLINE: Duration = DEADLINE;

fn with_argument(mut command: Command, argument: &Path) -> Command {
    command.arg(argument);
    command
}

/// `sources` may be a number or the list itself.
pub(crate) fn count_of(value: &Value) -> u64 {
    value.as_array().map_or_else(|| value.as_u64().unwrap_or(0), |list| list.len() as u64)
}

fn port_of(address: &str) -> u16 {
    address
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .unwrap_or_else(|| panic!("no port in {address:?}"))
}
