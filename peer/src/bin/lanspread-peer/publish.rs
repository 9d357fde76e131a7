//! `publish`: under the folder's lock, or by the peer that holds it.

use std::path::Path;

use anyhow::{Context as _, bail};
use lanspread_peer::api::Published;
use lanspread_peer::disk::{Cancel, DiskError, FolderLock, GamesFolder, Progress};
use lanspread_peer::json_lines::publish::PublishFields;
use lanspread_peer::runtime::control::ControlConnection;
use serde_json::{Value, json};

use crate::args::PublishArgs;
use crate::inspect::ensure_folder;
use crate::output::{complain as tell, print_json};
use crate::progress::{Bar, spinner};

pub(crate) fn publish(args: PublishArgs) -> anyhow::Result<()> {
    // The first publish of all begins with a new folder; a mistyped path rarely has a parent.
    if !args.games.exists()
        && args.games.parent().is_some_and(|parent| parent == Path::new("") || parent.is_dir())
    {
        let made = std::fs::create_dir(&args.games);
        made.with_context(|| format!("cannot make the games folder “{}”", args.games.display()))?;
    }
    ensure_folder(&args.games)?;
    let fields = args.fields.absolute().context("a path is empty")?;
    let games = GamesFolder::new(std::path::absolute(&args.games)?);
    let published = match FolderLock::acquire(&games) {
        Ok(_lock) => by_itself(&games, fields)?,
        Err(DiskError::Locked { .. }) => by_the_running_peer(&games, &fields)?,
        Err(error) => return Err(error.into()),
    };
    print_json(&published)
}

fn by_itself(games: &GamesFolder, fields: PublishFields) -> anyhow::Result<Published> {
    let request = fields.into_request();
    let progress = Progress::new();
    let bar = Bar::follow(request.game.id.as_str(), &progress);
    let published = lanspread_peer::publish::publish(games, &request, &Cancel::new(), &progress)?;
    drop(bar);
    if !published.skipped.is_empty() {
        tell(&format!("left out: {}", published.skipped.join(", ")));
    }
    if let Some(key) = &published.new_key {
        tell(&format!("made the organiser's key “{}”: keep it safe, it signs this catalog", key.display()));
    }
    Ok(published)
}

/// Hands the work over and awaits its end.
fn by_the_running_peer(games: &GamesFolder, fields: &PublishFields) -> anyhow::Result<Published> {
    if let Some(path) = fields.path_beyond_json() {
        bail!("“{}” is no UTF-8 and cannot be handed to the peer that runs on this folder", path.display());
    }
    let mut command = serde_json::to_value(fields)?;
    command["cmd"] = json!("publish");
    let mut peer = ControlConnection::open(&games.state())?;
    let reply = peer.ask(&command)?;
    if reply["ok"] != true {
        bail!("{}", message_of(&reply));
    }
    let spinner = spinner(&format!("{}: published by the peer that runs on this folder", fields.id));
    let end = await_end(&mut peer, fields);
    spinner.finish_and_clear();
    end
}

fn await_end(peer: &mut ControlConnection, fields: &PublishFields) -> anyhow::Result<Published> {
    let mut published = None;
    loop {
        let line = peer.next_line()?;
        let is_ours = line["game"] == fields.id.as_str();
        let is_operation = is_ours && line["operation"] == "publish";
        match line["event"].as_str() {
            Some("published") if is_ours => published = Some(serde_json::from_value(line)?),
            Some("operation-failed") if is_operation => bail!("{}", message_of(&line)),
            Some("operation-finished") if is_operation => {
                return published.context("the peer that runs on this folder did not say what it published");
            }
            Some("stopped") => bail!("the peer that runs on this folder stopped before it had published"),
            _ => {}
        }
    }
}

fn message_of(line: &Value) -> &str {
    line["error"]["message"].as_str().unwrap_or("refused without a reason")
}
