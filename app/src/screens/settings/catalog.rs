//! Whose catalog counts, which others there are, and whether one organises.

use egui::{Align, CornerRadius, Layout, Rect, Sense, Ui, pos2, vec2};

use super::{State, between, row, words};
use crate::action::{Action, FileFor, Question};
use crate::icon::Icon;
use crate::model::{CatalogSeal, Organiser, SettingsModel};
use crate::text::{Common, FaultText, PublishText, SettingsText};
use crate::theme::{self, Theme};
use crate::widgets::{Button, ButtonKind, ButtonSize, Meaning, draw_icon};

pub(super) fn show(
    ui: &mut Ui,
    model: &SettingsModel,
    organiser: Option<&Organiser>,
    state: &State,
) -> Option<Action> {
    let text = SettingsText::of(ui.ctx());
    let mut action = seal(ui, model);
    between(ui);
    let source = match &state.chosen.catalog {
        Some(path) => path.display().to_string(),
        None => text.follows_party().to_owned(),
    };
    action = action.or(row(ui, text.catalog_source(), &source, |ui| {
        let open = Button::new(text.open_file()).show(ui);
        if state.chosen.catalog.is_some() {
            let why = model.is_busy.then(|| text.catalog_busy());
            let follow = Button::new(text.follow_party()).kind(ButtonKind::Ghost).disabled(why).show(ui);
            if follow.clicked() {
                return Some(Action::FollowParty);
            }
        }
        open.clicked().then_some(Action::ChooseFiles(FileFor::Catalog))
    }));
    if let Some(problem) = &state.catalog_problem {
        let icon = Icon::SEAL_WARNING.fill();
        let title = if problem.is_signature { text.signature_wrong() } else { text.file_not_used() };
        let why = FaultText::of(ui.ctx()).fault(&problem.why);
        noted(ui, Meaning::Bad, icon, title, &why, |_| None::<Action>);
    }
    let has_one = matches!(model.seal, CatalogSeal::Trusted(_));
    for offered in &model.offered {
        let title = if has_one { text.second_catalog() } else { text.first_catalog() };
        let line = text.ignored(offered.peers, &offered.party);
        let asked = noted(ui, Meaning::Warn, Icon::WARNING.fill(), title, &line, |ui| {
            let name = format!("{} {}", text.review(), offered.party);
            let review = Button::new(text.review()).size(ButtonSize::Row).name(&name).show(ui);
            review.clicked().then_some(Action::Ask(Question::Trust(offered.key)))
        });
        action = action.or(asked);
    }
    between(ui);
    action.or(organise(ui, organiser))
}

fn seal(ui: &mut Ui, model: &SettingsModel) -> Option<Action> {
    let (text, theme) = (SettingsText::of(ui.ctx()), Theme::of(ui));
    let (meaning, icon) = match model.seal {
        CatalogSeal::Trusted(_) => (Meaning::Good, Icon::SEAL_CHECK.fill()),
        CatalogSeal::Signed(_) => (Meaning::Warn, Icon::SEAL_CHECK),
        CatalogSeal::Unsigned => (Meaning::Warn, Icon::SEAL_WARNING.fill()),
        CatalogSeal::Nothing => (Meaning::Neutral, Icon::BOOK_OPEN),
    };
    let title = match (model.seal, &model.party) {
        (CatalogSeal::Trusted(_), Some(party)) => text.signed_by(party),
        (CatalogSeal::Trusted(_), None) => text.signed().to_owned(),
        (CatalogSeal::Signed(_), _) => text.signed_by_other().to_owned(),
        (CatalogSeal::Unsigned, _) => text.not_signed().to_owned(),
        (CatalogSeal::Nothing, _) => text.no_catalog().to_owned(),
    };
    let mut line = text.catalog_games(model.games, model.serial);
    let key = model.seal.key().map(|key| key.words());
    if let Some(key) = &key {
        line = format!("{line} {key}");
    }
    ui.horizontal(|ui| {
        let (tile, _) = ui.allocate_exact_size(vec2(44.0, 76.0), Sense::hover());
        let tile = Rect::from_center_size(tile.center(), vec2(44.0, 44.0));
        ui.painter().rect_filled(tile, CornerRadius::same(theme::R_FLOATING), meaning.tint(theme));
        draw_icon(ui.painter(), tile.center(), icon, theme::ICON_RAIL, meaning.color(theme));
        ui.add_space(8.0);
        row(ui, &title, &line, |ui| {
            let key = key?;
            let show = Button::new(text.show_key()).icon(Icon::KEY).kind(ButtonKind::Ghost).show(ui);
            show.clicked().then_some(Action::Copy(key))
        })
    })
    .inner
}

/// A row on the ground of its meaning.
fn noted<R>(
    ui: &mut Ui,
    meaning: Meaning,
    icon: Icon,
    title: &str,
    line: &str,
    control: impl FnOnce(&mut Ui) -> R,
) -> R {
    let theme = Theme::of(ui);
    let ground = ui.painter().add(egui::Shape::Noop);
    let top = ui.cursor().top();
    let answer = ui.horizontal(|ui| {
        let (place, _) = ui.allocate_exact_size(vec2(20.0, 64.0), Sense::hover());
        draw_icon(ui.painter(), place.center(), icon, theme::ICON_LIST, meaning.color(theme));
        ui.add_space(8.0);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let answer = control(ui);
            ui.with_layout(Layout::top_down(Align::Min), |ui| {
                let needed = words(ui, title, line, theme);
                ui.set_min_height(needed);
            });
            answer
        })
        .inner
    });
    let x = ui.max_rect().x_range().expand(19.0);
    let rect = Rect::from_min_max(pos2(x.min, top), pos2(x.max, answer.response.rect.bottom()));
    let shape = egui::epaint::RectShape::filled(rect, CornerRadius::ZERO, meaning.tint(theme));
    ui.painter().set(ground, shape);
    ui.painter().hline(x, top, egui::Stroke::new(theme::STROKE, theme.line));
    answer.inner
}

fn organise(ui: &mut Ui, organiser: Option<&Organiser>) -> Option<Action> {
    let text = PublishText::of(ui.ctx());
    let Some(organiser) = organiser else {
        return row(ui, text.organise(), text.organise_for(), |ui| {
            let set_up = Button::new(text.set_up()).icon(Icon::CROWN_SIMPLE).show(ui);
            set_up.clicked().then_some(Action::Ask(Question::Organise))
        });
    };
    let title = organiser.party.as_ref().map(|party| text.organises(party));
    let title = title.unwrap_or_else(|| text.organises_some().to_owned());
    row(ui, &title, &text.key_words(&organiser.public.words()), |ui| {
        let publish = Button::new(Common::of(ui.ctx()).publish()).icon(Icon::UPLOAD_SIMPLE);
        let name = format!("{}…", Common::of(ui.ctx()).publish());
        let publish = publish.name(&name).show(ui).clicked();
        let file = Button::new(text.show_key_file()).kind(ButtonKind::Ghost).show(ui).clicked();
        if file {
            return Some(Action::ShowFile(organiser.key.clone()));
        }
        publish.then_some(Action::Navigate(crate::action::Screen::Publish))
    })
}
