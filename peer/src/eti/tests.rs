//! Databases of other launchers, whole, poor and hostile.

use lanspread_protocol::limits::{MAX_COVER_BYTES, MAX_GAMES, MAX_TEXT_BYTES};
use lanspread_protocol::{Blake3Hash, LaunchEntry, OrganiserSecret, Os, Players};
use rusqlite::Connection;

use super::*;
use crate::disk::testing::Tree;

const GAMES: &str =
    "CREATE TABLE games (game_id TEXT, db_id INTEGER PRIMARY KEY, game_title, game_key, game_release, \
    game_publisher, game_size NUMERIC, game_readme_de, game_readme_en, game_readme_fr, game_maxplayers, \
    game_master_req, genre_id, game_version);
    CREATE TABLE genre (genre_id, genre_de, genre_en, genre_fr);
    CREATE TABLE discarded (del_id, game_id, game_key);
    CREATE TABLE tools (tool_id, db_id, tool_name);";

const CONTENT: &str = "INSERT INTO games VALUES
    ('ut', 1, ' Unreal Tournament ', 'KEY-SECRET', '1999-11-22', 'Epic', 4.5, 'Schnell.', 'Fast.\r\nVery.', NULL,
        '2 (+ 6 CPU)', 0, 7, 20250308),
    ('old', 2, 'Old', 'KEY-SECRET', 1990, '', 1, '', '', '', 2, 0, 7, '20200101'),
    ('chess', 3, 'Chess', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
    INSERT INTO genre VALUES (7, 'Schießen', 'Shooter', 'Tir');
    INSERT INTO discarded VALUES (1, 'old', 'KEY-SECRET');";

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and an image";
const JPEG: &[u8] = b"\xff\xd8\xff and an image";

/// A folder with a `game.db`.
struct Party(Tree);

impl Party {
    fn new(sql: &[&str]) -> Self {
        let party = Self(Tree::new(&[]));
        let connection = Connection::open(party.database()).unwrap();
        for sql in sql {
            connection.execute_batch(sql).unwrap();
        }
        connection.close().unwrap();
        party
    }

    fn database(&self) -> PathBuf {
        self.0.path().join("game.db")
    }

    fn out(&self) -> PathBuf {
        self.0.path().join("catalog.ron")
    }

    fn import(&self) -> Result<Imported, ImportError> {
        import(&self.database(), &self.out(), &Cancel::new(), &Progress::new())
    }

    fn catalog(&self) -> Catalog {
        Catalog::parse(&self.0.get("catalog.ron")).unwrap()
    }

    /// Refused, without a catalog or anything else being made.
    #[track_caller]
    fn refusal(&self) -> String {
        let before = self.0.contents();
        let error = self.import().unwrap_err().to_string();
        assert_eq!(self.0.contents(), before);
        error
    }
}

fn assets(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = rars::Builder::new(rars::ArchiveVersion::Rar50);
    for (name, bytes) in files {
        builder.add_bytes((*name).into(), bytes.to_vec(), None, None).unwrap();
    }
    builder.to_bytes().unwrap()
}

#[test]
fn a_full_database_becomes_a_catalog() {
    let party = Party::new(&[GAMES, CONTENT]);
    let before = party.0.get("game.db");
    let imported = party.import().unwrap();
    assert_eq!((imported.serial, imported.games, imported.skipped), (1, 2, 0));
    assert_eq!(imported.warnings, [""; 0]);
    let catalog = party.catalog();
    assert_eq!(catalog.party, "LAN party");
    let game = &catalog.games[0];
    assert_eq!((game.id.as_str(), game.title.as_str()), ("ut", "Unreal Tournament"));
    assert_eq!(game.version.as_ref().unwrap().as_str(), "20250308");
    assert_eq!((game.size, game.year), (Some(4_500_000_000), Some(1999)));
    assert_eq!(game.players, Some(Players { from: 1, to: 2 }));
    assert_eq!((game.genre.as_deref(), game.publisher.as_deref()), (Some("Shooter"), Some("Epic")));
    let description: Vec<_> = game.description.iter().map(|(l, t)| (l.as_str(), t.as_str())).collect();
    assert_eq!(description, [("de", "Schnell."), ("en", "Fast.\nVery.")]);
    assert_eq!(catalog.games[1], Game::new("chess".parse().unwrap(), "Chess"));
    assert!(!String::from_utf8(party.0.get("catalog.ron")).unwrap().contains("SECRET"));
    assert_eq!(party.0.get("game.db"), before);
    assert_eq!(fs::read_dir(party.0.path()).unwrap().count(), 2, "nothing beside it");
}

#[test]
fn only_ids_and_titles_need_to_be_there() {
    let minimal = "CREATE TABLE games (Game_ID, game_title); INSERT INTO games VALUES ('ut', 'UT')";
    let party = Party::new(&[minimal]);
    assert_eq!(party.import().unwrap().games, 1);
    assert_eq!(party.catalog().games, [Game::new("ut".parse().unwrap(), "UT")]);
    assert!(Party::new(&["CREATE TABLE games (game_id)"]).refusal().contains("has no columns “game_id” and"));
    assert!(Party::new(&["CREATE TABLE x (game_id)"]).refusal().contains("has no table “games”"));
    // What was last written with a write-ahead log.
    let party = Party::new(&["PRAGMA journal_mode = wal", minimal]);
    assert_eq!(party.import().unwrap().games, 1);
}

#[test]
fn rows_of_no_use_are_left_out_and_told_of() {
    let rows = "INSERT INTO games (game_id, game_title, game_version) VALUES
        ('../evil', 'Evil', 1), ('UPPER', 'Upper', 1), ('con', 'Con', 1), (NULL, 'None', 1), ('untitled', ' ', 1),
        (x'00', 'Blob', 1), ('twice', 'One', 1), ('twice', 'Two', 1), ('good', 'Good', 'a' || char(7) || 'b')";
    let party = Party::new(&[GAMES, rows]);
    let imported = party.import().unwrap();
    assert_eq!((imported.games, imported.skipped, imported.warnings.len()), (2, 8 - 1, 8));
    for said in [
        "“../evil” is no game id",
        "“UPPER”",
        "“con”",
        "without an id",
        "untitled: left out, it has no title",
    ] {
        assert!(imported.warnings.iter().any(|line| line.contains(said)), "{said}: {:#?}", imported.warnings);
    }
    assert!(imported.warnings.iter().any(|line| line.starts_with("twice: stands in the database twice")));
    assert!(imported.warnings.iter().any(|line| line.starts_with("good: imported without a version")));
    assert!(imported.warnings.iter().all(|line| !line.contains('\n')));
}

#[test]
fn long_texts_are_bounded() {
    let long = format!(
        "INSERT INTO games (game_id, game_title, game_publisher, game_readme_de, game_readme_en, game_readme_fr) \
        VALUES ('long', 'Long', '{0}', '{0}', '{0}', '{0}'), ('title', '{0}', '', '', '', '')",
        "ä".repeat(20_000)
    );
    let party = Party::new(&[GAMES, &long]);
    assert!(party.import().unwrap().warnings[0].starts_with("title: left out, its title is longer than"));
    let game = &party.catalog().games[0];
    assert_eq!(game.description.len(), 3);
    let total: usize = game.description.values().map(String::len).sum();
    assert!((MAX_TEXT_BYTES - 10..=MAX_TEXT_BYTES).contains(&total), "{total}");
}

#[test]
fn hostile_databases_are_refused() {
    let view = "CREATE TABLE secret (game_id, game_title); CREATE VIEW games AS SELECT * FROM secret";
    assert!(Party::new(&[view]).refusal().contains("has a view where a table must be: “games”"));
    let virtual_table = "CREATE VIRTUAL TABLE games USING fts5(game_id, game_title)";
    assert!(Party::new(&[virtual_table]).refusal().contains("has a virtual table where a table must be"));
    let many = format!(
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x <= {MAX_GAMES}) \
        INSERT INTO games (game_id, game_title) SELECT 'g' || x, 'G' FROM n"
    );
    assert!(
        Party::new(&[GAMES, &many]).refusal().contains("has 5001 rows in “games”; at most 5000 are allowed")
    );
    let bomb = "CREATE TABLE games (game_id, game_title AS (zeroblob(900000000)));
        INSERT INTO games VALUES ('ut')";
    assert!(Party::new(&[bomb]).refusal().contains("has no columns"));

    let party = Party::new(&[]);
    party.0.put("game.db", b"no database");
    assert!(party.refusal().contains("is no sound database: it is no SQLite file"));
    let huge = fs::File::options().write(true).open(party.database()).unwrap();
    huge.set_len(MAX_DATABASE_BYTES as u64 + 1).unwrap();
    drop(huge);
    assert!(party.refusal().contains("bytes that a game database may have"));
    fs::remove_file(party.database()).unwrap();
    assert!(party.refusal().starts_with("cannot open “"));
}

#[test]
fn a_damaged_database_is_refused_or_read_but_never_a_panic() {
    let party = Party::new(&[GAMES, CONTENT]);
    let whole = party.0.get("game.db");
    for at in (0..whole.len()).step_by(97) {
        let mut bytes = whole.clone();
        bytes[at..].iter_mut().take(8).for_each(|byte| *byte ^= 0x5a);
        party.0.put("game.db", &bytes);
        drop(party.import());
        party.0.put("game.db", &whole[..at]);
        assert!(party.import().is_err(), "cut at {at}");
    }
}

#[test]
fn covers_lie_beside_the_catalog_by_their_hashes() {
    let party = Party::new(&[GAMES, CONTENT]);
    let large = [JPEG, &vec![0; MAX_COVER_BYTES]].concat();
    party.0.put(
        "assets.eti",
        &assets(&[("assets/ut.JPG", JPEG), ("assets/chess.png", PNG), ("assets/x.jpg", &large)]),
    );
    let imported = party.import().unwrap();
    assert_eq!((imported.covers, imported.warnings.len()), (2, 0));
    let catalog = party.catalog();
    for (game, image) in [(0, JPEG), (1, PNG)] {
        let hash = catalog.games[game].cover.unwrap();
        assert_eq!(hash, Blake3Hash::of(image));
        assert_eq!(party.0.get(&format!("covers/{hash}")), image);
    }
    party.0.put("assets.eti", &assets(&[("assets/ut.jpg", &large), ("assets/chess.png", b"text")]));
    let imported = party.import().unwrap();
    assert!(
        imported.warnings[0].starts_with("ut: imported without its cover, which has 524"),
        "{:?}",
        imported.warnings
    );
    assert_eq!(imported.warnings[1], "chess: imported without its cover, which is no PNG or JPEG image");
    // The covers of before are still those of the games.
    assert_eq!(party.catalog().games[0].cover, catalog.games[0].cover);
    party.0.put("assets.eti", b"no archive");
    let imported = party.import().unwrap();
    assert!(imported.warnings[0].starts_with("covers are left out: "), "{:?}", imported.warnings);
}

#[test]
fn a_catalog_that_is_there_gets_the_next_serial_and_keeps_what_only_it_says() {
    let party = Party::new(&[GAMES, CONTENT]);
    party.import().unwrap();
    let mut catalog = party.catalog();
    catalog.party = "LAN Nord".to_owned();
    let entry = LaunchEntry {
        name: "play".into(),
        os: Os::Windows,
        program: "a.exe".parse().unwrap(),
        args: vec![],
        folder: None,
        env: std::collections::BTreeMap::new(),
    };
    catalog.games[0].launch = vec![entry];
    catalog.games[0].keep = vec!["saves/**".to_owned()];
    catalog.games[0].manifest = Some(format!("{:064x}", 7).parse().unwrap());
    catalog.games[0].size = Some(5);
    catalog.put(Game::new("own".parse().unwrap(), "Own"));
    party.0.put("catalog.ron", catalog.to_text().unwrap().as_bytes());
    let imported = party.import().unwrap();
    assert_eq!(imported.warnings, ["own: was in the catalog, is not in the database, and is left out now"]);
    let again = party.catalog();
    assert_eq!((again.serial, again.party.as_str()), (2, "LAN Nord"));
    assert_eq!(again.games, catalog.games[..2]);

    let connection = Connection::open(party.database()).unwrap();
    connection.execute_batch("UPDATE games SET game_version = '20260101' WHERE game_id = 'ut'").unwrap();
    connection.close().unwrap();
    party.import().unwrap();
    let newer = &party.catalog().games[0];
    assert_eq!((newer.manifest, newer.size, newer.keep.len()), (None, Some(4_500_000_000), 1));

    party.0.put("catalog.ron", b"(party: 7)");
    assert!(party.refusal().starts_with("the catalog that is there cannot be replaced: "));
}

#[test]
fn a_key_beside_the_catalog_signs_and_a_stale_signature_goes() {
    let party = Party::new(&[GAMES, CONTENT]);
    let secret = OrganiserSecret::from_seed([3; 32]);
    party.0.put("catalog.ron.key", secret.to_file().as_bytes());
    assert!(party.import().unwrap().signed);
    assert!(disk_file::load(&party.out()).unwrap().unwrap().is_signed());
    fs::remove_file(party.0.path().join("catalog.ron.key")).unwrap();
    let imported = party.import().unwrap();
    assert!(!imported.signed && imported.warnings[0].ends_with("sign it again"), "{:?}", imported.warnings);
    assert!(matches!(catalog_file::read(&party.out()).unwrap(), lanspread_engine::GivenCatalog::Plain(_)));
}

#[test]
fn a_cancelled_import_leaves_the_old_catalog() {
    let party = Party::new(&[GAMES, CONTENT]);
    party.import().unwrap();
    party.0.put("assets.eti", &assets(&[("assets/ut.jpg", JPEG)]));
    let cancel = Cancel::new();
    cancel.cancel();
    let result = import(&party.database(), &party.out(), &cancel, &Progress::new());
    assert!(matches!(result, Err(ImportError::Disk(DiskError::Cancelled))));
    assert_eq!(party.catalog().serial, 1);
}
