//! One conversation: lines in, replies and events out, until the peer stops or the other side goes.

use std::time::Duration;

use lanspread_engine::{CommandError, ErrorCode, Event, Level, NoticeKind};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::JoinSet;

use crate::api::{PeerClient, PeerEvent, PeerReply, SendRefused};

use super::command::{ParsedLine, parse_line, too_long_line};
use super::lines::InputLine;

/// Lines that wait for the other side to read them. It is a second's worth of a busy peer's events.
pub const OUTPUT_QUEUE: usize = 256;
/// Commands that wait for their reply; further lines are not read until one is answered.
const MAX_PENDING: usize = 64;

/// Whether a conversation outlives its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtInputEnd {
    /// Events go on.
    Stay,
    Leave,
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEnd {
    /// The peer stopped, and said so.
    Stopped,
    /// Nobody reads any more.
    OutputClosed,
    InputEnded,
}

/// Leads a conversation. `events` is what the peer tells from where the conversation begins.
pub async fn converse(
    client: &PeerClient,
    mut events: broadcast::Receiver<PeerEvent>,
    mut input: mpsc::Receiver<InputLine>,
    output: &mpsc::Sender<String>,
    at_input_end: AtInputEnd,
) -> SessionEnd {
    let mut pending: JoinSet<String> = JoinSet::new();
    let mut has_input = true;
    loop {
        // Events first: what happened before a command was accepted is told before its reply.
        let line = tokio::select! {
            biased;
            event = events.recv() => match event {
                Ok(PeerEvent::Stopped) | Err(RecvError::Closed) => break,
                Ok(event) => event_line(client.uptime(), &event),
                Err(RecvError::Lagged(count)) => event_line(client.uptime(), &lost_events(count)),
            },
            Some(reply) = pending.join_next() => match reply {
                Ok(line) => line,
                Err(_panicked) => continue,
            },
            line = input.recv(), if has_input && pending.len() < MAX_PENDING => match line {
                Some(line) => match take_line(client, &line, &mut pending) {
                    Some(reply) => reply,
                    None => continue,
                },
                None if at_input_end == AtInputEnd::Leave && pending.is_empty() => {
                    return SessionEnd::InputEnded;
                }
                None => {
                    has_input = false;
                    continue;
                }
            },
        };
        if output.send(line).await.is_err() {
            return SessionEnd::OutputClosed;
        }
        if !has_input && at_input_end == AtInputEnd::Leave && pending.is_empty() {
            return SessionEnd::InputEnded;
        }
    }
    // What was asked is answered before the last line.
    while let Some(reply) = pending.join_next().await {
        if let Ok(line) = reply
            && output.send(line).await.is_err()
        {
            return SessionEnd::OutputClosed;
        }
    }
    match output.send(event_line(client.uptime(), &PeerEvent::Stopped)).await {
        Ok(()) => SessionEnd::Stopped,
        Err(_closed) => SessionEnd::OutputClosed,
    }
}

/// The reply, if it is known at once; else it is awaited among the pending.
fn take_line(client: &PeerClient, line: &InputLine, pending: &mut JoinSet<String>) -> Option<String> {
    let ParsedLine { id, command } = match line {
        InputLine::Text(text) => parse_line(text),
        InputLine::TooLong => too_long_line(),
    };
    let sent = command.and_then(|command| client.send(command).map_err(refusal));
    match sent {
        Ok(reply) => {
            let client = client.clone();
            pending.spawn(async move {
                let stopped =
                    || Err(CommandError::new(ErrorCode::Refused, "the peer stopped before it could answer"));
                reply_line(&client, &id, reply.await.unwrap_or_else(|_dropped| stopped()))
            });
            None
        }
        Err(error) => Some(reply_line(client, &id, Err(error))),
    }
}

fn refusal(refused: SendRefused) -> CommandError {
    let code = match refused {
        SendRefused::Full => ErrorCode::Busy,
        SendRefused::Stopped => ErrorCode::Refused,
    };
    CommandError::new(code, refused.to_string())
}

fn lost_events(count: u64) -> PeerEvent {
    let message = NoticeKind::EventsLost { count };
    PeerEvent::Engine(Event::Notice { level: Level::Warning, message })
}

#[derive(Serialize)]
struct EventLine<'a> {
    #[serde(flatten)]
    event: &'a PeerEvent,
    t: f64,
}

#[derive(Serialize)]
struct ReplyLine<'a> {
    event: &'static str,
    id: &'a Value,
    ok: bool,
    #[serde(flatten)]
    reply: Option<PeerReply>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<CommandError>,
    t: f64,
}

/// An event's line, without its end.
pub fn event_line(uptime: Duration, event: &PeerEvent) -> String {
    to_json(&EventLine { event, t: seconds(uptime) })
}

/// A reply's line, without its end.
fn reply_line(client: &PeerClient, id: &Value, result: Result<PeerReply, CommandError>) -> String {
    let (reply, error) = match result {
        Ok(reply) => (Some(reply), None),
        Err(error) => (None, Some(error)),
    };
    to_json(&ReplyLine { event: "reply", id, ok: error.is_none(), reply, error, t: seconds(client.uptime()) })
}

/// To the millisecond: more would be noise.
fn seconds(uptime: Duration) -> f64 {
    (uptime.as_secs_f64() * 1000.0).round() / 1000.0
}

fn to_json(line: &impl Serialize) -> String {
    serde_json::to_string(line).unwrap_or_else(|error| {
        // Our own types always have a JSON form; a line that says otherwise is better than none.
        tracing::error!("an event has no JSON form: {error}");
        r#"{"event":"notice","level":"error","message":"an event could not be written"}"#.to_owned()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::{PeerCommand, PeerRuntimeHandle, RuntimeSide, Status, Waker, connect_runtime};

    struct Scene {
        handle: PeerRuntimeHandle,
        side: Option<RuntimeSide>,
        input: Option<mpsc::Sender<InputLine>>,
        output: mpsc::Receiver<String>,
        end: tokio::task::JoinHandle<SessionEnd>,
    }

    fn scene(at_input_end: AtInputEnd) -> Scene {
        let (handle, side) = connect_runtime(Waker::none());
        let (input, lines) = mpsc::channel(8);
        let (sender, output) = mpsc::channel(8);
        let (client, events) = (handle.client(), handle.subscribe());
        let end = tokio::spawn(async move { converse(&client, events, lines, &sender, at_input_end).await });
        Scene { handle, side: Some(side), input: Some(input), output, end }
    }

    impl Scene {
        async fn say(&self, line: &str) {
            self.input.as_ref().unwrap().send(InputLine::Text(line.into())).await.unwrap();
        }

        async fn next(&mut self) -> Value {
            let mut line: Value = serde_json::from_str(&self.output.recv().await.unwrap()).unwrap();
            assert!(line.as_object_mut().unwrap().remove("t").unwrap().is_f64());
            line
        }

        async fn command(&mut self) -> crate::api::SentCommand {
            self.side.as_mut().unwrap().commands.recv().await.unwrap()
        }

        fn emit(&self, event: PeerEvent) {
            self.side.as_ref().unwrap().emit(event);
        }
    }

    fn notice() -> PeerEvent {
        PeerEvent::Engine(Event::Notice { level: Level::Info, message: NoticeKind::IdentityRenewed })
    }

    #[tokio::test]
    async fn commands_are_answered_in_flat_lines() {
        let mut scene = scene(AtInputEnd::Stay);
        scene.say(r#"{"cmd":"status","id":7}"#).await;
        let sent = scene.command().await;
        assert_eq!(sent.command, PeerCommand::Status);
        sent.reply.send(Ok(PeerReply::Status(Status { rx_bytes: 5, ..Status::default() }))).unwrap();
        assert_eq!(
            scene.next().await,
            json!({"event":"reply","id":7,"ok":true,
                "rx_bytes":5,"tx_bytes":0,"served_chunks":0,"bad_chunks":0,"connections":0})
        );
        scene.say(r#"{"cmd":"list"}"#).await;
        scene.command().await.reply.send(Ok(PeerReply::Games { games: Vec::new() })).unwrap();
        assert_eq!(scene.next().await, json!({"event":"reply","id":null,"ok":true,"games":[]}));
        scene.say(r#"{"cmd":"shutdown","id":8}"#).await;
        scene.command().await.reply.send(Ok(PeerReply::Done {})).unwrap();
        assert_eq!(scene.next().await, json!({"event":"reply","id":8,"ok":true}));
        scene.say(r#"{"cmd":"pause","game":"ut","id":9}"#).await;
        let busy = CommandError::new(ErrorCode::Busy, "ut: is being published");
        scene.command().await.reply.send(Err(busy)).unwrap();
        assert_eq!(
            scene.next().await,
            json!({"event":"reply","id":9,"ok":false,"error":{"code":"busy","message":"ut: is being published"}})
        );
        scene.say("nonsense").await;
        assert_eq!(scene.next().await["error"]["code"], "bad_command");
        scene.input.as_ref().unwrap().send(InputLine::TooLong).await.unwrap();
        assert_eq!(scene.next().await["error"]["code"], "bad_command");
        scene.emit(notice());
        let message = NoticeKind::IdentityRenewed.to_string();
        assert_eq!(scene.next().await, json!({"event":"notice","level":"info","message":message}));
    }

    #[tokio::test]
    async fn stopped_is_the_last_line_and_everything_is_answered_before() {
        let mut scene = scene(AtInputEnd::Stay);
        scene.input = None;
        scene.emit(notice());
        assert_eq!(scene.next().await["event"], "notice");
        let failure =
            crate::api::RuntimeFailure { component: "network".into(), error: "port 7 is taken".into() };
        scene.side.as_ref().unwrap().fail(failure);
        assert_eq!(
            scene.next().await,
            json!({"event":"runtime-failed","component":"network","error":"port 7 is taken"})
        );
        scene.side = None;
        assert_eq!(scene.next().await, json!({"event":"stopped"}));
        assert_eq!(scene.end.await.unwrap(), SessionEnd::Stopped);
        assert!(scene.handle.wait_stopped().await.is_err());
        assert_eq!(scene.output.recv().await, None);
    }

    #[tokio::test]
    async fn an_unanswered_command_is_told_of_the_stop() {
        let mut scene = scene(AtInputEnd::Stay);
        scene.say(r#"{"cmd":"peers","id":1}"#).await;
        let sent = scene.command().await;
        scene.side = None;
        drop(sent);
        let reply = scene.next().await;
        assert_eq!((&reply["id"], &reply["error"]["code"]), (&json!(1), &json!("refused")));
        assert_eq!(scene.next().await, json!({"event":"stopped"}));
    }

    #[tokio::test]
    async fn a_reader_that_goes_or_an_input_that_ends_ends_it() {
        let mut gone = scene(AtInputEnd::Stay);
        gone.output.close();
        gone.emit(notice());
        assert_eq!(gone.end.await.unwrap(), SessionEnd::OutputClosed);
        let mut leaving = scene(AtInputEnd::Leave);
        leaving.say(r#"{"cmd":"peers"}"#).await;
        leaving.input = None;
        let sent = leaving.command().await;
        sent.reply.send(Ok(PeerReply::Done {})).unwrap();
        assert_eq!(leaving.next().await["ok"], true);
        assert_eq!(leaving.end.await.unwrap(), SessionEnd::InputEnded);
    }

    #[tokio::test]
    async fn lost_events_are_said() {
        let (handle, side) = connect_runtime(Waker::none());
        let events = handle.subscribe();
        for _ in 0..crate::api::EVENT_QUEUE + 10 {
            side.emit(notice());
        }
        let (_input, lines) = mpsc::channel(1);
        let (sender, mut output) = mpsc::channel(1);
        let client = handle.client();
        let end =
            tokio::spawn(async move { converse(&client, events, lines, &sender, AtInputEnd::Stay).await });
        assert!(output.recv().await.unwrap().contains("10 events were lost"));
        drop(output);
        assert_eq!(end.await.unwrap(), SessionEnd::OutputClosed);
    }
}
