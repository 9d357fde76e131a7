//! How the program starts: its command line, what it needs of the system, and the renderer.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;
use eframe::{NativeOptions, Renderer};
use egui::ViewportBuilder;
use lanspread_peer::api::{PeerAddress, PeerConfig};
use thiserror::Error;

use crate::demo::game::DemoGame;
use crate::settings::{Loaded, Store, WindowPlace};
use crate::shell::{Shell, is_shown_by_another};

/// The smallest window, without zoom. A larger zoom leaves less room in it, and what does not fit scrolls.
const LEAST: [f32; 2] = [960.0, 600.0];
/// What a window begins with.
const FIRST: [f32; 2] = [1280.0, 800.0];

const ICON: &[u8] = include_bytes!("../../assets/icon/lanspread.png");

/// Lanspread: every game, from the people next to you
///
/// Without a window, for a server or a script, use lanspread-peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Parser)]
#[command(name = "lanspread", version, max_term_width = 100)]
pub struct Args {
    /// The games folder [default: the one that was chosen last]
    #[arg(long, value_name = "DIR")]
    pub games: Option<PathBuf>,
    /// The party's catalog; a newer one by the organiser's key takes its place
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// A whole party on this PC, with sample games: nothing of it reaches the network
    #[arg(long)]
    pub demo: bool,
    /// Keep settings beside the program, on the stick
    #[arg(long)]
    pub portable: bool,
    /// The demo's games: their window
    #[arg(long, hide = true, value_name = "TITLE", requires_all = ["demo_version", "demo_player"])]
    pub demo_game: Option<String>,
    #[arg(long, hide = true, value_name = "VERSION")]
    pub demo_version: Option<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    pub demo_player: Option<String>,
    /// An address of this PC to listen on; for tests
    #[arg(long, value_name = "ADDR", hide = true)]
    pub bind: Vec<IpAddr>,
    /// The UDP port, 0 is any free one; for tests
    #[arg(long, hide = true)]
    pub port: Option<u16>,
    /// Another peer's address; for tests
    #[arg(long, value_name = "ADDR", hide = true)]
    pub peer: Vec<PeerAddress>,
    /// Neither announce this peer nor look for others; for tests
    #[arg(long, hide = true)]
    pub no_mdns: bool,
}

impl Args {
    fn demo_game(&self) -> Option<DemoGame> {
        Some(DemoGame {
            title: self.demo_game.clone()?,
            version: self.demo_version.clone()?,
            player: self.demo_player.clone()?,
        })
    }

    /// What the peer starts with; `None` before a games folder is chosen.
    pub fn peer_config(&self) -> Option<PeerConfig> {
        let games = self.games.clone()?;
        Some(PeerConfig {
            catalog: self.catalog.clone(),
            bind: self.bind.clone(),
            port: self.port,
            mdns: !self.no_mdns,
            peers: self.peer.clone(),
            ..PeerConfig::new(games)
        })
    }
}

/// Why there is no window.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(
        "there is no display to open a window on; without one use lanspread-peer (try lanspread-peer --help)"
    )]
    NoDisplay,
    #[error(
        "the library libxkbcommon-x11 is missing; install it (Debian, Ubuntu: apt install libxkbcommon-x11-0)"
    )]
    NoKeyboardLibrary,
    #[error("no window can be opened ({0}); without one use lanspread-peer (try lanspread-peer --help)")]
    NoRenderer(eframe::Error),
}

/// Runs the window until it is closed.
pub fn run(args: &Args) -> Result<(), StartError> {
    check_system()?;
    let store = Store::find(args.portable);
    let mut loaded = store.as_ref().map(Store::load).unwrap_or_default();
    if args.demo {
        loaded.settings = loaded.settings.look();
    } else if let Some(games) = args.games.as_ref().or(loaded.settings.games.as_ref())
        && is_shown_by_another(games)
    {
        return Ok(());
    }
    let with_glow = open(args, &loaded, Renderer::Glow);
    with_glow.or_else(|error| {
        tracing::warn!(%error, "no OpenGL; trying wgpu");
        open(args, &loaded, Renderer::Wgpu).map_err(StartError::NoRenderer)
    })
}

fn open(args: &Args, loaded: &Loaded, renderer: Renderer) -> Result<(), eframe::Error> {
    if let Some(game) = args.demo_game() {
        let viewport = with_icon(game.viewport());
        let options = NativeOptions { viewport, renderer, ..NativeOptions::default() };
        let make = move |cc: &eframe::CreationContext<'_>| {
            DemoGame::set_up(&cc.egui_ctx);
            Ok(Box::new(game) as Box<dyn eframe::App>)
        };
        return eframe::run_native("Lanspread", options, Box::new(make));
    }
    let viewport = ViewportBuilder::default()
        .with_app_id("lanspread")
        .with_title("Lanspread")
        .with_min_inner_size(LEAST);
    let viewport = place(with_icon(viewport), loaded.settings.window);
    let options = NativeOptions { viewport, renderer, ..NativeOptions::default() };
    let (args, loaded) = (args.clone(), loaded.clone());
    eframe::run_native(
        "Lanspread",
        options,
        Box::new(move |cc| Ok(Box::new(Shell::new(&cc.egui_ctx, &args, loaded)))),
    )
}

/// In the taskbar, and in the title bar where there is one.
fn with_icon(viewport: ViewportBuilder) -> ViewportBuilder {
    match eframe::icon_data::from_png_bytes(ICON) {
        Ok(icon) => viewport.with_icon(icon),
        Err(error) => {
            tracing::warn!(%error, "the program's icon cannot be read");
            viewport
        }
    }
}

/// Before a zoom applies: both sides of it are in points without.
fn place(viewport: ViewportBuilder, place: Option<WindowPlace>) -> ViewportBuilder {
    match place {
        None => viewport.with_inner_size(FIRST),
        Some(place) => viewport
            .with_inner_size([place.width.clamp(LEAST[0], 8000.0), place.height.clamp(LEAST[1], 8000.0)])
            .with_position([place.x, place.y])
            .with_maximized(place.is_maximized),
    }
}

/// What winit's stack would only panic about.
#[cfg(target_os = "linux")]
fn check_system() -> Result<(), StartError> {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("WAYLAND_DISPLAY") || is_set("WAYLAND_SOCKET") {
        return Ok(());
    }
    if !is_set("DISPLAY") {
        return Err(StartError::NoDisplay);
    }
    if has_library("libxkbcommon-x11.so.0") { Ok(()) } else { Err(StartError::NoKeyboardLibrary) }
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "it can fail on other systems")]
const fn check_system() -> Result<(), StartError> {
    Ok(())
}

/// True if the linker would find it. When there is no cache to look into, the answer is yes: better try.
#[cfg(target_os = "linux")]
fn has_library(name: &str) -> bool {
    let own = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    if std::env::split_paths(&own).any(|folder| folder.join(name).exists()) {
        return true;
    }
    std::fs::read("/etc/ld.so.cache")
        .map_or(true, |cache| cache.windows(name.len()).any(|part| part == name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn the_icon_can_be_read() {
        assert!(eframe::icon_data::from_png_bytes(ICON).is_ok_and(|icon| icon.width == icon.height));
    }

    #[test]
    fn a_window_opens_where_and_as_large_as_it_was() {
        let was = WindowPlace { x: 30.0, y: 40.0, width: 1000.0, height: 700.0, is_maximized: true };
        let opened = place(ViewportBuilder::default(), Some(was));
        assert_eq!(opened.inner_size, Some(egui::vec2(1000.0, 700.0)));
        assert_eq!((opened.position, opened.maximized), (Some(egui::pos2(30.0, 40.0)), Some(true)));
        let tiny = place(ViewportBuilder::default(), Some(WindowPlace { width: 3.0, height: 4.0, ..was }));
        assert_eq!(tiny.inner_size, Some(LEAST.into()));
        assert_eq!(place(ViewportBuilder::default(), None).inner_size, Some(FIRST.into()));
    }

    #[test]
    fn the_peer_starts_with_what_was_said() {
        let parse = |line: &str| Args::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(parse("lanspread").peer_config(), None);
        let config = parse("lanspread --games g --catalog c.ron --no-mdns --bind 127.0.0.1").peer_config();
        let expected = PeerConfig {
            catalog: Some("c.ron".into()),
            bind: vec!["127.0.0.1".parse().unwrap()],
            mdns: false,
            ..PeerConfig::new("g")
        };
        assert_eq!(config, Some(expected));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_library_is_found_by_its_name() {
        assert!(has_library("libc.so.6"));
        assert!(!has_library("libnobody-has-this.so.9"));
    }
}
