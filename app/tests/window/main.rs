//! The window, by what people see of it: hand-made snapshots, found by accessible names, and pictures of them.

mod harness;
mod library;
mod widgets;
