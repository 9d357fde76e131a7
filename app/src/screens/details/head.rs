//! The panel's upper part: hero, cover, title, and the way to the games beside it.

use egui::{
    Align2, Color32, CornerRadius, Layout, Mesh, Rect, Role, Sense, Shape, StrokeKind, Ui, WidgetInfo, pos2,
    vec2,
};

use super::{PADDING, say};
use crate::action::Action;
use crate::cover::{Cover, CoverKey, Covers, initials};
use crate::frame::within;
use crate::icon::Icon;
use crate::model::DetailsModel;
use crate::screens::library::fill;
use crate::text::{Common, DetailsText, LibraryText};
use crate::theme::{self, Theme};
use crate::widgets::{ButtonKind, ButtonSize, draw_text, elided, icon_button};

const HERO_HEIGHT: f32 = 188.0;

pub(super) fn show(ui: &mut Ui, covers: &mut Covers, panel: Rect, model: &DetailsModel) -> Option<Action> {
    let card = &model.card;
    let key = CoverKey { game: card.id.clone(), file: card.cover.clone() };
    let cover = covers.get(ui.ctx(), &key);
    let hero = panel.with_max_y(panel.top() + HERO_HEIGHT);
    let painter = ui.painter();
    painter.rect_filled(hero, CornerRadius::ZERO, theme::HERO_BOTTOM);
    if let Some(cover) = cover {
        picture(ui, hero, CornerRadius::ZERO, cover);
    }
    ui.painter().add(Shape::mesh(gradient(hero)));
    let place = Rect::from_min_size(panel.min + vec2(PADDING, 84.0), vec2(162.0, 216.0));
    cover_at(ui, place, cover, &card.title);
    title(ui, panel, model);
    buttons(ui, panel, model)
}

fn picture(ui: &Ui, rect: Rect, radius: CornerRadius, cover: Cover) {
    let tint = Color32::WHITE.gamma_multiply(cover.opacity);
    let part = fill(cover.aspect, rect.width() / rect.height());
    ui.painter().add(egui::epaint::RectShape::filled(rect, radius, tint).with_texture(cover.texture, part));
}

/// From the hero's top to its lower edge.
fn gradient(rect: Rect) -> Mesh {
    let mut mesh = Mesh::default();
    mesh.colored_vertex(rect.left_top(), theme::HERO_TOP);
    mesh.colored_vertex(rect.right_top(), theme::HERO_TOP);
    mesh.colored_vertex(rect.left_bottom(), theme::HERO_BOTTOM);
    mesh.colored_vertex(rect.right_bottom(), theme::HERO_BOTTOM);
    mesh.add_triangle(0, 1, 2);
    mesh.add_triangle(1, 2, 3);
    mesh
}

fn cover_at(ui: &Ui, rect: Rect, cover: Option<Cover>, title: &str) {
    let theme = Theme::of(ui);
    let radius = CornerRadius::same(theme::R_BUTTON);
    ui.painter().add(theme.floating.as_shape(rect, radius));
    ui.painter().rect_filled(rect, radius, theme.surface_2);
    if let Some(cover) = cover {
        picture(ui, rect, radius, cover);
        if cover.is_generated {
            let at = pos2(rect.left() + rect.width() * 0.09, rect.top() + rect.height() * 0.84);
            let font = theme::bold(rect.width() * 0.35);
            draw_text(ui.painter(), at, Align2::LEFT_BOTTOM, initials(title), font, theme::ON_PICTURE);
        }
    }
    ui.painter().rect_stroke(rect, radius, theme.strong_stroke(), StrokeKind::Outside);
}

fn title(ui: &Ui, panel: Rect, model: &DetailsModel) {
    let card = &model.card;
    let x = panel.left() + 220.0;
    let width = panel.right() - PADDING - x;
    let title = elided(ui.painter(), &card.title, theme::bold(theme::HERO), theme::ON_PICTURE, width);
    let rect = Rect::from_min_size(pos2(x, panel.top() + 129.0 - title.size().y / 2.0), title.size());
    ui.painter().galley(rect.min, title, theme::ON_PICTURE);
    let response = ui.interact(rect, egui::Id::unique("details-title"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Heading, true, &card.title));
    let text = LibraryText::of(ui.ctx());
    let players = card.players.map(|players| {
        if players.from == players.to {
            text.players(players.to)
        } else {
            text.players_range(players.from, players.to)
        }
    });
    let meta: Vec<String> = card.genre.clone().into_iter().chain(players).collect();
    if !meta.is_empty() {
        let at = pos2(x, panel.top() + 158.0);
        let font = theme::regular(theme::BODY);
        say(ui, at, Align2::LEFT_CENTER, &meta.join(" · "), font, theme::ON_PICTURE);
    }
}

/// Previous, next, close: dark squares on the hero.
fn buttons(ui: &mut Ui, panel: Rect, model: &DetailsModel) -> Option<Action> {
    let text = DetailsText::of(ui.ctx());
    let mut action = None;
    let row = [
        (152.0, Icon::CARET_LEFT, text.previous(), model.before.clone().map(Action::OpenDetails)),
        (108.0, Icon::CARET_RIGHT, text.next(), model.after.clone().map(Action::OpenDetails)),
        (56.0, Icon::X, Common::of(ui.ctx()).close(), Some(Action::CloseDetails)),
    ];
    for (from_right, icon, name, does) in row {
        let Some(does) = does else { continue };
        let min = pos2(panel.right() - from_right, panel.top() + 16.0);
        let rect = Rect::from_min_size(min, vec2(36.0, 36.0));
        let theme = Theme::of(ui);
        ui.painter().rect_filled(rect, CornerRadius::same(theme::R_BUTTON), theme.pill);
        let clicked = within(ui, rect, Layout::left_to_right(egui::Align::Min), |ui| {
            ui.visuals_mut().dark_mode = true;
            icon_button(ui, icon, name, ButtonKind::Ghost, ButtonSize::Normal).clicked()
        });
        if clicked {
            action = Some(does);
        }
    }
    action
}
