//! Menus: rows of 32, the keys right.

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, Frame, Margin, Popup, Response, Role, Sense, Ui, WidgetInfo,
    pos2, vec2,
};

use super::paint::{draw_icon, draw_text};
use super::tooltip;
use crate::icon::Icon;
use crate::theme::{self, Theme};

/// A row of a menu.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MenuItem<'a> {
    pub icon: Icon,
    pub text: &'a str,
    pub keys: &'a str,
    pub is_chosen: bool,
    /// Something goes: in the bad colour.
    pub removes: bool,
    /// Off, for this reason.
    pub disabled: Option<&'a str>,
}

impl<'a> MenuItem<'a> {
    pub const fn new(icon: Icon, text: &'a str) -> Self {
        Self { icon, text, keys: "", is_chosen: false, removes: false, disabled: None }
    }

    pub const fn keys(mut self, keys: &'a str) -> Self {
        self.keys = keys;
        self
    }

    pub const fn chosen(mut self, is_chosen: bool) -> Self {
        self.is_chosen = is_chosen;
        self
    }

    pub const fn removes(mut self) -> Self {
        self.removes = true;
        self
    }

    pub const fn disabled(mut self, why: Option<&'a str>) -> Self {
        self.disabled = why;
        self
    }

    /// True when it was clicked; the menu closes by itself.
    pub fn show(self, ui: &mut Ui) -> bool {
        let theme = Theme::of(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::click());
        let is_on = self.disabled.is_none();
        response.widget_info(|| WidgetInfo::labeled(Role::MenuItem, is_on, self.text));
        let painter = ui.painter();
        if is_on && (response.hovered() || response.has_focus()) {
            painter.rect_filled(rect, CornerRadius::same(theme::R_CARD_BUTTON), hovered(theme));
        }
        let color = match (is_on, self.removes) {
            (false, _) => theme.text_3,
            (true, true) => theme.bad,
            (true, false) => theme.text_1,
        };
        let (icon, icon_color) = match (self.is_chosen, self.removes || !is_on) {
            (true, _) => (Icon::CHECK, theme.accent),
            (false, true) => (self.icon, color),
            (false, false) => (self.icon, theme.text_2),
        };
        let y = rect.center().y;
        draw_icon(painter, pos2(rect.left() + 18.0, y), icon, theme::ICON, icon_color);
        let font = theme::medium(theme::DENSE);
        draw_text(painter, pos2(rect.left() + 34.0, y), Align2::LEFT_CENTER, self.text, font, color);
        let keys = theme::regular(theme::META);
        draw_text(painter, pos2(rect.right() - 10.0, y), Align2::RIGHT_CENTER, self.keys, keys, theme.text_3);
        let response = match self.disabled {
            Some(why) => tooltip(response, why),
            None => response.on_hover_cursor(CursorIcon::PointingHand),
        };
        let is_clicked = is_on && response.clicked();
        if is_clicked {
            ui.close();
        }
        is_clicked
    }
}

fn hovered(theme: &Theme) -> Color32 {
    if theme.is_dark { theme.surface_3 } else { theme.surface_2 }
}

/// A line between groups of rows.
pub fn menu_line(ui: &mut Ui) {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 9.0), Sense::hover());
    ui.painter().hline(rect.x_range().expand(4.0), rect.center().y, theme.strong_stroke());
}

/// A menu that opens by a click on `anchor`.
pub fn menu_popup<R>(anchor: &Response, width: f32, content: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    framed(Popup::menu(anchor), anchor, width, content)
}

/// A menu that opens by a right click on `anchor`, where the pointer is.
pub fn context_menu<R>(anchor: &Response, width: f32, content: impl FnOnce(&mut Ui) -> R) -> Option<R> {
    framed(Popup::context_menu(anchor), anchor, width, content)
}

fn framed<R>(
    popup: Popup<'_>,
    anchor: &Response,
    width: f32,
    content: impl FnOnce(&mut Ui) -> R,
) -> Option<R> {
    let dark_mode = anchor.ctx.global_style().visuals.dark_mode;
    let theme = if dark_mode { &theme::DARK } else { &theme::LIGHT };
    let frame = Frame::new()
        .fill(theme.field)
        .stroke(theme.strong_stroke())
        .corner_radius(theme::R_FLOATING)
        .inner_margin(Margin::same(4))
        .shadow(theme.floating);
    popup
        .frame(frame)
        .width(width)
        .gap(4.0)
        .show(|ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
            content(ui)
        })
        .map(|shown| shown.inner)
}
