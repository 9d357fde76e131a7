//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use lanspread_peer::api::{DEFAULT_PLAYING_LIMIT, PeerAddress, PeerConfig};
use lanspread_peer::json_lines::command::check_name;
use lanspread_peer::json_lines::publish::PublishFields;
use lanspread_protocol::{GameId, OrganiserKey};

/// Lanspread without a window: share, fetch and publish games at a LAN party.
#[derive(Debug, Parser)]
#[command(name = "lanspread-peer", version, arg_required_else_help = false, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a peer: commands as JSON lines on stdin, events on stdout
    Run(RunArgs),
    /// Put a game into a catalog and its files into the games folder
    Publish(PublishArgs),
    /// Check, show, sign or import a catalog
    #[command(arg_required_else_help = false)]
    Catalog {
        #[command(subcommand)]
        command: CatalogCommand,
    },
    /// Make an organiser's key and print its public half
    Keygen {
        /// Where to write the key; a file that is there is not overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Read games byte by byte and say which files are damaged: one JSON line per game
    Verify(VerifyArgs),
    /// Say which games are here, without hashing them: one JSON object
    Scan(ScanArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CatalogCommand {
    /// Check a catalog, and the signature beside it if there is one
    Check {
        /// The catalog
        file: PathBuf,
    },
    /// Show what a catalog says
    Show {
        /// The catalog
        file: PathBuf,
        /// As one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Sign a catalog: the signature is written beside it, as FILE.sig
    Sign {
        /// The catalog
        file: PathBuf,
        /// The organiser's key file, made by keygen or by the first publish
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Make a catalog out of an ETI launcher's game database; prints one JSON line
    ///
    /// Covers are taken from assets.eti beside the database and written to the folder “covers” beside FILE, each named
    /// by its hash. A catalog that is there is replaced, with the next serial; its games keep their launch entries and
    /// keep-rules. It is signed if its key lies beside it as FILE.key. What is left out is told on stderr.
    ImportEti {
        /// The launcher's database: game.db in its folder “update”
        #[arg(value_name = "GAME_DB")]
        database: PathBuf,
        /// The catalog to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The games folder
    #[arg(long, value_name = "DIR")]
    pub(crate) games: PathBuf,
    /// The party's catalog; a newer one by the organiser's key takes its place
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
    /// The player's name, as others see it [default: this PC's name]
    #[arg(long, value_parser = parse_name)]
    pub(crate) name: Option<String>,
    /// An address of this PC to listen on; may be given several times [default: all, IPv4 and IPv6]
    #[arg(long, value_name = "ADDR")]
    pub(crate) bind: Vec<IpAddr>,
    /// The UDP port; 0 is any free one [default: 40420, or the next free one up to 40429]
    #[arg(long, value_name = "N")]
    pub(crate) port: Option<u16>,
    /// Where another peer is; without a port 40420 to 40429 are tried; may be given several times
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub(crate) peer: Vec<PeerAddress>,
    /// Neither announce this peer nor look for others by multicast
    #[arg(long)]
    pub(crate) no_mdns: bool,
    /// The most to send, in bytes a second; 0 is unlimited
    #[arg(long, value_name = "BYTES_PER_SEC", default_value_t = 0)]
    pub(crate) upload_limit: u64,
    /// The most to send and receive while a game runs here, in bytes a second; 0 is unlimited
    #[arg(long, value_name = "BYTES_PER_SEC", default_value_t = DEFAULT_PLAYING_LIMIT)]
    pub(crate) playing_limit: u64,
    /// The organiser's public key: catalogs signed by it are in force
    #[arg(long, value_name = "PUBKEY", value_parser = parse_organiser)]
    pub(crate) organiser: Option<OrganiserKey>,
    /// Fetch new versions only when told to, not in the background
    #[arg(long)]
    pub(crate) no_fetch_ahead: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PublishArgs {
    /// The games folder that gets the files; the work is handed to the peer that runs on it, if one does
    #[arg(long, value_name = "DIR")]
    pub(crate) games: PathBuf,
    #[command(flatten)]
    pub(crate) fields: PublishFields,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ScanArgs {
    /// The games folder
    #[arg(long, value_name = "DIR")]
    pub(crate) games: PathBuf,
    /// The catalog that says what is expected [default: the one a peer stored in the games folder]
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) folder: ScanArgs,
    /// The games to verify [default: all that are here]
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<GameId>,
}

impl From<RunArgs> for PeerConfig {
    fn from(args: RunArgs) -> Self {
        Self {
            games: std::path::absolute(&args.games).unwrap_or(args.games),
            catalog: args.catalog,
            name: args.name,
            pc: None,
            bind: args.bind,
            port: args.port,
            peers: args.peer,
            mdns: !args.no_mdns,
            upload_limit: args.upload_limit,
            playing_limit: args.playing_limit,
            organiser: args.organiser,
            fetch_ahead: !args.no_fetch_ahead,
            fault: None,
        }
    }
}

fn parse_name(text: &str) -> Result<String, String> {
    check_name(text).map(|()| text.to_owned())
}

fn parse_organiser(text: &str) -> Result<OrganiserKey, String> {
    text.parse().map_err(|error| format!("an organiser's public key: {error}"))
}

/// clap's message without its paragraphs: what is wrong, and where help is.
pub(crate) fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let paragraphs = text.split("\n\n").map(|paragraph| {
        paragraph.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    });
    let said: Vec<_> = paragraphs
        .take_while(|paragraph| !paragraph.starts_with("Usage:"))
        .filter(|paragraph| !paragraph.is_empty() && !paragraph.starts_with("For more information"))
        .collect();
    let said = said.join("; ");
    format!("{} (try --help)", said.strip_prefix("error: ").unwrap_or(&said))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        let words = std::iter::once("lanspread-peer".to_owned()).chain(shlex::split(line).unwrap());
        Args::try_parse_from(words).map(|args| args.command).map_err(|error| one_line(&error))
    }

    fn config(line: &str) -> PeerConfig {
        match parse(line) {
            Ok(Command::Run(args)) => args.into(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn run_takes_everything_there_is() {
        assert_eq!(config("run --games g"), PeerConfig::new(std::path::absolute("g").unwrap()));
        let all = config(
            "run --games g --catalog c.ron --name 'Anna B' --bind 10.0.0.1 --bind fd00::1 --port 0 --peer 10.0.0.2 \
             --peer [fd00::2]:7 --no-mdns --upload-limit 1000 --playing-limit 0 --no-fetch-ahead --organiser \
             abababababababababababababababababababababababababababababababab",
        );
        let expected = PeerConfig {
            games: std::path::absolute("g").unwrap(),
            catalog: Some("c.ron".into()),
            name: Some("Anna B".into()),
            pc: None,
            bind: vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()],
            port: Some(0),
            peers: vec!["10.0.0.2".parse().unwrap(), "[fd00::2]:7".parse().unwrap()],
            mdns: false,
            upload_limit: 1000,
            playing_limit: 0,
            organiser: Some(OrganiserKey([0xab; 32])),
            fetch_ahead: false,
            fault: None,
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn publish_takes_everything_there_is() {
        let line = "publish --games g --catalog c.ron --id ut --version 1.0 --title 'U T' --from src --genre FPS \
            --players 2-16 --year 1999 --publisher E --description 'A game.' --cover c.png --start 'bin/ut@linux' \
            --start 'server=ucc -x@windows' --keep 'saves/**' --key k --links skip";
        let Ok(Command::Publish(args)) = parse(line) else { panic!("{:?}", parse(line)) };
        let request = args.fields.into_request();
        assert_eq!((request.game.id.as_str(), request.game.launch.len()), ("ut", 2));
        assert_eq!(request.game.keep, ["saves/**"]);
        let several = line.replace("--from src", "--from one.zip --from two.zip");
        let Ok(Command::Publish(args)) = parse(&several) else { panic!("{:?}", parse(&several)) };
        assert_eq!(args.fields.into_request().from, ["one.zip", "two.zip"].map(PathBuf::from));
    }

    #[test]
    fn what_is_wrong_is_one_line() {
        let run = "run --games g";
        for (line, said) in [
            ("", "'lanspread-peer' requires a subcommand but one was not provided"),
            ("catalog", "'lanspread-peer catalog' requires a subcommand but one was not provided"),
            ("fly", "unrecognized subcommand 'fly'"),
            ("run", "the following required arguments were not provided: --games <DIR>"),
            ("keygen --out a b", "unexpected argument 'b' found"),
            (
                &format!("{run} --nam x"),
                "unexpected argument '--nam' found; tip: a similar argument exists: '--name'",
            ),
            (
                &format!("{run} --port 70000"),
                "invalid value '70000' for '--port <N>': 70000 is not in 0..=65535",
            ),
            (&format!("{run} --upload-limit -1"), "unexpected argument '-1' found"),
            (
                &format!("{run} --bind pc7"),
                "invalid value 'pc7' for '--bind <ADDR>': invalid IP address syntax",
            ),
            (
                &format!("{run} --peer 10.0.0.1:0"),
                "invalid value '10.0.0.1:0' for '--peer <ADDR[:PORT]>': “10.0.0.1:0” has port 0; leave the port out to try the usual ones",
            ),
            (
                &format!("{run} --organiser abc"),
                "invalid value 'abc' for '--organiser <PUBKEY>': an organiser's public key: expected 64 hex digits",
            ),
            (&format!("{run} --name ' '"), "invalid value ' ' for '--name <NAME>': “ ” is no name"),
            ("verify --games g Ä", "invalid value 'Ä' for '[ID]...': “Ä” is no game id"),
            (
                "publish --games g --catalog c --version 1 --title t --from s --id con",
                "invalid value 'con' for '--id <ID>': “con” is no game id",
            ),
            (
                "publish --games g --catalog c --version 1 --title t --from s --id ut --start ../x",
                "invalid value '../x' for '--start <ENTRY>': “../x”: the program is relative",
            ),
            (
                "publish --games g --catalog c --version 1 --title t --from s --id ut --links follow",
                "invalid value 'follow' for '--links <WHAT>'",
            ),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.starts_with(said), "{line}: {error}");
            assert!(error.ends_with("(try --help)") && !error.contains('\n'), "{line}: {error}");
        }
    }
}
