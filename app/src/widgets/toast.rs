//! A toast: 400 wide, with at most one button.

use egui::{Color32, CornerRadius, Rect, Role, Sense, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::button::{Button, ButtonKind, ButtonSize, icon_button};
use super::paint::{Meaning, draw_icon, elided};
use crate::icon::Icon;
use crate::theme::{self, Theme};

pub const TOAST_WIDTH: f32 = 400.0;
pub const TOAST_HEIGHT: f32 = 64.0;

/// What a person did with a toast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastAnswer {
    Clicked,
    Dismissed,
}

/// What a toast shows.
#[derive(Clone, Copy, Debug)]
pub struct ToastLook<'a> {
    pub meaning: Meaning,
    pub icon: Icon,
    pub title: &'a str,
    pub line: &'a str,
    pub button: Option<(&'a str, Option<Icon>)>,
    pub dismiss: &'a str,
    /// How much of its time is left; `None` stays.
    pub time_left: Option<f32>,
}

/// Draws a toast into `rect`.
pub fn toast(ui: &mut Ui, rect: Rect, look: &ToastLook<'_>) -> Option<ToastAnswer> {
    let theme = Theme::of(ui);
    let response = ui.interact(rect, ui.scope_id().with("toast"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, format!("{}. {}", look.title, look.line)));
    let radius = CornerRadius::same(theme::R_FLOATING);
    ui.painter().add(theme.floating.as_shape(rect, radius));
    ui.painter().rect(rect, radius, theme.field, theme.strong_stroke(), StrokeKind::Inside);
    let sign = pos2(rect.left() + 25.0, rect.top() + 24.0);
    draw_icon(ui.painter(), sign, look.icon, theme::ICON_LIST, look.meaning.color(theme));
    let layout = egui::Layout::right_to_left(egui::Align::Center);
    let inner = rect.shrink2(vec2(10.0, 0.0));
    let mut place = ui.new_child(UiBuilder::new().max_rect(inner).layout(layout));
    let mut answer = None;
    if icon_button(&mut place, Icon::X, look.dismiss, ButtonKind::Ghost, ButtonSize::Row).clicked() {
        answer = Some(ToastAnswer::Dismissed);
    }
    if let Some((label, icon)) = look.button {
        let mut button = Button::new(label).kind(ButtonKind::Floating).size(ButtonSize::Row);
        if let Some(icon) = icon {
            button = button.icon(icon).icon_color(theme.accent);
        }
        if button.show(&mut place).clicked() {
            answer = Some(ToastAnswer::Clicked);
        }
    }
    let left = rect.left() + 47.0;
    let width = place.min_rect().left() - 8.0 - left;
    let painter = ui.painter();
    let title = elided(painter, look.title, theme::medium(theme::BODY), theme.text_1, width);
    painter.galley(pos2(left, rect.top() + 13.0), title, Color32::PLACEHOLDER);
    let line = elided(painter, look.line, theme::regular(theme::DENSE), theme.text_2, width);
    painter.galley(pos2(left, rect.top() + 34.0), line, Color32::PLACEHOLDER);
    if let Some(share) = look.time_left {
        let bar = Rect::from_min_max(
            pos2(rect.left() + 6.0, rect.bottom() - 2.0),
            pos2(rect.left() + 6.0 + (rect.width() - 12.0) * share, rect.bottom() - 0.5),
        );
        painter.rect_filled(bar, CornerRadius::same(1), theme.line_strong);
    }
    answer
}
