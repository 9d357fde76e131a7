//! What one PC shares.

use egui::{Align, Id, Layout, Sense, Ui, UiBuilder, vec2};

use super::{Beside, State, side::panel};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::{PeerRow, SharedGame};
use crate::text::{Common, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, Rows, avatar, icon_button, label};

const ROWS: Rows = Rows { height: 28.0, gap: 6.0 };

pub(super) fn show(
    ui: &mut Ui,
    peer: &PeerRow,
    shared: &[SharedGame],
    state: &mut State,
    width: f32,
) -> Option<Action> {
    let text = PartyText::of(ui.ctx());
    let mut action = None;
    panel(ui, width, |ui| {
        let theme = Theme::of(ui);
        ui.horizontal(|ui| {
            avatar(ui, &peer.name, 40.0);
            ui.vertical(|ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                label(ui, &text.games_of(&peer.name), theme::medium(theme::BODY), theme.text_1);
                let address = peer.addresses.first().map(|address| address.ip().to_string());
                let below = format!("{}, {}", peer.pc, address.unwrap_or_default());
                label(ui, below.trim_end_matches(", "), theme::regular(theme::META), theme.text_2);
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let close = Common::of(ui.ctx()).close();
                if icon_button(ui, Icon::X, close, ButtonKind::Ghost, ButtonSize::Row).clicked() {
                    state.beside = Beside::You;
                }
            });
        });
        ui.separator();
        if shared.is_empty() {
            label(ui, text.nothing_shared(), theme::regular(theme::DENSE), theme.text_2);
        }
        action = list(ui, shared);
    });
    action
}

/// Only what is in sight is drawn: some have hundreds of games.
fn list(ui: &mut Ui, shared: &[SharedGame]) -> Option<Action> {
    let size = vec2(ui.available_width(), ROWS.height_of(shared.len()));
    let (all, _) = ui.allocate_exact_size(size, Sense::hover());
    let mut action = None;
    for index in ROWS.in_sight(ui.clip_rect(), all, shared.len()) {
        let game = &shared[index];
        // Its buttons are the same ones wherever it is scrolled to.
        let id = Id::unique("shared").with(game.id.as_str());
        let layout = Layout::left_to_right(Align::Center);
        let place = UiBuilder::new().max_rect(ROWS.place(all, index)).layout(layout).scope_id(id);
        action = action.or(row(&mut ui.new_child(place), game));
    }
    action
}

fn row(ui: &mut Ui, game: &SharedGame) -> Option<Action> {
    let (text, theme) = (PartyText::of(ui.ctx()), Theme::of(ui));
    let open = Button::new(&game.title).kind(ButtonKind::Ghost).size(ButtonSize::Small).show(ui);
    Rows::follow_focus(&open);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let version = game.version.as_ref().map(ToString::to_string).unwrap_or_default();
        let words = if game.is_complete { version.as_str() } else { text.on_the_way() };
        label(ui, words, theme::regular(theme::META), theme.text_2);
    });
    open.clicked().then(|| Action::OpenDetails(game.id.clone()))
}
