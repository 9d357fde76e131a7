//! Everything that a peer said, kept: its events in order and its log. Reader threads write, waits read.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read};
use std::ops::Index;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use serde_json::Value;

/// One JSON line of a peer.
#[derive(Clone, Debug)]
pub struct Event(pub Value);

/// A place in a peer's record: "from here on".
#[derive(Clone, Copy, Debug, Default)]
pub struct Mark(pub(crate) usize);

impl Event {
    pub fn is(&self, name: &str) -> bool {
        self.0["event"] == name
    }

    /// An event of this name about this game.
    pub fn about(&self, name: &str, game: &str) -> bool {
        self.is(name) && self.0["game"] == game
    }

    #[track_caller]
    pub fn number(&self, field: &str) -> u64 {
        self.0[field].as_u64().unwrap_or_else(|| panic!("no whole number {field:?} in {self}"))
    }

    #[track_caller]
    pub fn text(&self, field: &str) -> &str {
        self.0[field].as_str().unwrap_or_else(|| panic!("no text {field:?} in {self}"))
    }
}

impl Index<&str> for Event {
    type Output = Value;

    fn index(&self, field: &str) -> &Value {
        &self.0[field]
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Record {
    said: Mutex<Said>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Said {
    events: Vec<Event>,
    log: Vec<String>,
    ended: bool,
}

impl Record {
    /// Reads both pipes until they end.
    pub(crate) fn listen(
        self: &Arc<Self>,
        stdout: impl Read + Send + 'static,
        stderr: impl Read + Send + 'static,
    ) -> [JoinHandle<()>; 2] {
        let events = Arc::clone(self);
        let log = Arc::clone(self);
        [
            named_thread("peer-events", move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    let value = serde_json::from_str(&line)
                        .unwrap_or_else(|_| serde_json::json!({ "event": "NOT JSON", "line": line }));
                    events.said.lock().unwrap().events.push(Event(value));
                    events.news.notify_all();
                }
                events.said.lock().unwrap().ended = true;
                events.news.notify_all();
            }),
            named_thread("peer-log", move || {
                for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                    log.said.lock().unwrap().log.push(String::from_utf8_lossy(&line).into_owned());
                }
            }),
        ]
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(self.said.lock().unwrap().events.len())
    }

    pub(crate) fn events_after(&self, mark: Mark) -> Vec<Event> {
        self.said.lock().unwrap().events[mark.0..].to_vec()
    }

    /// The first event after the mark that is accepted. `None` when the deadline passes or the peer ends.
    pub(crate) fn wait(
        &self,
        mark: Mark,
        deadline: Instant,
        accept: impl Fn(&Event) -> bool,
    ) -> Option<Event> {
        let mut seen = mark.0;
        let mut said = self.said.lock().unwrap();
        loop {
            if let Some(found) = said.events[seen..].iter().find(|event| accept(event)) {
                return Some(found.clone());
            }
            seen = said.events.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || said.ended {
                return None;
            }
            said = self.news.wait_timeout(said, left).unwrap().0;
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.said.lock().unwrap().ended
    }

    pub(crate) fn log(&self) -> String {
        self.said.lock().unwrap().log.join("\n")
    }

    /// All events (progress lines counted, not listed) and the end of the log.
    pub(crate) fn tell(&self) -> String {
        const LOG_LINES: usize = 150;
        let said = self.said.lock().unwrap();
        let mut story = String::from("-- events\n");
        let mut progress = 0;
        for event in &said.events {
            if event.is("download-progress") {
                progress += 1;
                continue;
            }
            if progress > 0 {
                writeln!(story, "   … {progress} × download-progress").unwrap();
                progress = 0;
            }
            let line = event.to_string();
            let cut = line.char_indices().nth(2000).map_or(line.len(), |(at, _)| at);
            writeln!(story, "{}", &line[..cut]).unwrap();
        }
        if progress > 0 {
            writeln!(story, "   … {progress} × download-progress").unwrap();
        }
        let from = said.log.len().saturating_sub(LOG_LINES);
        writeln!(story, "-- log ({} lines, the last ones)\n{}", said.log.len(), said.log[from..].join("\n"))
            .unwrap();
        story
    }
}

fn named_thread(name: &str, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new().name(name.into()).spawn(body).unwrap()
}
