//! The status bar: what is shared, how fast it goes, who is here, how much is free.

use egui::{Color32, CornerRadius, CursorIcon, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use super::within;
use crate::action::{Action, Screen};
use crate::icon::Icon;
use crate::model::{Link, StatusModel};
use crate::text::{Format, FrameText};
use crate::theme::{self, Theme};
use crate::widgets::{draw_icon, focus_ring};

/// The status bar: every part is a button.
pub fn status_bar(ui: &mut Ui, rect: Rect, status: &StatusModel) -> Option<Action> {
    let inner = rect.shrink2(vec2(theme::MARGIN, 0.0));
    let text = FrameText::of(ui.ctx());
    let format = Format::of(ui.ctx());
    let theme = Theme::of(ui);
    let mut action = None;
    within(ui, inner, egui::Layout::left_to_right(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 20.0;
        for (screen, part) in left_parts(theme, text, format, status) {
            if part.show(ui).clicked() {
                action = Some(Action::Navigate(screen));
            }
        }
    });
    within(ui, inner, egui::Layout::right_to_left(egui::Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 20.0;
        if let Some(bytes) = status.free_bytes {
            let free = status.place.as_ref().map_or(text.free().to_owned(), |place| text.free_on(place));
            let part = Part::new(Icon::HARD_DRIVE, theme.text_2).strong(format.size(bytes)).weak(free);
            if part.show(ui).clicked() {
                action = Some(Action::Navigate(Screen::Settings));
            }
        }
        if status.link == Link::Starting {
            return;
        }
        let pcs = Part::new(Icon::USERS_THREE, theme.text_2)
            .strong(text.pcs(status.pcs))
            .weak(text.at_this_party().to_owned());
        if pcs.show(ui).clicked() {
            action = Some(Action::Navigate(Screen::Party));
        }
    });
    action
}

fn left_parts(theme: &Theme, text: FrameText, format: Format, status: &StatusModel) -> Vec<(Screen, Part)> {
    if status.link == Link::Starting {
        return Vec::new();
    }
    if status.link == Link::Down {
        let off = Part::new(Icon::PLUGS, theme.bad).colored(text.not_connected().to_owned(), theme.bad);
        let sharing = Part::new(Icon::SHARE_NETWORK, theme.text_2).weak(text.sharing_is_off().to_owned());
        return vec![(Screen::Party, off), (Screen::Settings, sharing)];
    }
    if status.shared_games == 0 && status.down_rate == 0 {
        let nothing = Part::new(Icon::SHARE_NETWORK, theme.text_3).weak(text.nothing_shared().to_owned());
        return vec![(Screen::Settings, nothing)];
    }
    let mut parts = vec![(
        Screen::Settings,
        Part::new(Icon::SHARE_NETWORK, theme.leaving)
            .weak(text.sharing().to_owned())
            .strong(text.games(status.shared_games)),
    )];
    if status.receivers > 0 {
        let part = Part::new(Icon::ARROW_UP.bold(), theme.leaving)
            .strong(format.rate(status.up_rate))
            .weak(text.to_players(status.receivers));
        parts.push((Screen::Party, part));
    }
    if status.down_rate > 0 {
        let part = Part::new(Icon::ARROW_DOWN.bold(), theme.arriving).strong(format.rate(status.down_rate));
        parts.push((Screen::Downloads, part));
    }
    parts
}

/// A part of the status bar: an icon and words in two weights.
struct Part {
    icon: Icon,
    icon_color: Color32,
    words: Vec<(String, Weight)>,
}

#[derive(Clone, Copy, PartialEq)]
enum Weight {
    Strong,
    Weak,
    Colored(Color32),
}

impl Part {
    const fn new(icon: Icon, icon_color: Color32) -> Self {
        Self { icon, icon_color, words: Vec::new() }
    }

    fn strong(mut self, text: String) -> Self {
        self.words.push((text, Weight::Strong));
        self
    }

    fn weak(mut self, text: String) -> Self {
        self.words.push((text, Weight::Weak));
        self
    }

    fn colored(mut self, text: String, color: Color32) -> Self {
        self.words.push((text, Weight::Colored(color)));
        self
    }

    fn show(self, ui: &mut Ui) -> Response {
        let theme = Theme::of(ui);
        // Where room is scarce the numbers do, and the name still says it all.
        let has_strong = self.words.iter().any(|(_, weight)| *weight == Weight::Strong);
        let is_short = has_strong && ui.max_rect().width() + theme::RAIL + 2.0 * theme::MARGIN < theme::TINY;
        let galleys: Vec<_> = self
            .words
            .iter()
            .filter(|(_, weight)| !is_short || *weight != Weight::Weak)
            .map(|(text, weight)| {
                let (font, color) = match weight {
                    Weight::Strong => (theme::medium(theme::META), theme.text_1),
                    Weight::Weak => (theme::regular(theme::META), theme.text_2),
                    Weight::Colored(color) => (theme::medium(theme::META), *color),
                };
                ui.painter().layout_no_wrap(text.clone(), font, color)
            })
            .collect();
        let words: f32 = galleys.iter().map(|galley| galley.size().x + 6.0).sum();
        let (rect, response) = ui.allocate_exact_size(vec2(16.0 + words, 24.0), Sense::click());
        let name: Vec<&str> = self.words.iter().map(|(text, _)| text.as_str()).collect();
        let name = name.join(" ");
        response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &name));
        if response.hovered() {
            let ground = rect.expand2(vec2(6.0, 0.0));
            ui.painter().rect_filled(ground, CornerRadius::same(theme::R_TAG), theme.surface_2);
        }
        let y = rect.center().y;
        draw_icon(ui.painter(), pos2(rect.left() + 8.0, y), self.icon, theme::ICON, self.icon_color);
        let mut x = rect.left() + 22.0;
        for galley in galleys {
            let width = galley.size().x;
            ui.painter().galley(pos2(x, y - galley.size().y / 2.0), galley, theme.text_1);
            x += width + 6.0;
        }
        focus_ring(ui, &response, rect, theme::R_TAG);
        response.on_hover_cursor(CursorIcon::PointingHand)
    }
}
