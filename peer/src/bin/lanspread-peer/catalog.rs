//! `catalog` and `keygen`.

use std::fmt::Write as _;
use std::path::Path;

use lanspread_engine::GivenCatalog;
use lanspread_peer::disk::{Cancel, Progress};
use lanspread_peer::{catalog_file, eti};
use lanspread_protocol::{Catalog, Game, OrganiserKey};
use serde::Serialize;

use crate::output::{complain, print, print_json};
use crate::progress::Bar;

/// A catalog as JSON, with who signed it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    catalog: &'a Catalog,
    signed_by: Option<OrganiserKey>,
}

impl<'a> Shown<'a> {
    fn new(given: &'a GivenCatalog) -> Self {
        match given {
            GivenCatalog::Plain(catalog) => Self { catalog, signed_by: None },
            GivenCatalog::Signed(signed) => {
                Self { catalog: &signed.catalog, signed_by: Some(signed.head.key) }
            }
        }
    }

    fn signature(&self) -> String {
        match self.signed_by {
            Some(key) => format!("signed by {key} ({})", key.words()),
            None => "not signed".to_owned(),
        }
    }
}

pub(crate) fn check(file: &Path) -> anyhow::Result<()> {
    let given = catalog_file::read(file)?;
    let shown = Shown::new(&given);
    let Catalog { party, serial, games } = shown.catalog;
    print(&format!("“{party}”, serial {serial}, {} games, {}: no mistakes", games.len(), shown.signature()))?;
    Ok(())
}

pub(crate) fn show(file: &Path, as_json: bool) -> anyhow::Result<()> {
    let given = catalog_file::read(file)?;
    let shown = Shown::new(&given);
    if as_json {
        return print_json(&shown);
    }
    let mut text = format!("{}, serial {}, {}", shown.catalog.party, shown.catalog.serial, shown.signature());
    for game in &shown.catalog.games {
        write!(text, "\n{}", describe(game))?;
    }
    print(&text)?;
    Ok(())
}

fn describe(game: &Game) -> String {
    let version = game.version.as_ref().map_or("no version", |version| version.as_str());
    let pinned = if game.manifest.is_some() { "" } else { ", not pinned" };
    format!("  {}  {}  ({version}{pinned})", game.id, game.title)
}

pub(crate) fn sign(file: &Path, key: &Path) -> anyhow::Result<()> {
    let public = catalog_file::sign(file, key)?;
    print(&public.to_string())?;
    Ok(())
}

pub(crate) fn import_eti(database: &Path, out: &Path) -> anyhow::Result<()> {
    let progress = Progress::new();
    let bar = Bar::follow("covers", &progress);
    let imported = eti::import(database, out, &Cancel::new(), &progress)?;
    drop(bar);
    imported.warnings.iter().for_each(|warning| complain(warning));
    print_json(&imported)
}

pub(crate) fn keygen(out: &Path) -> anyhow::Result<()> {
    let public = catalog_file::create_key(out)?;
    print(&public.to_string())?;
    Ok(())
}
