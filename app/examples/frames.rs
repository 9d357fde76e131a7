//! What a frame costs with 5,000 games: the library is scrolled from end to end, at rest and while a download tells
//! something new in every frame; and the party of 30 PCs that share 500 games each, with news in every frame. CPU of the
//! thread that draws, tessellation included; the graphics card's part is not in it.
//!
//! `cargo run --release -p lanspread --example frames`

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it fails")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Event, Modifiers, MouseWheelUnit, RawInput, Rect, TouchPhase, pos2, vec2};
use lanspread_app::action::Screen;
use lanspread_app::cover::Covers;
use lanspread_app::model::{Source, Told};
use lanspread_app::sample::{self, GameSample};
use lanspread_app::theme;
use lanspread_app::window::{self, WindowState};
use lanspread_engine::{PeerGame, PeerView};
use lanspread_peer::api::Snapshot;

const GAMES: usize = 5000;
const PEERS: u8 = 30;
const GAMES_OF_EACH: usize = 500;
const FRAMES: usize = 600;
/// Of a frame, by the design.
const GOAL: Duration = Duration::from_millis(8);

fn main() {
    for (what, screen, is_busy) in [
        ("scrolling", Screen::Library, false),
        ("scrolling while something is downloaded", Screen::Library, true),
        ("the party of 30 PCs with 500 games each", Screen::Party, true),
    ] {
        let mut times = frames(screen, is_busy);
        times.sort_unstable();
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "a place in a list"
            )]
            let index = (times.len() as f64 * share) as usize;
            times[index.min(times.len() - 1)]
        };
        let (half, most) = (at(0.5), at(0.99));
        let share = most.as_secs_f64() / GOAL.as_secs_f64();
        println!(
            "{what}, {GAMES} games: p50 {half:.2?}, p99 {most:.2?} of CPU a frame, {share:.2} of the goal"
        );
    }
}

fn party(round: u64) -> Snapshot {
    let games = (0..GAMES).map(|number| {
        let game = GameSample::new(&format!("game-{number}"), &format!("Game number {number}"));
        let game = game.about("Strategy", 1, 8).sources(number % 7);
        match number % 5 {
            0 => game.installed(),
            1 => game.downloaded(),
            2 if number == 2 => game.downloading(round, 1_000_000, 5_000_000),
            _ => game,
        }
    });
    sample::snapshot_with(games.collect(), (1..=PEERS).map(peer).collect())
}

fn peer(number: u8) -> PeerView {
    let mut peer = sample::peer(number, &format!("Player {number}"), 0, 1_000_000);
    let game = |game: usize| PeerGame {
        id: format!("game-{game}").parse().unwrap(),
        version: None,
        complete: true,
        local_only: false,
        chunks: 1000,
        chunks_total: 1000,
    };
    peer.games = (0..GAMES_OF_EACH).map(|index| game(index * 7 + usize::from(number))).collect();
    peer
}

fn frames(screen: Screen, is_busy: bool) -> Vec<Duration> {
    let ctx = egui::Context::default();
    theme::set_up(&ctx);
    let (mut state, mut covers, told) =
        (WindowState { screen, ..WindowState::default() }, Covers::new(&ctx), Told::default());
    let mut snapshot = party(0);
    let mut times = Vec::new();
    for frame in 0..FRAMES {
        if is_busy && let Some(view) = &mut snapshot.view {
            // As the peer does: a view of its own for each news.
            *view = Arc::new(view.as_ref().clone());
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds of a benchmark")]
        let time = frame as f64 / 60.0;
        let scroll = if frame < FRAMES / 2 { -900.0 } else { 900.0 };
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 800.0))),
            time: Some(time),
            events: vec![
                Event::PointerMoved(pos2(640.0, 400.0)),
                Event::MouseWheel {
                    unit: MouseWheelUnit::Point,
                    delta: vec2(0.0, scroll),
                    phase: TouchPhase::Move,
                    source: egui::MouseWheelSource::Wheel,
                    modifiers: Modifiers::NONE,
                },
            ],
            ..RawInput::default()
        };
        let begun = Instant::now();
        let mut output = ctx.run_ui(input, |ui| {
            let source = Source { snapshot: &snapshot, told: &told };
            window::show(ui, source, &mut state, &mut covers, begun);
        });
        let shapes = ctx.tessellate(output.shapes, output.pixels_per_point);
        times.push(begun.elapsed());
        drop(shapes);
        // No card takes them.
        output.textures_delta.clear();
    }
    // The first frames make fonts and textures.
    times.split_off(30)
}
