//! What one PC shares.

use egui::{Align, Layout, Ui};

use super::{Beside, State, side::panel};
use crate::action::Action;
use crate::icon::Icon;
use crate::model::PeerRow;
use crate::text::{Common, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, avatar, icon_button, label};

pub(super) fn show(ui: &mut Ui, peer: &PeerRow, state: &mut State, width: f32) -> Option<Action> {
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
        if peer.shared.is_empty() {
            label(ui, text.nothing_shared(), theme::regular(theme::DENSE), theme.text_2);
        }
        for game in &peer.shared {
            ui.horizontal(|ui| {
                let open = Button::new(&game.title).kind(ButtonKind::Ghost).size(ButtonSize::Small);
                if open.show(ui).clicked() {
                    action = Some(Action::OpenDetails(game.id.clone()));
                }
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let version = game.version.as_ref().map(ToString::to_string).unwrap_or_default();
                    let words = if game.is_complete { version.as_str() } else { text.on_the_way() };
                    label(ui, words, theme::regular(theme::META), theme.text_2);
                });
            });
        }
    });
    action
}
