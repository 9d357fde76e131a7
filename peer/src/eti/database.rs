//! `game.db`: its tables, each column of which may be absent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Cursor, Read as _};
use std::path::Path;

use lanspread_protocol::limits::MAX_GAMES;
use lanspread_protocol::{Game, GameId};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::{ImportError, fields};
use crate::disk::error::Tried as _;

/// Real databases have less than 5 MB, most of it descriptions.
pub const MAX_DATABASE_BYTES: usize = 50 * 1024 * 1024;
/// A value or row; bounds what an expression in the schema can make of a small file.
const MAX_VALUE_BYTES: i32 = 4 * 1024 * 1024;

/// Whether the file is used with a write-ahead log. <https://www.sqlite.org/fileformat.html>, 1.3.3
const READ_AND_WRITE_VERSION: std::ops::Range<usize> = 18..20;

const SOUND: &str = "ok";

/// The columns of `games` that are asked for. `game_key` is none of them.
const COLUMNS: [&str; 11] = [
    "game_id",
    "game_title",
    "game_version",
    "game_release",
    "game_publisher",
    "game_size",
    "game_maxplayers",
    "genre_id",
    "game_readme_de",
    "game_readme_en",
    "game_readme_fr",
];

/// What a database says.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) games: Vec<Game>,
    pub(super) skipped: usize,
    pub(super) warnings: Vec<String>,
}

pub(super) fn read(path: &Path) -> Result<Found, ImportError> {
    let database = Database { path, connection: open(path)? };
    database.check()?;
    database.games()
}

struct Database<'a> {
    path: &'a Path,
    connection: Connection,
}

/// Opens a copy in memory: nothing can be written back, and no other file beside it plays a part.
fn open(path: &Path) -> Result<Connection, ImportError> {
    let mut bytes = Vec::new();
    let file = File::open(path).tried("open", path)?;
    file.take(MAX_DATABASE_BYTES as u64 + 1).read_to_end(&mut bytes).tried("read", path)?;
    if bytes.len() > MAX_DATABASE_BYTES {
        return Err(ImportError::TooLarge(path.to_owned()));
    }
    if !bytes.starts_with(b"SQLite format 3\0") {
        return Err(ImportError::Damaged { path: path.to_owned(), cause: "it is no SQLite file".to_owned() });
    }
    if !has_whole_pages(&bytes) {
        return Err(ImportError::Damaged { path: path.to_owned(), cause: "it is incomplete".to_owned() });
    }
    // A copy in memory cannot have a write-ahead log.
    if let Some(versions) = bytes.get_mut(READ_AND_WRITE_VERSION) {
        versions.fill(1);
    }
    let connect = || {
        let mut connection = Connection::open_in_memory()?;
        connection.deserialize_read_exact("main", Cursor::new(&bytes), bytes.len(), true)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
        Ok(connection)
    };
    connect().map_err(|error| damaged(path, &error))
}

/// SQLite takes what is not there of the last page for zeros, and may find nothing wrong with that.
/// <https://www.sqlite.org/fileformat.html>, 1.3.2
fn has_whole_pages(bytes: &[u8]) -> bool {
    let Some([high, low]) = bytes.get(16..18) else { return false };
    let page = match u16::from_be_bytes([*high, *low]) {
        1 => 0x1_0000,
        bytes => usize::from(bytes),
    };
    page > 0 && bytes.len().is_multiple_of(page)
}

fn damaged(path: &Path, error: &rusqlite::Error) -> ImportError {
    ImportError::Damaged { path: path.to_owned(), cause: error.to_string() }
}

impl Database<'_> {
    /// The file is sound, and what is read are plain tables.
    fn check(&self) -> Result<(), ImportError> {
        let said: String =
            self.sql(self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)))?;
        if said != SOUND {
            return Err(ImportError::Damaged { path: self.path.to_owned(), cause: said });
        }
        let others = "SELECT type, name, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema \
            WHERE lower(name) IN ('games', 'genre', 'discarded') \
            AND (type <> 'table' OR sql LIKE 'CREATE VIRTUAL%')";
        let found = self.connection.query_row(others, [], |row| {
            let kind: String = row.get(0)?;
            let is_virtual: Option<bool> = row.get(2)?;
            Ok((if is_virtual == Some(true) { "virtual table".to_owned() } else { kind }, row.get(1)?))
        });
        match found {
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
            found => {
                let (found, name) = self.sql(found)?;
                Err(ImportError::NoTable { path: self.path.to_owned(), name, found })
            }
        }
    }

    fn games(&self) -> Result<Found, ImportError> {
        let columns = self.columns("games")?;
        let lacks = |what| ImportError::Lacks { path: self.path.to_owned(), what };
        if columns.is_empty() {
            return Err(lacks("table “games”"));
        }
        if !columns.contains("game_id") || !columns.contains("game_title") {
            return Err(lacks("columns “game_id” and “game_title” in “games”"));
        }
        let genres = self.genres()?;
        let discarded = self.discarded()?;
        let mut found = Found::default();
        let mut ids: BTreeSet<GameId> = BTreeSet::new();
        for row in self.rows("games", &columns, &COLUMNS)? {
            let id = row[0].clone().unwrap_or_default();
            if discarded.contains(&id) {
                continue;
            }
            match fields::game(&row, &genres, &mut found.warnings) {
                Ok(game) if !ids.insert(game.id.clone()) => {
                    found.skip(format!("{id}: stands in the database twice"));
                }
                Ok(game) => found.games.push(game),
                Err(warning) => found.skip(warning),
            }
        }
        Ok(found)
    }

    /// A genre's name by its id, in English if there is one.
    fn genres(&self) -> Result<BTreeMap<String, String>, ImportError> {
        let columns = self.columns("genre")?;
        let rows = self.rows("genre", &columns, &["genre_id", "genre_en", "genre_de", "genre_fr"])?;
        let named = rows.into_iter().filter_map(|row| {
            let name = row[1..].iter().flatten().next()?;
            Some((row[0].clone()?, name.clone()))
        });
        Ok(named.collect())
    }

    fn discarded(&self) -> Result<BTreeSet<String>, ImportError> {
        let columns = self.columns("discarded")?;
        Ok(self
            .rows("discarded", &columns, &["game_id"])?
            .into_iter()
            .filter_map(|mut row| row[0].take())
            .collect())
    }

    /// The names of a table's stored columns; none if there is no such table.
    fn columns(&self, table: &str) -> Result<BTreeSet<String>, ImportError> {
        let names = || {
            let mut statement = self.connection.prepare("SELECT lower(name) FROM pragma_table_info(?1)")?;
            statement.query_map([table], |row| row.get(0))?.collect()
        };
        self.sql(names())
    }

    /// A table's rows with these columns as text: trimmed, and `None` where there is nothing.
    fn rows(
        &self,
        table: &'static str,
        there: &BTreeSet<String>,
        wanted: &[&str],
    ) -> Result<Vec<Vec<Option<String>>>, ImportError> {
        if there.is_empty() {
            return Ok(Vec::new());
        }
        let count = format!("SELECT count(*) FROM main.\"{table}\"");
        let rows: i64 = self.sql(self.connection.query_row(&count, [], |row| row.get(0)))?;
        let rows = rows.unsigned_abs();
        if rows > MAX_GAMES as u64 {
            return Err(ImportError::TooManyRows {
                path: self.path.to_owned(),
                table,
                rows,
                most: MAX_GAMES,
            });
        }
        let columns: Vec<_> = wanted
            .iter()
            .map(|name| if there.contains(*name) { format!("\"{name}\"") } else { "NULL".to_owned() })
            .collect();
        let select = format!("SELECT {} FROM main.\"{table}\"", columns.join(", "));
        let texts = |row: &Row<'_>| (0..wanted.len()).map(|nth| Ok(text(row.get_ref(nth)?))).collect();
        let read = || self.connection.prepare(&select)?.query_map([], texts)?.collect();
        self.sql(read())
    }

    fn sql<T>(&self, result: rusqlite::Result<T>) -> Result<T, ImportError> {
        result.map_err(|error| damaged(self.path, &error))
    }
}

impl Found {
    fn skip(&mut self, warning: String) {
        self.skipped += 1;
        self.warnings.push(warning);
    }
}

/// Columns have the types they happen to have.
fn text(value: ValueRef<'_>) -> Option<String> {
    let text = match value {
        ValueRef::Null | ValueRef::Blob(_) => return None,
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).trim().to_owned(),
    };
    Some(text).filter(|text| !text.is_empty())
}
