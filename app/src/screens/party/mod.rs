//! Who is here, and the checks for who is not.

mod checks;
mod firewall;
mod games;
mod side;
mod table;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Align, Align2, Layout, Margin, Rect, ScrollArea, Ui, pos2, vec2};
use lanspread_protocol::PeerId;

use super::Scene;
use crate::action::Action;
use crate::frame::{page_title, within};
use crate::icon::Icon;
use crate::model::{PartyModel, PeerRow};
use crate::text::{Common, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{Meaning, draw_text, tag};

const SIDE_WIDTH: f32 = 300.0;
/// Beside the table while checks or a PC's games are shown.
const PANEL_WIDTH: f32 = 388.0;
const GAP: f32 = 16.0;
/// How long a player who left is still shown.
const LEAVING: Duration = Duration::from_secs(10);
/// After this nobody is expected to answer at an address any more.
const ANSWER: Duration = Duration::from_secs(10);

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {
    /// As typed.
    address: String,
    /// What was added, and when.
    looking: Option<(IpAddr, Instant)>,
    beside: Beside,
    /// The keyboard's focus goes to the field for addresses.
    to_address: bool,
    /// How the firewall is opened was asked for.
    shows_how: bool,
    last: Arc<[PeerRow]>,
    left: Vec<(PeerRow, Instant)>,
}

/// What is at the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Beside {
    #[default]
    You,
    Checks,
    Games(PeerId),
}

impl State {
    pub fn open_checks(&mut self) {
        self.beside = Beside::Checks;
    }

    /// The keyboard's focus goes to the field for addresses.
    pub const fn open_address(&mut self) {
        (self.beside, self.to_address) = (Beside::You, true);
    }

    /// The PC whose row is open.
    pub const fn opened(&self) -> Option<PeerId> {
        match self.beside {
            Beside::Games(peer) => Some(peer),
            Beside::You | Beside::Checks => None,
        }
    }

    /// Remembers who has left since the last frame, for a while. Answers when to look again.
    fn follow(&mut self, model: &PartyModel, now: Instant) -> Option<Duration> {
        let is_here = |row: &PeerRow| model.peers.iter().any(|peer| peer.id == row.id);
        if !Arc::ptr_eq(&self.last, &model.peers) {
            let gone = self.last.iter().filter(|row| !is_here(row)).map(|row| (row.clone(), now));
            self.left.extend(gone);
            self.last = Arc::clone(&model.peers);
        }
        self.left.retain(|(row, since)| !is_here(row) && now.saturating_duration_since(*since) < LEAVING);
        if let Some(peer) = self.opened()
            && !self.last.iter().any(|row| row.id == peer)
        {
            self.beside = Beside::You;
        }
        let oldest = self.left.iter().map(|(_, since)| *since).min();
        oldest.map(|since| (since + LEAVING).saturating_duration_since(now))
    }
}

pub fn show(
    ui: &mut Ui,
    scene: &mut Scene<'_>,
    model: &PartyModel,
    state: &mut State,
    now: Instant,
) -> Option<Action> {
    if let Some(again) = state.follow(model, now) {
        ui.ctx().request_repaint_after(again);
    }
    title(ui, scene, model);
    let page = scene.places.page;
    let is_wide = ui.max_rect().width() >= theme::NARROW;
    // A row that is clicked in this frame is open from the next on: only then are its games here.
    let shown = state.beside;
    let side = if shown == Beside::You { SIDE_WIDTH } else { PANEL_WIDTH };
    let mut action = None;
    within(ui, page, Layout::top_down(Align::Min), |ui| {
        ui.set_clip_rect(page);
        ui.spacing_mut().item_spacing = vec2(0.0, 12.0);
        ScrollArea::vertical().auto_shrink(false).id_salt("party").show(ui, |ui| {
            let margin = Margin { left: 28, right: 28, top: 0, bottom: 20 };
            egui::Frame::new().inner_margin(margin).show(ui, |ui| {
                let width = ui.available_width();
                if is_wide {
                    ui.horizontal_top(|ui| {
                        ui.spacing_mut().item_spacing.x = GAP;
                        table::show(ui, model, state, width - side - GAP);
                        ui.vertical(|ui| action = beside(ui, model, state, shown, side, now));
                    });
                } else if shown == Beside::You {
                    table::show(ui, model, state, width);
                    action = beside(ui, model, state, shown, width, now);
                } else {
                    // What was asked for is in sight without scrolling.
                    action = beside(ui, model, state, shown, width, now);
                    table::show(ui, model, state, width);
                }
            });
        });
    });
    action
}

fn beside(
    ui: &mut Ui,
    model: &PartyModel,
    state: &mut State,
    shown: Beside,
    width: f32,
    now: Instant,
) -> Option<Action> {
    let peer = if let Beside::Games(peer) = shown { Some(peer) } else { None };
    match peer.and_then(|peer| model.peers.iter().find(|row| row.id == peer)) {
        Some(row) => games::show(ui, row, &model.shared, state, width),
        None if shown == Beside::Checks => checks::show(ui, model, state, width, now),
        None => side::show(ui, model, state, width, now),
    }
}

/// Title, the party's name, how many are here.
fn title(ui: &mut Ui, scene: &Scene<'_>, model: &PartyModel) {
    let theme = Theme::of(ui);
    let text = PartyText::of(ui.ctx());
    let bar = scene.places.top_bar;
    let mut x = page_title(ui, &scene.places, Common::of(ui.ctx()).party()) + 12.0;
    if let Some(party) = &model.party {
        let place = Rect::from_min_max(pos2(x, bar.top() + 23.0), pos2(bar.right(), bar.top() + 45.0));
        within(ui, place, Layout::left_to_right(Align::Center), |ui| {
            x = tag(ui, Meaning::Good, Some(Icon::SEAL_CHECK.fill()), party).rect.right() + 12.0;
        });
    }
    let mut words = text.pcs(model.pcs);
    if model.playing > 0 {
        words = format!("{words}, {}", text.playing(model.playing));
    }
    if model.games_shared > 0 {
        words = format!("{words}, {}", text.games_shared(model.games_shared));
    }
    let at = pos2(x, bar.top() + 34.0);
    draw_text(ui.painter(), at, Align2::LEFT_CENTER, words, theme::regular(theme::DENSE), theme.text_2);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PeerRows, Source, Told};
    use crate::sample;

    #[test]
    fn who_leaves_is_seen_for_ten_seconds() {
        let model = |names: &[&str]| {
            let peers = (1..).zip(names).map(|(number, name)| sample::peer(number, name, 0, 0));
            let snapshot = sample::snapshot_with(Vec::new(), peers.collect());
            let source = Source { snapshot: &snapshot, told: &Told::default() };
            PartyModel::new(source, &mut PeerRows::default(), None)
        };
        let start = Instant::now();
        let mut state = State { beside: Beside::Games(PeerId([2; 32])), ..State::default() };
        assert_eq!(state.follow(&model(&["Lea", "Ole"]), start), None);
        assert_eq!(state.beside, Beside::Games(PeerId([2; 32])));
        assert_eq!(state.follow(&model(&["Lea"]), start), Some(LEAVING));
        assert_eq!((state.left[0].0.name.as_str(), state.beside), ("Ole", Beside::You));
        assert_eq!(state.follow(&model(&["Lea"]), start + LEAVING), None);
        assert!(state.left.is_empty());
        state.follow(&model(&[]), start + LEAVING);
        state.follow(&model(&["Lea"]), start + LEAVING);
        assert!(state.left.is_empty(), "who is back has not left");
    }
}
