//! A dialog: 500 wide, centred over a scrim. Escape is the safe answer; the focus starts where the caller puts it.

use egui::{
    Area, CornerRadius, Frame, Id, Key, Margin, Order, Role, Sense, Ui, UiKind, Vec2, WidgetInfo, pos2, vec2,
};

use crate::theme::{self, Theme};

/// How a dialog's frame ended.
#[derive(Debug)]
pub struct Outcome<R> {
    pub inner: R,
    /// Escape, or a click on the scrim of a dialog that asks nothing.
    pub escaped: bool,
    /// The first frame: bring the focus to the button that it starts on.
    pub is_new: bool,
}

/// A dialog's frame.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Dialog<'a> {
    name: &'a str,
    width: f32,
}

impl<'a> Dialog<'a> {
    /// `name` is what screen readers say, and tells one dialog from another.
    pub const fn new(name: &'a str) -> Self {
        Self { name, width: 500.0 }
    }

    pub const fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    pub fn show<R>(self, ui: &Ui, content: impl FnOnce(&mut Ui, bool) -> R) -> Outcome<R> {
        let ctx = ui.ctx();
        let theme = Theme::of(ui);
        let id = Id::unique("dialog").with(self.name);
        let screen = ctx.content_rect();
        let frames = ctx.cumulative_pass_nr();
        let (first, last) = ctx.data(|data| data.get_temp::<(u64, u64)>(id)).unwrap_or((frames, frames));
        let first = if frames > last + 1 { frames } else { first };
        ctx.data_mut(|data| data.insert_temp(id, (first, frames)));
        let shown = if first == frames { 0.0 } else { 1.0 };
        let way = ctx.animate_value_with_time(id.with(first), shown, theme::DIALOG_SECS);
        let modal = egui::Modal::new(id)
            .backdrop_color(theme.scrim.gamma_multiply(way.max(0.05)))
            .area(
                Area::new(id)
                    .kind(UiKind::Modal)
                    .sense(Sense::hover())
                    .order(Order::Foreground)
                    .anchor(egui::Align2::CENTER_CENTER, Vec2::ZERO)
                    .interactable(true),
            )
            .frame(
                Frame::new()
                    .fill(theme.surface_1)
                    .stroke(theme.strong_stroke())
                    .corner_radius(CornerRadius::same(theme::R_DIALOG))
                    .inner_margin(Margin::same(24))
                    .shadow(theme.lifted),
            );
        let width = self.width.min(screen.width() - 48.0) - 2.0 * theme::DIALOG_PADDING;
        let shown = modal.show(ctx, |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            let name = ui.interact(
                egui::Rect::from_min_size(pos2(0.0, 0.0), Vec2::ZERO),
                id.with("name"),
                Sense::hover(),
            );
            name.widget_info(|| WidgetInfo::labeled(Role::Dialog, true, self.name));
            content(ui, first == frames)
        });
        let escaped = ctx.input(|input| input.key_pressed(Key::Escape));
        Outcome { inner: shown.inner, escaped, is_new: first == frames }
    }
}
