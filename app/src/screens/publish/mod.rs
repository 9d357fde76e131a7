//! Publishing a game, for organisers: the form, what should be known before, and what was published tonight.

mod checks;
mod form;
mod published;

use std::path::PathBuf;

use egui::{Align, Layout, Margin, Rect, ScrollArea, Ui, pos2, vec2};

use super::Scene;
use crate::action::Action;
use crate::frame::{page_title, within};
use crate::icon::Icon;
use crate::model::{Form, Organiser, PublishModel, SourceReport};
use crate::text::PublishText;
use crate::theme::{self, Theme};
use crate::widgets::{Meaning, tag};

const CHECKS_WIDTH: f32 = 300.0;
const GAP: f32 = 16.0;
/// The form and the checks beside it.
const INNER_HEIGHT: f32 = 366.0;

/// What a person does here that is no game's state.
#[derive(Debug, Default)]
pub struct State {
    pub form: Form,
    /// Whose key signs; `None`: nothing can be published.
    pub organiser: Option<Organiser>,
    /// The source's path as it is typed.
    path: String,
    keep: String,
    /// What is to be looked at, once.
    to_look: Option<Vec<PathBuf>>,
}

impl State {
    /// Another source: by the system's dialog, dropped, or typed.
    pub fn take_source(&mut self, from: Vec<PathBuf>) {
        if from.is_empty() {
            return;
        }
        let paths: Vec<String> = from.iter().map(|path| path.display().to_string()).collect();
        self.path = paths.join(", ");
        self.to_look = Some(from.clone());
        self.form = Form::begin(from);
    }

    /// The answer of the system's dialog; `None` when it was cancelled or there is none.
    pub fn folder_chosen(&mut self, folder: Option<PathBuf>) {
        self.take_source(folder.into_iter().collect());
    }

    /// Something waits to be published.
    pub const fn has_source(&self) -> bool {
        !self.form.from.is_empty()
    }

    pub fn source_looked_at(&mut self, report: SourceReport) {
        self.form.take_report(report);
    }

    pub fn cover_chosen(&mut self, cover: PathBuf) {
        self.form.cover = Some(cover);
    }

    /// A path that was typed is the source once the field is left.
    fn take_typed(&mut self) {
        let path = PathBuf::from(self.path.trim());
        if path.is_absolute() && self.form.from != [path.clone()] {
            self.take_source(vec![path]);
        }
    }
}

pub fn show(ui: &mut Ui, scene: &mut Scene<'_>, model: &PublishModel, state: &mut State) -> Option<Action> {
    title(ui, scene, model, state);
    if let Some(known) = &model.known {
        state.form.take_known(known);
    }
    let page = scene.places.page;
    let is_wide = ui.max_rect().width() >= theme::NARROW;
    let mut action = None;
    within(ui, page, Layout::top_down(Align::Min), |ui| {
        ui.set_clip_rect(page);
        ui.spacing_mut().item_spacing = vec2(0.0, GAP);
        ScrollArea::vertical().auto_shrink(false).id_salt("publish").show(ui, |ui| {
            let margin = Margin { left: 28, right: 28, top: 0, bottom: 20 };
            egui::Frame::new().inner_margin(margin).show(ui, |ui| {
                let width = ui.available_width();
                if is_wide {
                    ui.horizontal_top(|ui| {
                        ui.spacing_mut().item_spacing.x = GAP;
                        action = form::show(ui, scene.covers, model, state, width - CHECKS_WIDTH - GAP);
                        action = action.take().or(checks::show(ui, model, state, CHECKS_WIDTH));
                    });
                } else {
                    action = form::show(ui, scene.covers, model, state, width);
                    action = action.take().or(checks::show(ui, model, state, width));
                }
                if !model.published.is_empty() {
                    action = action.take().or(published::show(ui, scene.covers, model, width));
                }
            });
        });
    });
    action.or_else(|| state.to_look.take().map(Action::LookAtSource))
}

fn title(ui: &mut Ui, scene: &Scene<'_>, model: &PublishModel, state: &State) {
    let text = PublishText::of(ui.ctx());
    let bar = scene.places.top_bar;
    let x = page_title(ui, &scene.places, text.title()) + 12.0;
    let own = state.organiser.as_ref().and_then(|organiser| organiser.party.as_ref());
    if let Some(party) = own.or(model.party.as_ref()) {
        let place = Rect::from_min_max(pos2(x, bar.top() + 23.0), pos2(bar.right(), bar.top() + 45.0));
        within(ui, place, Layout::left_to_right(Align::Center), |ui| {
            tag(ui, Meaning::Good, Some(Icon::KEY), &text.signing_as(party));
        });
    }
}

/// A panel of this size.
fn panel(ui: &mut Ui, width: f32, content: impl FnOnce(&mut Ui)) {
    let theme = Theme::of(ui);
    let frame = egui::Frame::new()
        .fill(theme.surface_1)
        .stroke(theme.line_stroke())
        .corner_radius(theme::R_PANEL)
        .inner_margin(Margin::same(20));
    frame.show(ui, |ui| {
        ui.set_width(width - 42.0);
        ui.set_min_height(INNER_HEIGHT);
        ui.vertical(content);
    });
}
