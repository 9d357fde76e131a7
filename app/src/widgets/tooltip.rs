//! Tooltips: 12 pt, after 400 ms, at most 280 wide.

use egui::{Frame, Margin, Response, Tooltip};

use crate::theme::{self, Theme};

/// Adds a tooltip.
pub fn tooltip(response: Response, text: &str) -> Response {
    let mut tip = Tooltip::for_widget(&response).width(280.0).accessible_name(text);
    tip.popup = tip.popup.open(Tooltip::should_show_tooltip(&response, false));
    show(tip, &response, text);
    response
}

/// Shows a tooltip as long as this is called; for pictures of it.
pub fn tooltip_always(response: &Response, text: &str) {
    let tip = Tooltip::always_open(
        response.ctx.clone(),
        response.layer_id,
        response.id,
        egui::PopupAnchor::from(response),
    );
    show(tip, response, text);
}

fn show(mut tip: Tooltip<'_>, response: &Response, text: &str) {
    let theme = if response.ctx.global_style().visuals.dark_mode { &theme::DARK } else { &theme::LIGHT };
    tip.popup = tip.popup.frame(frame(theme));
    tip.show(|ui| {
        ui.label(egui::RichText::new(text).font(theme::regular(theme::META)).color(theme.text_1));
    });
}

fn frame(theme: &Theme) -> Frame {
    Frame::new()
        .fill(theme.surface_3)
        .stroke(theme.strong_stroke())
        .corner_radius(theme::R_TAG)
        .inner_margin(Margin::symmetric(10, 6))
        .shadow(theme.floating)
}
