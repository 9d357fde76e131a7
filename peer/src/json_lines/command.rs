//! A line becomes a command, or a reply that says what is wrong with it.

use std::path::PathBuf;

use lanspread_engine::{AfterDownload, Command, CommandError, ErrorCode, Extras, KeptFiles, Saves};
use lanspread_protocol::limits::MAX_NAME_BYTES;
use lanspread_protocol::{GameId, OrganiserKey};
use serde_json::{Map, Value};

use crate::api::{PeerAddress, PeerCommand, SettingsChange};

use super::lines::MAX_LINE_BYTES;
use super::publish::PublishFields;

/// A line's command, with the id that its reply carries; null when it has none.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedLine {
    pub id: Value,
    pub command: Result<PeerCommand, CommandError>,
}

/// Reads one line.
pub fn parse_line(line: &str) -> ParsedLine {
    match serde_json::from_str(line) {
        Ok(Value::Object(fields)) => {
            let id = fields.get("id").cloned().unwrap_or_default();
            ParsedLine { id, command: parse_fields(fields) }
        }
        Ok(_) => refused_line("a command is a JSON object, such as {\"cmd\":\"list\"}"),
        Err(error) => refused_line(format!("the line is no JSON: {error}")),
    }
}

/// The reply to a line that was not kept.
pub fn too_long_line() -> ParsedLine {
    refused_line(format!("the line is longer than {MAX_LINE_BYTES} bytes"))
}

fn refused_line(message: impl Into<String>) -> ParsedLine {
    ParsedLine { id: Value::Null, command: Err(bad(message)) }
}

fn bad(message: impl Into<String>) -> CommandError {
    CommandError::new(ErrorCode::BadCommand, message)
}

fn parse_fields(mut map: Map<String, Value>) -> Result<PeerCommand, CommandError> {
    let cmd = match map.remove("cmd") {
        Some(Value::String(cmd)) => cmd,
        Some(other) => return Err(bad(format!("“cmd” must be a text, not {other}"))),
        None => return Err(bad("“cmd” is missing")),
    };
    if cmd == "publish" {
        return parse_publish(map);
    }
    map.remove("id");
    let mut fields = Fields { cmd: &cmd, map };
    let command = parse_command(&mut fields)?;
    fields.finish()?;
    Ok(command)
}

fn parse_command(fields: &mut Fields<'_>) -> Result<PeerCommand, CommandError> {
    match fields.cmd {
        "list" => Ok(PeerCommand::List),
        "peers" => Ok(PeerCommand::Peers),
        "status" => Ok(PeerCommand::Status),
        "shutdown" => Ok(PeerCommand::Shutdown),
        "set" => parse_settings(fields),
        _ => parse_intent(fields).map(PeerCommand::Engine),
    }
}

/// What the engine decides.
fn parse_intent(fields: &mut Fields<'_>) -> Result<Command, CommandError> {
    Ok(match fields.cmd {
        "connect" => {
            let address: PeerAddress =
                fields.text("address")?.parse().map_err(|error| bad(format!("connect: {error}")))?;
            Command::Connect { addresses: address.socket_addrs() }
        }
        "trust" => {
            let key = fields.text("key")?;
            let key: OrganiserKey =
                key.parse().map_err(|error| bad(format!("trust: “{key}” is no organiser's key: {error}")))?;
            Command::Trust { key }
        }
        "download" => {
            let game = fields.game()?;
            let install = fields.flag("install")?.unwrap_or(false);
            Command::Download {
                game,
                then: if install { AfterDownload::Install } else { AfterDownload::Nothing },
            }
        }
        "update" => Command::Update { game: fields.game()? },
        "install" => {
            let game = fields.game()?;
            let restore = fields.flag("restore")?.unwrap_or(true);
            Command::Install { game, kept: if restore { KeptFiles::Restore } else { KeptFiles::Leave } }
        }
        "uninstall" => Command::Uninstall { game: fields.game()?, saves: fields.saves()? },
        "start" => Command::Start {
            game: fields.game()?,
            entry: fields.optional_text("entry")?.unwrap_or_else(|| "play".to_owned()),
            server: fields.optional_text("server")?,
        },
        "verify" => Command::Verify { game: fields.game()? },
        "cancel" => Command::Cancel { game: fields.game()? },
        "pause" => Command::Pause { game: fields.game()? },
        "resume" => Command::Resume { game: fields.game()? },
        "remove" => {
            let (game, saves) = (fields.game()?, fields.saves()?);
            let local = fields.flag("local")?.unwrap_or(false);
            Command::Remove { game, local: local.then_some(saves), extras: fields.extras()? }
        }
        other => return Err(bad(format!("“{}” is no command", clipped(other)))),
    })
}

fn parse_settings(fields: &mut Fields<'_>) -> Result<PeerCommand, CommandError> {
    let change = SettingsChange {
        upload_limit: fields.number("upload_limit")?,
        playing_limit: fields.number("playing_limit")?,
        games: fields.path("games")?,
        name: fields.optional_text("name")?,
        catalog: fields.path("catalog")?,
        fetch_ahead: fields.flag("fetch_ahead")?,
    };
    if change == SettingsChange::default() {
        let message =
            "set: one of upload_limit, playing_limit, games, name, catalog and fetch_ahead is needed";
        return Err(bad(message));
    }
    if let Some(name) = &change.name {
        check_name(name).map_err(|error| bad(format!("set: {error}")))?;
    }
    Ok(PeerCommand::Set(change))
}

/// A player's name as others can show it.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.trim().is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
        let name = clipped(name);
        return Err(format!("“{name}” is no name: 1 to {MAX_NAME_BYTES} bytes without control characters"));
    }
    Ok(())
}

/// The game's id stands in `game`, as in all commands. Where only `id` is given, as the flag is named, it is that and
/// the reply's id as well.
fn parse_publish(mut map: Map<String, Value>) -> Result<PeerCommand, CommandError> {
    if let Some(id) = map.remove("id") {
        map.entry("game").or_insert(id);
    }
    if let Some(Value::String(game)) = map.get("game") {
        game.parse::<GameId>().map_err(|error| unknown_game(&error))?;
    }
    let fields: PublishFields =
        serde_json::from_value(Value::Object(map)).map_err(|error| bad(format!("publish: {error}")))?;
    let fields = fields.absolute().map_err(|error| bad(format!("publish: an empty path ({error})")))?;
    Ok(PeerCommand::Publish(Box::new(fields.into_request())))
}

fn unknown_game(error: &lanspread_protocol::id::GameIdError) -> CommandError {
    CommandError::new(ErrorCode::UnknownGame, error.to_string())
}

fn clipped(text: &str) -> String {
    text.chars().take(80).collect()
}

/// A command's fields; each is taken once, and what is left over is a mistake.
struct Fields<'a> {
    cmd: &'a str,
    map: Map<String, Value>,
}

impl Fields<'_> {
    fn optional_text(&mut self, field: &str) -> Result<Option<String>, CommandError> {
        match self.map.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(field, "a text", &other)),
        }
    }

    fn text(&mut self, field: &str) -> Result<String, CommandError> {
        let text = self.optional_text(field)?;
        text.ok_or_else(|| bad(format!("{}: “{field}” is missing", self.cmd)))
    }

    fn game(&mut self) -> Result<GameId, CommandError> {
        self.text("game")?.parse().map_err(|error| unknown_game(&error))
    }

    fn number(&mut self, field: &str) -> Result<Option<u64>, CommandError> {
        match self.map.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(field, "a whole number from 0", &value)),
            },
        }
    }

    fn flag(&mut self, field: &str) -> Result<Option<bool>, CommandError> {
        match self.map.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong(field, "true or false", &other)),
        }
    }

    /// A path, made absolute.
    fn path(&mut self, field: &str) -> Result<Option<PathBuf>, CommandError> {
        let Some(path) = self.optional_text(field)? else { return Ok(None) };
        match std::path::absolute(&path) {
            Ok(path) => Ok(Some(path)),
            Err(error) => Err(bad(format!("{}: “{field}” is no path: {error}", self.cmd))),
        }
    }

    fn saves(&mut self) -> Result<Saves, CommandError> {
        match self.optional_text("saves")?.as_deref() {
            None | Some("keep") => Ok(Saves::Keep),
            Some("delete") => Ok(Saves::Delete),
            Some(other) => Err(self.wrong("saves", "“keep” or “delete”", &other.into())),
        }
    }

    fn extras(&mut self) -> Result<Extras, CommandError> {
        match self.optional_text("extras")?.as_deref() {
            None | Some("keep") => Ok(Extras::Keep),
            Some("delete") => Ok(Extras::Delete),
            Some(other) => Err(self.wrong("extras", "“keep” or “delete”", &other.into())),
        }
    }

    fn wrong(&self, field: &str, expected: &str, found: &Value) -> CommandError {
        bad(format!("{}: “{field}” must be {expected}, not {}", self.cmd, clipped(&found.to_string())))
    }

    /// Nothing may be left: a misspelt field must not go unnoticed.
    fn finish(self) -> Result<(), CommandError> {
        match self.map.keys().next() {
            Some(field) => Err(bad(format!("{}: there is no field “{}”", self.cmd, clipped(field)))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(line: &Value) -> PeerCommand {
        parse_line(&line.to_string()).command.unwrap_or_else(|error| panic!("{line}: {error:?}"))
    }

    fn error(line: &str) -> (ErrorCode, String) {
        let error = parse_line(line).command.expect_err(line);
        (error.code, error.message)
    }

    #[test]
    fn every_command_is_understood() {
        let game: GameId = "chess".parse().unwrap();
        let engine = PeerCommand::Engine;
        for (line, expected) in [
            (json!({"cmd":"list"}), PeerCommand::List),
            (json!({"cmd":"peers"}), PeerCommand::Peers),
            (json!({"cmd":"status"}), PeerCommand::Status),
            (json!({"cmd":"shutdown"}), PeerCommand::Shutdown),
            (
                json!({"cmd":"connect","address":"10.0.0.7:41000"}),
                engine(Command::Connect { addresses: vec!["10.0.0.7:41000".parse().unwrap()] }),
            ),
            (
                json!({"cmd":"download","game":"chess","install":false}),
                engine(Command::Download { game: game.clone(), then: AfterDownload::Nothing }),
            ),
            (
                json!({"cmd":"download","game":"chess","install":true}),
                engine(Command::Download { game: game.clone(), then: AfterDownload::Install }),
            ),
            (json!({"cmd":"update","game":"chess"}), engine(Command::Update { game: game.clone() })),
            (json!({"cmd":"verify","game":"chess"}), engine(Command::Verify { game: game.clone() })),
            (json!({"cmd":"cancel","game":"chess"}), engine(Command::Cancel { game: game.clone() })),
            (json!({"cmd":"pause","game":"chess"}), engine(Command::Pause { game: game.clone() })),
            (json!({"cmd":"resume","game":"chess"}), engine(Command::Resume { game: game.clone() })),
            (
                json!({"cmd":"remove","game":"chess","local":false,"saves":"keep"}),
                engine(Command::Remove { game: game.clone(), local: None, extras: Extras::Keep }),
            ),
            (
                json!({"cmd":"remove","game":"chess","local":true}),
                engine(Command::Remove {
                    game: game.clone(),
                    local: Some(Saves::Keep),
                    extras: Extras::Keep,
                }),
            ),
            (
                json!({"cmd":"set","fetch_ahead":false}),
                PeerCommand::Set(SettingsChange { fetch_ahead: Some(false), ..SettingsChange::default() }),
            ),
            (
                json!({"cmd":"trust","key":"ab".repeat(32)}),
                engine(Command::Trust { key: OrganiserKey([0xab; 32]) }),
            ),
            (
                json!({"cmd":"set","upload_limit":0,"name":"Anna"}),
                PeerCommand::Set(SettingsChange {
                    upload_limit: Some(0),
                    name: Some("Anna".into()),
                    ..SettingsChange::default()
                }),
            ),
        ] {
            assert_eq!(command(&line), expected);
        }
        let PeerCommand::Engine(Command::Connect { addresses }) =
            command(&json!({"cmd":"connect","address":"fd00::1"}))
        else {
            panic!("another command");
        };
        assert_eq!(addresses.len(), 10);
    }

    #[test]
    fn installing_and_starting_are_understood() {
        let game: GameId = "chess".parse().unwrap();
        let engine = PeerCommand::Engine;
        for (line, expected) in [
            (
                json!({"cmd":"install","game":"chess"}),
                engine(Command::Install { game: game.clone(), kept: KeptFiles::Restore }),
            ),
            (
                json!({"cmd":"install","game":"chess","restore":false}),
                engine(Command::Install { game: game.clone(), kept: KeptFiles::Leave }),
            ),
            (
                json!({"cmd":"uninstall","game":"chess","saves":"delete"}),
                engine(Command::Uninstall { game: game.clone(), saves: Saves::Delete }),
            ),
            (
                json!({"cmd":"start","game":"chess"}),
                engine(Command::Start { game: game.clone(), entry: "play".into(), server: None }),
            ),
            (
                json!({"cmd":"start","game":"chess","entry":"join","server":"10.0.0.7"}),
                engine(Command::Start {
                    game: game.clone(),
                    entry: "join".into(),
                    server: Some("10.0.0.7".into()),
                }),
            ),
        ] {
            assert_eq!(command(&line), expected);
        }
    }

    #[test]
    fn publishing_takes_the_flags_as_fields() {
        let line = json!({
            "cmd":"publish","id":"chess","version":"1.0","title":"Chess","from":"source","catalog":"catalog.ron",
        });
        let parsed = parse_line(&line.to_string());
        assert_eq!(parsed.id, "chess");
        let Ok(PeerCommand::Publish(request)) = parsed.command else { panic!("{parsed:?}") };
        assert_eq!(request.game.id.as_str(), "chess");
        assert!(request.from[0].is_absolute() && request.catalog.is_absolute());
        let mut several = line.clone();
        several["from"] = json!(["one.zip", "two.zip"]);
        let Ok(PeerCommand::Publish(request)) = parse_line(&several.to_string()).command else {
            panic!("no publish")
        };
        assert!(request.from.len() == 2 && request.from[1].ends_with("two.zip"));
        let mut with_id = line.clone();
        with_id["id"] = json!(7);
        with_id["game"] = json!("go");
        let parsed = parse_line(&with_id.to_string());
        let Ok(PeerCommand::Publish(request)) = parsed.command else { panic!("{parsed:?}") };
        assert_eq!((parsed.id, request.game.id.as_str()), (json!(7), "go"));

        for (change, message) in [
            (json!({"from": null}), "publish: invalid type: null"),
            (json!({"from": [7]}), "publish: invalid type: integer `7`"),
            (json!({"frm": "x"}), "publish: unknown field `frm`"),
            (json!({"year": "soon"}), "publish: invalid type: string \"soon\""),
            (json!({"version": ""}), "publish: “” is no version"),
            (json!({"start": ["../x"]}), "publish: “../x”: the program is relative"),
            (json!({"links": "follow"}), "publish: unknown variant `follow`"),
        ] {
            let mut line = line.clone();
            line.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let (code, told) = error(&line.to_string());
            assert!(code == ErrorCode::BadCommand && told.starts_with(message), "{told}");
        }
        let mut line = line.clone();
        line["id"] = json!("No Id");
        assert_eq!(error(&line.to_string()).0, ErrorCode::UnknownGame);
    }

    #[test]
    fn what_is_wrong_is_said_precisely() {
        for (line, message) in [
            ("no json", "the line is no JSON: expected ident at line 1 column 2"),
            ("[1,2]", "a command is a JSON object, such as {\"cmd\":\"list\"}"),
            ("{}", "“cmd” is missing"),
            (r#"{"cmd":7}"#, "“cmd” must be a text, not 7"),
            (r#"{"cmd":"fly"}"#, "“fly” is no command"),
            (r#"{"cmd":"list","all":true}"#, "list: there is no field “all”"),
            (r#"{"cmd":"download"}"#, "download: “game” is missing"),
            (r#"{"cmd":"download","game":7}"#, "download: “game” must be a text, not 7"),
            (
                r#"{"cmd":"download","game":"a","install":1}"#,
                "download: “install” must be true or false, not 1",
            ),
            (
                r#"{"cmd":"set"}"#,
                "set: one of upload_limit, playing_limit, games, name, catalog and fetch_ahead is needed",
            ),
            (
                r#"{"cmd":"set","upload_limit":"much"}"#,
                "set: “upload_limit” must be a whole number from 0, not \"much\"",
            ),
            (
                r#"{"cmd":"set","upload_limit":-1}"#,
                "set: “upload_limit” must be a whole number from 0, not -1",
            ),
            (r#"{"cmd":"set","name":" "}"#, "set: “ ” is no name: 1 to 256 bytes without control characters"),
            (
                r#"{"cmd":"trust","key":"no key"}"#,
                "trust: “no key” is no organiser's key: expected 64 hex digits",
            ),
            (
                r#"{"cmd":"connect","address":"10.0.0.1:0"}"#,
                "connect: “10.0.0.1:0” has port 0; leave the port out to try the usual ones",
            ),
            (
                r#"{"cmd":"remove","game":"a","saves":"burn"}"#,
                "remove: “saves” must be “keep” or “delete”, not \"burn\"",
            ),
        ] {
            assert_eq!(error(line), (ErrorCode::BadCommand, message.to_owned()));
        }
        let (code, message) = error(r#"{"cmd":"download","game":"../../etc"}"#);
        assert_eq!(code, ErrorCode::UnknownGame);
        assert!(message.starts_with("“../../etc” is no game id"), "{message}");
    }

    #[test]
    fn a_reply_s_id_is_any_json_and_found_in_bad_commands_too() {
        assert_eq!(
            parse_line(r#"{"cmd":"list","id":{"any":["json",null]}}"#).id,
            json!({"any":["json",null]})
        );
        assert_eq!(parse_line(r#"{"cmd":"fly","id":7}"#).id, json!(7));
        assert_eq!(parse_line(r#"{"cmd":"list"}"#).id, Value::Null);
    }
}
