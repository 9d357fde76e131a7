//! Who is here, and the checks for who is not.

mod side;
mod table;

use std::net::IpAddr;

use egui::{Align, Align2, Layout, Margin, Rect, ScrollArea, Ui, pos2, vec2};

use super::Scene;
use crate::action::Action;
use crate::frame::{page_title, within};
use crate::icon::Icon;
use crate::model::PartyModel;
use crate::text::{Common, PartyText};
use crate::theme::{self, Theme};
use crate::widgets::{Meaning, draw_text, tag};

const SIDE_WIDTH: f32 = 300.0;
const GAP: f32 = 16.0;

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {
    /// As typed.
    address: String,
    /// What was added, until it is here or another is.
    looking: Option<IpAddr>,
}

pub fn show(ui: &mut Ui, scene: &mut Scene<'_>, model: &PartyModel, state: &mut State) -> Option<Action> {
    title(ui, scene, model);
    let page = scene.places.page;
    let is_wide = ui.max_rect().width() >= theme::NARROW;
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
                        table::show(ui, model, width - SIDE_WIDTH - GAP);
                        ui.vertical(|ui| action = side::show(ui, model, state, SIDE_WIDTH));
                    });
                } else {
                    table::show(ui, model, width);
                    action = side::show(ui, model, state, width);
                }
            });
        });
    });
    action
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
    let at = pos2(x, bar.top() + 34.0);
    draw_text(ui.painter(), at, Align2::LEFT_CENTER, words, theme::regular(theme::DENSE), theme.text_2);
}
